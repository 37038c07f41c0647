#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace likeness::states {

inline bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1F\x8B"); }

/// What a gzip file holds, of several members one after the other. Errors: "Damaged", "TooLarge" (more than `limit`).
Result<std::string> gunzip(std::string_view bytes, std::size_t limit);

}  // namespace likeness::states
