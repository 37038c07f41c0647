#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/objects/types.hpp"
#include "storage/store.hpp"

namespace likeness::objects {

struct NewBucket {
  std::string name = {};
  std::string account = {};
  std::string region = {};
  bool object_lock = false;
  std::map<std::string, std::string> configurations = {};
};

/// The buckets of this server: one space of names for all accounts. Borrows; thread-safe; every method blocks.
/// Errors: those named, InternalError.
class Buckets {
 public:
  Buckets(storage::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  /// Errors: InvalidBucketName, BucketAlreadyOwnedByYou, BucketAlreadyExists.
  Result<Bucket> create(const NewBucket& wanted);
  /// Error: NoSuchBucket.
  Result<Bucket> get(const std::string& name) const;
  /// In the order of their names.
  Result<std::vector<Bucket>> list() const;
  /// Changes a bucket; `change` may be called again if another request was first. Error: NoSuchBucket, and those of
  /// `change`.
  Result<Bucket> update(const std::string& name, const std::function<Result<void>(Bucket&)>& change);
  /// Gives the bucket that was; uploads in progress go with it (Uploads::forget). Errors: NoSuchBucket,
  /// BucketNotEmpty.
  Result<Bucket> remove(const std::string& name);

  /// Puts right what a crash left between the steps of `remove`.
  Result<void> recover();

 private:
  storage::Store& store_;
  const Clock& clock_;
};

}  // namespace likeness::objects
