#include "storage/embedded_blobs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <span>
#include <utility>

#include "base/crc.hpp"
#include "storage/blob_file.hpp"
#include "storage/embedded_engine.hpp"

namespace likeness::storage {
namespace {

namespace fs = std::filesystem;
using rocksdb::Slice;
using rocksdb::Status;

constexpr char kInEngine = 'i';
constexpr char kInFile = 'f';
constexpr std::size_t kIdSize = 1 + 12 + 16;
constexpr std::size_t kTimeDigits = 12;
constexpr std::size_t kFolderDigits =
    8;  // of the time: a folder takes 4 seconds, a round through all a quarter of an hour
constexpr std::string_view kIncoming = "incoming";
constexpr int kFolders = 256;

/// A blob in the engine: the CRC-32C of its bytes (little-endian), then the bytes.
constexpr std::size_t kSumBytes = sizeof(std::uint32_t);
/// Beside it a row without a value, so that `sweep` finds the ids without reading the bytes.
constexpr char kIdRow = 'k';
std::string id_row(std::string_view id) { return kIdRow + std::string(id); }

std::string time_digits(TimePoint time) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return fmt::format("{:012x}", std::clamp<std::int64_t>(since, 0, (std::int64_t{1} << 48) - 1));
}

std::string new_id(char where) {
  return where + time_digits(std::chrono::system_clock::now()) + to_hex(random_bytes(8));
}

bool valid_id(std::string_view id) {
  return id.size() == kIdSize && (id[0] == kInEngine || id[0] == kInFile) &&
         std::all_of(id.begin() + 1, id.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string folder_of(int number) { return fmt::format("{:02x}", number); }

/// Lets ext4 put each folder made in this one somewhere else on the disk, where it otherwise keeps them and all their
/// files together: without a journal it looks through the places of all files deleted there lately for each new one.
void spread_folders_in(const fs::path& folder) {
  const FileHandle file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int flags = 0;
  if (!file || ::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) != 0) return;  // other file systems know no such thing
  flags |= FS_TOPDIR_FL;
  ::ioctl(file.get(), FS_IOC_SETFLAGS, &flags);
}

class MemoryReader final : public BlobReader {
 public:
  MemoryReader(std::string stored, std::uint64_t offset, std::uint64_t length) : stored_(std::move(stored)) {
    const std::size_t size = stored_.size() - kSumBytes;
    at_ = kSumBytes + static_cast<std::size_t>(std::min<std::uint64_t>(offset, size));
    end_ = at_ + static_cast<std::size_t>(std::min<std::uint64_t>(length, stored_.size() - at_));
  }

  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    const std::size_t count = std::min(into.size(), end_ - at_);
    if (count > 0) std::memcpy(into.data(), stored_.data() + at_, count);
    at_ += count;
    return count;
  }

 private:
  std::string stored_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
};

/// A blob, or a range of one, that is in memory.
class HeldReader final : public BlobReader {
 public:
  HeldReader(HeldBytes whole, std::uint64_t offset, std::uint64_t length) : left_(std::move(whole)) {
    const std::size_t from = static_cast<std::size_t>(std::min<std::uint64_t>(offset, left_.bytes.size()));
    left_.bytes = left_.bytes.subspan(from);
    left_.bytes = left_.bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(length, left_.bytes.size())));
  }

  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    const std::size_t count = std::min(into.size(), left_.bytes.size());
    std::copy_n(left_.bytes.begin(), count, into.begin());
    left_.bytes = left_.bytes.subspan(count);
    return count;
  }
  std::optional<HeldBytes> held() const override { return left_; }

 private:
  HeldBytes left_;
};

/// All of a reader's `size` bytes.
Result<HeldBytes> read_whole(BlobReader& reader, std::size_t size) {
  const auto memory = std::make_shared_for_overwrite<std::uint8_t[]>(size);
  const std::span<std::uint8_t> all(memory.get(), size);
  for (std::size_t filled = 0; filled < size;) {
    auto count = reader.read(all.subspan(filled));
    if (!count) return fail(count);
    if (*count == 0) return server_error("StorageFailure", "A stored object is damaged.", "it ends early");
    filled += *count;
  }
  return HeldBytes{memory, all};
}

class PutBlob final : public EmbeddedEngine::Change {
 public:
  PutBlob(std::string_view id, BytesView content) : id_(id), content_(content), sum_(crc32c(0, content)) {
    bytes = content.size();
  }
  Result<void> apply(EmbeddedEngine::Group& group) override {
    const Slice key(id_);
    const std::array<Slice, 2> value = {Slice(reinterpret_cast<const char*>(&sum_), kSumBytes),
                                        Slice(reinterpret_cast<const char*>(content_.data()), content_.size())};
    Status status = group.batch.Put(group.blobs, rocksdb::SliceParts(&key, 1),
                                    rocksdb::SliceParts(value.data(), static_cast<int>(value.size())));
    if (status.ok()) status = group.batch.Put(group.blobs, id_row(id_), Slice());
    if (!status.ok()) return storage_failure(status, "preparing a blob");
    return {};
  }
  std::uint32_t sum() const { return sum_; }

 private:
  std::string_view id_;
  BytesView content_;
  std::uint32_t sum_;
};

class RemoveBlobs final : public EmbeddedEngine::Change {
 public:
  explicit RemoveBlobs(std::span<const std::string> ids) : ids_(ids) {
    makes_room = true;
    durable = false;  // what comes back after a crash is garbage, and swept
  }
  Result<void> apply(EmbeddedEngine::Group& group) override {
    for (const std::string& id : ids_) {
      Status status = group.batch.Delete(group.blobs, id);
      if (status.ok()) status = group.batch.Delete(group.blobs, id_row(id));
      if (!status.ok()) return storage_failure(status, "removing a blob");
    }
    return {};
  }

 private:
  std::span<const std::string> ids_;
};

}  // namespace

/// Collects a blob in memory while it may be a small one, then goes on in a file.
class EmbeddedBlobs::Writer final : public BlobWriter {
 public:
  Writer(EmbeddedBlobs& blobs, std::optional<std::uint64_t> expected_size)
      : blobs_(blobs), expected_size_(expected_size) {
    if (expected_size_ && !known_large()) memory_.reserve(static_cast<std::size_t>(*expected_size_));
  }
  Result<void> write(BytesView bytes) override {
    if (!file_ && !known_large() && memory_.size() + bytes.size() <= blobs_.options_.inline_bytes) {
      memory_.insert(memory_.end(), bytes.begin(), bytes.end());
      return {};
    }
    if (!file_)
      if (auto done = begin_file(); !done) return done;
    since_check_ += bytes.size();
    if (since_check_ >= kCheckBytes) {
      if (auto room = blobs_.check_room(bytes.size()); !room) return room;
      since_check_ = 0;
    }
    return file_->write(bytes);
  }

  Result<BlobInfo> commit() override {
    if (!file_) return commit_to_engine();
    auto info = file_->finish();
    if (!info) return info;
    info->id = new_id(kInFile);
    const fs::path target = blobs_.path_of(info->id);
    // Named before it is synced: one commit of the file system's journal then covers both, and until we return nobody
    // knows the name.
    if (auto named = file_->name(target); !named) return fail(named);
    if (blobs_.engine_->options().sync) {
      // Both at the same time: they share a commit of the file system's journal.
      auto directory = blobs_.directories_.ask(target.parent_path());
      const int error = ::fdatasync(file_->file()) == 0 ? 0 : errno;
      Result<void> done = directory.wait();
      if (error != 0) done = file_failure("syncing", target, error);
      if (!done) {
        ::unlink(target.c_str());
        return fail(done);
      }
    }
    return info;
  }

 private:
  static constexpr std::uint64_t kCheckBytes = 8u << 20;

  bool known_large() const { return expected_size_ && *expected_size_ > blobs_.options_.inline_bytes; }

  Result<void> begin_file() {
    if (auto room = blobs_.check_room(expected_size_.value_or(memory_.size())); !room) return room;
    auto file = BlobFileWriter::create(blobs_.path_of(new_id(kInFile)).parent_path(), blobs_.folder_ / kIncoming,
                                       expected_size_, blobs_.engine_->options().sync);
    if (!file) return fail(file);
    file_.emplace(std::move(*file));
    if (memory_.empty()) return {};
    auto done = file_->write(memory_);
    memory_ = {};
    return done;
  }

  Result<BlobInfo> commit_to_engine() {
    BlobInfo info;
    info.id = new_id(kInEngine);
    info.size = memory_.size();
    PutBlob change(info.id, memory_);
    info.crc32c = change.sum();
    if (auto done = blobs_.engine_->commit(change); !done) return fail(done);
    return info;
  }

  EmbeddedBlobs& blobs_;
  const std::optional<std::uint64_t> expected_size_;
  Bytes memory_;
  std::optional<BlobFileWriter> file_;
  std::uint64_t since_check_ = 0;
};

EmbeddedBlobs::EmbeddedBlobs(std::shared_ptr<EmbeddedEngine> engine, fs::path folder, const BlobOptions& options)
    : engine_(std::move(engine)), folder_(std::move(folder)), options_(options), cache_(options.cache_bytes) {}
EmbeddedBlobs::~EmbeddedBlobs() = default;

Result<std::unique_ptr<EmbeddedBlobs>> open_embedded_blobs(std::shared_ptr<EmbeddedEngine> engine,
                                                           const fs::path& folder, const BlobOptions& options) {
  std::error_code error;
  // What writers had not finished when the process ended.
  fs::remove_all(folder / kIncoming, error);
  if (!error) fs::create_directories(folder / kIncoming, error);
  if (error) return file_failure("making", folder / kIncoming, error.value());
  ::chmod(folder.c_str(), 0700);
  spread_folders_in(folder);
  for (int number = 0; number < kFolders; ++number) {
    fs::create_directory(folder / folder_of(number), error);
    if (error) return file_failure("making", folder, error.value());
  }
  if (engine->options().sync) {
    for (const fs::path& path : {folder, folder.parent_path()})
      if (auto done = sync_directory(path); !done) return fail(done);
  }
  return std::make_unique<EmbeddedBlobs>(std::move(engine), folder, options);
}

fs::path EmbeddedBlobs::path_of(std::string_view id) const {
  // Those of the same second or so: whoever commits at once then waits for the sync of one folder, not of many.
  return folder_ / id.substr(kFolderDigits, 2) / id;
}

Result<void> EmbeddedBlobs::check_room(std::uint64_t wanted) const {
  std::error_code error;
  const std::uint64_t free_bytes = fs::space(folder_, error).available;
  const std::uint64_t reserve = engine_->options().min_free_bytes;
  if (error || (free_bytes >= reserve && free_bytes - reserve >= wanted)) return {};
  return server_error("StorageFull", "The disk is full; nothing was stored.",
                      fmt::format("{} bytes are free, {} and {} in reserve are wanted", free_bytes, wanted, reserve));
}

Result<std::unique_ptr<BlobWriter>> EmbeddedBlobs::create(std::optional<std::uint64_t> expected_size) {
  if (expected_size)
    if (auto room = check_room(*expected_size); !room) return fail(room);
  return std::make_unique<Writer>(*this, expected_size);
}

Result<std::unique_ptr<BlobReader>> EmbeddedBlobs::open(std::string_view id, std::uint64_t offset,
                                                        std::uint64_t length) const {
  if (!valid_id(id)) return client_error("NotFound", "There is no such blob.");
  if (id[0] == kInFile) return open_file(id, offset, length);
  auto db = engine_->use();
  if (!db) return fail(db);
  std::string stored;
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const Status status = (*db)->Get(options, db->family(Family::Blobs), Slice(id), &stored);
  if (status.IsNotFound()) return client_error("NotFound", "There is no such blob.");
  if (!status.ok()) return storage_failure(status, "reading a blob");
  std::uint32_t sum = 0;
  if (stored.size() < kSumBytes) return server_error("StorageFailure", "A stored object is damaged.", "too short");
  std::memcpy(&sum, stored.data(), kSumBytes);
  if (crc32c(0, as_bytes(stored).subspan(kSumBytes)) != sum)
    return server_error("StorageFailure", "A stored object is damaged.", "its checksum is wrong");
  return std::make_unique<MemoryReader>(std::move(stored), offset, length);
}

Result<std::unique_ptr<BlobReader>> EmbeddedBlobs::open_file(std::string_view id, std::uint64_t offset,
                                                             std::uint64_t length) const {
  if (auto held = cache_.find(id)) return std::make_unique<HeldReader>(std::move(*held), offset, length);
  const std::uint64_t removals = cache_.removals();
  auto file = open_blob_file(path_of(id), offset, length);
  if (!file) return fail(file);
  // A range is read by itself: who wants a part of a blob need not want the rest.
  if (offset > 0 || length < file->size || !cache_.takes(file->size)) return std::move(file->reader);
  auto whole = read_whole(*file->reader, static_cast<std::size_t>(file->size));
  if (!whole) return fail(whole);
  cache_.add(id, *whole, removals);
  return std::make_unique<HeldReader>(std::move(*whole), 0, length);
}

Result<void> EmbeddedBlobs::remove(std::string_view id) {
  if (!valid_id(id)) return {};
  if (id[0] == kInFile) {
    const fs::path path = path_of(id);
    {
      const std::lock_guard lock(held_mutex_);
      if (holders_ > 0) {
        held_.emplace_back(id);
        cache_.remove(id);
        return {};
      }
    }
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return file_failure("removing", path, errno);
    // Only now, so that nobody finds the file and brings it back.
    cache_.remove(id);
    return {};
  }
  const std::string one(id);
  RemoveBlobs change(std::span(&one, 1));
  return engine_->commit(change);
}

EmbeddedBlobs::HeldRemovals::HeldRemovals(EmbeddedBlobs& blobs) : blobs_(blobs) {
  const std::lock_guard lock(blobs_.held_mutex_);
  ++blobs_.holders_;
}

EmbeddedBlobs::HeldRemovals::~HeldRemovals() {
  std::vector<std::string> held;
  {
    const std::lock_guard lock(blobs_.held_mutex_);
    if (--blobs_.holders_ > 0) return;
    held.swap(blobs_.held_);
  }
  for (const std::string& id : held) {
    ::unlink(blobs_.path_of(id).c_str());
    blobs_.cache_.remove(id);
  }
}

Result<std::vector<std::string>> EmbeddedBlobs::link_all(const fs::path& folder) const {
  std::vector<std::string> not_whole;
  std::error_code error;
  fs::create_directories(folder, error);
  ::chmod(folder.c_str(), 0700);
  for (int number = 0; number < kFolders && !error; ++number) {
    const fs::path from = folder_ / folder_of(number);
    const fs::path to = folder / folder_of(number);
    for (fs::directory_iterator files(from, error); !error && files != fs::directory_iterator();
         files.increment(error)) {
      const fs::path name = files->path().filename();
      if (!valid_id(name.string())) continue;
      // A removal that had begun before they were held may still take one that is there.
      if (auto opened = open_blob_file(files->path(), 0, 0); !opened) {
        if (opened.error().code != "NotFound") not_whole.push_back(name.string());
        continue;
      }
      fs::create_directory(to, error);
      if (error) return file_failure("making", to, error.value());
      if (::link(files->path().c_str(), (to / name).c_str()) == 0 || errno == ENOENT) continue;
      fs::copy_file(files->path(), to / name, error);
      if (error) return file_failure("copying", files->path(), error.value());
    }
  }
  if (error) return file_failure("copying", folder, error.value());
  return not_whole;
}

Result<std::size_t> EmbeddedBlobs::sweep(TimePoint older_than, const std::function<bool(std::string_view id)>& in_use) {
  const std::string before = time_digits(older_than);
  auto removed = sweep_engine(before, in_use);
  if (!removed) return removed;
  auto files = sweep_files(before, in_use);
  if (!files) return files;
  return *removed + *files;
}

Result<std::size_t> EmbeddedBlobs::sweep_engine(std::string_view before,
                                                const std::function<bool(std::string_view id)>& in_use) {
  constexpr std::size_t kAtOnce = 1000;
  const std::string upper = id_row(kInEngine + std::string(before));
  std::string from(1, kIdRow);
  std::size_t removed = 0;
  for (bool more = true; more;) {
    // Ids are gathered first: `in_use` reads, and removing waits for commits, so neither may hold the engine in use.
    std::vector<std::string> ids;
    ids.reserve(kAtOnce);
    {
      auto db = engine_->use();
      if (!db) return fail(db);
      const Slice bound(upper);
      rocksdb::ReadOptions options;
      options.iterate_upper_bound = &bound;
      options.fill_cache = false;
      const std::unique_ptr<rocksdb::Iterator> it((*db)->NewIterator(options, db->family(Family::Blobs)));
      for (it->Seek(from); it->Valid() && ids.size() < kAtOnce; it->Next()) {
        from = it->key().ToString();
        ids.push_back(from.substr(1));
      }
      if (!it->status().ok()) return storage_failure(it->status(), "looking for unused blobs");
    }
    more = ids.size() == kAtOnce;
    from.push_back('\0');
    std::erase_if(ids, [&](const std::string& id) { return in_use(id); });
    if (ids.empty()) continue;
    RemoveBlobs change(ids);
    if (auto done = engine_->commit(change); !done) return fail(done);
    removed += ids.size();
  }
  return removed;
}

Result<std::size_t> EmbeddedBlobs::sweep_files(std::string_view before,
                                               const std::function<bool(std::string_view id)>& in_use) {
  std::size_t removed = 0;
  for (int number = 0; number < kFolders; ++number) {
    std::error_code error;
    const fs::path folder = folder_ / folder_of(number);
    fs::directory_iterator files(folder, error);
    if (error) return file_failure("listing", folder, error.value());
    for (; files != fs::directory_iterator(); files.increment(error)) {
      const std::string id = files->path().filename().string();
      if (!valid_id(id) || std::string_view(id).substr(1, kTimeDigits) >= before || in_use(id)) continue;
      if (auto done = remove(id); !done) return fail(done);
      ++removed;
    }
    if (error) return file_failure("listing", folder, error.value());
  }
  return removed;
}

}  // namespace likeness::storage
