#include "storage/embedded.hpp"

#include <mutex>
#include <utility>

#include "storage/data_folder.hpp"
#include "storage/embedded_engine.hpp"

namespace likeness::storage {

struct EmbeddedStorage::Parts {
  std::filesystem::path data;
  std::shared_ptr<EmbeddedEngine> engine;
  std::mutex backup_mutex;
  std::unique_ptr<Store> store;
  std::unique_ptr<Log> log;
  std::unique_ptr<EmbeddedBlobs> blobs;
};

EmbeddedStorage::EmbeddedStorage(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
EmbeddedStorage::~EmbeddedStorage() = default;

Result<std::unique_ptr<EmbeddedStorage>> EmbeddedStorage::open(const std::filesystem::path& data,
                                                               const EmbeddedOptions& options) {
  if (auto prepared = prepare_data_folder(data); !prepared) return fail(prepared);
  auto opened = EmbeddedEngine::open(data / "store", options.store);
  if (!opened) return fail(opened);
  const std::shared_ptr<EmbeddedEngine> engine = std::move(*opened);
  auto parts = std::make_unique<Parts>();
  parts->data = data;
  parts->engine = engine;
  parts->store = make_embedded_store(engine);
  parts->log = make_embedded_log(engine);
  auto blobs = open_embedded_blobs(engine, data / "blobs", options.blobs);
  if (!blobs) return fail(blobs);
  parts->blobs = std::move(*blobs);
  return std::unique_ptr<EmbeddedStorage>(new EmbeddedStorage(std::move(parts)));
}

Store& EmbeddedStorage::store() { return *parts_->store; }
Blobs& EmbeddedStorage::blobs() { return *parts_->blobs; }
Log& EmbeddedStorage::log() { return *parts_->log; }

Result<BackupReport> EmbeddedStorage::backup(const std::filesystem::path& destination) {
  const std::lock_guard one_at_a_time(parts_->backup_mutex);
  if (auto begun = begin_backup(destination); !begun) return fail(begun);
  if (auto prepared = prepare_data_folder(destination); !prepared) return fail(prepared);
  if (auto prepared = prepare_data_folder(destination / "store"); !prepared) return fail(prepared);
  // A blob is there before a table names it and, from here on, stays after no table does: so the blobs that are there
  // after the tables were copied are at least those that the copy names.
  const EmbeddedBlobs::HeldRemovals held(*parts_->blobs);
  if (auto copied = parts_->engine->checkpoint(destination / "store" / "tables"); !copied) return fail(copied);
  auto not_whole = parts_->blobs->link_all(destination / "blobs");
  if (!not_whole) return fail(not_whole);
  if (auto copied = copy_other_files(parts_->data, destination); !copied) return fail(copied);
  auto report = finish_backup(destination, parts_->engine->options().sync);
  if (report) report->not_whole = std::move(*not_whole);
  return report;
}

Result<void> EmbeddedStorage::verify() const { return parts_->engine->verify(); }

}  // namespace likeness::storage
