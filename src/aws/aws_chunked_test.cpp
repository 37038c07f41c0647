#include "aws/aws_chunked.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/timestamps.hpp"

namespace likeness::aws {
namespace {

using testing::HasSubstr;

/// Gives a few bytes at a time, so that every seam is met.
class Trickle final : public net::BodyReader {
 public:
  Trickle(std::string body, std::size_t step) : body_(std::move(body)), step_(step) {}
  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    const auto count = std::min({into.size(), step_, body_.size() - at_});
    std::copy_n(body_.data() + at_, count, into.data());
    at_ += count;
    return count;
  }

 private:
  std::string body_;
  std::size_t step_;
  std::size_t at_ = 0;
};

Result<std::string> read_all(net::BodyReader& reader, std::size_t step = 1000) {
  std::string out;
  Bytes piece(step);
  while (true) {
    const auto count = reader.read(piece);
    if (!count) return Failure(count.error());
    if (*count == 0) return out;
    out.append(reinterpret_cast<const char*>(piece.data()), *count);
  }
}

/// AWS's published example: 65 KiB of "a" to s3.amazonaws.com/examplebucket/chunkObject.txt.
struct Example {
  Example(bool with_trailer) {
    request.method = "PUT";
    request.target = "/examplebucket/chunkObject.txt";
    request.headers = {{"Host", "s3.amazonaws.com"},
                       {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                       {"Content-Encoding", "aws-chunked"},
                       {"x-amz-decoded-content-length", "66560"}};
    SigningOptions options{
        .region = "us-east-1", .service = "s3", .time = *parse_iso8601_basic("20130524T000000Z"), .rules = kS3Rules};
    options.sign_payload_header = true;
    options.payload =
        with_trailer ? "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" : "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    if (with_trailer) request.headers.set("x-amz-trailer", "x-amz-checksum-crc32c");
    if (!with_trailer) request.headers.set("Content-Length", "66824");
    options.signed_headers = {
        "content-encoding",   "host", "x-amz-content-sha256", "x-amz-date", "x-amz-decoded-content-length",
        "x-amz-storage-class"};
    options.signed_headers.insert(options.signed_headers.begin() + 1, with_trailer ? "host" : "content-length");
    if (with_trailer) {
      options.signed_headers.erase(options.signed_headers.begin() + 1);
      options.signed_headers.insert(options.signed_headers.end(), "x-amz-trailer");
    }
    signature = sign_headers(request, key, options);
    signing = {signing_key(key.secret, {"20130524", "us-east-1", "s3"}), "20130524T000000Z",
               "20130524/us-east-1/s3/aws4_request", signature};
  }

  const AccessKey key{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "", {}};
  const std::string body = std::string(66560, 'a');
  net::Request request;
  std::string signature;
  ChunkSigning signing;
};

TEST(AwsChunked, EncodesThePublishedExampleByteForByte) {
  const Example example(false);
  EXPECT_EQ(example.signature, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
  const auto encoded =
      encode_aws_chunked(as_bytes(example.body), 65536, PayloadForm::SignedChunks, example.signing, {});
  EXPECT_EQ(encoded.size(), 66824u);
  EXPECT_THAT(encoded,
              testing::StartsWith(
                  "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\na"));
  EXPECT_THAT(
      encoded,
      HasSubstr("\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\na"));
  EXPECT_THAT(encoded,
              testing::EndsWith(
                  "\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"));
}

TEST(AwsChunked, EncodesThePublishedTrailerExample) {
  Example example(true);
  EXPECT_EQ(example.signature, "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");
  const auto encoded = encode_aws_chunked(as_bytes(example.body), 65536, PayloadForm::SignedTrailer, example.signing,
                                          {{"x-amz-checksum-crc32c", "sOO8/Q=="}});
  EXPECT_THAT(encoded,
              HasSubstr("chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n"));
  EXPECT_THAT(encoded, testing::EndsWith("x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:"
                                         "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"));
}

TEST(AwsChunked, IsVerifiedFromTheRequestOn) {
  Example example(false);
  StaticCredentials credentials;
  credentials.add(example.key);
  const SignatureVerifier verifier(credentials, "us-east-1", std::chrono::minutes(15));
  const auto verified =
      verifier.verify(example.request, {.service = "s3", .rules = kS3Rules, .allow_unsigned_payload = true},
                      *parse_iso8601_basic("20130524T000100Z"));
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->payload, PayloadForm::SignedChunks);
  const auto encoded =
      encode_aws_chunked(as_bytes(example.body), 65536, PayloadForm::SignedChunks, example.signing, {});
  AwsChunkedReader reader(std::make_shared<Trickle>(encoded, 5000), verified->payload, verified->chunks, 66560);
  EXPECT_EQ(read_all(reader), example.body);
}

class Forms : public testing::TestWithParam<PayloadForm> {
 protected:
  std::string encode(std::string_view body, std::size_t chunk = 10) const {
    return encode_aws_chunked(as_bytes(body), chunk, GetParam(), signing_, {{"x-amz-checksum-crc32", "NhCmhg=="}});
  }
  Result<std::string> decode(const std::string& encoded, std::optional<std::uint64_t> length = std::nullopt,
                             std::size_t step = 7) {
    reader_.emplace(std::make_shared<Trickle>(encoded, step), GetParam(), signing_, length);
    return read_all(*reader_, 3);
  }

  const ChunkSigning signing_{signing_key("secret", {"20261121", "us-east-1", "s3"}), "20261121T101530Z",
                              "20261121/us-east-1/s3/aws4_request", std::string(64, '0')};
  std::optional<AwsChunkedReader> reader_;
};

class SignedForms : public Forms {};

TEST_P(Forms, GiveBackTheBodyWhateverTheSeams) {
  const std::string body = "The quick brown fox jumps over the lazy dog.\r\n0\r\n\r\n";
  for (std::size_t step = 1; step < 40; ++step) {
    EXPECT_EQ(decode(encode(body), body.size(), step), body) << step;
    if (GetParam() != PayloadForm::SignedChunks) EXPECT_EQ(reader_->trailer().get("x-amz-checksum-crc32"), "NhCmhg==");
  }
  EXPECT_EQ(decode(encode("")), "");
  EXPECT_EQ(decode(encode(body, 1)), body);
}

TEST_P(Forms, RefuseEveryTruncation) {
  const std::string whole = encode("The quick brown fox", 10);
  // The line ends behind the last chunk or trailer may be missing: nothing of the body is.
  const std::size_t needed = whole.rfind("\r\n\r\n");
  // Without signatures a trailer may be missing as a whole; whoever was announced one has to look for it.
  const std::size_t whole_body = whole.find("\r\n0\r\n") + 5;
  for (std::size_t size = 0; size < needed; ++size) {
    const auto decoded = decode(whole.substr(0, size), 19);
    const bool allowed = GetParam() == PayloadForm::UnsignedTrailer && size == whole_body;
    EXPECT_EQ(decoded.has_value(), allowed) << size;
    if (allowed) EXPECT_EQ(reader_->trailer().size(), 0u);
  }
}

TEST_P(Forms, RefuseALengthThatIsNotTheAnnouncedOne) {
  const auto longer = decode(encode("hello"), 4);
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code, "IncompleteBody");
  const auto shorter = decode(encode("hello"), 6);
  ASSERT_FALSE(shorter);
  EXPECT_EQ(shorter.error().code, "IncompleteBody");
}

TEST_P(Forms, RefuseBrokenChunks) {
  for (const char* broken : {"x\r\n", "\r\n", "-1\r\n", "5 5\r\nhello\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n",
                             "ffffffffffffffffff\r\n", "5;chunk-signature=0\r\nhelloo\r\n0\r\n\r\n"})
    EXPECT_FALSE(decode(broken)) << broken;
  EXPECT_FALSE(decode(std::string(5000, '0')));
}

TEST_P(SignedForms, RefuseAChangeOfASignedByte) {
  const std::string whole = encode("The quick brown fox", 10);
  int refused = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string forged = whole;
    forged[i] ^= 1;
    const auto decoded = decode(forged, 19);
    if (!decoded) ++refused;
    // What is not refused changed nothing that counts: a letter's case in a name.
    if (decoded) EXPECT_EQ(*decoded, "The quick brown fox") << i;
  }
  EXPECT_GT(refused, static_cast<int>(whole.size()) - 20);
}

TEST_P(SignedForms, RefuseChunksInAnotherOrder) {
  const std::string whole = encode("aaaaaaaaaabbbbbbbbbb", 10);
  const auto size = whole.find("\r\na") + 2 + 10 + 2;
  const auto swapped = whole.substr(size, size) + whole.substr(0, size) + whole.substr(2 * size);
  const auto decoded = decode(swapped, 20);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, "SignatureDoesNotMatch");
}

std::string name_of(const testing::TestParamInfo<PayloadForm>& info) {
  switch (info.param) {
    case PayloadForm::SignedChunks: return "SignedChunks";
    case PayloadForm::SignedTrailer: return "SignedTrailer";
    default: return "UnsignedTrailer";
  }
}

INSTANTIATE_TEST_SUITE_P(All, Forms,
                         testing::Values(PayloadForm::SignedChunks, PayloadForm::SignedTrailer,
                                         PayloadForm::UnsignedTrailer),
                         name_of);
INSTANTIATE_TEST_SUITE_P(All, SignedForms, testing::Values(PayloadForm::SignedChunks, PayloadForm::SignedTrailer),
                         name_of);

TEST(AwsChunked, ReadsWhatBoto3SendsOverTls) {
  const std::string body = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
  AwsChunkedReader reader(std::make_shared<Trickle>(body, 1000), PayloadForm::UnsignedTrailer, {}, 5);
  EXPECT_EQ(read_all(reader), "hello");
  EXPECT_EQ(reader.trailer().get("X-Amz-Checksum-Crc32"), "NhCmhg==");
}

TEST(AwsChunked, HoldsNoMoreThanTheLimitOfASignedChunk) {
  const std::string body = "7fffffff;chunk-signature=0\r\n";
  AwsChunkedReader reader(std::make_shared<Trickle>(body, 1000), PayloadForm::SignedChunks, {}, std::nullopt);
  const auto result = read_all(reader);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("too large"));
}

}  // namespace
}  // namespace likeness::aws
