#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "storage/blobs.hpp"

/// The file of one large blob: its bytes, then the CRC-32C of each block of them, then a footer that says how many
/// there are. So a range can be checked without reading the rest, and a file that was not written to its end has no
/// footer.
namespace likeness::storage {

inline constexpr std::size_t kBlobBlock = 128u << 10;

Failure file_failure(std::string_view doing, const std::filesystem::path& path, int error);

/// An open file.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int file) : file_(file) {}
  ~FileHandle();
  FileHandle(FileHandle&& other) noexcept;
  FileHandle& operator=(FileHandle&& other) noexcept;
  int get() const { return file_; }
  explicit operator bool() const { return file_ >= 0; }

 private:
  int file_ = -1;
};

/// What is in the directory survives a crash of the machine.
Result<void> sync_directory(const std::filesystem::path& directory);

/// A file in the making. It has no name where the file system can do that: then writers do not queue up for the lock of
/// a folder, and a crash leaves nothing. Elsewhere it has one in `incoming`, which goes with this object.
class UnnamedFile {
 public:
  /// `near`: where on the disk the file system should put it. `may_lack_name` false: as on one that cannot do that.
  static Result<UnnamedFile> create(const std::filesystem::path& near, const std::filesystem::path& incoming,
                                    bool may_lack_name = true);
  ~UnnamedFile();
  UnnamedFile(UnnamedFile&& other) noexcept;
  UnnamedFile& operator=(UnnamedFile&& other) = delete;

  /// Nothing must have that name.
  Result<void> name(const std::filesystem::path& target);
  int get() const { return file_.get(); }

 private:
  UnnamedFile(FileHandle file, std::filesystem::path name) : file_(std::move(file)), name_(std::move(name)) {}

  FileHandle file_;
  std::filesystem::path name_;  // until it has another; empty: none
};

/// Writes the file of a blob. Bytes go to the disk behind the writer's back and leave the page cache, so that a large
/// blob neither costs much memory nor makes the last sync long. The caller names and syncs the file.
class BlobFileWriter {
 public:
  /// Folders as for UnnamedFile. `sync`: whether it will be synced at the end.
  static Result<BlobFileWriter> create(const std::filesystem::path& near, const std::filesystem::path& incoming,
                                       std::optional<std::uint64_t> expected_size, bool sync);

  /// As soon as the expected size has come, the disk begins to write: it may be done when finish() is called.
  Result<void> write(BytesView bytes);
  /// Writes what is left and the footer. Returns size and checksum; the id is the caller's.
  Result<BlobInfo> finish();
  Result<void> name(const std::filesystem::path& target) { return file_.name(target); }
  int file() const { return file_.get(); }

 private:
  BlobFileWriter(UnnamedFile file, bool sync) : file_(std::move(file)), sync_(sync) {}
  void add_sum(BytesView block);
  Result<void> write_block(BytesView block);
  Result<void> write_at_end(BytesView bytes);
  Result<void> write_end();
  void take_back_end();
  void push_out();

  UnnamedFile file_;
  bool sync_;
  bool reserved_ = false;  // room beyond the end is reserved
  std::optional<std::uint64_t> expected_size_;
  /// The last block and the footer are written; as it was before.
  struct BeforeEnd {
    std::size_t pending = 0, sums = 0;
    std::uint64_t size = 0, written = 0;
    std::uint32_t crc32c = 0;
  };
  std::optional<BeforeEnd> before_end_;
  Bytes pending_;  // less than a block
  std::vector<std::uint32_t> sums_;
  std::uint64_t size_ = 0;     // of the blob so far, without what is pending
  std::uint64_t written_ = 0;  // bytes of the file
  std::uint64_t pushed_ = 0;   // of them on their way to the disk
  std::uint32_t crc32c_ = 0;
};

struct BlobFile {
  std::unique_ptr<BlobReader> reader;
  std::uint64_t size = 0;  // of the whole blob
};

/// Reads bytes `offset` to `offset + length` of a blob's file and checks them. "NotFound" if there is no such file,
/// "StorageFailure" if it is not a whole one.
Result<BlobFile> open_blob_file(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t length);

}  // namespace likeness::storage
