#include "domain/objects/contents.hpp"

#include <algorithm>
#include <utility>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "domain/kept_blobs.hpp"
#include "domain/objects/errors.hpp"
#include "domain/objects/layout.hpp"
#include "domain/objects/records.hpp"

namespace likeness::objects {

namespace {

constexpr std::size_t kBuffer = 256 * 1024;
constexpr std::size_t kPiecesInRecord = 32;
constexpr std::size_t kPiecesInManifestItem = 500;
constexpr std::size_t kRemoveAtOnce = 90;
constexpr std::string_view kAllBlobs = "blobs";
constexpr std::string_view kAllGarbage = "garbage";

/// What an entry of the table of garbage starts with.
constexpr char kGarbageIsManifest = 'm';
constexpr char kGarbageIsPieces = 'p';
constexpr char kGarbageIsParts = 'u';
constexpr char kGarbageIsPartEntries = 'e';

storage::Key blob_entry(const std::string& id) { return {std::string(kAllBlobs), id}; }

void erase_entry(const Piece& piece, std::vector<storage::Write>& writes) {
  if (!piece.blob.empty()) writes.push_back(erase(kBlobs, blob_entry(piece.blob)));
  if (!piece.item.empty()) writes.push_back(erase(kContents, {piece.item, {}}));
}

class PieceReader final : public ContentReader {
 public:
  PieceReader(const storage::Store& store, const storage::Blobs& blobs, std::vector<Piece> pieces, std::uint64_t offset,
              std::uint64_t length)
      : store_(store), blobs_(blobs), pieces_(std::move(pieces)), offset_(offset), left_(length) {
    while (at_ < pieces_.size() && offset_ >= pieces_[at_].size) offset_ -= pieces_[at_++].size;
  }

  /// Opened with the object: what is open stays readable when the object is removed meanwhile.
  Result<void> open_first() { return left_ > 0 ? open_piece() : Result<void>{}; }

  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    while (left_ > 0 && !into.empty()) {
      if (!blob_ && item_at_ >= item_.size()) {
        if (auto opened = open_piece(); !opened) return fail(opened);
      }
      const std::size_t room = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_));
      std::size_t count = 0;
      if (blob_) {
        auto got = blob_->read(into.first(room));
        if (!got) return internal(got.error());
        count = *got;
        if (count == 0) blob_.reset();
      } else {
        count = std::min(room, item_.size() - item_at_);
        std::copy_n(item_.begin() + static_cast<std::ptrdiff_t>(item_at_), count, into.begin());
        item_at_ += count;
      }
      left_ -= count;
      if (count > 0) return count;
    }
    return std::size_t{0};
  }

  std::optional<storage::HeldBytes> held() const override {
    auto bytes = blob_ ? blob_->held() : std::nullopt;
    if (bytes && bytes->bytes.size() != left_) return std::nullopt;  // more pieces follow
    return bytes;
  }

 private:
  Result<void> open_piece() {
    if (at_ >= pieces_.size())
      return internal(
          Error{.code = "StorageFailure", .message = "an object is shorter than it should be", .detail = {}});
    const Piece& piece = pieces_[at_++];
    const std::uint64_t from = std::exchange(offset_, 0);
    if (!piece.item.empty()) {
      auto found = store_.get(kContents, {piece.item, {}});
      if (!found) return internal(found.error());
      if (!*found)
        return internal(Error{.code = "StorageFailure", .message = "an object's bytes are gone", .detail = {}});
      item_ = std::move(**found);
      item_at_ = static_cast<std::size_t>(from);
      return {};
    }
    auto blob = blobs_.open(piece.blob, from, std::min(piece.size - from, left_));
    if (!blob) return internal(blob.error());
    blob_ = std::move(*blob);
    item_.clear();
    item_at_ = 0;
    return {};
  }

  const storage::Store& store_;
  const storage::Blobs& blobs_;
  const std::vector<Piece> pieces_;
  std::size_t at_ = 0;
  std::uint64_t offset_;  // in the next piece
  std::uint64_t left_;
  std::unique_ptr<storage::BlobReader> blob_;
  std::string item_;
  std::size_t item_at_ = 0;
};

Result<void> check(const Expected& expected, const Piece& piece, BytesView md5, const std::string& checksum) {
  if (expected.size && *expected.size != piece.size) return incomplete_body();
  if (expected.md5 && !std::ranges::equal(*expected.md5, md5)) return bad_digest();
  std::optional<std::string> wanted = expected.checksum;
  if (expected.trailer)
    if (auto trailing = expected.trailer()) wanted = std::move(trailing);
  if (wanted && *wanted != checksum) return bad_checksum(expected.algorithm);
  return {};
}

}  // namespace

Contents::Written::Written(Written&& other) noexcept
    : piece(std::move(other.piece)),
      md5(std::move(other.md5)),
      checksum(std::move(other.checksum)),
      writes(std::move(other.writes)),
      blobs_(std::exchange(other.blobs_, nullptr)) {}

Contents::Written::~Written() {
  if (blobs_ != nullptr && !piece.blob.empty())
    if (auto removed = blobs_->remove(piece.blob); !removed)
      log::warn("a blob that is not needed stays until the next start: {}", removed.error().message);
}

Result<Contents::Written> Contents::write(const Source& source, const Expected& expected) {
  if (expected.size && *expected.size > expected.max_size) return too_large();
  Digest md5(Digest::Kind::Md5);
  ChecksumStream checksum(expected.algorithm);
  std::unique_ptr<storage::BlobWriter> writer;
  // One byte more than is expected, so that too many show, and a small object is never full of it.
  const std::size_t room =
      static_cast<std::size_t>(std::min<std::uint64_t>(expected.size.value_or(kBuffer), kBuffer - 1)) + 1;
  const auto memory = std::make_unique_for_overwrite<std::uint8_t[]>(room);
  const std::span buffer(memory.get(), room);
  std::size_t filled = 0;
  std::uint64_t size = 0;
  const auto flush = [&]() -> Result<void> {
    if (!writer) {
      auto created = blobs_.create(expected.size);
      if (!created) return from_storage(created.error());
      writer = std::move(*created);
    }
    if (auto written = writer->write(buffer.first(filled)); !written) return from_storage(written.error());
    filled = 0;
    return {};
  };
  while (true) {
    if (filled == room) {
      if (auto flushed = flush(); !flushed) return fail(flushed);
    }
    auto got = source(buffer.subspan(filled));
    if (!got) return fail(got);
    if (*got == 0) break;
    const BytesView fresh = buffer.subspan(filled, *got);
    filled += *got;
    size += *got;
    if (size > expected.max_size) return too_large();
    if (expected.size && size > *expected.size) return incomplete_body();
    // The last of them go to the disk first, which writes while the sums are made.
    if (size == expected.size && size > kSmall)
      if (auto flushed = flush(); !flushed) return fail(flushed);
    md5.update(fresh);
    checksum.update(fresh);
  }

  Written written;
  written.piece.size = size;
  const Bytes digest = md5.finish();
  written.md5 = to_hex(digest);
  written.checksum = checksum.finish();
  if (auto checked = check(expected, written.piece, digest, written.checksum); !checked) return fail(checked);
  if (size == 0) return written;
  if (!writer && filled <= kSmall) {
    written.piece.item = uuid_v4();
    written.writes.push_back(put(kContents, {written.piece.item, {}}, std::string(as_text(buffer.first(filled)))));
    return written;
  }
  if (filled > 0)
    if (auto flushed = flush(); !flushed) return fail(flushed);
  auto blob = writer->commit();
  if (!blob) return from_storage(blob.error());
  written.piece.blob = std::move(blob->id);
  written.blobs_ = &blobs_;
  written.writes.push_back(put(kBlobs, blob_entry(written.piece.blob), {}));
  return written;
}

Result<std::unique_ptr<ContentReader>> Contents::open(const Version& version, std::uint64_t offset,
                                                      std::uint64_t length) const {
  auto pieces = pieces_of(version);
  if (!pieces) return fail(pieces);
  auto reader = std::make_unique<PieceReader>(store_, blobs_, std::move(*pieces), offset, length);
  if (auto opened = reader->open_first(); !opened) return fail(opened);
  return std::unique_ptr<ContentReader>(std::move(reader));
}

Result<std::vector<Piece>> Contents::pieces_of(const Version& version) const {
  if (version.manifest.empty()) return version.pieces;
  std::vector<Piece> pieces;
  std::string first;
  while (true) {
    auto page = store_.range(kManifests, version.manifest, {.first = first, .last = {}, .limit = 4, .reverse = false});
    if (!page) return internal(page.error());
    for (const auto& item : page->items) {
      auto some = decode_pieces(item.value);
      if (!some) return internal(some.error());
      pieces.insert(pieces.end(), std::make_move_iterator(some->begin()), std::make_move_iterator(some->end()));
    }
    if (!page->next) return pieces;
    first = *page->next;
  }
}

void Contents::place_pieces(Version& version, std::vector<Piece> pieces, std::vector<storage::Write>& writes) {
  if (pieces.size() <= kPiecesInRecord) {
    version.pieces = std::move(pieces);
    return;
  }
  version.manifest = uuid_v4();
  std::uint32_t number = 0;
  for (std::size_t at = 0; at < pieces.size(); at += kPiecesInManifestItem) {
    const auto end = std::min(at + kPiecesInManifestItem, pieces.size());
    writes.push_back(put(kManifests, {version.manifest, sort_of(number++)},
                         encode(std::vector<Piece>(pieces.begin() + static_cast<std::ptrdiff_t>(at),
                                                   pieces.begin() + static_cast<std::ptrdiff_t>(end)))));
  }
}

void Contents::discard(const Version& version, Garbage& garbage) const {
  if (!version.manifest.empty()) {
    garbage.ids.push_back(uuid_v4());
    garbage.writes.push_back(
        put(kGarbage, {std::string(kAllGarbage), garbage.ids.back()}, kGarbageIsManifest + version.manifest));
    return;
  }
  for (const auto& piece : version.pieces) {
    erase_entry(piece, garbage.writes);
    if (!piece.blob.empty()) garbage.blobs.push_back(piece.blob);
  }
}

void Contents::discard(std::vector<Piece> pieces, Garbage& garbage) const {
  constexpr std::size_t kInOneEntry = 2000;
  for (std::size_t at = 0; at < pieces.size(); at += kInOneEntry) {
    const auto end = std::min(at + kInOneEntry, pieces.size());
    garbage.ids.push_back(uuid_v4());
    garbage.writes.push_back(
        put(kGarbage, {std::string(kAllGarbage), garbage.ids.back()},
            kGarbageIsPieces + encode(std::vector<Piece>(pieces.begin() + static_cast<std::ptrdiff_t>(at),
                                                         pieces.begin() + static_cast<std::ptrdiff_t>(end)))));
  }
}

void Contents::discard_parts(const std::string& upload_id, bool with_bytes, Garbage& garbage) const {
  garbage.ids.push_back(uuid_v4());
  garbage.writes.push_back(put(kGarbage, {std::string(kAllGarbage), garbage.ids.back()},
                               (with_bytes ? kGarbageIsParts : kGarbageIsPartEntries) + upload_id));
}

void Contents::finish(const Garbage& garbage) {
  for (const auto& blob : garbage.blobs)
    if (auto removed = blobs_.remove(blob); !removed)
      log::warn("a removed object's bytes stay until the next start: {}", removed.error().message);
  for (const auto& id : garbage.ids)
    if (auto emptied = empty(id); !emptied)
      log::warn("removed parts stay until the next start: {}", emptied.error().detail);
}

Result<void> Contents::remove_pieces(const std::vector<Piece>& pieces) {
  std::vector<storage::Write> writes;
  const auto commit = [&]() -> Result<void> {
    if (writes.empty()) return {};
    auto done = store_.commit(std::exchange(writes, {}));
    if (!done) return from_storage(done.error());
    return {};
  };
  for (const auto& piece : pieces) {
    if (!piece.blob.empty())
      if (auto removed = blobs_.remove(piece.blob); !removed) return internal(removed.error());
    erase_entry(piece, writes);
    if (writes.size() >= kRemoveAtOnce)
      if (auto done = commit(); !done) return done;
  }
  return commit();
}

Result<void> Contents::empty(const std::string& garbage_id) {
  const storage::Key key{std::string(kAllGarbage), garbage_id};
  auto found = store_.get(kGarbage, key);
  if (!found) return internal(found.error());
  if (!*found || (*found)->empty()) return {};
  const char kind = (*found)->front();
  const std::string rest = (*found)->substr(1);
  if (kind == kGarbageIsPieces) {
    auto pieces = decode_pieces(rest);
    if (!pieces) return internal(pieces.error());
    if (auto removed = remove_pieces(*pieces); !removed) return removed;
  } else {
    const std::string_view table = kind == kGarbageIsManifest ? kManifests : kParts;
    while (true) {
      auto page = store_.range(table, rest, {.first = {}, .last = {}, .limit = kRemoveAtOnce, .reverse = false});
      if (!page) return internal(page.error());
      if (page->items.empty()) break;
      std::vector<storage::Write> writes;
      writes.reserve(page->items.size());
      for (auto& item : page->items) {
        std::vector<Piece> pieces;
        if (kind == kGarbageIsManifest) {
          auto some = decode_pieces(item.value);
          if (!some) return internal(some.error());
          pieces = std::move(*some);
        } else {
          auto part = decode_part(0, item.value);
          if (!part) return internal(part.error());
          // Those of a completed upload belong to the object now.
          if (kind == kGarbageIsParts) pieces.push_back(std::move(part->piece));
        }
        if (auto removed = remove_pieces(pieces); !removed) return removed;
        writes.push_back(erase(table, std::move(item.key)));
      }
      if (auto done = store_.commit(std::move(writes)); !done) return from_storage(done.error());
    }
  }
  if (auto done = store_.commit({erase(kGarbage, key)}); !done) return from_storage(done.error());
  return {};
}

Result<void> Contents::recover(TimePoint now) {
  std::vector<std::string> left;
  auto scanned = store_.scan(kGarbage, kAllGarbage, [&](std::string_view id, std::string_view) {
    left.emplace_back(id);
    return true;
  });
  if (!scanned) return internal(scanned.error());
  for (const auto& id : left)
    if (auto emptied = empty(id); !emptied) return emptied;
  auto swept = blobs_.sweep(now, [&](std::string_view id) {
    auto entry = store_.get(kBlobs, blob_entry(std::string(id)));
    if (!entry || entry->has_value()) return true;  // when in doubt it stays
    auto kept = store_.get(domain::kKeptBlobs, domain::kept_blob_key(id));
    return !kept || kept->has_value();
  });
  if (!swept) return internal(swept.error());
  if (*swept > 0) log::info("removed {} blobs of uploads that did not end", *swept);
  return {};
}

}  // namespace likeness::objects
