#pragma once

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "storage/embedded.hpp"

namespace likeness::storage {

/// A folder that is gone with this object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "likeness-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder to be had");
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// All of a data folder, without syncs: opens in milliseconds. For tests only.
class TemporaryStorage {
 public:
  TemporaryStorage() { reopen(); }

  EmbeddedStorage& operator*() { return *storage_; }
  EmbeddedStorage* operator->() { return storage_.get(); }
  const std::filesystem::path& folder() const { return folder_.path(); }

  /// Closes and opens it again, as a restart does.
  void reopen() {
    storage_.reset();
    EmbeddedOptions options;
    options.store.sync = false;
    options.store.cache_bytes = 4u << 20;
    options.store.write_buffer_bytes = 4u << 20;
    options.blobs.inline_bytes = 32u << 10;
    auto opened = EmbeddedStorage::open(folder_.path(), options);
    if (!opened) throw std::runtime_error(opened.error().message + " " + opened.error().detail);
    storage_ = std::move(*opened);
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<EmbeddedStorage> storage_;
};

/// Real blobs in a temporary folder. Whoever needs tables as well takes a TemporaryStorage.
class TemporaryBlobs {
 public:
  Blobs& operator*() { return storage_->blobs(); }
  Blobs* operator->() { return &storage_->blobs(); }
  std::filesystem::path folder() const { return storage_.folder() / "blobs"; }
  void reopen() { storage_.reopen(); }

 private:
  TemporaryStorage storage_;
};

/// A real store in a temporary folder, without syncs: opens in milliseconds. For tests only.
class TemporaryStore {
 public:
  TemporaryStore() { reopen(); }

  Store& operator*() { return *store_; }
  Store* operator->() { return store_.get(); }

  /// Closes and opens it again, as a restart does.
  void reopen() {
    store_.reset();
    StoreOptions options;
    options.sync = false;
    options.cache_bytes = 4u << 20;
    options.write_buffer_bytes = 4u << 20;
    auto opened = open_embedded_store(folder_.path() / "store", options);
    if (!opened) throw std::runtime_error(opened.error().message + " " + opened.error().detail);
    store_ = std::move(*opened);
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
};

}  // namespace likeness::storage
