#pragma once

#include <cstddef>

#include "aws/signature_verifier.hpp"
#include "aws/types.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace likeness::aws {

struct BodyRules {
  bool streams =
      false;  // the operation takes the body while it arrives, and checks Content-MD5 and x-amz-checksum itself
  bool is_s3 = false;     // aws-chunked, digests in headers
  std::size_t limit = 0;  // of a body that is read whole
};

/// A request's body as the operation gets it: out of aws-chunked and gzip, with what the client said of it checked.
struct OpenedBody {
  Bytes owned;      // of `whole`, where it is not the request's
  BytesView whole;  // empty where it streams
  Stream stream;
};

/// Errors: those of AwsChunkedReader, "XAmzContentSHA256Mismatch", "BadDigest", "InvalidDigest", "BodyTooLarge",
/// "SerializationException" (broken gzip), "MissingContentLength" and "NotImplemented" (an object of unknown length).
/// What an object's reader answers is in S3's words. Borrows the request.
Result<OpenedBody> open_body(const net::Request& request, const Verified& verified, const BodyRules& rules);

}  // namespace likeness::aws
