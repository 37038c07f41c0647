#include "services/s3/lifecycle.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "domain/objects/listing.hpp"

namespace likeness::s3 {

namespace {

using std::chrono::days;

/// Whether `age` days are over, counted from the midnight after `since`.
bool is_due(TimePoint since, int age, TimePoint now) {
  const auto midnight = std::chrono::ceil<days>(since + days(age));
  return now >= midnight;
}

struct Filter {
  std::string prefix;
  std::vector<shapes::Tag> tags;
  std::optional<std::int64_t> larger_than;
  std::optional<std::int64_t> smaller_than;

  bool takes(const objects::Version& version) const {
    if (!version.key.starts_with(prefix)) return false;
    const auto size = static_cast<std::int64_t>(version.size);
    if (larger_than && size <= *larger_than) return false;
    if (smaller_than && size >= *smaller_than) return false;
    return std::ranges::all_of(tags, [&](const shapes::Tag& tag) {
      const auto found = version.metadata.tags.find(tag.key.value_or(""));
      return found != version.metadata.tags.end() && found->second == tag.value.value_or("");
    });
  }
  bool plain() const { return tags.empty() && !larger_than && !smaller_than; }
};

Filter filter_of(const shapes::LifecycleRule& rule) {
  Filter filter;
  filter.prefix = rule.prefix.value_or("");
  if (!rule.filter) return filter;
  const auto& given = *rule.filter;
  if (given.prefix) filter.prefix = *given.prefix;
  if (given.tag) filter.tags.push_back(*given.tag);
  filter.larger_than = given.object_size_greater_than;
  filter.smaller_than = given.object_size_less_than;
  if (given.and_) {
    if (given.and_->prefix) filter.prefix = *given.and_->prefix;
    if (given.and_->tags) filter.tags = *given.and_->tags;
    filter.larger_than = given.and_->object_size_greater_than;
    filter.smaller_than = given.and_->object_size_less_than;
  }
  return filter;
}

/// Calls `visit` with all versions of each key, newest first.
template <class Visit>
Result<void> each_key(objects::ObjectStore& store, const objects::Bucket& bucket, const std::string& prefix,
                      Visit visit) {
  objects::VersionQuery query{.prefix = prefix};
  std::vector<objects::Version> of_key;
  while (true) {
    auto page = objects::list_versions(store.store, bucket, query);
    if (!page) return fail(page);
    for (auto& version : page->versions) {
      if (!of_key.empty() && of_key.front().key != version.key) visit(std::exchange(of_key, {}));
      of_key.push_back(std::move(version));
    }
    if (!page->truncated) break;
    query.key_marker = page->next_key;
    query.version_marker = page->next_version;
  }
  if (!of_key.empty()) visit(std::move(of_key));
  return {};
}

}  // namespace

Lifecycle::~Lifecycle() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Lifecycle::start(std::chrono::milliseconds interval) {
  thread_ = std::thread([this, interval] {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, interval, [this] { return stopping_; })) {
      lock.unlock();
      run(store_.clock.now());
      lock.lock();
    }
  });
}

Lifecycle::Done Lifecycle::run(TimePoint now) {
  Done done;
  auto buckets = store_.buckets.list();
  if (!buckets) {
    log::warn("lifecycle rules could not be applied: {}", buckets.error().detail);
    return done;
  }
  for (const auto& bucket : *buckets) {
    const auto lifecycle = configured<shapes::PutBucketLifecycleConfiguration, shapes::BucketLifecycleConfiguration>(
        bucket, configuration::kLifecycle, "LifecycleConfiguration");
    if (!lifecycle || !lifecycle->rules) continue;
    for (const auto& rule : *lifecycle->rules) {
      if (rule.status != shapes::ExpirationStatus::Enabled) continue;
      const Done of_rule = run(bucket, rule, now);
      done.versions += of_rule.versions;
      done.uploads += of_rule.uploads;
    }
  }
  return done;
}

Lifecycle::Done Lifecycle::run(const objects::Bucket& bucket, const shapes::LifecycleRule& rule, TimePoint now) {
  Done done;
  const Filter filter = filter_of(rule);
  const auto remove = [&](const objects::Version& version, std::optional<std::string> id) {
    auto removed = store_.objects.remove(bucket, {.key = version.key,
                                                  .version_id = std::move(id),
                                                  .if_match = {},
                                                  .origin = {.principal = "lifecycle.s3.amazonaws.com"},
                                                  .kind = "LifecycleExpiration:Delete",
                                                  .marker_kind = "LifecycleExpiration:DeleteMarkerCreated"});
    if (removed)
      ++done.versions;
    else if (removed.error().code != "AccessDenied")  // locked ones wait
      log::warn("a lifecycle rule could not remove an object: {} {}", removed.error().message, removed.error().detail);
  };
  const auto& expiration = rule.expiration;
  const auto& noncurrent = rule.noncurrent_version_expiration;
  const auto of_key = [&](const std::vector<objects::Version>& versions) {
    const objects::Version& current = versions.front();
    if (expiration && !current.is_delete_marker && filter.takes(current)) {
      const bool due = expiration->days   ? is_due(current.modified, *expiration->days, now)
                       : expiration->date ? now >= *expiration->date
                                          : false;
      if (due) remove(current, std::nullopt);
    } else if (expiration && current.is_delete_marker && versions.size() == 1 && filter.plain() &&
               (expiration->expired_object_delete_marker.value_or(false) ||
                (expiration->days && is_due(current.modified, *expiration->days, now)))) {
      remove(current, current.version_id());
    }
    if (!noncurrent) return;
    const auto kept = static_cast<std::size_t>(noncurrent->newer_noncurrent_versions.value_or(0));
    for (std::size_t i = 1 + kept; i < versions.size(); ++i)
      // It became noncurrent when the next one was made.
      if (filter.takes(versions[i]) && is_due(versions[i - 1].modified, noncurrent->noncurrent_days.value_or(0), now))
        remove(versions[i], versions[i].version_id());
  };
  if (expiration || noncurrent)
    if (auto walked = each_key(store_, bucket, filter.prefix, of_key); !walked)
      log::warn("a lifecycle rule could not be applied: {}", walked.error().detail);
  if (rule.abort_incomplete_multipart_upload) {
    objects::UploadQuery query{.prefix = filter.prefix, .limit = SIZE_MAX};
    auto uploads = store_.uploads.list(bucket, query);
    if (!uploads) return done;
    for (const auto& upload : uploads->uploads)
      if (is_due(upload.initiated, rule.abort_incomplete_multipart_upload->days_after_initiation.value_or(0), now))
        if (store_.uploads.abort(bucket, upload.key, upload.id)) ++done.uploads;
  }
  return done;
}

}  // namespace likeness::s3
