#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/objects/types.hpp"

/// What headers of reads and copies say, taken apart. No network, no store: also run by the fuzzer.
namespace likeness::s3 {

struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
};

/// "bytes=0-99", "bytes=-500", "bytes=100-" of an object of `size`. nullopt for what S3 does not take as one range (it
/// then answers with the whole object). Error: InvalidRange.
Result<std::optional<ByteRange>> parse_range(std::string_view header, std::uint64_t size);

/// "bytes=0-99" of the source of a copy: both ends have to be there, and within the object. Errors: InvalidArgument,
/// InvalidRequest.
Result<ByteRange> parse_copy_range(std::string_view header, std::uint64_t size);

/// "/bucket/key%20name?versionId=x", with or without the first slash.
struct CopySource {
  std::string bucket;
  std::string key;
  std::optional<std::string> version_id;
};
/// Error: InvalidArgument.
Result<CopySource> parse_copy_source(std::string_view header);

struct ReadConditions {
  std::optional<std::string> if_match;
  std::optional<std::string> if_none_match;
  std::optional<TimePoint> if_modified_since;
  std::optional<TimePoint> if_unmodified_since;
};
/// The condition that does not hold, in the order of RFC 9110; nullopt when all do.
struct Unmet {
  std::string header;         // "If-Match"
  bool not_modified = false;  // 304 rather than 412
};
std::optional<Unmet> unmet(const ReadConditions& conditions, const objects::Version& version);

}  // namespace likeness::s3
