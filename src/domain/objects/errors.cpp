#include "domain/objects/errors.hpp"

#include <fmt/format.h>

#include <utility>

namespace likeness::objects {

Failure no_such_bucket() { return client_error("NoSuchBucket", "The specified bucket does not exist"); }

Failure bucket_exists() {
  return client_error("BucketAlreadyExists",
                      "The requested bucket name is not available. The bucket namespace is shared by all users of the "
                      "system. Please select a different name and try again.");
}

Failure bucket_is_yours() {
  return client_error("BucketAlreadyOwnedByYou",
                      "Your previous request to create the named bucket succeeded and you already own it.");
}

Failure bucket_not_empty(bool versions_left) {
  return client_error("BucketNotEmpty",
                      versions_left ? "The bucket you tried to delete is not empty. You must delete all versions in "
                                      "the bucket."
                                    : "The bucket you tried to delete is not empty");
}

Failure bad_bucket_name() { return client_error("InvalidBucketName", "The specified bucket is not valid."); }
Failure no_such_key() { return client_error("NoSuchKey", "The specified key does not exist."); }
Failure no_such_version() { return client_error("NoSuchVersion", "The specified version does not exist."); }
Failure bad_version_id() { return client_error("InvalidArgument", "Invalid version id specified"); }

Failure no_such_upload() {
  return client_error("NoSuchUpload",
                      "The specified upload does not exist. The upload ID may be invalid, or the upload may have been "
                      "aborted or completed.");
}

Failure key_too_long() { return client_error("KeyTooLongError", "Your key is too long"); }
Failure empty_key() { return client_error("InvalidRequest", "Missing required key"); }

Failure precondition_failed() {
  return client_error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
}

Failure conflict_of_writers() {
  return client_error("ConditionalRequestConflict",
                      "A conflicting operation occurred. If using PutObject you can retry the request. If using "
                      "multipart upload you should initiate another CreateMultipartUpload request and re-upload each "
                      "part.");
}

Failure bad_digest() {
  return client_error("BadDigest", "The Content-MD5 you specified did not match what we received.");
}

Failure bad_checksum(Checksum::Algorithm algorithm) {
  return client_error("BadDigest",
                      fmt::format("The {} you specified did not match the calculated checksum.", name_of(algorithm)));
}

Failure incomplete_body() {
  return client_error("IncompleteBody",
                      "You did not provide the number of bytes specified by the Content-Length HTTP header");
}

Failure too_large() { return client_error("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"); }

Failure part_too_small() {
  return client_error("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size");
}

Failure bad_part() {
  return client_error("InvalidPart",
                      "One or more of the specified parts could not be found.  The part may not have been uploaded, or "
                      "the specified entity tag may not match the part's entity tag.");
}

Failure bad_part_order() {
  return client_error("InvalidPartOrder",
                      "The list of parts was not in ascending order. Parts must be ordered by part number.");
}

Failure method_not_allowed() {
  return client_error("MethodNotAllowed", "The specified method is not allowed against this resource.");
}

Failure protected_by_lock() {
  return client_error("AccessDenied", "Access Denied because object protected by object lock.");
}

Failure no_object_lock() { return client_error("InvalidRequest", "Bucket is missing Object Lock Configuration"); }

Failure bad_request(std::string message) { return client_error("InvalidRequest", std::move(message)); }
Failure bad_argument(std::string message) { return client_error("InvalidArgument", std::move(message)); }
Failure access_denied() { return client_error("AccessDenied", "Access Denied"); }

Failure internal(const Error& cause) {
  return server_error("InternalError", "We encountered an internal error. Please try again.",
                      fmt::format("{}: {} {}", cause.code, cause.message, cause.detail));
}

Failure from_storage(const Error& cause) {
  if (cause.code == "StorageFull")
    return server_error("InsufficientStorage", "The disk of the server is full: nothing was written.",
                        fmt::format("{}: {}", cause.code, cause.detail));
  return internal(cause);
}

}  // namespace likeness::objects
