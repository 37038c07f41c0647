#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.hpp"

/// AWS Signature Version 2 as far as S3's clients still use it: for URLs ("?AWSAccessKeyId=...&Expires=...&Signature=")
/// and policies of forms, which SDKs sign so in us-east-1 unless they are told otherwise.
/// Source: Amazon S3 User Guide, "Signing and authenticating REST requests (AWS Signature Version 2)".
namespace likeness::aws {

/// What a URL says of its own signature.
struct UrlClaimV2 {
  std::string access_key_id;
  std::string session_token;  // empty: none
  std::int64_t expires = 0;   // seconds of Unix time
  std::string signature;      // base64
};
/// Nullopt for URLs that are not signed in this way, or not whole.
std::optional<UrlClaimV2> read_url_claim_v2(const net::Request& request);

/// `bucket` is that of the host name, which is signed as if it were in the path; empty: it is there already.
std::string string_to_sign_v2(const net::Request& request, std::string_view bucket);

/// Base64 of HMAC-SHA1.
std::string signature_v2(std::string_view secret, std::string_view text);

}  // namespace likeness::aws
