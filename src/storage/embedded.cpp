#include "storage/embedded.hpp"

#include <utility>

#include "storage/data_folder.hpp"
#include "storage/embedded_engine.hpp"

namespace likeness::storage {

struct EmbeddedStorage::Parts {
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

}  // namespace likeness::storage
