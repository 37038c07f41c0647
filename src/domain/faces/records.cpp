#include "domain/faces/records.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/bytes.hpp"
#include "domain/errors.hpp"
#include "domain/record.hpp"

namespace likeness::domain {

namespace {

// Field numbers are for ever: a retired one is not given out again.
constexpr std::uint8_t kId = 1, kGeneration = 2, kModelVersion = 3, kCreatedMs = 4, kTagKey = 5, kTagValue = 6;
constexpr std::uint8_t kFaceId = 1, kImageId = 2, kExternalImageId = 3, kBox = 4, kConfidence = 5, kFaceModel = 6,
                       kEmbedding = 7;
constexpr std::uint8_t kFaceOfImage = 1;
constexpr std::uint8_t kUserId = 1, kVectorId = 2, kFaceOfUser = 3, kUserEmbedding = 4;

Failure damaged(std::string_view what) { return internal_error("a stored " + std::string(what) + " is damaged"); }

}  // namespace

std::string encode(const Collection& collection) {
  RecordWriter out;
  out.text(kId, collection.id);
  out.text(kGeneration, collection.generation);
  out.text(kModelVersion, collection.face_model_version);
  out.number(kCreatedMs,
             static_cast<std::uint64_t>(
                 std::chrono::duration_cast<std::chrono::milliseconds>(collection.created.time_since_epoch()).count()));
  for (const auto& [key, value] : collection.tags) {
    out.text(kTagKey, key);
    out.text(kTagValue, value);
  }
  return out.take();
}

Result<Collection> decode_collection(std::string_view bytes) {
  Collection collection;
  RecordReader in(bytes);
  std::string tag;
  while (in.next()) {
    switch (in.field()) {
      case kId: collection.id = in.text(); break;
      case kGeneration: collection.generation = in.text(); break;
      case kModelVersion: collection.face_model_version = in.text(); break;
      case kCreatedMs: collection.created = TimePoint(std::chrono::milliseconds(in.number())); break;
      case kTagKey: tag = in.text(); break;
      case kTagValue: collection.tags[tag] = in.text(); break;
      default: break;
    }
  }
  if (!in.ok() || collection.id.empty() || collection.generation.empty()) return damaged("collection");
  return collection;
}

std::string encode(const StoredFace& stored) {
  const auto& face = stored.face;
  const float box[] = {face.box.left, face.box.top, face.box.width, face.box.height};
  RecordWriter out;
  out.text(kFaceId, face.face_id);
  out.text(kImageId, face.image_id);
  if (face.external_image_id) out.text(kExternalImageId, *face.external_image_id);
  out.floats(kBox, box);
  out.floats(kConfidence, std::span(&face.confidence, 1));
  out.text(kFaceModel, face.model_version);
  out.floats(kEmbedding, stored.embedding);
  return out.take();
}

Result<StoredFace> decode_face(std::string_view bytes) {
  StoredFace stored;
  auto& face = stored.face;
  RecordReader in(bytes);
  bool has_vector = false;
  float box[4] = {};
  while (in.next()) {
    switch (in.field()) {
      case kFaceId: face.face_id = in.text(); break;
      case kImageId: face.image_id = in.text(); break;
      case kExternalImageId: face.external_image_id = std::string(in.text()); break;
      case kBox: in.floats(box); break;
      case kConfidence: in.floats(std::span(&face.confidence, 1)); break;
      case kFaceModel: face.model_version = in.text(); break;
      case kEmbedding: has_vector = in.floats(stored.embedding); break;
      default: break;
    }
  }
  if (!in.ok() || !has_vector) return damaged("face");
  face.box = {box[0], box[1], box[2], box[3]};
  return stored;
}

std::string encode(const ImageFaces& image) {
  RecordWriter out;
  for (const auto& id : image.face_ids) out.text(kFaceOfImage, id);
  return out.take();
}

Result<ImageFaces> decode_image(std::string_view bytes) {
  ImageFaces image;
  RecordReader in(bytes);
  while (in.next())
    if (in.field() == kFaceOfImage) image.face_ids.emplace_back(in.text());
  if (!in.ok()) return damaged("image");
  return image;
}

std::string encode(const StoredUser& user) {
  RecordWriter out;
  out.text(kUserId, user.id);
  out.text(kVectorId, as_text(user.vector_id));
  for (const auto& id : user.face_ids) out.text(kFaceOfUser, id);
  if (!user.face_ids.empty()) out.floats(kUserEmbedding, user.embedding);
  return out.take();
}

Result<StoredUser> decode_user(std::string_view bytes) {
  StoredUser user;
  RecordReader in(bytes);
  bool has_id = false;
  bool has_vector = false;
  while (in.next()) {
    switch (in.field()) {
      case kUserId: user.id = in.text(); break;
      case kVectorId:
        has_id = in.text().size() == user.vector_id.size();
        if (has_id) std::memcpy(user.vector_id.data(), in.text().data(), user.vector_id.size());
        break;
      case kFaceOfUser: user.face_ids.emplace_back(in.text()); break;
      case kUserEmbedding: has_vector = in.floats(user.embedding); break;
      default: break;
    }
  }
  if (!in.ok() || !has_id || user.id.empty() || has_vector == user.face_ids.empty()) return damaged("user");
  return user;
}

std::string image_key(std::string_view image_id, const std::optional<std::string>& external_image_id) {
  std::string key(image_id);
  if (external_image_id) key.append("/").append(*external_image_id);
  return key;
}

std::optional<index::VectorId> vector_id_of(std::string_view uuid) {
  if (uuid.size() != 36 || uuid[8] != '-' || uuid[13] != '-' || uuid[18] != '-' || uuid[23] != '-') return std::nullopt;
  std::string hex;
  for (const char c : uuid)
    if (c != '-') hex.push_back(c);
  const auto bytes = from_hex(hex);
  index::VectorId id{};
  if (!bytes || bytes->size() != id.size()) return std::nullopt;
  std::memcpy(id.data(), bytes->data(), id.size());
  return id;
}

std::string uuid_of(const index::VectorId& id) {
  auto text = to_hex(id);
  for (const std::size_t at : {8u, 13u, 18u, 23u}) text.insert(at, 1, '-');
  return text;
}

float as_stored(float value) {
  if (!std::isfinite(value)) return value;
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.6g", static_cast<double>(value));
  return std::strtof(digits, nullptr);
}

}  // namespace likeness::domain
