#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Small helpers of this module.
namespace likeness::policy {

inline char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool same_ignoring_case(std::string_view a, std::string_view b);
bool starts_ignoring_case(std::string_view text, std::string_view prefix);

/// At most `parts` parts; the last keeps what is left: "arn:aws:s3:::a:b" in six ends with "a:b".
std::vector<std::string_view> split(std::string_view text, char separator, std::size_t parts);

}  // namespace likeness::policy
