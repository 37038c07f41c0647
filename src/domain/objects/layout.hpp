#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/store.hpp"

/// Where things lie in the store.
///
/// | table | partition | sort | value |
/// |---|---|---|---|
/// | s3-buckets | "buckets" | name | the bucket with its configurations |
/// | s3-alive | bucket's id | - | "1", "deleting"; every write to the bucket expects "1" |
/// | s3-objects | bucket's id | key | the current version: an object or a delete marker |
/// | s3-versions | bucket's id, 00, key | order | a noncurrent version |
/// | s3-contents | item's id | - | bytes of a small object |
/// | s3-blobs | "blobs" | blob's id | - ; a blob without an entry is garbage |
/// | s3-manifests | manifest's id | number | some hundred pieces of an object of many |
/// | s3-uploads | bucket's id | upload's id | an upload in progress |
/// | s3-parts | upload's id | part's number | a part of it |
/// | s3-garbage | "garbage" | id | pieces, a manifest or parts that are still to be removed |
///
/// A key of 1024 bytes so fits an engine whose sort keys end there.
namespace likeness::objects {

inline constexpr std::string_view kBuckets = "s3-buckets";
inline constexpr std::string_view kAlive = "s3-alive";
inline constexpr std::string_view kObjects = "s3-objects";
inline constexpr std::string_view kVersions = "s3-versions";
inline constexpr std::string_view kContents = "s3-contents";
inline constexpr std::string_view kBlobs = "s3-blobs";
inline constexpr std::string_view kManifests = "s3-manifests";
inline constexpr std::string_view kUploads = "s3-uploads";
inline constexpr std::string_view kParts = "s3-parts";
inline constexpr std::string_view kGarbage = "s3-garbage";

inline constexpr std::string_view kIsAlive = "1";
inline constexpr std::string_view kIsBeingDeleted = "deleting";

inline std::string versions_of(std::string_view bucket_id, std::string_view key) {
  std::string partition(bucket_id);
  partition.push_back('\0');
  partition.append(key);
  return partition;
}

/// Sorts as the number does.
inline std::string sort_of(std::uint32_t number) {
  std::string sort(4, '\0');
  for (std::size_t i = 4; i-- > 0; number >>= 8) sort[i] = static_cast<char>(number & 0xff);
  return sort;
}
inline std::uint32_t number_of(std::string_view sort) {
  std::uint32_t number = 0;
  for (const char byte : sort) number = number << 8 | static_cast<std::uint8_t>(byte);
  return number;
}

inline storage::Write put(std::string_view table, storage::Key key, std::string value) {
  return {.table = std::string(table), .key = std::move(key), .value = std::move(value), .expected_value = {}};
}
inline storage::Write put_new(std::string_view table, storage::Key key, std::string value) {
  return {.table = std::string(table),
          .key = std::move(key),
          .value = std::move(value),
          .expect = storage::Write::Expect::Absent,
          .expected_value = {}};
}
inline storage::Write erase(std::string_view table, storage::Key key) {
  return {.table = std::string(table), .key = std::move(key), .value = {}, .expected_value = {}};
}
/// Makes a write fail that was decided on another state than `expected`.
inline storage::Write provided(storage::Write write, const std::optional<std::string>& expected) {
  write.expect = expected ? storage::Write::Expect::SameValue : storage::Write::Expect::Absent;
  if (expected) write.expected_value = *expected;
  return write;
}

/// Part of every commit that writes to a bucket: fails when the bucket is gone or going.
inline storage::Write bucket_is_alive(const std::string& bucket_id) {
  return provided(put(kAlive, {bucket_id, {}}, std::string(kIsAlive)), std::string(kIsAlive));
}

}  // namespace likeness::objects
