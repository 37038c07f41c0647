#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "domain/objects/objects.hpp"

namespace likeness::objects {

inline constexpr int kMaxPartNumber = 10'000;
inline constexpr std::uint64_t kMinPartBytes = 5ull << 20;  // of all but the last
inline constexpr std::uint64_t kMaxObjectBytes = 50ull << 40;

struct NewUpload {
  std::string key = {};
  Metadata metadata = {};
  std::optional<Checksum::Algorithm> algorithm = {};
  std::optional<Checksum::Type> checksum_type = {};
};

struct PartUpload {
  std::string key = {};
  std::string upload_id = {};
  int number = 1;
  Source source = {};
  Expected expected = {};  // its algorithm is the upload's, unless `checksum_given`
  bool checksum_given = false;
};

struct CompletedPart {
  int number = 0;
  std::string etag = {};  // without quotes
  std::optional<Checksum::Algorithm> algorithm = {};
  std::string checksum = {};
};

struct Completion {
  std::string key = {};
  std::string upload_id = {};
  std::vector<CompletedPart> parts = {};
  std::optional<std::uint64_t> size = {};  // what the client thinks it is
  std::optional<Checksum> checksum = {};   // of the whole
  std::optional<Checksum::Type> checksum_type = {};
  WriteConditions conditions = {};
  Origin origin = {};
};

struct UploadQuery {
  std::string prefix = {};
  std::string delimiter = {};
  std::string key_marker = {};
  std::string upload_marker = {};
  std::size_t limit = 1000;
};
struct UploadList {
  std::vector<Upload> uploads = {};
  std::vector<std::string> common_prefixes = {};
  bool truncated = false;
  std::string next_key = {};
  std::string next_upload = {};
};
struct PartList {
  Upload upload = {};
  std::vector<Part> parts = {};
  bool truncated = false;
};

/// Multipart uploads. Completing one copies nothing: the object is the list of its parts' blobs. Borrows; thread-safe;
/// every method blocks. Errors: NoSuchUpload wherever an upload is named, and those of Objects.
class Uploads {
 public:
  Uploads(storage::Store& store, Objects& objects, const Clock& clock)
      : store_(store), objects_(objects), clock_(clock) {}

  /// Error: InvalidRequest (an algorithm that has no checksum of that type).
  Result<Upload> create(const Bucket& bucket, const NewUpload& wanted);
  Result<Upload> get(const Bucket& bucket, const std::string& key, const std::string& upload_id) const;
  /// A part of that number that is there already is replaced. Errors: InvalidArgument, InvalidRequest, those of
  /// Contents::write.
  Result<Part> put_part(const Bucket& bucket, const PartUpload& part);
  /// Once more after it was completed it gives what was made, while that is the current version. Errors: MalformedXML
  /// (no parts), InvalidPart, InvalidPartOrder, EntityTooSmall, InvalidRequest, BadDigest,
  /// PreconditionFailed.
  Result<Version> complete(const Bucket& bucket, const Completion& completion);
  Result<void> abort(const Bucket& bucket, const std::string& key, const std::string& upload_id);

  Result<PartList> list_parts(const Bucket& bucket, const std::string& key, const std::string& upload_id, int after,
                              std::size_t limit) const;
  /// By key, then by time.
  Result<UploadList> list(const Bucket& bucket, const UploadQuery& query) const;

  /// All uploads of a bucket that is gone.
  Result<void> forget(const Bucket& bucket);

 private:
  storage::Store& store_;
  Objects& objects_;
  const Clock& clock_;
  mutable domain::KeyLatches latches_;
};

}  // namespace likeness::objects
