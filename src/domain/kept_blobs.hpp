#pragma once

#include <string>
#include <string_view>

#include "storage/store.hpp"

/// Blobs that some part of the server keeps, besides those of objects: when the server starts, blobs that nobody keeps
/// are removed as what a crash left. Put the write into the commit that names the blob, before any restart.
namespace likeness::domain {

inline constexpr std::string_view kKeptBlobs = "kept-blobs";

inline storage::Key kept_blob_key(std::string_view id) { return {std::string(id), {}}; }
/// `owner` is for people who look.
inline storage::Write keep_blob(std::string_view id, std::string_view owner) {
  return {
      .table = std::string(kKeptBlobs), .key = kept_blob_key(id), .value = std::string(owner), .expected_value = {}};
}
inline storage::Write release_blob(std::string_view id) {
  return {.table = std::string(kKeptBlobs), .key = kept_blob_key(id), .value = std::nullopt, .expected_value = {}};
}

}  // namespace likeness::domain
