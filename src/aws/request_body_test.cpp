#include "aws/request_body.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "aws/aws_chunked.hpp"
#include "base/bytes.hpp"
#include "base/crc.hpp"
#include "base/digest.hpp"

namespace likeness::aws {
namespace {

using ::testing::HasSubstr;

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

std::string big_endian_base64(std::uint64_t value, int count) {
  Bytes out;
  for (int i = count - 1; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  return to_base64(out);
}

Bytes gzipped(BytesView plain) {
  z_stream stream{};
  constexpr int kGzip = 16 + MAX_WBITS, kMemory = 8;
  EXPECT_EQ(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY), Z_OK);
  Bytes out(deflateBound(&stream, static_cast<uLong>(plain.size())) + 64);
  stream.next_in = const_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

constexpr BodyRules kDocument{.streams = false, .is_s3 = false, .limit = 1 << 20};
constexpr BodyRules kS3Document{.streams = false, .is_s3 = true, .limit = 1 << 20};
constexpr BodyRules kObject{.streams = true, .is_s3 = true, .limit = 1 << 20};

net::Request with_body(Bytes body, net::Headers headers = {}) {
  net::Request request;
  request.method = "POST";
  request.target = "/";
  request.headers = std::move(headers);
  request.body = std::move(body);
  return request;
}

/// What the operation gets, or the code of what it gets instead.
std::string opened(const net::Request& request, const BodyRules& rules, const Verified& verified = {}) {
  auto body = open_body(request, verified, rules);
  if (!body) return body.error().code;
  if (!rules.streams) return std::string(as_text(body->whole));
  std::string text;
  Bytes piece(1000);
  while (true) {
    const auto count = body->stream->read(piece);
    if (!count) return count.error().code;
    if (*count == 0) return text;
    text.append(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*count));
  }
}

TEST(RequestBody, IsNotCopiedWhereNothingIsDoneToIt) {
  const auto request = with_body(bytes("{\"a\":1}"));
  const auto body = open_body(request, {}, kDocument);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->whole.data(), request.body.data());
  EXPECT_TRUE(body->owned.empty());
}

TEST(RequestBody, GzipIsUnpacked) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i);
  EXPECT_EQ(opened(with_body(gzipped(as_bytes(text)), {{"Content-Encoding", "gzip"}}), kDocument), text);
  EXPECT_EQ(opened(with_body(gzipped({}), {{"Content-Encoding", "GZIP"}}), kDocument), "");
  EXPECT_EQ(opened(with_body({}, {{"Content-Encoding", "gzip"}}), kDocument), "");
}

TEST(RequestBody, GzipOfAnObjectIsTheObject) {
  const auto packed = gzipped(as_bytes(std::string_view("hello")));
  EXPECT_EQ(opened(with_body(packed, {{"Content-Encoding", "gzip"}}), kObject), std::string(as_text(packed)));
}

TEST(RequestBody, WhatUnpacksToMoreThanTheLimitIsRefusedOnTheWay) {
  const Bytes zeros(16u << 20, 0);
  const auto bomb = gzipped(zeros);
  ASSERT_LT(bomb.size(), 1u << 20);
  EXPECT_EQ(opened(with_body(bomb, {{"Content-Encoding", "gzip"}}), kDocument), "BodyTooLarge");
  BodyRules exact = kDocument;
  exact.limit = 5;
  EXPECT_EQ(opened(with_body(gzipped(as_bytes(std::string_view("12345"))), {{"Content-Encoding", "gzip"}}), exact),
            "12345");
  EXPECT_EQ(opened(with_body(gzipped(as_bytes(std::string_view("123456"))), {{"Content-Encoding", "gzip"}}), exact),
            "BodyTooLarge");
}

TEST(RequestBody, BrokenGzipIsRefused) {
  const auto good = gzipped(as_bytes(std::string(1000, 'x')));
  auto cut = good, longer = good, changed = good;
  cut.resize(cut.size() - 3);
  longer.push_back('x');
  changed[changed.size() - 6] ^= 1;  // of its checksum
  for (const auto& body : {cut, longer, changed, bytes("{\"a\":1}"), bytes("\x1f\x8b")})
    EXPECT_EQ(opened(with_body(body, {{"Content-Encoding", "gzip"}}), kDocument), "SerializationException");
}

TEST(RequestBody, ADocumentHasTheDigestsOfItsHeaders) {
  const std::string text = "<Tagging/>";
  Digest md5(Digest::Kind::Md5), sha1(Digest::Kind::Sha1), sha256(Digest::Kind::Sha256);
  for (auto* digest : {&md5, &sha1, &sha256}) digest->update(as_bytes(text));
  const std::vector<std::pair<std::string, std::string>> right = {
      {"Content-MD5", to_base64(md5.finish())},
      {"x-amz-checksum-sha1", to_base64(sha1.finish())},
      {"x-amz-checksum-sha256", to_base64(sha256.finish())},
      {"x-amz-checksum-crc32", big_endian_base64(crc32(0, as_bytes(text)), 4)},
      {"x-amz-checksum-crc32c", big_endian_base64(crc32c(0, as_bytes(text)), 4)},
      {"x-amz-checksum-crc64nvme", big_endian_base64(crc64nvme(0, as_bytes(text)), 8)}};
  for (const auto& [name, value] : right) {
    EXPECT_EQ(opened(with_body(bytes(text), {{name, value}}), kS3Document), text) << name;
    EXPECT_EQ(opened(with_body(bytes("<Tagging />"), {{name, value}}), kS3Document), "BadDigest") << name;
  }
  EXPECT_EQ(opened(with_body(bytes(text), {{"Content-MD5", "no base64"}}), kS3Document), "InvalidDigest");
  EXPECT_EQ(opened(with_body(bytes(text), {{"Content-MD5", "QUJD"}}), kS3Document), "InvalidDigest");
}

TEST(RequestBody, ADocumentInChunksIsReadWhole) {
  Verified verified;
  verified.payload = PayloadForm::UnsignedTrailer;
  const std::string text = "<Tagging/>";
  const auto chunked = [&](std::string_view sum, std::string_view length) {
    const auto body = encode_aws_chunked(as_bytes(text), 4, PayloadForm::UnsignedTrailer, {},
                                         {{"x-amz-checksum-crc32", std::string(sum)}});
    return with_body(bytes(body), {{"Content-Encoding", "aws-chunked"},
                                   {"x-amz-trailer", "x-amz-checksum-crc32"},
                                   {"x-amz-decoded-content-length", std::string(length)}});
  };
  const auto right = big_endian_base64(crc32(0, as_bytes(text)), 4);
  EXPECT_EQ(opened(chunked(right, "10"), kS3Document, verified), text);
  EXPECT_EQ(opened(chunked("AAAAAA==", "10"), kS3Document, verified), "BadDigest");
  EXPECT_EQ(opened(chunked(right, "11"), kS3Document, verified), "IncompleteBody");
  EXPECT_EQ(opened(chunked(right, "9"), kS3Document, verified), "IncompleteBody");
  auto unknown = chunked(right, "10");
  unknown.headers.set("x-amz-trailer", "x-amz-checksum-md6");
  EXPECT_EQ(opened(unknown, kS3Document, verified), "InvalidRequest");
  auto other = chunked(right, "10");
  other.headers.set("x-amz-trailer", "x-amz-checksum-sha1");
  EXPECT_EQ(opened(other, kS3Document, verified), "MalformedTrailerError");
}

TEST(RequestBody, AnObjectHasALengthBeforeItIsTaken) {
  Verified chunked;
  chunked.payload = PayloadForm::UnsignedTrailer;
  EXPECT_EQ(opened(with_body(bytes("0\r\n\r\n")), kObject, chunked), "MissingContentLength");
  EXPECT_EQ(opened(with_body(bytes("x"), {{"Transfer-Encoding", "chunked"}}), kObject), "NotImplemented");
  EXPECT_EQ(opened(with_body(bytes("<a/>"), {{"Transfer-Encoding", "chunked"}}), kS3Document), "<a/>");
  EXPECT_EQ(opened(with_body(bytes("x")), kObject), "x");
}

TEST(RequestBody, AWholeDocumentHasItsLimitHoweverItArrives) {
  BodyRules rules = kS3Document;
  rules.limit = 1000;
  auto request = with_body({});
  request.stream = reader_of(Bytes(1001, 'x'));
  EXPECT_EQ(opened(request, rules), "BodyTooLarge");
  request.stream = reader_of(Bytes(1000, 'x'));
  EXPECT_EQ(opened(request, rules), std::string(1000, 'x'));
  // A length that promises more than comes reserves nothing.
  request.headers.set("Content-Length", "99999999999999");
  request.stream = reader_of(Bytes(10, 'x'));
  EXPECT_EQ(opened(request, rules), std::string(10, 'x'));
}

TEST(RequestBody, AnErrorOfTheReaderIsTheBodysError) {
  class Broken final : public net::BodyReader {
   public:
    Result<std::size_t> read(std::span<std::uint8_t>) override { return client_error("RequestTimeout", "slow"); }
  };
  auto request = with_body({});
  request.stream = std::make_shared<Broken>();
  EXPECT_EQ(opened(request, kS3Document), "RequestTimeout");
  EXPECT_EQ(opened(request, kObject), "RequestTimeout");
}

TEST(RequestBody, WhatAnObjectsReaderAnswersIsInS3sWords) {
  Verified chunked;
  chunked.payload = PayloadForm::UnsignedTrailer;
  auto request = with_body(bytes("zz\r\n"), {{"x-amz-decoded-content-length", "5"}});
  EXPECT_EQ(opened(request, kObject, chunked), "InvalidRequest");
  EXPECT_EQ(opened(request, kS3Document, chunked), "InvalidChunk");  // the protocol's own codes are renamed later
}

}  // namespace
}  // namespace likeness::aws
