#include "domain/objects/records.hpp"

#include <functional>
#include <utility>

#include "domain/record.hpp"

namespace likeness::objects {

namespace {

using domain::RecordReader;
using domain::RecordWriter;

std::uint64_t seconds(TimePoint time) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}
TimePoint from_seconds(std::uint64_t value) {
  return TimePoint(std::chrono::seconds(static_cast<std::int64_t>(value)));
}

std::string pair_of(const std::string& first, const std::string& second) {
  RecordWriter writer;
  writer.text(1, first);
  writer.text(2, second);
  return writer.take();
}

/// False where the bytes are damaged.
bool read(std::string_view bytes, const std::function<void(RecordReader&)>& field) {
  RecordReader reader(bytes);
  while (reader.next()) field(reader);
  return reader.ok();
}

bool add_pair(std::map<std::string, std::string>& to, std::string_view bytes) {
  std::pair<std::string, std::string> entry;
  const bool ok = read(bytes, [&](RecordReader& reader) {
    if (reader.field() == 1) entry.first = reader.text();
    if (reader.field() == 2) entry.second = reader.text();
  });
  to.insert(std::move(entry));
  return ok;
}

Failure damaged(std::string_view what) {
  return server_error("StorageFailure", "stored data is damaged", std::string(what));
}

// -- pieces

constexpr std::uint8_t kPieceSize = 1, kPieceBlob = 2, kPieceItem = 3, kPieceNumber = 4, kPieceChecksum = 5;

std::string encode_piece(const Piece& piece) {
  RecordWriter writer;
  writer.number(kPieceSize, piece.size);
  if (!piece.blob.empty()) writer.text(kPieceBlob, piece.blob);
  if (!piece.item.empty()) writer.text(kPieceItem, piece.item);
  if (piece.part_number != 0) writer.number(kPieceNumber, static_cast<std::uint64_t>(piece.part_number));
  if (!piece.checksum.empty()) writer.text(kPieceChecksum, piece.checksum);
  return writer.take();
}

bool decode_piece(std::string_view bytes, Piece& piece) {
  return read(bytes, [&](RecordReader& reader) {
    switch (reader.field()) {
      case kPieceSize: piece.size = reader.number(); break;
      case kPieceBlob: piece.blob = reader.text(); break;
      case kPieceItem: piece.item = reader.text(); break;
      case kPieceNumber: piece.part_number = static_cast<int>(reader.number()); break;
      case kPieceChecksum: piece.checksum = reader.text(); break;
      default: break;
    }
  });
}

// -- metadata

constexpr std::uint8_t kHeader = 1, kUser = 2, kClass = 3, kTag = 4, kAcl = 5, kRetainMode = 6, kRetainUntil = 7,
                       kHold = 8;

std::string encode_metadata(const Metadata& metadata) {
  RecordWriter writer;
  for (const auto& [name, value] : metadata.headers) writer.text(kHeader, pair_of(name, value));
  for (const auto& [name, value] : metadata.user) writer.text(kUser, pair_of(name, value));
  if (metadata.storage_class != "STANDARD") writer.text(kClass, metadata.storage_class);
  for (const auto& [name, value] : metadata.tags) writer.text(kTag, pair_of(name, value));
  if (!metadata.acl.empty()) writer.text(kAcl, metadata.acl);
  if (metadata.retention) {
    writer.number(kRetainMode, static_cast<std::uint64_t>(metadata.retention->mode));
    writer.number(kRetainUntil, seconds(metadata.retention->until));
  }
  if (metadata.legal_hold) writer.number(kHold, 1);
  return writer.take();
}

bool decode_metadata(std::string_view bytes, Metadata& metadata) {
  bool whole = true;
  const bool ok = read(bytes, [&](RecordReader& reader) {
    switch (reader.field()) {
      case kHeader: whole &= add_pair(metadata.headers, reader.text()); break;
      case kUser: whole &= add_pair(metadata.user, reader.text()); break;
      case kClass: metadata.storage_class = reader.text(); break;
      case kTag: whole &= add_pair(metadata.tags, reader.text()); break;
      case kAcl: metadata.acl = reader.text(); break;
      case kRetainMode: metadata.retention.emplace().mode = static_cast<Retention::Mode>(reader.number()); break;
      case kRetainUntil:
        if (metadata.retention) metadata.retention->until = from_seconds(reader.number());
        break;
      case kHold: metadata.legal_hold = true; break;
      default: break;
    }
  });
  return ok && whole;
}

// -- buckets

constexpr std::uint8_t kId = 1, kAccount = 2, kRegion = 3, kCreated = 4, kVersioning = 5, kObjectLock = 6,
                       kConfiguration = 7;

// -- versions

constexpr std::uint8_t kOrder = 1, kIsNull = 2, kMarker = 3, kModified = 4, kSize = 5, kETag = 6,
                       kChecksumAlgorithm = 7, kChecksumType = 8, kChecksumValue = 9, kMetadata = 10, kPartCount = 11,
                       kPiece = 12, kManifest = 13, kHasOthers = 14, kNullOrder = 15, kUploadOf = 16;

void write_version(RecordWriter& writer, const Version& version) {
  writer.text(kOrder, version.order);
  if (version.is_null) writer.number(kIsNull, 1);
  if (version.is_delete_marker) writer.number(kMarker, 1);
  writer.number(kModified, seconds(version.modified));
  if (version.is_delete_marker) return;
  writer.number(kSize, version.size);
  writer.text(kETag, version.etag);
  if (version.checksum) {
    writer.number(kChecksumAlgorithm, static_cast<std::uint64_t>(version.checksum->algorithm));
    writer.number(kChecksumType, static_cast<std::uint64_t>(version.checksum->type));
    writer.text(kChecksumValue, version.checksum->value);
  }
  writer.text(kMetadata, encode_metadata(version.metadata));
  if (version.part_count != 0) writer.number(kPartCount, static_cast<std::uint64_t>(version.part_count));
  if (!version.upload.empty()) writer.text(kUploadOf, version.upload);
  if (!version.manifest.empty())
    writer.text(kManifest, version.manifest);
  else
    for (const auto& piece : version.pieces) writer.text(kPiece, encode_piece(piece));
}

bool read_current(std::string_view value, Current& current) {
  Version& version = current.version;
  version.is_null = false;
  bool whole = true;
  const bool ok = read(value, [&](RecordReader& reader) {
    const auto checksum = [&]() -> Checksum& {
      return version.checksum ? *version.checksum : version.checksum.emplace();
    };
    switch (reader.field()) {
      case kOrder: version.order = reader.text(); break;
      case kIsNull: version.is_null = true; break;
      case kMarker: version.is_delete_marker = true; break;
      case kModified: version.modified = from_seconds(reader.number()); break;
      case kSize: version.size = reader.number(); break;
      case kETag: version.etag = reader.text(); break;
      case kChecksumAlgorithm: checksum().algorithm = static_cast<Checksum::Algorithm>(reader.number()); break;
      case kChecksumType: checksum().type = static_cast<Checksum::Type>(reader.number()); break;
      case kChecksumValue: checksum().value = reader.text(); break;
      case kMetadata: whole &= decode_metadata(reader.text(), version.metadata); break;
      case kPartCount: version.part_count = static_cast<int>(reader.number()); break;
      case kPiece: whole &= decode_piece(reader.text(), version.pieces.emplace_back()); break;
      case kManifest: version.manifest = reader.text(); break;
      case kUploadOf: version.upload = reader.text(); break;
      case kHasOthers: current.has_others = true; break;
      case kNullOrder: current.null_order = reader.text(); break;
      default: break;
    }
  });
  return ok && whole && version.order.size() == 32;
}

// -- uploads and parts

constexpr std::uint8_t kUploadKey = 1, kInitiated = 2, kUploadMetadata = 3, kAlgorithm = 4, kType = 5;
constexpr std::uint8_t kPartSize = 1, kPartETag = 2, kPartChecksum = 3, kPartModified = 4, kPartPiece = 5;

}  // namespace

std::string encode(const Bucket& bucket) {
  RecordWriter writer;
  writer.text(kId, bucket.id);
  writer.text(kAccount, bucket.account);
  writer.text(kRegion, bucket.region);
  writer.number(kCreated, seconds(bucket.created));
  writer.number(kVersioning, static_cast<std::uint64_t>(bucket.versioning));
  if (bucket.object_lock) writer.number(kObjectLock, 1);
  for (const auto& [name, value] : bucket.configurations) writer.text(kConfiguration, pair_of(name, value));
  return writer.take();
}

Result<Bucket> decode_bucket(std::string_view name, std::string_view value) {
  Bucket bucket;
  bucket.name = name;
  bool whole = true;
  const bool ok = read(value, [&](RecordReader& reader) {
    switch (reader.field()) {
      case kId: bucket.id = reader.text(); break;
      case kAccount: bucket.account = reader.text(); break;
      case kRegion: bucket.region = reader.text(); break;
      case kCreated: bucket.created = from_seconds(reader.number()); break;
      case kVersioning: bucket.versioning = static_cast<Versioning>(reader.number()); break;
      case kObjectLock: bucket.object_lock = true; break;
      case kConfiguration: whole &= add_pair(bucket.configurations, reader.text()); break;
      default: break;
    }
  });
  if (!ok || !whole || bucket.id.empty()) return damaged("a bucket");
  return bucket;
}

std::string encode(const Version& version) {
  RecordWriter writer;
  write_version(writer, version);
  return writer.take();
}

std::string encode(const Current& current) {
  RecordWriter writer;
  write_version(writer, current.version);
  if (current.has_others) writer.number(kHasOthers, 1);
  if (!current.null_order.empty()) writer.text(kNullOrder, current.null_order);
  return writer.take();
}

Result<Current> decode_current(std::string_view key, std::string_view value) {
  Current current;
  current.version.key = key;
  current.version.is_latest = true;
  if (!read_current(value, current)) return damaged("an object");
  return current;
}

Result<Version> decode_version(std::string_view key, std::string_view value) {
  Current current;
  current.version.key = key;
  if (!read_current(value, current)) return damaged("a version of an object");
  return std::move(current.version);
}

std::string encode(const std::vector<Piece>& pieces) {
  RecordWriter writer;
  for (const auto& piece : pieces) writer.text(1, encode_piece(piece));
  return writer.take();
}

Result<std::vector<Piece>> decode_pieces(std::string_view value) {
  std::vector<Piece> pieces;
  bool whole = true;
  const bool ok =
      read(value, [&](RecordReader& reader) { whole &= decode_piece(reader.text(), pieces.emplace_back()); });
  if (!ok || !whole) return damaged("the list of an object's parts");
  return pieces;
}

std::string encode(const Upload& upload) {
  RecordWriter writer;
  writer.text(kUploadKey, upload.key);
  writer.number(kInitiated, seconds(upload.initiated));
  writer.text(kUploadMetadata, encode_metadata(upload.metadata));
  if (upload.algorithm) writer.number(kAlgorithm, static_cast<std::uint64_t>(*upload.algorithm));
  writer.number(kType, static_cast<std::uint64_t>(upload.checksum_type));
  return writer.take();
}

Result<Upload> decode_upload(std::string_view id, std::string_view value) {
  Upload upload;
  upload.id = id;
  bool whole = true;
  const bool ok = read(value, [&](RecordReader& reader) {
    switch (reader.field()) {
      case kUploadKey: upload.key = reader.text(); break;
      case kInitiated: upload.initiated = from_seconds(reader.number()); break;
      case kUploadMetadata: whole &= decode_metadata(reader.text(), upload.metadata); break;
      case kAlgorithm: upload.algorithm = static_cast<Checksum::Algorithm>(reader.number()); break;
      case kType: upload.checksum_type = static_cast<Checksum::Type>(reader.number()); break;
      default: break;
    }
  });
  if (!ok || !whole) return damaged("an upload");
  return upload;
}

std::string encode(const Part& part) {
  RecordWriter writer;
  writer.number(kPartSize, part.size);
  writer.text(kPartETag, part.etag);
  writer.text(kPartChecksum, part.checksum);
  writer.number(kPartModified, seconds(part.modified));
  writer.text(kPartPiece, encode_piece(part.piece));
  return writer.take();
}

Result<Part> decode_part(int number, std::string_view value) {
  Part part;
  part.number = number;
  bool whole = true;
  const bool ok = read(value, [&](RecordReader& reader) {
    switch (reader.field()) {
      case kPartSize: part.size = reader.number(); break;
      case kPartETag: part.etag = reader.text(); break;
      case kPartChecksum: part.checksum = reader.text(); break;
      case kPartModified: part.modified = from_seconds(reader.number()); break;
      case kPartPiece: whole &= decode_piece(reader.text(), part.piece); break;
      default: break;
    }
  });
  if (!ok || !whole) return damaged("a part");
  return part;
}

}  // namespace likeness::objects
