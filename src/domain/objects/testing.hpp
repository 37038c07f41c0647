#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "domain/objects/object_store.hpp"
#include "storage/testing.hpp"

/// For tests: an object store on the real engine in a temporary folder.
namespace likeness::objects::testing {

/// Gives `text` in small bites, as a network does.
inline Source source_of(std::string text, std::size_t bite = 1000) {
  auto rest = std::make_shared<std::pair<std::string, std::size_t>>(std::move(text), 0);
  return [rest, bite](std::span<std::uint8_t> into) -> Result<std::size_t> {
    const std::size_t count = std::min({into.size(), bite, rest->first.size() - rest->second});
    std::memcpy(into.data(), rest->first.data() + rest->second, count);
    rest->second += count;
    return count;
  };
}

class MovableClock : public Clock {
 public:
  TimePoint now() const override { return now_; }
  void advance(std::chrono::seconds by) { now_ += by; }

 private:
  TimePoint now_ = TimePoint(std::chrono::seconds(1'700'000'000));
};

class World {
 public:
  World() { open(); }

  void open() {
    store_.reset();
    feed.reset();
    storage.reopen();
    feed = *domain::ChangeFeed::open(storage->store(), "s3", clock);
    auto opened = ObjectStore::open(storage->store(), storage->blobs(), *feed, clock);
    if (!opened) throw std::runtime_error(opened.error().detail);
    store_ = std::move(*opened);
  }
  ObjectStore* operator->() { return store_.get(); }

  Bucket bucket(const std::string& name = "photos", Versioning versioning = Versioning::Off) {
    auto made = store_->buckets.create({.name = name, .account = "000000000000", .region = "us-east-1"});
    if (!made) throw std::runtime_error(made.error().message);
    return versioning == Versioning::Off ? *made : with(name, versioning);
  }
  Bucket with(const std::string& name, Versioning versioning) {
    return *store_->buckets.update(name, [&](Bucket& bucket) -> Result<void> {
      bucket.versioning = versioning;
      return {};
    });
  }
  Result<Version> try_put(const Bucket& bucket, const std::string& key, const std::string& text,
                          const WriteConditions& conditions = {}) {
    return store_->objects.put(bucket, {.key = key,
                                        .metadata = {},
                                        .source = source_of(text),
                                        .expected = {},
                                        .conditions = conditions,
                                        .origin = {}});
  }
  Version put(const Bucket& bucket, const std::string& key, const std::string& text) {
    auto made = try_put(bucket, key, text);
    if (!made) throw std::runtime_error(made.error().message);
    return *made;
  }
  Removed remove(const Bucket& bucket, const std::string& key, std::optional<std::string> version = {}) {
    auto removed =
        store_->objects.remove(bucket, {.key = key, .version_id = std::move(version), .if_match = {}, .origin = {}});
    if (!removed) throw std::runtime_error(removed.error().message);
    return *removed;
  }
  /// The text of an object, or the code of the error.
  std::string get(const Bucket& bucket, const std::string& key, const std::optional<std::string>& version = {}) {
    auto found = store_->objects.find(bucket, key, version);
    if (!found) return found.error().code;
    if (found->is_delete_marker) return "delete marker";
    return text_of(*found);
  }
  std::string text_of(const Version& version, std::uint64_t offset = 0, std::uint64_t length = UINT64_MAX) {
    auto reader = store_->objects.open(version, offset, std::min(length, version.size - offset));
    if (!reader) return reader.error().code;
    std::string text;
    Bytes buffer(7000);
    while (true) {
      auto got = (*reader)->read(buffer);
      if (!got) return got.error().code + got.error().detail;
      if (*got == 0) return text;
      text.append(as_text(BytesView(buffer).first(*got)));
    }
  }
  std::size_t blob_files() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(storage.folder() / "blobs"))
      count += entry.is_regular_file() ? 1 : 0;
    return count;
  }

  MovableClock clock;
  storage::TemporaryStorage storage;
  std::unique_ptr<domain::ChangeFeed> feed;

 private:
  std::unique_ptr<ObjectStore> store_;
};

/// `size` bytes that repeat late.
inline std::string long_text(std::size_t size, unsigned seed = 1) {
  std::string text(size, '\0');
  std::uint32_t state = seed * 2654435761u + 1;
  for (char& byte : text) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<char>(state >> 24);
  }
  return text;
}

}  // namespace likeness::objects::testing
