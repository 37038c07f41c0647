#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace likeness::objects {

/// Who asked for a change, for those who are told of it.
struct Origin {
  std::string principal = {};  // the caller's ARN; empty for an anonymous one
  std::string source_ip = {};
  std::string request_id = {};
};

/// The body of a change in the feed "s3"; its kind is "ObjectCreated:Put" and so on, its resource the bucket's name.
/// The position in the feed serves as the sequencer.
struct ObjectChange {
  std::string key = {};
  std::string version_id = {};  // empty where the bucket has no versions
  std::string etag = {};
  std::uint64_t size = 0;
  std::string account = {};  // the bucket's owner
  std::string region = {};
  Origin origin = {};
};

std::string encode(const ObjectChange& change);
Result<ObjectChange> decode_object_change(std::string_view body);

}  // namespace likeness::objects
