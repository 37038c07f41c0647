#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace likeness::objects {

inline constexpr std::size_t kMaxKeyBytes = 1024;

/// The rules for names of general purpose buckets. Error: InvalidBucketName.
Result<void> check_bucket_name(std::string_view name);
/// Errors: KeyTooLongError, InvalidRequest (empty), InvalidArgument (not UTF-8, or with a NUL).
Result<void> check_key(std::string_view key);
bool is_utf8(std::string_view text);

/// A version's place among those of its key: 32 letters that sort the newest first. `after` is the newest that the key
/// has; the new one sorts before it whatever the clock says.
std::string new_order(TimePoint now, std::string_view after);
/// Whether a text can be the id of a version: 32 letters, or "null".
bool is_version_id(std::string_view id);

/// 128 letters, as upload ids are.
std::string new_upload_id();

}  // namespace likeness::objects
