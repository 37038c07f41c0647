#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "index/face_index.hpp"
#include "vision/face.hpp"

/// What is stored. Tables and keys:
///
///   collections   "ACCOUNT/REGION"    collection id      -> Collection
///   deleted       "collections"       generation         -> its scope and id; faces still to be erased
///   faces         generation          face id            -> StoredFace: metadata and vector in one item
///   images        generation          image key          -> ImageFaces
///   users         generation          user id            -> StoredUser
///   requests      "ACCOUNT/REGION"    operation/token    -> answers of client request tokens
///   settings      "secrets"           name               -> secrets of this data folder
///
/// A generation is the UUID of one life of a collection: deleting a collection and making it again under the same name
/// gives another, so nothing of the old one can show up in the new one.
namespace likeness::domain {

namespace tables {
inline constexpr std::string_view kCollections = "collections";
inline constexpr std::string_view kDeleted = "deleted";
inline constexpr std::string_view kFaces = "faces";
inline constexpr std::string_view kImages = "images";
inline constexpr std::string_view kUsers = "users";
inline constexpr std::string_view kRequests = "requests";
}  // namespace tables

struct Collection {
  std::string id;
  std::string generation;
  std::string face_model_version;
  TimePoint created;
  std::map<std::string, std::string> tags;
};

/// A face of a collection as ListFaces and the searches show it.
struct IndexedFace {
  std::string face_id;  // UUID (version 4)
  std::string image_id;
  std::optional<std::string> external_image_id;
  vision::Box box;
  float confidence = 0;
  std::string model_version;
  std::optional<std::string> user_id;  // not stored with the face: users know their faces
};

struct StoredFace {
  IndexedFace face;
  vision::Embedding embedding{};
};

/// The faces that one image brought in under one ExternalImageId: what keeps an image from being indexed twice.
struct ImageFaces {
  std::vector<std::string> face_ids;
};

enum class UserStatus { Active, Updating, Creating, Created };

struct StoredUser {
  std::string id;
  index::VectorId vector_id{};
  std::vector<std::string> face_ids;  // at most 100, in the order of their association
  vision::Embedding embedding{};      // of all its faces; meaningless without faces

  /// Changes are complete when they are answered, so a user is never seen CREATING or UPDATING.
  UserStatus status() const { return face_ids.empty() ? UserStatus::Created : UserStatus::Active; }
};

std::string encode(const Collection& collection);
std::string encode(const StoredFace& face);
std::string encode(const ImageFaces& image);
std::string encode(const StoredUser& user);

/// Error: InternalServerError for a value that is damaged.
Result<Collection> decode_collection(std::string_view bytes);
Result<StoredFace> decode_face(std::string_view bytes);
Result<ImageFaces> decode_image(std::string_view bytes);
Result<StoredUser> decode_user(std::string_view bytes);

std::string image_key(std::string_view image_id, const std::optional<std::string>& external_image_id);

/// "0b683aed-a0f1-48b2-9b5e-139e9cc2a757" to its 16 bytes; nullopt if it is not of that form.
std::optional<index::VectorId> vector_id_of(std::string_view uuid);
std::string uuid_of(const index::VectorId& id);

/// To six significant digits, as AWS keeps the numbers of stored faces: its documentation shows a stored height of
/// 0.06333330273628235, the float next to 0.0633333, where the detection had more digits.
float as_stored(float value);

}  // namespace likeness::domain
