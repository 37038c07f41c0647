#include "storage/blob_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/bytes.hpp"
#include "base/crc.hpp"

namespace likeness::storage {
namespace {

namespace fs = std::filesystem;

/// The end of the file, little-endian.
struct Footer {
  std::uint64_t size = 0;
  std::uint32_t block = kBlobBlock;
  std::uint32_t crc32c = 0;         // of the blob
  std::uint32_t footer_crc32c = 0;  // of the members above
  char magic[12] = {'l', 'i', 'k', 'e', 'n', 'e', 's', 's', 'b', 'l', 'o', 'b'};
};
static_assert(sizeof(Footer) == 32);

BytesView footer_head(const Footer& footer) {
  return {reinterpret_cast<const std::uint8_t*>(&footer), offsetof(Footer, footer_crc32c)};
}
BytesView bytes_of(const std::vector<std::uint32_t>& sums) {
  return {reinterpret_cast<const std::uint8_t*>(sums.data()), sums.size() * sizeof(std::uint32_t)};
}

/// Dirty pages that a writer may have before the disk has to keep up.
constexpr std::uint64_t kPushBytes = 8u << 20;
/// Below this, reserving room costs more than it saves.
constexpr std::uint64_t kReserveFrom = 4u << 20;

/// All of `into`, or an error; a file that ends before is one.
Result<void> read_at(int file, std::uint64_t at, std::span<std::uint8_t> into) {
  while (!into.empty()) {
    const ssize_t count = ::pread(file, into.data(), into.size(), static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_failure("reading", "a blob", errno);
    if (count == 0) return server_error("StorageFailure", "A stored object is damaged.", "the file is too short");
    at += static_cast<std::uint64_t>(count);
    into = into.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

class FileReader final : public BlobReader {
 public:
  FileReader(FileHandle file, const Footer& footer, std::uint64_t offset, std::uint64_t length)
      : file_(std::move(file)),
        footer_(footer),
        at_(std::min(offset, footer.size)),
        end_(at_ + std::min(length, footer.size - at_)) {}

  Result<void> load_sums() {
    const std::uint64_t first = at_ / footer_.block;
    const std::uint64_t after = (end_ + footer_.block - 1) / footer_.block;
    if (at_ == end_) return {};
    first_block_ = first;
    sums_.resize(after - first);
    return read_at(file_.get(), footer_.size + first * sizeof(std::uint32_t),
                   {reinterpret_cast<std::uint8_t*>(sums_.data()), sums_.size() * sizeof(std::uint32_t)});
  }

  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    if (into.empty() || at_ == end_) return 0;
    const std::uint64_t block = at_ / footer_.block;
    const std::uint64_t begin = block * footer_.block;
    const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(footer_.block, footer_.size - begin));
    const std::uint64_t wanted_end = std::min(end_, begin + size);
    const auto wanted = static_cast<std::size_t>(wanted_end - at_);
    // A whole block that fits goes straight to where it is wanted.
    if (at_ == begin && wanted == size && into.size() >= size) {
      if (auto done = load(block, begin, into.first(size)); !done) return fail(done);
      at_ = wanted_end;
      return size;
    }
    if (held_ != block) {
      buffer_.resize(size);
      held_.reset();
      if (auto done = load(block, begin, buffer_); !done) return fail(done);
      held_ = block;
    }
    const std::size_t count = std::min(wanted, into.size());
    std::memcpy(into.data(), buffer_.data() + (at_ - begin), count);
    at_ += count;
    return count;
  }

 private:
  Result<void> load(std::uint64_t block, std::uint64_t begin, std::span<std::uint8_t> into) const {
    if (auto done = read_at(file_.get(), begin, into); !done) return done;
    if (crc32c(0, into) != sums_[static_cast<std::size_t>(block - first_block_)])
      return server_error("StorageFailure", "A stored object is damaged.",
                          fmt::format("the checksum of block {} is wrong", block));
    return {};
  }

  FileHandle file_;
  Footer footer_;
  std::uint64_t at_;
  std::uint64_t end_;
  std::uint64_t first_block_ = 0;
  std::vector<std::uint32_t> sums_;  // of the blocks of the range
  Bytes buffer_;
  std::optional<std::uint64_t> held_;  // the block in buffer_
};

}  // namespace

Failure file_failure(std::string_view doing, const fs::path& path, int error) {
  if (error == ENOSPC || error == EDQUOT)
    return server_error("StorageFull", "The disk is full; nothing was stored.", path.string());
  return server_error("StorageFailure", "The storage engine failed.",
                      fmt::format("{} {}: {}", doing, path.string(), std::strerror(error)));
}

FileHandle::~FileHandle() {
  if (file_ >= 0) ::close(file_);
}
FileHandle::FileHandle(FileHandle&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
  if (this != &other) {
    if (file_ >= 0) ::close(file_);
    file_ = std::exchange(other.file_, -1);
  }
  return *this;
}

Result<void> sync_directory(const fs::path& directory) {
  const FileHandle file(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file) return file_failure("opening", directory, errno);
  if (::fsync(file.get()) != 0) return file_failure("syncing", directory, errno);
  return {};
}

Result<UnnamedFile> UnnamedFile::create(const fs::path& near, const fs::path& incoming, bool may_lack_name) {
  if (may_lack_name) {
    FileHandle file(::open(near.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600));
    if (file) return UnnamedFile(std::move(file), {});
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) return file_failure("creating", near, errno);
  }
  const fs::path name = incoming / to_hex(random_bytes(8));
  FileHandle file(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return file_failure("creating", name, errno);
  return UnnamedFile(std::move(file), name);
}

UnnamedFile::UnnamedFile(UnnamedFile&& other) noexcept
    : file_(std::move(other.file_)), name_(std::exchange(other.name_, {})) {}

UnnamedFile::~UnnamedFile() {
  if (!name_.empty()) ::unlink(name_.c_str());
}

Result<void> UnnamedFile::name(const fs::path& target) {
  const int done = name_.empty() ? ::linkat(AT_FDCWD, fmt::format("/proc/self/fd/{}", get()).c_str(), AT_FDCWD,
                                            target.c_str(), AT_SYMLINK_FOLLOW)
                                 : ::rename(name_.c_str(), target.c_str());
  if (done != 0) return file_failure("naming", target, errno);
  name_.clear();
  return {};
}

Result<BlobFileWriter> BlobFileWriter::create(const fs::path& near, const fs::path& incoming,
                                              std::optional<std::uint64_t> expected_size, bool sync) {
  auto file = UnnamedFile::create(near, incoming);
  if (!file) return fail(file);
  BlobFileWriter writer(std::move(*file), sync);
  writer.expected_size_ = expected_size;
  if (expected_size && *expected_size >= kReserveFrom) {
    // Room that is not there shows before gigabytes have been sent for nothing.
    const int error =
        ::fallocate(writer.file(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(*expected_size)) == 0 ? 0 : errno;
    if (error != 0 && error != EOPNOTSUPP && error != ENOSYS) return file_failure("reserving room in", near, error);
    writer.reserved_ = error == 0;
  }
  return writer;
}

Result<void> BlobFileWriter::write(BytesView bytes) {
  if (before_end_ && !bytes.empty()) take_back_end();  // more than was expected
  if (!pending_.empty()) {
    const std::size_t count = std::min(bytes.size(), kBlobBlock - pending_.size());
    pending_.insert(pending_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    bytes = bytes.subspan(count);
    if (pending_.size() == kBlobBlock) {
      if (auto done = write_block(pending_); !done) return done;
      pending_.clear();
    }
  }
  for (; bytes.size() >= kBlobBlock; bytes = bytes.subspan(kBlobBlock))
    if (auto done = write_block(bytes.first(kBlobBlock)); !done) return done;
  if (!bytes.empty()) {
    pending_.reserve(kBlobBlock);
    pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  }
  if (before_end_ || expected_size_ != size_ + pending_.size()) return {};
  if (auto done = write_end(); !done) return done;
  if (sync_)
    ::sync_file_range(file(), static_cast<off_t>(pushed_), static_cast<off_t>(written_ - pushed_),
                      SYNC_FILE_RANGE_WRITE);
  return {};
}

void BlobFileWriter::add_sum(BytesView block) {
  const std::uint32_t sum = crc32c(0, block);
  crc32c_ = combine_crc32c(crc32c_, sum, block.size());
  sums_.push_back(sum);
  size_ += block.size();
}

Result<void> BlobFileWriter::write_block(BytesView block) {
  add_sum(block);
  return write_at_end(block);
}

Result<void> BlobFileWriter::write_at_end(BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(file(), bytes.data(), bytes.size(), static_cast<off_t>(written_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_failure("writing", "a blob", errno);
    written_ += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  if (sync_ && written_ - pushed_ >= kPushBytes) push_out();
  return {};
}

/// Starts writing the latest pages, waits for those before and lets go of them.
void BlobFileWriter::push_out() {
  ::sync_file_range(file(), static_cast<off_t>(pushed_), static_cast<off_t>(written_ - pushed_), SYNC_FILE_RANGE_WRITE);
  if (pushed_ > 0) {
    const std::uint64_t before = pushed_ - std::min(pushed_, kPushBytes);
    ::sync_file_range(file(), static_cast<off_t>(before), static_cast<off_t>(pushed_ - before),
                      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    ::posix_fadvise(file(), static_cast<off_t>(before), static_cast<off_t>(pushed_ - before), POSIX_FADV_DONTNEED);
  }
  pushed_ = written_;
}

Result<void> BlobFileWriter::write_end() {
  before_end_ = BeforeEnd{
      .pending = pending_.size(), .sums = sums_.size(), .size = size_, .written = written_, .crc32c = crc32c_};
  if (!pending_.empty()) add_sum(pending_);
  Footer footer;
  footer.size = size_;
  footer.crc32c = crc32c_;
  footer.footer_crc32c = crc32c(0, footer_head(footer));
  // The last block and what follows it in one write.
  const BytesView sums = bytes_of(sums_);
  pending_.insert(pending_.end(), sums.begin(), sums.end());
  const auto* tail = reinterpret_cast<const std::uint8_t*>(&footer);
  pending_.insert(pending_.end(), tail, tail + sizeof footer);
  return write_at_end(pending_);
}

void BlobFileWriter::take_back_end() {
  pending_.resize(before_end_->pending);
  sums_.resize(before_end_->sums);
  size_ = before_end_->size;
  written_ = before_end_->written;
  pushed_ = std::min(pushed_, written_);
  crc32c_ = before_end_->crc32c;
  before_end_.reset();
}

Result<BlobInfo> BlobFileWriter::finish() {
  if (!before_end_)
    if (auto done = write_end(); !done) return fail(done);
  // What was reserved for more than came.
  if (reserved_ && ::ftruncate(file(), static_cast<off_t>(written_)) != 0)
    return file_failure("cutting", "a blob", errno);
  return BlobInfo{{}, size_, crc32c_};
}

Result<BlobFile> open_blob_file(const fs::path& path, std::uint64_t offset, std::uint64_t length) {
  FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) return client_error("NotFound", "There is no such blob.");
  if (!file) return file_failure("opening", path, errno);
  const auto damaged = [&](std::string_view why) {
    return server_error("StorageFailure", "A stored object is damaged.", fmt::format("{}: {}", path.string(), why));
  };
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return file_failure("opening", path, errno);
  const auto file_size = static_cast<std::uint64_t>(status.st_size);
  Footer footer;
  if (file_size < sizeof footer) return damaged("it is too short");
  if (auto done =
          read_at(file.get(), file_size - sizeof footer, {reinterpret_cast<std::uint8_t*>(&footer), sizeof footer});
      !done)
    return fail(done);
  if (std::memcmp(footer.magic, Footer{}.magic, sizeof footer.magic) != 0 ||
      crc32c(0, footer_head(footer)) != footer.footer_crc32c || footer.block == 0)
    return damaged("it has no footer");
  const std::uint64_t blocks = footer.size / footer.block + (footer.size % footer.block != 0 ? 1 : 0);
  if (file_size != footer.size + blocks * sizeof(std::uint32_t) + sizeof footer) return damaged("its size is wrong");
  if (length > (1u << 20)) ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  auto reader = std::make_unique<FileReader>(std::move(file), footer, offset, length);
  if (auto done = reader->load_sums(); !done) return fail(done);
  return BlobFile{std::move(reader), footer.size};
}

}  // namespace likeness::storage
