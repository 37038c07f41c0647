#pragma once

#include "app/cli/face_service.hpp"
#include "apps/faces_json.hpp"

/// Faces of collections in the member names of the AWS API, beside those of photos.
namespace likeness::app {

using apps::box_json;
using apps::box_of_json;
using apps::face_detail_json;
using apps::face_details_json;
using apps::face_of_json;
using apps::rules_json;

/// A Face of a collection.
boost::json::object stored_face_json(const StoredFace& face);
/// Members that are missing or of another type are left at their defaults.
StoredFace stored_face_of_json(const boost::json::value& face);

}  // namespace likeness::app
