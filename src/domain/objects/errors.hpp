#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "domain/objects/checksums.hpp"

/// S3's errors in its own codes and words: those of the API reference's list of error codes, and of recorded answers.
namespace likeness::objects {

Failure no_such_bucket();
Failure bucket_exists();  // of another account
Failure bucket_is_yours();
Failure bucket_not_empty(bool versions_left);
Failure bad_bucket_name();
Failure no_such_key();
Failure no_such_version();
Failure bad_version_id();
Failure no_such_upload();
Failure key_too_long();
Failure empty_key();
Failure precondition_failed();
Failure conflict_of_writers();
Failure bad_digest();
Failure bad_checksum(Checksum::Algorithm algorithm);
Failure incomplete_body();
Failure too_large();
Failure part_too_small();
Failure bad_part();
Failure bad_part_order();
Failure method_not_allowed();
Failure protected_by_lock();
Failure no_object_lock();
Failure bad_request(std::string message);   // InvalidRequest
Failure bad_argument(std::string message);  // InvalidArgument
Failure access_denied();
/// An error of the modules below.
Failure internal(const Error& cause);
/// The same, but says when the disk is full.
Failure from_storage(const Error& cause);

}  // namespace likeness::objects
