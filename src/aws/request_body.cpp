#include "aws/request_body.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <functional>
#include <optional>
#include <utility>

#include "aws/aws_chunked.hpp"
#include "base/crc.hpp"
#include "base/digest.hpp"

namespace likeness::aws {
namespace {

/// Bytes of a request that outlives it.
class ViewReader final : public net::BodyReader {
 public:
  explicit ViewReader(BytesView body) : left_(body) {}
  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    const auto count = std::min(into.size(), left_.size());
    if (count > 0) std::memcpy(into.data(), left_.data(), count);
    left_ = left_.subspan(count);
    return count;
  }

 private:
  BytesView left_;
};

/// Sees every byte of a body on its way; at the end it has the word.
class CheckedReader final : public net::BodyReader {
 public:
  using Update = std::function<void(BytesView)>;
  using Finish = std::function<Result<void>()>;
  CheckedReader(std::shared_ptr<net::BodyReader> source, Update update, Finish finish)
      : source_(std::move(source)), update_(std::move(update)), finish_(std::move(finish)) {}

  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    auto count = source_->read(into);
    if (!count) return count;
    if (*count > 0) {
      update_(BytesView(into).first(*count));
    } else if (!into.empty() && !finished_) {
      finished_ = true;
      if (auto fine = finish_(); !fine) return fail(fine);
    }
    return count;
  }

 private:
  const std::shared_ptr<net::BodyReader> source_;
  const Update update_;
  const Finish finish_;
  bool finished_ = false;
};

/// What goes wrong while an object arrives, in S3's words: providers pass it on as it is.
class ObjectReader final : public net::BodyReader {
 public:
  explicit ObjectReader(std::shared_ptr<net::BodyReader> source) : source_(std::move(source)) {}

  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    auto count = source_->read(into);
    if (count) return count;
    Error& error = count.error();
    if (error.code == "InvalidChunk" || error.code == "BadRequest") {
      error.code = "InvalidRequest";
    } else if (error.code == "BodyTooLarge") {
      error.code = "EntityTooLarge";
      error.message = "Your proposed upload exceeds the maximum allowed size";
    } else if (error.code == "ConnectionClosed" || error.code == "RequestTimeout") {
      error.code = "RequestTimeout";
      error.message = "Your socket connection to the server was not read from or written to within the timeout period.";
    }
    return count;
  }

 private:
  const std::shared_ptr<net::BodyReader> source_;
};

/// One of the checksums that travel in "x-amz-checksum-NAME", in base64.
class Checksum {
 public:
  static std::optional<Checksum> named(std::string_view name) {
    Checksum out;
    if (name == "crc32")
      out.kind_ = Kind::Crc32;
    else if (name == "crc32c")
      out.kind_ = Kind::Crc32c;
    else if (name == "crc64nvme")
      out.kind_ = Kind::Crc64;
    else if (name == "sha1")
      out.digest_ = std::make_shared<Digest>(Digest::Kind::Sha1);
    else if (name == "sha256")
      out.digest_ = std::make_shared<Digest>(Digest::Kind::Sha256);
    else
      return std::nullopt;
    return out;
  }

  void update(BytesView bytes) {
    switch (kind_) {
      case Kind::Digest: digest_->update(bytes); break;
      case Kind::Crc32: crc_ = crc32(static_cast<std::uint32_t>(crc_), bytes); break;
      case Kind::Crc32c: crc_ = crc32c(static_cast<std::uint32_t>(crc_), bytes); break;
      case Kind::Crc64: crc_ = crc64nvme(crc_, bytes); break;
    }
  }

  std::string base64() {
    if (kind_ == Kind::Digest) return to_base64(digest_->finish());
    Bytes big_endian;
    for (int shift = kind_ == Kind::Crc64 ? 56 : 24; shift >= 0; shift -= 8)
      big_endian.push_back(static_cast<std::uint8_t>(crc_ >> shift));
    return to_base64(big_endian);
  }

 private:
  enum class Kind { Digest, Crc32, Crc32c, Crc64 };
  Kind kind_ = Kind::Digest;
  std::uint64_t crc_ = 0;
  std::shared_ptr<Digest> digest_;
};

constexpr std::string_view kChecksumPrefix = "x-amz-checksum-";
constexpr auto kChecksums = std::to_array<std::string_view>({"crc32", "crc32c", "crc64nvme", "sha1", "sha256"});

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

Failure wrong_checksum(std::string_view name) {
  std::string upper(name);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return client_error("BadDigest", fmt::format("The {} you specified did not match the calculated checksum.", upper));
}

std::optional<std::uint64_t> length_in(const net::Request& request, std::string_view header) {
  const auto text = request.headers.find(header);
  if (!text) return std::nullopt;
  std::uint64_t value = 0;
  const auto read = std::from_chars(text->data(), text->data() + text->size(), value);
  if (read.ec != std::errc() || read.ptr != text->data() + text->size()) return std::nullopt;
  return value;
}

/// The hash that was signed, of a body that was not there yet when the signature was checked.
Stream with_signed_hash(Stream in, const std::string& expected) {
  const auto digest = std::make_shared<Digest>(Digest::Kind::Sha256);
  in.reader = std::make_shared<CheckedReader>(
      std::move(in.reader), [digest](BytesView bytes) { digest->update(bytes); },
      [digest, expected]() -> Result<void> {
        if (to_hex(digest->finish()) == expected) return {};
        return client_error("XAmzContentSHA256Mismatch",
                            "The provided 'x-amz-content-sha256' header does not match what was computed.");
      });
  return in;
}

Stream with_md5(Stream in, Bytes expected) {
  const auto digest = std::make_shared<Digest>(Digest::Kind::Md5);
  in.reader = std::make_shared<CheckedReader>(
      std::move(in.reader), [digest](BytesView bytes) { digest->update(bytes); },
      [digest, expected = std::move(expected)]() -> Result<void> {
        if (digest->finish() == expected) return {};
        return client_error("BadDigest", "The Content-MD5 you specified did not match what we received.");
      });
  return in;
}

/// `expected` is asked for at the end: a trailer is not there before.
Stream with_checksum(Stream in, const std::string& name, Checksum checksum,
                     std::function<std::optional<std::string>()> expected) {
  const auto shared = std::make_shared<Checksum>(std::move(checksum));
  in.reader = std::make_shared<CheckedReader>(
      std::move(in.reader), [shared](BytesView bytes) { shared->update(bytes); },
      [shared, name, expected = std::move(expected)]() -> Result<void> {
        const auto wanted = expected();
        if (!wanted)
          return client_error("MalformedTrailerError",
                              "The request contained trailing data that was not well-formed or did not conform to our "
                              "published schema.");
        if (shared->base64() != *wanted) return wrong_checksum(name);
        return {};
      });
  return in;
}

Result<Stream> out_of_chunks(const net::Request& request, const Verified& verified, Stream in) {
  const auto decoded = length_in(request, "x-amz-decoded-content-length");
  const auto reader =
      std::make_shared<AwsChunkedReader>(std::move(in.reader), verified.payload, verified.chunks, decoded);
  Stream out{reader, decoded};
  // "x-amz-trailer: x-amz-checksum-crc32": the checksum of the decoded body comes behind it.
  const auto trailer = lower(request.headers.get("x-amz-trailer"));
  if (!trailer.starts_with(kChecksumPrefix)) return out;
  const auto name = trailer.substr(kChecksumPrefix.size());
  auto checksum = Checksum::named(name);
  if (!checksum)
    return client_error("InvalidRequest", "The value specified in the x-amz-trailer header is not supported");
  return with_checksum(std::move(out), name, std::move(*checksum), [reader, trailer]() -> std::optional<std::string> {
    const auto value = reader->trailer().find(trailer);
    return value ? std::optional(std::string(*value)) : std::nullopt;
  });
}

/// What headers say of a body that no provider checks.
Result<Stream> with_headers_checked(const net::Request& request, Stream in) {
  if (const auto header = request.headers.find("content-md5")) {
    auto expected = from_base64(*header);
    if (!expected || expected->size() != 16)
      return client_error("InvalidDigest", "The Content-MD5 you specified is not valid.");
    in = with_md5(std::move(in), std::move(*expected));
  }
  for (const auto name : kChecksums) {
    const auto header = request.headers.find(std::string(kChecksumPrefix) + std::string(name));
    if (!header) continue;
    const std::string wanted(*header);
    in = with_checksum(std::move(in), std::string(name), *Checksum::named(name),
                       [wanted]() -> std::optional<std::string> { return wanted; });
  }
  return in;
}

Result<Bytes> all_of(const Stream& stream, std::size_t limit) {
  Bytes out;
  if (stream.length && *stream.length <= limit) out.reserve(static_cast<std::size_t>(*stream.length) + 1);
  constexpr std::size_t kStep = 64 << 10;
  while (true) {
    const auto had = out.size();
    out.resize(std::max(out.capacity(), had + kStep));
    const auto count = stream->read(std::span(out).subspan(had));
    out.resize(had + (count ? *count : 0));
    if (!count) return Failure(count.error());
    if (*count == 0) return out;
    if (out.size() > limit)
      return client_error("BodyTooLarge", "The request body is larger than this operation takes.");
  }
}

Result<Bytes> unzipped(BytesView packed, std::size_t limit) {
  const auto broken = [] { return client_error("SerializationException", "The body is not what gzip makes"); };
  z_stream stream{};
  constexpr int kGzip = 16 + MAX_WBITS;
  if (inflateInit2(&stream, kGzip) != Z_OK) return server_error("InternalError", "There is no memory for gzip.");
  const struct Ended {
    z_stream& stream;
    ~Ended() { inflateEnd(&stream); }
  } ended{stream};
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  Bytes out;
  constexpr std::size_t kStep = 64 << 10;
  while (true) {
    const auto had = out.size();
    out.resize(had + kStep);
    stream.next_out = out.data() + had;
    stream.avail_out = kStep;
    const int status = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (out.size() > limit) return client_error("BodyTooLarge", "The request body is larger than this server takes.");
    if (status == Z_STREAM_END) return stream.avail_in == 0 ? Result<Bytes>(std::move(out)) : broken();
    if (status != Z_OK) return broken();
  }
}

bool headers_tell_of_body(const net::Request& request) {
  if (request.headers.contains("content-md5")) return true;
  return std::ranges::any_of(kChecksums, [&](std::string_view name) {
    return request.headers.contains(std::string(kChecksumPrefix) + std::string(name));
  });
}

/// S3 wants to know how long an object is before it takes a byte of it.
Result<void> length_is_known(const net::Request& request, bool chunked) {
  if (chunked && !length_in(request, "x-amz-decoded-content-length"))
    return client_error("MissingContentLength", "You must provide the Content-Length HTTP header.");
  if (!chunked && request.headers.contains("transfer-encoding"))
    return client_error("NotImplemented", "A header you provided implies functionality that is not implemented");
  return {};
}

}  // namespace

Result<OpenedBody> open_body(const net::Request& request, const Verified& verified, const BodyRules& rules) {
  OpenedBody opened;
  const bool chunked = verified.payload == PayloadForm::SignedChunks ||
                       verified.payload == PayloadForm::SignedTrailer ||
                       verified.payload == PayloadForm::UnsignedTrailer;
  const bool plain = request.stream == nullptr && !chunked;
  if (plain && !rules.streams && !(rules.is_s3 && headers_tell_of_body(request))) {
    const bool packed = !rules.is_s3 && net::equal_ignoring_case(request.headers.get("content-encoding"), "gzip");
    if (packed && !request.body.empty()) {
      auto bytes = unzipped(request.body, rules.limit);
      if (!bytes) return fail(bytes);
      opened.owned = std::move(*bytes);
      opened.whole = opened.owned;
    } else {
      opened.whole = request.body;
    }
    return opened;
  }
  if (rules.streams && rules.is_s3)
    if (auto known = length_is_known(request, chunked); !known) return fail(known);
  Stream stream;
  if (request.stream != nullptr) {
    stream = {request.stream, length_in(request, "content-length")};
  } else {
    stream = {std::make_shared<ViewReader>(request.body), request.body.size()};
  }
  if (!verified.expected_sha256.empty()) stream = with_signed_hash(std::move(stream), verified.expected_sha256);
  if (chunked) {
    auto decoded = out_of_chunks(request, verified, std::move(stream));
    if (!decoded) return fail(decoded);
    stream = std::move(*decoded);
  }
  if (rules.streams) {
    if (rules.is_s3) stream.reader = std::make_shared<ObjectReader>(std::move(stream.reader));
    opened.stream = std::move(stream);
    return opened;
  }
  if (rules.is_s3) {
    auto checked = with_headers_checked(request, std::move(stream));
    if (!checked) return fail(checked);
    stream = std::move(*checked);
  }
  auto bytes = all_of(stream, rules.limit);
  if (!bytes) return fail(bytes);
  opened.owned = std::move(*bytes);
  opened.whole = opened.owned;
  return opened;
}

}  // namespace likeness::aws
