#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

/// The errors of the face rules, in AWS's names and words. Clients match on the texts, so they are part of the API: the
/// comment of each says where the words come from.
namespace likeness::domain {

// Of the developer guide's page "Error handling", or of answers that others have recorded from AWS.
Failure collection_not_found(std::string_view collection_id);
Failure collection_exists(std::string_view collection_id);
Failure invalid_image_format();
Failure image_too_large();
/// What AWS answers for an image under the least size, and for CompareFaces without a face.
Failure invalid_parameters();
Failure no_faces_in_image();
Failure unreadable_object();
Failure invalid_page_token();
Failure token_in_use(std::string_view client_request_token);
Failure face_not_in_collection();
Failure slow_down();
Failure internal_error(std::string detail);

// Ours: AWS's words for these are not documented.
Failure user_not_found(std::string_view user_id);
Failure user_exists(std::string_view user_id);
Failure user_in_use(std::string_view user_id);
Failure bad_image_source();
Failure search_users_wants_one_of_face_and_user();
Failure resource_not_found(std::string_view arn);
Failure bad_arn(std::string_view arn);
Failure other_face_model(std::string_view of_collection, std::string_view of_server);
Failure quota_exceeded(std::string_view what, std::size_t limit);

/// Errors of the modules below in AWS's terms: storage and vision.
Failure from_below(Error error);
template <class T>
Failure from_below(const Result<T>& result) {
  return from_below(result.error());
}
/// Errors of media::decode.
Failure from_decoder(Error error);

}  // namespace likeness::domain
