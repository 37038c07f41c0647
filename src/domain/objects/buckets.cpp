#include "domain/objects/buckets.hpp"

#include <utility>

#include "base/bytes.hpp"
#include "domain/objects/errors.hpp"
#include "domain/objects/layout.hpp"
#include "domain/objects/names.hpp"
#include "domain/objects/records.hpp"

namespace likeness::objects {

namespace {
constexpr int kAttempts = 50;
constexpr std::string_view kAll = "buckets";

storage::Key key_of(const std::string& name) { return {std::string(kAll), name}; }
}  // namespace

Result<Bucket> Buckets::create(const NewBucket& wanted) {
  if (auto named = check_bucket_name(wanted.name); !named) return fail(named);
  Bucket bucket{.name = wanted.name,
                .id = uuid_v4(),
                .account = wanted.account,
                .region = wanted.region,
                .created = std::chrono::floor<std::chrono::seconds>(clock_.now()),
                .versioning = wanted.object_lock ? Versioning::Enabled : Versioning::Off,
                .object_lock = wanted.object_lock,
                .configurations = wanted.configurations};
  auto made = store_.commit(
      {put_new(kBuckets, key_of(wanted.name), encode(bucket)), put(kAlive, {bucket.id, {}}, std::string(kIsAlive))});
  if (made) return bucket;
  if (made.error().code != "ConditionFailed") return from_storage(made.error());
  auto other = get(wanted.name);
  if (!other) return other.error().code == "NoSuchBucket" ? create(wanted) : other;
  return other->account == wanted.account ? bucket_is_yours() : bucket_exists();
}

Result<Bucket> Buckets::get(const std::string& name) const {
  auto found = store_.get(kBuckets, key_of(name));
  if (!found) return internal(found.error());
  if (!*found) return no_such_bucket();
  auto bucket = decode_bucket(name, **found);
  if (!bucket) return internal(bucket.error());
  return bucket;
}

Result<std::vector<Bucket>> Buckets::list() const {
  std::vector<Bucket> buckets;
  bool damaged = false;
  auto scanned = store_.scan(kBuckets, kAll, [&](std::string_view name, std::string_view value) {
    auto bucket = decode_bucket(name, value);
    damaged |= !bucket;
    if (bucket) buckets.push_back(std::move(*bucket));
    return !damaged;
  });
  if (!scanned) return internal(scanned.error());
  if (damaged)
    return internal(Error{.code = "StorageFailure", .message = "a bucket's record is damaged", .detail = {}});
  return buckets;
}

Result<Bucket> Buckets::update(const std::string& name, const std::function<Result<void>(Bucket&)>& change) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto found = store_.get(kBuckets, key_of(name));
    if (!found) return internal(found.error());
    if (!*found) return no_such_bucket();
    auto bucket = decode_bucket(name, **found);
    if (!bucket) return internal(bucket.error());
    if (auto changed = change(*bucket); !changed) return fail(changed);
    auto done = store_.commit({provided(put(kBuckets, key_of(name), encode(*bucket)), *found)});
    if (done) return bucket;
    if (done.error().code != "ConditionFailed") return from_storage(done.error());
  }
  return client_error("OperationAborted",
                      "A conflicting conditional operation is currently in progress against this resource. Please try "
                      "again.");
}

Result<Bucket> Buckets::remove(const std::string& name) {
  auto found = store_.get(kBuckets, key_of(name));
  if (!found) return internal(found.error());
  if (!*found) return no_such_bucket();
  auto bucket = decode_bucket(name, **found);
  if (!bucket) return internal(bucket.error());

  // From here on no write to the bucket succeeds, so that what is found empty stays empty.
  const storage::Key alive{bucket->id, {}};
  const std::string yes(kIsAlive);
  const std::string going(kIsBeingDeleted);
  auto closed = store_.commit({provided(put(kAlive, alive, going), yes)});
  if (!closed) {
    if (closed.error().code == "ConditionFailed") return no_such_bucket();
    return from_storage(closed.error());
  }
  auto objects = store_.range(kObjects, bucket->id, {.first = {}, .last = {}, .limit = 1, .reverse = false});
  if (!objects || !objects->items.empty()) {
    auto opened = store_.commit({put(kAlive, alive, yes)});
    if (!objects) return internal(objects.error());
    if (!opened) return from_storage(opened.error());
    return bucket_not_empty(bucket->versioning != Versioning::Off);
  }
  auto removed = store_.commit({erase(kBuckets, key_of(name)), erase(kAlive, alive)});
  if (!removed) return from_storage(removed.error());
  return bucket;
}

Result<void> Buckets::recover() {
  auto buckets = list();
  if (!buckets) return fail(buckets);
  for (const auto& bucket : *buckets) {
    auto alive = store_.get(kAlive, {bucket.id, {}});
    if (!alive) return internal(alive.error());
    if (*alive == std::string(kIsAlive)) continue;
    if (auto opened = store_.commit({put(kAlive, {bucket.id, {}}, std::string(kIsAlive))}); !opened)
      return from_storage(opened.error());
  }
  return {};
}

}  // namespace likeness::objects
