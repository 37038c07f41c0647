#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/caller.hpp"
#include "domain/faces/eraser.hpp"
#include "domain/faces/live_collection.hpp"
#include "domain/faces/records.hpp"
#include "domain/page_tokens.hpp"
#include "storage/store.hpp"

namespace likeness::domain {

/// Limits on what is kept. 0: no limit. AWS's values are in the comments; `faces_per_user` and `tags` are part of the
/// API's documented behaviour and therefore always on.
struct Quotas {
  std::size_t collections = 0;           // of an account in a region
  std::size_t faces_per_collection = 0;  // AWS: 20,000,000
  std::size_t users_per_collection = 0;  // AWS: 10,000,000
  std::size_t faces_per_user = 100;
  std::size_t tags = 200;
};

using Tags = std::map<std::string, std::string>;

/// Collections: their records in the store and, of those in use, their indexes in memory. Thread-safe; every method
/// blocks. Outlives the requests that use it.
class Collections {
 public:
  struct Description {
    Collection collection;
    std::string arn;
    std::uint64_t face_count = 0;
    std::uint64_t user_count = 0;
  };
  struct Listing {
    struct Item {
      std::string id;
      std::string face_model_version;
    };
    std::vector<Item> items;
    std::optional<std::string> next_token;
  };

  Collections(storage::Store& store, MakeIndex make_index, const PageTokens& tokens, const Clock& clock,
              std::string face_model_version, Quotas quotas);
  ~Collections();

  /// Errors: ResourceAlreadyExistsException, ServiceQuotaExceededException.
  Result<Collection> create(const Caller& caller, const std::string& id, Tags tags);
  /// Errors of these: ResourceNotFoundException.
  Result<Description> describe(const Caller& caller, const std::string& id);
  Result<void> remove(const Caller& caller, const std::string& id);
  /// At most `limit` (1..4096) ids in the order of their bytes. Error: InvalidPaginationTokenException.
  Result<Listing> list(const Caller& caller, std::size_t limit, const std::optional<std::string>& token);

  /// `arn` may have the form of CreateCollection's answer, without the leading "arn:". Errors:
  /// InvalidParameterException (not the ARN of a collection), ResourceNotFoundException, ServiceQuotaExceededException.
  Result<void> tag(const Caller& caller, const std::string& arn, const Tags& tags);
  Result<void> untag(const Caller& caller, const std::string& arn, const std::vector<std::string>& keys);
  Result<Tags> tags_of(const Caller& caller, const std::string& arn);

  /// The collection with its indexes, read from the store if this is its first use. Errors:
  /// ResourceNotFoundException.
  Result<std::shared_ptr<LiveCollection>> open(const Caller& caller, const std::string& id);

  storage::Store& store() { return store_; }
  const PageTokens& tokens() const { return tokens_; }
  const Clock& clock() const { return clock_; }
  const Quotas& quotas() const { return quotas_; }
  Eraser& eraser() { return eraser_; }

 private:
  struct Slot {
    std::shared_ptr<LiveCollection> live;  // set when ready
    bool failed = false;
  };

  Result<Collection> read(const Caller& caller, const std::string& id) const;
  Result<std::shared_ptr<LiveCollection>> load(const Caller& caller, Collection collection);
  void drop(const std::string& generation);
  /// Reads, changes and writes a collection's record; `change` may be called again if another request was first.
  Result<void> update(const Caller& caller, const std::string& arn,
                      const std::function<Result<void>(Collection&)>& change);

  storage::Store& store_;
  const MakeIndex make_index_;
  const PageTokens& tokens_;
  const Clock& clock_;
  const std::string face_model_version_;
  const Quotas quotas_;
  Eraser eraser_;

  std::mutex mutex_;
  std::condition_variable loaded_;
  std::unordered_map<std::string, std::shared_ptr<Slot>> slots_;  // by generation
};

/// "arn:aws:rekognition:REGION:ACCOUNT:collection/ID", the form of DescribeCollection.
std::string collection_arn(const Caller& caller, std::string_view id);
/// "aws:rekognition:REGION:ACCOUNT:collection/ID": CreateCollection's answer lacks the "arn:", in AWS's CLI reference
/// as in recorded CloudTrail events.
std::string short_collection_arn(const Caller& caller, std::string_view id);

}  // namespace likeness::domain
