#include "app/cli/face_json.hpp"

#include <boost/json.hpp>

namespace likeness::app {
namespace {

namespace json = boost::json;

const json::value* find(const json::value& from, std::string_view name) {
  const json::object* object = from.if_object();
  return object == nullptr ? nullptr : object->if_contains(name);
}

std::string text(const json::value& from, std::string_view name) {
  const json::value* found = find(from, name);
  return found == nullptr || !found->is_string() ? std::string() : std::string(found->get_string());
}

}  // namespace

json::object stored_face_json(const StoredFace& face) {
  json::object out;
  out["FaceId"] = face.face_id;
  out["BoundingBox"] = box_json(face.box);
  out["ImageId"] = face.image_id;
  if (!face.external_image_id.empty()) out["ExternalImageId"] = face.external_image_id;
  out["Confidence"] = face.confidence;
  if (!face.user_id.empty()) out["UserId"] = face.user_id;
  return out;
}

StoredFace stored_face_of_json(const json::value& face) {
  StoredFace stored;
  stored.face_id = text(face, "FaceId");
  stored.image_id = text(face, "ImageId");
  stored.external_image_id = text(face, "ExternalImageId");
  stored.user_id = text(face, "UserId");
  if (const json::value* confidence = find(face, "Confidence"); confidence != nullptr && confidence->is_number())
    stored.confidence = confidence->to_number<float>();
  if (const json::value* box = find(face, "BoundingBox")) stored.box = box_of_json(*box);
  return stored;
}

}  // namespace likeness::app
