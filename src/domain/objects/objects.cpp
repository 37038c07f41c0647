#include "domain/objects/objects.hpp"

#include <thread>
#include <utility>

#include "domain/objects/errors.hpp"
#include "domain/objects/layout.hpp"
#include "domain/objects/names.hpp"

namespace likeness::objects {

namespace {

constexpr int kAttempts = 100;

void append(std::vector<storage::Write>& to, const std::vector<storage::Write>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

storage::Write put_current(const Bucket& bucket, const Current& current, const std::optional<std::string>& expected) {
  return provided(put(kObjects, {bucket.id, current.version.key}, encode(current)), expected);
}

storage::Key version_key(const Bucket& bucket, const Version& version) {
  return {versions_of(bucket.id, version.key), version.order};
}

}  // namespace

Result<void> check_lock(const Version& version, bool bypass_governance, TimePoint now) {
  if (version.metadata.legal_hold) return protected_by_lock();
  const auto& retention = version.metadata.retention;
  if (!retention || retention->until <= now) return {};
  if (retention->mode == Retention::Mode::Governance && bypass_governance) return {};
  return protected_by_lock();
}

Result<void> check_conditions(const WriteConditions& conditions, const Version* current) {
  const bool exists = current != nullptr && !current->is_delete_marker;
  if (conditions.if_none_match && exists) return precondition_failed();
  if (conditions.if_match) {
    if (!exists) return no_such_key();
    if (*conditions.if_match != "*" && *conditions.if_match != current->etag) return precondition_failed();
  }
  return {};
}

Result<Objects::Found> Objects::read(const Bucket& bucket, const std::string& key) const {
  auto stored = store_.get(kObjects, {bucket.id, key});
  if (!stored) return internal(stored.error());
  Found found{.stored = std::move(*stored), .current = {}};
  if (found.stored) {
    auto current = decode_current(key, *found.stored);
    if (!current) return internal(current.error());
    found.current = std::move(*current);
  }
  return found;
}

Result<void> Objects::retry_or_fail(const Bucket& bucket, const Error& error, int attempt) const {
  if (error.code != "ConditionFailed") return from_storage(error);
  auto alive = store_.get(kAlive, {bucket.id, {}});
  if (!alive) return internal(alive.error());
  if (!*alive) return no_such_bucket();
  if (attempt + 1 >= kAttempts) return conflict_of_writers();
  if (**alive == kIsBeingDeleted) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return {};
}

domain::ChangeFeed::Entry Objects::entry_of(const Bucket& bucket, const Version& version, const std::string& kind,
                                            const Origin& origin) {
  return feed_.begin(kind, bucket.name,
                     encode(ObjectChange{.key = version.key,
                                         .version_id = version.is_null ? std::string() : version.order,
                                         .etag = version.etag,
                                         .size = version.size,
                                         .account = bucket.account,
                                         .region = bucket.region,
                                         .origin = origin}));
}

Result<Version> Objects::put(const Bucket& bucket, const Put& put) {
  if (auto named = check_key(put.key); !named) return fail(named);
  if (put.conditions.any()) {  // before the bytes come in; decided again with the commit
    auto found = read(bucket, put.key);
    if (!found) return fail(found);
    if (auto met = check_conditions(put.conditions, found->current ? &found->current->version : nullptr); !met)
      return fail(met);
  }
  Expected expected = put.expected;
  expected.max_size = std::min(expected.max_size, kMaxSinglePut);
  auto written = contents_.write(put.source, expected);
  if (!written) return fail(written);
  Version version;
  version.key = put.key;
  version.size = written->piece.size;
  version.etag = written->md5;
  version.checksum = Checksum{.algorithm = expected.algorithm, .value = written->checksum};
  version.metadata = put.metadata;
  if (version.size > 0) version.pieces.push_back(written->piece);
  auto added = add(bucket, std::move(version), written->writes, put.conditions, put.kind, put.origin);
  if (added) written->keep();
  return added;
}

Result<Version> Objects::add(const Bucket& bucket, Version version, const std::vector<storage::Write>& extra,
                             const WriteConditions& conditions, const std::string& kind, const Origin& origin) {
  const auto held = latches_.acquire({bucket.id + "/" + version.key});
  version.is_null = bucket.versioning != Versioning::Enabled;
  version.is_latest = true;
  for (int attempt = 0;; ++attempt) {
    auto found = read(bucket, version.key);
    if (!found) return fail(found);
    auto& current = found->current;
    if (auto met = check_conditions(conditions, current ? &current->version : nullptr); !met) return fail(met);
    const TimePoint now = clock_.now();
    version.order = new_order(now, current ? current->version.order : std::string());
    version.modified = std::chrono::floor<std::chrono::seconds>(now);

    std::vector<storage::Write> writes{bucket_is_alive(bucket.id)};
    append(writes, extra);
    Contents::Garbage garbage;
    Current next{.version = version, .has_others = false, .null_order = {}};
    if (current)
      if (auto displaced = displace(bucket, *current, next, writes, garbage); !displaced) return fail(displaced);
    writes.push_back(put_current(bucket, next, found->stored));
    append(writes, garbage.writes);
    const auto entry = entry_of(bucket, version, kind, origin);
    writes.push_back(entry.write());
    auto done = store_.commit(std::move(writes));
    if (done) {
      contents_.finish(garbage);
      return version;
    }
    if (auto again = retry_or_fail(bucket, done.error(), attempt); !again) return fail(again);
  }
}

Result<void> Objects::displace(const Bucket& bucket, const Current& current, Current& next,
                               std::vector<storage::Write>& writes, Contents::Garbage& garbage) const {
  const Version& old = current.version;
  next.has_others = current.has_others;
  next.null_order = current.null_order;
  if (next.version.is_null && old.is_null) {
    contents_.discard(old, garbage);
    return {};
  }
  writes.push_back(objects::put(kVersions, version_key(bucket, old), encode(old)));
  next.has_others = true;
  if (old.is_null) next.null_order = old.order;
  if (!next.version.is_null || current.null_order.empty()) return {};
  // There is one version with the id "null": the new one from now on.
  const storage::Key key{versions_of(bucket.id, old.key), current.null_order};
  auto replaced = store_.get(kVersions, key);
  if (!replaced) return internal(replaced.error());
  if (*replaced) {
    auto other = decode_version(old.key, **replaced);
    if (!other) return internal(other.error());
    contents_.discard(*other, garbage);
    writes.push_back(provided(erase(kVersions, key), *replaced));
  }
  next.null_order.clear();
  return {};
}

Result<Version> Objects::find(const Bucket& bucket, const std::string& key,
                              const std::optional<std::string>& version_id) const {
  if (auto named = check_key(key); !named) return fail(named);
  if (version_id && !is_version_id(*version_id)) return bad_version_id();
  auto found = read(bucket, key);
  if (!found) return fail(found);
  auto& current = found->current;
  if (!version_id) {
    if (!current) return no_such_key();
    return std::move(current->version);
  }
  if (!current) return no_such_version();
  if (current->version.version_id() == *version_id) return std::move(current->version);
  const std::string& order = *version_id == "null" ? current->null_order : *version_id;
  if (order.empty()) return no_such_version();
  auto stored = store_.get(kVersions, {versions_of(bucket.id, key), order});
  if (!stored) return internal(stored.error());
  if (!*stored) return no_such_version();
  auto version = decode_version(key, **stored);
  if (!version) return internal(version.error());
  if (version->is_null != (*version_id == "null")) return no_such_version();
  return version;
}

Result<Removed> Objects::remove(const Bucket& bucket, const Removal& removal) {
  if (auto named = check_key(removal.key); !named) return fail(named);
  if (removal.version_id && !is_version_id(*removal.version_id)) return bad_version_id();
  const auto held = latches_.acquire({bucket.id + "/" + removal.key});
  for (int attempt = 0;; ++attempt) {
    auto done = removal.version_id ? try_remove_version(bucket, removal, attempt)
                                   : try_remove_current(bucket, removal, attempt);
    if (!done) return fail(done);
    if (*done) return std::move(**done);
  }
}

/// Without a version id: removes the object where there are no versions, else puts a delete marker in front of them.
Result<std::optional<Removed>> Objects::try_remove_current(const Bucket& bucket, const Removal& removal, int attempt) {
  auto found = read(bucket, removal.key);
  if (!found) return fail(found);
  auto& current = found->current;
  if (removal.if_match) {
    const WriteConditions conditions{.if_match = removal.if_match, .if_none_match = false};
    if (auto met = check_conditions(conditions, current ? &current->version : nullptr); !met) return fail(met);
  }
  std::vector<storage::Write> writes{bucket_is_alive(bucket.id)};
  Contents::Garbage garbage;
  Removed removed;
  Version told;
  told.key = removal.key;
  if (bucket.versioning == Versioning::Off) {
    if (!current) return removed;
    contents_.discard(current->version, garbage);
    writes.push_back(provided(erase(kObjects, {bucket.id, removal.key}), found->stored));
    removed.existed = true;
  } else {
    told.is_delete_marker = true;
    told.is_null = bucket.versioning == Versioning::Suspended;
    const TimePoint now = clock_.now();
    told.order = new_order(now, current ? current->version.order : std::string());
    told.modified = std::chrono::floor<std::chrono::seconds>(now);
    Current next{.version = told, .has_others = false, .null_order = {}};
    if (current) {
      if (told.is_null && current->version.is_null)
        if (auto free = check_lock(current->version, removal.bypass_governance, now); !free) return fail(free);
      if (auto displaced = displace(bucket, *current, next, writes, garbage); !displaced) return fail(displaced);
    }
    writes.push_back(put_current(bucket, next, found->stored));
    removed = {.existed = true, .made_marker = true, .removed_marker = false, .version_id = told.version_id()};
  }
  append(writes, garbage.writes);
  const auto entry = entry_of(bucket, told, removed.made_marker ? removal.marker_kind : removal.kind, removal.origin);
  writes.push_back(entry.write());
  auto done = store_.commit(std::move(writes));
  if (!done) {
    if (auto again = retry_or_fail(bucket, done.error(), attempt); !again) return fail(again);
    return std::optional<Removed>();
  }
  contents_.finish(garbage);
  return removed;
}

Result<std::optional<Removed>> Objects::try_remove_version(const Bucket& bucket, const Removal& removal, int attempt) {
  auto found = read(bucket, removal.key);
  if (!found) return fail(found);
  Removed nothing{.version_id = *removal.version_id};
  if (!found->current) return nothing;
  Current& current = *found->current;
  const std::string partition = versions_of(bucket.id, removal.key);
  std::vector<storage::Write> writes{bucket_is_alive(bucket.id)};
  Version gone;
  if (current.version.version_id() == *removal.version_id) {
    gone = current.version;
    auto others = store_.range(kVersions, partition, {.first = {}, .last = {}, .limit = 2, .reverse = false});
    if (!others) return internal(others.error());
    if (others->items.empty()) {
      writes.push_back(provided(erase(kObjects, {bucket.id, removal.key}), found->stored));
    } else {
      auto& newest = others->items.front();
      auto version = decode_version(removal.key, newest.value);
      if (!version) return internal(version.error());
      Current next{.version = std::move(*version), .has_others = others->items.size() > 1, .null_order = {}};
      if (!next.version.is_null) next.null_order = current.null_order;
      writes.push_back(put_current(bucket, next, found->stored));
      writes.push_back(provided(erase(kVersions, newest.key), newest.value));
    }
  } else {
    const std::string order = *removal.version_id == "null" ? current.null_order : *removal.version_id;
    if (order.empty()) return nothing;
    auto stored = store_.get(kVersions, {partition, order});
    if (!stored) return internal(stored.error());
    if (!*stored) return nothing;
    auto version = decode_version(removal.key, **stored);
    if (!version) return internal(version.error());
    if (version->version_id() != *removal.version_id) return nothing;
    gone = std::move(*version);
    writes.push_back(provided(erase(kVersions, {partition, order}), *stored));
    if (gone.is_null) current.null_order.clear();
    writes.push_back(put_current(bucket, current, found->stored));
  }
  if (auto free = check_lock(gone, removal.bypass_governance, clock_.now()); !free) return fail(free);
  if (removal.if_match && *removal.if_match != "*" && *removal.if_match != gone.etag) return precondition_failed();
  Contents::Garbage garbage;
  contents_.discard(gone, garbage);
  append(writes, garbage.writes);
  const auto entry = entry_of(bucket, gone, removal.kind, removal.origin);
  writes.push_back(entry.write());
  auto done = store_.commit(std::move(writes));
  if (!done) {
    if (auto again = retry_or_fail(bucket, done.error(), attempt); !again) return fail(again);
    return std::optional<Removed>();
  }
  contents_.finish(garbage);
  return Removed{
      .existed = true, .made_marker = false, .removed_marker = gone.is_delete_marker, .version_id = gone.version_id()};
}

Result<Version> Objects::modify(const Bucket& bucket, const std::string& key,
                                const std::optional<std::string>& version_id,
                                const std::function<Result<void>(Metadata&)>& change, const std::string& kind,
                                const Origin& origin) {
  const auto held = latches_.acquire({bucket.id + "/" + key});
  for (int attempt = 0;; ++attempt) {
    auto version = find(bucket, key, version_id);
    if (!version) return version;
    if (version->is_delete_marker) return method_not_allowed();
    std::vector<storage::Write> writes{bucket_is_alive(bucket.id)};
    if (version->is_latest) {
      auto found = read(bucket, key);
      if (!found) return fail(found);
      if (!found->current || found->current->version.order != version->order) continue;
      *version = found->current->version;
      if (auto changed = change(version->metadata); !changed) return fail(changed);
      found->current->version = *version;
      writes.push_back(put_current(bucket, *found->current, found->stored));
    } else {
      const storage::Key place = version_key(bucket, *version);
      auto stored = store_.get(kVersions, place);
      if (!stored) return internal(stored.error());
      if (!*stored) continue;
      if (auto changed = change(version->metadata); !changed) return fail(changed);
      writes.push_back(provided(objects::put(kVersions, place, encode(*version)), *stored));
    }
    std::optional<domain::ChangeFeed::Entry> entry;
    if (!kind.empty()) {
      entry.emplace(entry_of(bucket, *version, kind, origin));
      writes.push_back(entry->write());
    }
    auto done = store_.commit(std::move(writes));
    if (done) return version;
    if (auto again = retry_or_fail(bucket, done.error(), attempt); !again) return fail(again);
  }
}

}  // namespace likeness::objects
