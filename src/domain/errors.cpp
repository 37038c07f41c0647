#include "domain/errors.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace likeness::domain {

// Recorded from AWS in others' notes: "The collection id: test2 does not exist".
Failure collection_not_found(std::string_view collection_id) {
  return client_error("ResourceNotFoundException", fmt::format("The collection id: {} does not exist", collection_id));
}

// Documented: "The collection id: <Collection Id> already exists."
Failure collection_exists(std::string_view collection_id) {
  return client_error("ResourceAlreadyExistsException",
                      fmt::format("The collection id: {} already exists", collection_id));
}

// Documented, and recorded without the full stop of the page.
Failure invalid_image_format() {
  return client_error("InvalidImageFormatException", "Request has invalid image format");
}

// Documented.
Failure image_too_large() { return client_error("ImageTooLargeException", "Image size is too large"); }

// Documented; recorded for images under 80 pixels a side and for comparisons without a face.
Failure invalid_parameters() { return client_error("InvalidParameterException", "Request has invalid parameters"); }

// Recorded many times from SearchFacesByImage.
Failure no_faces_in_image() {
  return client_error("InvalidParameterException", "There are no faces in the image. Should be at least 1.");
}

// Documented, with a recorded answer.
Failure unreadable_object() {
  return client_error("InvalidS3ObjectException",
                      "Unable to get object metadata from S3. Check object key, region and/or access permissions.");
}

// Documented: "Invalid Token" or "Invalid Pagination Token".
Failure invalid_page_token() { return client_error("InvalidPaginationTokenException", "Invalid Pagination Token"); }

// Documented.
Failure token_in_use(std::string_view client_request_token) {
  return client_error(
      "IdempotentParameterMismatchException",
      fmt::format("The ClientRequestToken: {} you have supplied is already in use.", client_request_token));
}

// Recorded from SearchFaces, as an InvalidParameterException.
Failure face_not_in_collection() {
  return client_error("InvalidParameterException", "faceId was not found in the collection.");
}

// Documented. Of the two forms of ThrottlingException this is the one that says "slow down".
Failure slow_down() { return client_error("ThrottlingException", "Slow down; sudden increase in rate of requests."); }

// Documented.
Failure internal_error(std::string detail) {
  return server_error("InternalServerError", "Internal server error", std::move(detail));
}

Failure user_not_found(std::string_view user_id) {
  return client_error("ResourceNotFoundException", fmt::format("The user id: {} does not exist", user_id));
}

Failure user_exists(std::string_view user_id) {
  return client_error("ConflictException", fmt::format("The user id: {} already exists", user_id));
}

Failure user_in_use(std::string_view user_id) {
  return client_error("ConflictException",
                      fmt::format("The user id: {} is being changed by another request. Try again.", user_id));
}

Failure bad_image_source() {
  return client_error("InvalidParameterException",
                      "Request has invalid parameters: exactly one of Bytes and S3Object must be given");
}

Failure search_users_wants_one_of_face_and_user() {
  return client_error("InvalidParameterException",
                      "Request has invalid parameters: exactly one of UserId and FaceId must be given");
}

Failure resource_not_found(std::string_view arn) {
  return client_error("ResourceNotFoundException", fmt::format("The resource {} does not exist", arn));
}

Failure bad_arn(std::string_view arn) {
  return client_error("InvalidParameterException",
                      fmt::format("Request has invalid parameters: {} is not the ARN of a collection", arn));
}

Failure other_face_model(std::string_view of_collection, std::string_view of_server) {
  return client_error(
      "InvalidParameterException",
      fmt::format("The collection has vectors of face model {}, this server computes those of {}. Make a new "
                  "collection and index the images again.",
                  of_collection, of_server));
}

Failure quota_exceeded(std::string_view what, std::size_t limit) {
  return client_error("ServiceQuotaExceededException", fmt::format("{} would exceed the limit of {}", what, limit));
}

Failure from_below(Error error) {
  if (error.code == "Throttling") return slow_down();
  // No secret, and who runs the server wants to know it.
  if (error.code == "StorageFull") return server_error("InternalServerError", error.message, std::move(error.detail));
  return internal_error(
      fmt::format("{}: {}{}{}", error.code, error.message, error.detail.empty() ? "" : ": ", error.detail));
}

Failure from_decoder(Error error) {
  if (error.code == "InvalidImageFormat") return invalid_image_format();
  if (error.code == "ImageTooLarge") return image_too_large();
  if (error.code == "ImageTooSmall") return invalid_parameters();
  return from_below(std::move(error));
}

}  // namespace likeness::domain
