#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "domain/objects/checksums.hpp"
#include "domain/objects/types.hpp"
#include "storage/blobs.hpp"
#include "storage/store.hpp"

namespace likeness::objects {

/// Bytes on their way in: fills the span in part or whole, 0 at the end. Its errors are passed on as they are.
using Source = std::function<Result<std::size_t>(std::span<std::uint8_t>)>;

/// What the bytes have to turn out to be.
struct Expected {
  std::optional<std::uint64_t> size = {};
  std::uint64_t max_size = UINT64_MAX;
  std::optional<Bytes> md5 = {};
  Checksum::Algorithm algorithm = Checksum::Algorithm::Crc64Nvme;
  std::optional<std::string> checksum = {};  // base64
  /// Asked after the last byte: a checksum that follows the body.
  std::function<std::optional<std::string>()> trailer = {};
};

/// An object's bytes, or a range of them, first to last. Used by one thread.
class ContentReader {
 public:
  virtual ~ContentReader() = default;
  /// 0 only at the end.
  virtual Result<std::size_t> read(std::span<std::uint8_t> into) = 0;
  /// All that `read` would give from here on, if it is in memory already.
  virtual std::optional<storage::HeldBytes> held() const { return std::nullopt; }
};

/// The bytes of objects: small ones as items of the store, so that one commit makes them durable with their object,
/// others as blobs. Borrows; thread-safe; every method blocks. Memory per call: a buffer of 256 KiB, whatever the size.
class Contents {
 public:
  /// Up to this many bytes go into the store itself. More would be written twice, to its log and its files, and make
  /// the commits of others wait.
  static constexpr std::size_t kSmall = 64 * 1024;

  Contents(storage::Store& store, storage::Blobs& blobs) : store_(store), blobs_(blobs) {}

  /// Bytes that are durable but belong to nothing yet: `writes` has to go into the commit that makes them an object's.
  /// Without `keep()` they are removed again with this.
  class Written {
   public:
    Written() = default;
    Written(Written&& other) noexcept;
    Written& operator=(Written&&) = delete;
    ~Written();

    Piece piece;
    std::string md5;       // hex
    std::string checksum;  // base64
    std::vector<storage::Write> writes;
    void keep() { blobs_ = nullptr; }

   private:
    friend class Contents;
    storage::Blobs* blobs_ = nullptr;
  };

  /// Errors: BadDigest, IncompleteBody, EntityTooLarge, InsufficientStorage, those of the source.
  Result<Written> write(const Source& source, const Expected& expected);

  /// `length` bytes from `offset` on, both within the object.
  Result<std::unique_ptr<ContentReader>> open(const Version& version, std::uint64_t offset, std::uint64_t length) const;
  Result<std::vector<Piece>> pieces_of(const Version& version) const;

  /// Puts many pieces where they do not burden the version's record. Adds to `writes`.
  static void place_pieces(Version& version, std::vector<Piece> pieces, std::vector<storage::Write>& writes);

  /// What has to be removed with something. Its writes go into that commit; `finish` removes the bytes after it.
  struct Garbage {
    std::vector<storage::Write> writes;
    std::vector<std::string> blobs;
    std::vector<std::string> ids;  // entries of the table of garbage
  };
  void discard(const Version& version, Garbage& garbage) const;
  void discard(std::vector<Piece> pieces, Garbage& garbage) const;
  /// The entries of an upload's parts; their bytes too unless an object has taken them over.
  void discard_parts(const std::string& upload_id, bool with_bytes, Garbage& garbage) const;
  /// Failures are logged: what is left goes at the next start.
  void finish(const Garbage& garbage);

  /// At the start, before anything is written: removes what a crash left.
  Result<void> recover(TimePoint now);

 private:
  Result<void> empty(const std::string& garbage_id);
  Result<void> remove_pieces(const std::vector<Piece>& pieces);

  storage::Store& store_;
  storage::Blobs& blobs_;
};

}  // namespace likeness::objects
