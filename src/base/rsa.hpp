#pragma once

#include "base/bytes.hpp"

namespace likeness {

/// RSASSA-PKCS1-v1_5 with SHA-256 (the RS256 of JSON Web Tokens). `modulus` and `exponent` are big-endian. False for a
/// signature that is wrong and for a key that cannot be one; keys under 2048 bits are refused.
bool verify_rs256(BytesView modulus, BytesView exponent, BytesView data, BytesView signature);

}  // namespace likeness
