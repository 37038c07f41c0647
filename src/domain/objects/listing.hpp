#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "domain/objects/types.hpp"
#include "storage/store.hpp"

namespace likeness::objects {

struct ListQuery {
  std::string prefix = {};
  std::string delimiter = {};  // empty: none
  std::string after = {};      // only what sorts behind it; a common prefix at or before it is left out
  std::size_t limit = 1000;
};

/// Keys and common prefixes together in the order of their bytes.
struct ObjectList {
  std::vector<Version> objects = {};
  std::vector<std::string> common_prefixes = {};
  bool truncated = false;
  std::string last = {};  // the last of either: where to go on `after`
};

struct VersionQuery {
  std::string prefix = {};
  std::string delimiter = {};
  std::string key_marker = {};
  std::string version_marker = {};  // empty: behind all versions of key_marker
  std::size_t limit = 1000;
};

struct VersionList {
  std::vector<Version> versions = {};
  std::vector<std::string> common_prefixes = {};
  bool truncated = false;
  std::string next_key = {};
  std::string next_version = {};
};

/// Reads as many records as it lists and a few more: keys below a common prefix are jumped over, however many.
Result<ObjectList> list_objects(const storage::Store& store, const Bucket& bucket, const ListQuery& query);
Result<VersionList> list_versions(const storage::Store& store, const Bucket& bucket, const VersionQuery& query);

/// The common prefix that stands for `key`; empty if the key stands for itself.
std::string common_prefix_of(const std::string& key, const std::string& prefix, const std::string& delimiter);

}  // namespace likeness::objects
