#include "domain/faces/collections.hpp"

#include <utility>

#include "base/bytes.hpp"
#include "domain/errors.hpp"

namespace likeness::domain {

namespace {

using storage::Write;

// More than one request changing the tags of one collection at the same moment is rare; this many tries are plenty.
constexpr int kTries = 8;

storage::Key key_of(const Caller& caller, const std::string& id) { return {caller.scope(), id}; }

/// The id in an ARN of a collection of this caller, whether or not that collection exists.
Result<std::string> id_of_arn(const Caller& caller, const std::string& arn) {
  for (const std::string& start : {collection_arn(caller, ""), short_collection_arn(caller, "")})
    if (arn.starts_with(start) && arn.size() > start.size()) return arn.substr(start.size());
  const auto at = arn.find(":collection/");
  const bool of_rekognition = arn.starts_with("arn:aws:rekognition:") || arn.starts_with("aws:rekognition:");
  if (of_rekognition && at != std::string::npos) return resource_not_found(arn);  // another account or region
  return bad_arn(arn);
}

}  // namespace

std::string short_collection_arn(const Caller& caller, std::string_view id) {
  return "aws:rekognition:" + caller.region + ":" + caller.account + ":collection/" + std::string(id);
}

std::string collection_arn(const Caller& caller, std::string_view id) {
  return "arn:" + short_collection_arn(caller, id);
}

Collections::Collections(storage::Store& store, MakeIndex make_index, const PageTokens& tokens, const Clock& clock,
                         std::string face_model_version, Quotas quotas)
    : store_(store),
      make_index_(std::move(make_index)),
      tokens_(tokens),
      clock_(clock),
      face_model_version_(std::move(face_model_version)),
      quotas_(quotas),
      eraser_(store) {}

Collections::~Collections() = default;

Result<Collection> Collections::read(const Caller& caller, const std::string& id) const {
  auto found = store_.get(tables::kCollections, key_of(caller, id));
  if (!found) return from_below(found);
  if (!*found) return collection_not_found(id);
  return decode_collection(**found);
}

Result<Collection> Collections::create(const Caller& caller, const std::string& id, Tags tags) {
  if (tags.size() > quotas_.tags) return quota_exceeded("The number of tags", quotas_.tags);
  if (quotas_.collections != 0) {
    std::size_t count = 0;
    const auto counted = store_.scan(tables::kCollections, caller.scope(),
                                     [&](std::string_view, std::string_view) { return ++count < quotas_.collections; });
    if (!counted) return from_below(counted);
    if (count >= quotas_.collections) return quota_exceeded("The number of collections", quotas_.collections);
  }
  Collection collection{.id = id,
                        .generation = uuid_v4(),
                        .face_model_version = face_model_version_,
                        .created = clock_.now(),
                        .tags = std::move(tags)};
  const auto made = store_.commit({Write{.table = std::string(tables::kCollections),
                                         .key = key_of(caller, id),
                                         .value = encode(collection),
                                         .expect = Write::Expect::Absent,
                                         .expected_value = {}}});
  if (!made) {
    if (made.error().code == "ConditionFailed") return collection_exists(id);
    return from_below(made);
  }
  return collection;
}

Result<Collections::Description> Collections::describe(const Caller& caller, const std::string& id) {
  auto collection = read(caller, id);
  if (!collection) return fail(collection);
  auto live = load(caller, *collection);
  if (!live) return fail(live);
  return Description{.collection = std::move(*collection),
                     .arn = collection_arn(caller, id),
                     .face_count = (*live)->faces().size(),
                     .user_count = (*live)->directory().size()};
}

Result<void> Collections::remove(const Caller& caller, const std::string& id) {
  for (int attempt = 0; attempt < kTries; ++attempt) {
    auto found = store_.get(tables::kCollections, key_of(caller, id));
    if (!found) return from_below(found);
    if (!*found) return collection_not_found(id);
    const auto collection = decode_collection(**found);
    if (!collection) return Failure(collection.error());
    const auto removed = store_.commit({Write{.table = std::string(tables::kCollections),
                                              .key = key_of(caller, id),
                                              .value = std::nullopt,
                                              .expect = Write::Expect::SameValue,
                                              .expected_value = **found},
                                        Write{.table = std::string(tables::kDeleted),
                                              .key = {"collections", collection->generation},
                                              .value = caller.scope() + "/" + id,
                                              .expect = Write::Expect::Anything,
                                              .expected_value = {}}});
    if (!removed) {
      if (removed.error().code == "ConditionFailed") continue;  // its tags were changed, or another deleted it
      return from_below(removed);
    }
    drop(collection->generation);
    eraser_.collection_deleted(collection->generation);
    return {};
  }
  return internal_error("a collection keeps changing while it is deleted");
}

Result<Collections::Listing> Collections::list(const Caller& caller, std::size_t limit,
                                               const std::optional<std::string>& token) {
  const auto listing_name = "ListCollections/" + caller.scope();
  PagePosition position;
  if (token) {
    auto read = tokens_.read(listing_name, *token);
    if (!read) return fail(read);
    position = std::move(*read);
  }
  // One more than asked for shows whether there is a next page, and where it starts.
  auto page = store_.range(
      tables::kCollections, caller.scope(),
      {.first = position.from, .last = std::nullopt, .limit = limit + position.skip + 1, .reverse = false});
  if (!page) return from_below(page);
  Listing listing;
  for (std::size_t i = position.skip; i < page->items.size(); ++i) {
    const auto& item = page->items[i];
    if (listing.items.size() == limit) {
      PagePosition next{.from = item.key.sort.substr(0, PageTokens::kMaxKey), .skip = 0};
      for (std::size_t before = i; before > 0 && page->items[before - 1].key.sort >= next.from; --before) ++next.skip;
      listing.next_token = tokens_.make(listing_name, next);
      break;
    }
    auto collection = decode_collection(item.value);
    if (!collection) return fail(collection);
    listing.items.push_back({std::move(collection->id), std::move(collection->face_model_version)});
  }
  return listing;
}

Result<void> Collections::update(const Caller& caller, const std::string& arn,
                                 const std::function<Result<void>(Collection&)>& change) {
  const auto id = id_of_arn(caller, arn);
  if (!id) return Failure(id.error());
  for (int attempt = 0; attempt < kTries; ++attempt) {
    auto found = store_.get(tables::kCollections, key_of(caller, *id));
    if (!found) return from_below(found);
    if (!*found) return resource_not_found(arn);
    auto collection = decode_collection(**found);
    if (!collection) return fail(collection);
    if (auto changed = change(*collection); !changed) return changed;
    const auto written = store_.commit({Write{.table = std::string(tables::kCollections),
                                              .key = key_of(caller, *id),
                                              .value = encode(*collection),
                                              .expect = Write::Expect::SameValue,
                                              .expected_value = std::move(**found)}});
    if (written) return {};
    if (written.error().code != "ConditionFailed") return from_below(written);
  }
  return slow_down();
}

Result<void> Collections::tag(const Caller& caller, const std::string& arn, const Tags& tags) {
  return update(caller, arn, [&](Collection& collection) -> Result<void> {
    for (const auto& [key, value] : tags) collection.tags[key] = value;
    if (collection.tags.size() > quotas_.tags) return quota_exceeded("The number of tags", quotas_.tags);
    return {};
  });
}

Result<void> Collections::untag(const Caller& caller, const std::string& arn, const std::vector<std::string>& keys) {
  return update(caller, arn, [&](Collection& collection) -> Result<void> {
    for (const auto& key : keys) collection.tags.erase(key);
    return {};
  });
}

Result<Tags> Collections::tags_of(const Caller& caller, const std::string& arn) {
  const auto id = id_of_arn(caller, arn);
  if (!id) return Failure(id.error());
  auto collection = read(caller, *id);
  if (!collection) {
    if (collection.error().code == "ResourceNotFoundException") return resource_not_found(arn);
    return fail(collection);
  }
  return std::move(collection->tags);
}

Result<std::shared_ptr<LiveCollection>> Collections::open(const Caller& caller, const std::string& id) {
  auto collection = read(caller, id);
  if (!collection) return fail(collection);
  return load(caller, std::move(*collection));
}

Result<std::shared_ptr<LiveCollection>> Collections::load(const Caller& caller, Collection collection) {
  const auto generation = collection.generation;
  const auto id = collection.id;
  std::shared_ptr<Slot> slot;
  {
    std::unique_lock lock(mutex_);
    auto& entry = slots_[generation];
    if (entry) {
      slot = entry;
      loaded_.wait(lock, [&] { return slot->live || slot->failed; });
      if (slot->live) return slot->live;
      return internal_error("a collection could not be read; another request tells why");
    }
    slot = entry = std::make_shared<Slot>();
  }
  // Only this thread loads; those that want the same collection wait for it, the others do not.
  auto live = std::make_shared<LiveCollection>(std::move(collection), make_index_);
  auto read_in = live->load(store_);
  // Asked after the slot was put down: a deletion from now on finds the slot and closes it, an earlier one shows here.
  if (read_in) {
    const auto still = read(caller, id);
    if (!still) {
      read_in = Failure(still.error());
    } else if (still->generation != generation) {
      read_in = collection_not_found(id);
    }
  }
  const std::lock_guard lock(mutex_);
  if (read_in) {
    slot->live = std::move(live);
  } else {
    slot->failed = true;
    if (const auto at = slots_.find(generation); at != slots_.end() && at->second == slot) slots_.erase(at);
  }
  loaded_.notify_all();
  if (!read_in) return fail(read_in);
  return slot->live;
}

void Collections::drop(const std::string& generation) {
  std::shared_ptr<LiveCollection> live;
  {
    std::unique_lock lock(mutex_);
    const auto at = slots_.find(generation);
    if (at == slots_.end()) return;
    const auto slot = at->second;
    loaded_.wait(lock, [&] { return slot->live || slot->failed; });
    live = slot->live;
    slots_.erase(generation);
  }
  if (live) live->close();
}

}  // namespace likeness::domain
