#pragma once

#include <string_view>

namespace likeness {

/// Whether a text is one X.509 certificate in PEM, and nothing after it but white space.
bool is_certificate(std::string_view pem);

}  // namespace likeness
