#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "domain/objects/checksums.hpp"

namespace likeness::objects {

using Tags = std::map<std::string, std::string>;

enum class Versioning : std::uint8_t { Off, Enabled, Suspended };

/// How long a version may not be removed.
struct Retention {
  enum class Mode : std::uint8_t { Governance, Compliance };
  Mode mode = Mode::Governance;
  TimePoint until = {};

  bool operator==(const Retention&) const = default;
};

struct Bucket {
  std::string name = {};
  std::string id = {};  // of this making of the bucket: objects belong to it, not to the name
  std::string account = {};
  std::string region = {};
  TimePoint created = {};
  Versioning versioning = Versioning::Off;
  bool object_lock = false;
  /// What else was configured, by name ("cors"), in the form of whoever put it there.
  std::map<std::string, std::string> configurations = {};

  const std::string* configuration(const std::string& what) const {
    const auto found = configurations.find(what);
    return found == configurations.end() ? nullptr : &found->second;
  }
};

/// One run of an object's bytes: a blob, or an item of the store where it is small. Of a multipart upload also the part
/// that it was.
struct Piece {
  std::uint64_t size = 0;
  std::string blob = {};      // empty where `item` is set
  std::string item = {};      // id in the table of small contents
  int part_number = 0;        // 0: not of a multipart upload
  std::string checksum = {};  // of the part, base64
};

/// What the client says about an object.
struct Metadata {
  std::map<std::string, std::string> headers = {};  // "content-type", "cache-control" ...: lower-case names as in HTTP
  std::map<std::string, std::string> user = {};     // without "x-amz-meta-"
  std::string storage_class = "STANDARD";
  Tags tags = {};
  std::string acl = {};  // in the service's form; empty: private
  std::optional<Retention> retention = {};
  bool legal_hold = false;
};

/// One version of an object, or a delete marker.
struct Version {
  std::string key = {};
  /// 32 letters that sort the newest first. The version's id, unless `is_null`.
  std::string order = {};
  bool is_null = true;  // written while versioning was not enabled: its id is "null"
  bool is_delete_marker = false;
  bool is_latest = false;   // known of versions that were read
  TimePoint modified = {};  // whole seconds
  std::uint64_t size = 0;
  std::string etag = {};  // without quotes
  std::optional<Checksum> checksum = {};
  Metadata metadata = {};
  int part_count = 0;       // 0: not of a multipart upload
  std::string upload = {};  // which one
  std::vector<Piece> pieces = {};
  std::string manifest = {};  // where the pieces are instead, when they are many

  std::string version_id() const { return is_null ? "null" : order; }
};

/// A multipart upload that is neither completed nor aborted.
struct Upload {
  std::string id = {};
  std::string key = {};
  TimePoint initiated = {};
  Metadata metadata = {};
  std::optional<Checksum::Algorithm> algorithm = {};  // as asked for
  Checksum::Type checksum_type = Checksum::Type::FullObject;
};

struct Part {
  int number = 0;
  std::uint64_t size = 0;
  std::string etag = {};
  std::string checksum = {};  // base64, of the upload's algorithm
  TimePoint modified = {};
  Piece piece = {};
};

}  // namespace likeness::objects
