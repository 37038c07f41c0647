#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/change_feed.hpp"
#include "domain/key_latches.hpp"
#include "domain/objects/changes.hpp"
#include "domain/objects/contents.hpp"
#include "domain/objects/records.hpp"
#include "domain/objects/types.hpp"
#include "storage/store.hpp"

namespace likeness::objects {

inline constexpr std::uint64_t kMaxSinglePut = 5ull << 30;

/// What must be true of the current version for a write or removal to happen.
struct WriteConditions {
  std::optional<std::string> if_match = {};  // an ETag without quotes, or "*"
  bool if_none_match = false;                // If-None-Match: *

  bool any() const { return if_match.has_value() || if_none_match; }
};

struct Put {
  std::string key = {};
  Metadata metadata = {};
  Source source = {};
  Expected expected = {};
  WriteConditions conditions = {};
  Origin origin = {};
  std::string kind = "ObjectCreated:Put";
};

struct Removed {
  bool existed = false;         // something was removed, or a marker made
  bool made_marker = false;     // this removal made a delete marker
  bool removed_marker = false;  // this removal removed one
  std::string version_id = {};  // of what was made or removed; empty where there are no versions
};

struct Removal {
  std::string key = {};
  std::optional<std::string> version_id = {};
  bool bypass_governance = false;
  std::optional<std::string> if_match = {};
  Origin origin = {};
  std::string kind = "ObjectRemoved:Delete";
  std::string marker_kind = "ObjectRemoved:DeleteMarkerCreated";
};

/// Objects and their versions. A key's latch is held while its record is read, decided on and committed, never while
/// bytes stream; the commit itself expects the record that was read, so that other processes on the same store are
/// safe, too. Borrows; thread-safe; every method blocks. Errors: those named, NoSuchBucket (gone meanwhile),
/// InsufficientStorage, InternalError.
class Objects {
 public:
  Objects(storage::Store& store, Contents& contents, domain::ChangeFeed& feed, const Clock& clock)
      : store_(store), contents_(contents), feed_(feed), clock_(clock) {}

  /// Reads the source to its end, then makes the object visible at once; any error leaves everything as it was. Errors:
  /// those of Contents::write and of the source, KeyTooLongError, PreconditionFailed, NoSuchKey (If-Match without an
  /// object).
  Result<Version> put(const Bucket& bucket, const Put& put);

  /// The version, which may be a delete marker. Errors: NoSuchKey, NoSuchVersion, InvalidArgument.
  Result<Version> find(const Bucket& bucket, const std::string& key,
                       const std::optional<std::string>& version_id = std::nullopt) const;

  /// Both within the object. It stays readable when it is removed meanwhile.
  Result<std::unique_ptr<ContentReader>> open(const Version& version, std::uint64_t offset,
                                              std::uint64_t length) const {
    return contents_.open(version, offset, length);
  }

  /// Removing what is not there is no error. Errors: AccessDenied (locked), PreconditionFailed, InvalidArgument.
  Result<Removed> remove(const Bucket& bucket, const Removal& removal);

  /// Changes the metadata of a version in place. `change` may be called again. Errors: as `find`, MethodNotAllowed (a
  /// delete marker), those of `change`. `kind` goes to the feed, unless it is empty.
  Result<Version> modify(const Bucket& bucket, const std::string& key, const std::optional<std::string>& version_id,
                         const std::function<Result<void>(Metadata&)>& change, const std::string& kind,
                         const Origin& origin);

  /// Makes `version` the current one of its key; order, is_null and modified are set here. `writes` become part of the
  /// commit. For uploads.
  Result<Version> add(const Bucket& bucket, Version version, const std::vector<storage::Write>& writes,
                      const WriteConditions& conditions, const std::string& kind, const Origin& origin);

  Contents& contents() { return contents_; }

 private:
  struct Found {
    std::optional<std::string> stored;  // as it lies there
    std::optional<Current> current;
  };
  Result<Found> read(const Bucket& bucket, const std::string& key) const;
  /// Whether to try again: the commit's expectations failed because someone else was first.
  Result<void> retry_or_fail(const Bucket& bucket, const Error& error, int attempt) const;
  /// What becomes of the version that was current until `next` came before it. A null version replaces the one that
  /// there is; what is replaced becomes garbage.
  Result<void> displace(const Bucket& bucket, const Current& current, Current& next,
                        std::vector<storage::Write>& writes, Contents::Garbage& garbage) const;
  domain::ChangeFeed::Entry entry_of(const Bucket& bucket, const Version& version, const std::string& kind,
                                     const Origin& origin);
  Result<std::optional<Removed>> try_remove_version(const Bucket& bucket, const Removal& removal, int attempt);
  Result<std::optional<Removed>> try_remove_current(const Bucket& bucket, const Removal& removal, int attempt);

  storage::Store& store_;
  Contents& contents_;
  domain::ChangeFeed& feed_;
  const Clock& clock_;
  mutable domain::KeyLatches latches_;
};

/// Whether a version may be removed or replaced now. Error: AccessDenied.
Result<void> check_lock(const Version& version, bool bypass_governance, TimePoint now);
/// Errors: PreconditionFailed, NoSuchKey.
Result<void> check_conditions(const WriteConditions& conditions, const Version* current);

}  // namespace likeness::objects
