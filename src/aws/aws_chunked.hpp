#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "aws/signature_verifier.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

/// "Content-Encoding: aws-chunked": a body in chunks inside of whatever HTTP makes of it, each with a length and, where
/// the client signs while it sends, a signature; a trailer may follow with a checksum.
/// Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in
/// Multiple Chunks" and "... Including Trailing Headers".
namespace likeness::aws {

struct ChunkedLimits {
  /// A signed chunk is held until its signature is known to be right. SDKs send 64 KiB to 1 MiB.
  std::size_t signed_chunk = 16u << 20;
  std::size_t line = 1024;     // the length and extensions of a chunk
  std::size_t trailer = 8192;  // all of it
};

/// Reads the decoded body from the encoded one. Signed chunks are checked before a byte of them is given out, in order,
/// from the request's own signature on. One thread at a time.
///
/// Errors, beside those of the source: "IncompleteBody" (ends early, or is not of the length that was announced),
/// "InvalidChunk" (no such form), "SignatureDoesNotMatch".
class AwsChunkedReader final : public net::BodyReader {
 public:
  /// `form` is one of the three streaming forms; `signing` that of the verified request. `decoded_length` is
  /// x-amz-decoded-content-length where the client sent it.
  AwsChunkedReader(std::shared_ptr<net::BodyReader> source, PayloadForm form, ChunkSigning signing,
                   std::optional<std::uint64_t> decoded_length, ChunkedLimits limits = {});

  Result<std::size_t> read(std::span<std::uint8_t> into) override;

  /// What followed the last chunk; whole when `read` has returned 0.
  const net::Headers& trailer() const { return trailer_; }

 private:
  bool is_signed() const { return form_ != PayloadForm::UnsignedTrailer; }
  Result<void> fill();
  Result<std::string> line(std::size_t limit);
  Result<void> take(std::span<std::uint8_t> into);
  Result<void> begin_chunk();
  Result<void> end_of_line();
  Result<void> check_chunk(BytesView data, const std::string& signature);
  Result<void> read_trailer();
  Result<void> check_trailer(const std::string& canonical, const std::string& signature);

  const std::shared_ptr<net::BodyReader> source_;
  const PayloadForm form_;
  const ChunkSigning signing_;
  const std::optional<std::uint64_t> announced_;
  const ChunkedLimits limits_;

  Bytes raw_;  // of the source, not yet looked at
  std::size_t raw_at_ = 0;
  Bytes chunk_;  // signed and found right
  std::size_t chunk_at_ = 0;
  std::uint64_t left_ = 0;  // of an unsigned chunk
  std::uint64_t given_ = 0;
  std::string previous_;  // signature
  bool done_ = false;
  net::Headers trailer_;
};

/// A body that is there already, as a reader.
std::shared_ptr<net::BodyReader> reader_of(Bytes body);

// -- the sending side, for clients and tests

/// Encodes `body` in chunks of `chunk_size`. The request has to have been signed with the payload word of `form`;
/// `seed_signature` is what that gave. `trailer` follows the last chunk, where the form has one.
std::string encode_aws_chunked(BytesView body, std::size_t chunk_size, PayloadForm form, const ChunkSigning& signing,
                               const net::Headers& trailer);

}  // namespace likeness::aws
