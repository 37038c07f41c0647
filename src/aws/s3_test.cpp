#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/aws_chunked.hpp"
#include "aws/exceptions.hpp"
#include "aws/gateway.hpp"
#include "aws/gen/s3.hpp"
#include "aws/router.hpp"
#include "aws/s3_host.hpp"
#include "aws/sigv4.hpp"
#include "aws/timestamps.hpp"
#include "aws/xml_reader.hpp"
#include "base/crc.hpp"

/// How S3's requests reach their operations, through the router and the gateway with S3's own model.
namespace likeness::aws {
namespace {

using testing::HasSubstr;

class SetClock final : public Clock {
 public:
  TimePoint now() const override { return *parse_iso8601_basic("20261121T101530Z"); }
};

class S3Test : public testing::Test {
 protected:
  S3Test() {
    key_ = {"AKIDEXAMPLE", "secret", "", policy::Principal::root("000000000000")};
    credentials_.add(key_);
    service_.on<s3::PutObject>(
        [this](const RequestContext&, const s3::PutObjectRequest& in) -> Result<s3::PutObjectOutput> {
          bucket_ = in.bucket.value_or("");
          object_ = in.key.value_or("");
          body_.clear();
          Bytes piece(10'000);
          while (true) {
            const auto count = in.body->reader->read(piece);
            if (!count) return Failure(count.error());
            if (*count == 0) break;
            body_.append(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*count));
          }
          s3::PutObjectOutput out;
          out.e_tag = "\"tag\"";
          return out;
        });
    service_.on<s3::HeadObject>(
        [](const RequestContext&, const s3::HeadObjectRequest& in) -> Result<s3::HeadObjectOutput> {
          if (in.key == "nothing") return http_error(404, "NoSuchKey", "The specified key does not exist.");
          s3::HeadObjectOutput out;
          out.content_length = 123'456;
          out.metadata.emplace()["camera"] = "left";
          return out;
        });
    service_.on<s3::PutBucketTagging>(
        [this](const RequestContext&, const s3::PutBucketTaggingRequest& in) -> Result<Empty> {
          tags_ = *in.tagging->tag_set;
          return Empty{};
        });
    service_.on<s3::GetBucketLocation>(
        [](const RequestContext&, const s3::GetBucketLocationRequest&) -> Result<s3::GetBucketLocationOutput> {
          s3::GetBucketLocationOutput out;
          out.location_constraint = s3::BucketLocationConstraint::EuWest1;
          return out;
        });
    gateway_.add(service_);
  }

  net::Request request(std::string method, std::string target, std::string_view body = {}) const {
    net::Request out;
    out.method = std::move(method);
    out.target = std::move(target);
    out.headers = {{"Host", "127.0.0.1:4600"}};
    out.body.assign(body.begin(), body.end());
    return out;
  }
  SigningOptions options() const {
    return {
        .region = "us-east-1", .service = "s3", .time = clock_.now(), .rules = kS3Rules, .sign_payload_header = true};
  }
  net::Request sign(net::Request out) const {
    sign_headers(out, key_, options());
    return out;
  }
  Answer call(std::string method, std::string target, std::string_view body = {}) const {
    return gateway_.handle(sign(request(std::move(method), std::move(target), body)));
  }
  std::string_view route(std::string method, std::string target, net::Headers more = {}) const {
    Router router({"localhost"});
    router.add(service_);
    auto one = request(std::move(method), std::move(target));
    for (const auto& header : more) one.headers.add(header.name, header.value);
    const auto found = router.find(one);
    return found.operation == nullptr ? "none" : found.operation->name;
  }

  const SetClock clock_;
  AccessKey key_;
  StaticCredentials credentials_;
  Service service_{s3::model()};
  Gateway gateway_{{}, credentials_, clock_};
  std::string bucket_, object_, body_;
  std::vector<s3::Tag> tags_;
};

TEST_F(S3Test, RoutesByMethodPathAndSubresource) {
  EXPECT_EQ(route("GET", "/"), "ListBuckets");
  EXPECT_EQ(route("GET", "/photos"), "ListObjects");
  EXPECT_EQ(route("GET", "/photos/"), "ListObjects");
  EXPECT_EQ(route("GET", "/photos?list-type=2&prefix=a"), "ListObjectsV2");
  EXPECT_EQ(route("GET", "/photos?uploads"), "ListMultipartUploads");
  EXPECT_EQ(route("GET", "/photos?lifecycle"), "GetBucketLifecycleConfiguration");
  EXPECT_EQ(route("PUT", "/photos?notification"), "PutBucketNotificationConfiguration");
  EXPECT_EQ(route("GET", "/photos?analytics"), "ListBucketAnalyticsConfigurations");
  EXPECT_EQ(route("GET", "/photos?analytics&id=1"), "GetBucketAnalyticsConfiguration");
  EXPECT_EQ(route("GET", "/photos/a/b.jpg?x-id=GetObject"), "GetObject");
  EXPECT_EQ(route("GET", "/photos/a?uploadId=1"), "ListParts");
  EXPECT_EQ(route("GET", "/photos/a?attributes"), "GetObjectAttributes");
  EXPECT_EQ(route("PUT", "/photos/a"), "PutObject");
  EXPECT_EQ(route("PUT", "/photos/a", {{"x-amz-copy-source", "b/c"}}), "CopyObject");
  EXPECT_EQ(route("PUT", "/photos/a?partNumber=1&uploadId=2"), "UploadPart");
  EXPECT_EQ(route("PUT", "/photos/a?partNumber=1&uploadId=2", {{"x-amz-copy-source", "b/c"}}), "UploadPartCopy");
  EXPECT_EQ(route("POST", "/photos/a?uploads"), "CreateMultipartUpload");
  EXPECT_EQ(route("POST", "/photos/a?uploadId=2"), "CompleteMultipartUpload");
  EXPECT_EQ(route("DELETE", "/photos/a?uploadId=2"), "AbortMultipartUpload");
}

TEST_F(S3Test, NothingFallsThroughToAnOperationThatWasNotMeant) {
  EXPECT_EQ(route("DELETE", "/photos?acl"), "none");
  EXPECT_EQ(route("PUT", "/photos?uploads"), "none");
  EXPECT_EQ(route("POST", "/photos/a"), "none");
  EXPECT_EQ(route("OPTIONS", "/photos/a"), "none");
  EXPECT_EQ(route("POST", "/photos"), "none");
  const auto answer = call("DELETE", "/photos?acl");
  EXPECT_EQ(answer.response.status, 405);
  EXPECT_THAT(answer.response.body, HasSubstr("<Code>MethodNotAllowed</Code>"));
}

TEST(S3Host, FindsTheBucket) {
  const std::vector<std::string> domains{"localhost", "photos.example.org"};
  const auto bucket = [&](std::string_view host) { return parse_s3_host(host, domains).bucket; };
  EXPECT_EQ(bucket("127.0.0.1:4600"), "");
  EXPECT_EQ(bucket("[::1]:4600"), "");
  EXPECT_EQ(bucket("localhost:4600"), "");
  EXPECT_EQ(bucket("s3.localhost"), "");
  EXPECT_EQ(bucket("s3.eu-west-1.localhost"), "");
  EXPECT_EQ(bucket("cats.localhost:4600"), "cats");
  EXPECT_EQ(bucket("my.cats.s3.localhost"), "my.cats");
  EXPECT_EQ(bucket("Cats.S3.eu-west-1.LOCALHOST"), "cats");
  EXPECT_EQ(bucket("cats.s3.amazonaws.com"), "cats");
  EXPECT_EQ(bucket("cats.s3-eu-west-1.amazonaws.com"), "cats");
  EXPECT_EQ(bucket("cats.s3.dualstack.eu-west-1.amazonaws.com"), "cats");
  EXPECT_EQ(bucket("dynamodb.us-east-1.amazonaws.com"), "");
  EXPECT_EQ(bucket("cats.photos.example.org"), "cats");
  EXPECT_EQ(bucket("photos.example.org"), "");
  EXPECT_EQ(bucket("elsewhere.org"), "");
  EXPECT_TRUE(parse_s3_host("cats.s3-website.localhost", domains).website);
  EXPECT_EQ(bucket("cats.s3-website-eu-west-1.amazonaws.com"), "cats");
}

TEST_F(S3Test, KeysAreTakenAsTheyAre) {
  EXPECT_EQ(call("PUT", "/photos/a//b/../c%2Fd%20e%C3%A9/", "x").response.status, 200);
  EXPECT_EQ(bucket_, "photos");
  EXPECT_EQ(object_, "a//b/../c/d e\xC3\xA9/");
  auto virtual_host = request("PUT", "/k", "y");
  virtual_host.headers.set("Host", "cats.s3.localhost:4600");
  EXPECT_EQ(gateway_.handle(sign(virtual_host)).response.status, 200);
  EXPECT_EQ(bucket_ + "/" + object_ + "=" + body_, "cats/k=y");
  EXPECT_THAT(call("PUT", "/photos/%zz", "x").response.body, HasSubstr("<Code>InvalidURI</Code>"));
}

TEST_F(S3Test, ReadsSignedChunksAndChecksTheTrailer) {
  const std::string content(100'000, 'p');
  auto value = crc32(0, as_bytes(content));
  Bytes big_endian;
  for (int shift = 24; shift >= 0; shift -= 8) big_endian.push_back(static_cast<std::uint8_t>(value >> shift));
  for (const bool right : {true, false}) {
    auto one = request("PUT", "/photos/a");
    one.headers.add("x-amz-decoded-content-length", "100000");
    one.headers.add("x-amz-trailer", "x-amz-checksum-crc32");
    one.headers.add("content-encoding", "aws-chunked");
    auto signing = options();
    signing.payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
    const auto seed = sign_headers(one, key_, signing);
    const Scope scope{"20261121", "us-east-1", "s3"};
    const ChunkSigning chunks{signing_key(key_.secret, scope), "20261121T101530Z", scope.text(), seed};
    const auto encoded = encode_aws_chunked(as_bytes(content), 65'536, PayloadForm::SignedTrailer, chunks,
                                            {{"x-amz-checksum-crc32", right ? to_base64(big_endian) : "AAAAAA=="}});
    one.body.assign(encoded.begin(), encoded.end());
    const auto answer = gateway_.handle(one);
    EXPECT_EQ(answer.response.status, right ? 200 : 400) << answer.response.body;
    if (right) EXPECT_EQ(body_, content);
    if (!right) EXPECT_THAT(answer.response.body, HasSubstr("<Code>BadDigest</Code>"));
  }
}

TEST_F(S3Test, ABodyThatStreamsHasToHaveTheHashThatWasSigned) {
  auto one = sign(request("PUT", "/photos/a", "what was signed"));
  one.stream = reader_of(Bytes{'o', 't', 'h', 'e', 'r'});
  one.body.clear();
  const auto answer = gateway_.handle(one);
  EXPECT_EQ(answer.response.status, 400);
  EXPECT_THAT(answer.response.body, HasSubstr("<Code>XAmzContentSHA256Mismatch</Code>"));
}

TEST_F(S3Test, TakesLargeBodiesWhileTheyArrive) {
  auto head = request("PUT", "/photos/a");
  head.headers.add("Content-Length", "5000000000");
  EXPECT_TRUE(gateway_.wants_stream(head));
  head.headers.set("Content-Length", "100");
  EXPECT_FALSE(gateway_.wants_stream(head));
  head.target = "/photos?tagging";
  head.headers.set("Content-Length", "5000000000");
  EXPECT_FALSE(gateway_.wants_stream(head));
}

TEST_F(S3Test, HeadTellsTheLengthAndHasNoBody) {
  const auto answer = call("HEAD", "/photos/a");
  EXPECT_EQ(answer.response.status, 200);
  EXPECT_EQ(answer.response.stream_length, 123'456u);
  EXPECT_EQ(answer.response.headers.get("x-amz-meta-camera"), "left");
  const auto none = call("HEAD", "/photos/nothing");
  EXPECT_EQ(none.response.status, 404);
  EXPECT_EQ(none.response.body, "");
}

TEST_F(S3Test, ReadsAndRefusesDocuments) {
  const std::string good =
      "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet><Tag><Key>a</Key><Value>1 &amp; "
      "2</Value></Tag>"
      "</TagSet></Tagging>";
  EXPECT_EQ(call("PUT", "/photos?tagging", good).response.status, 200);
  ASSERT_EQ(tags_.size(), 1u);
  EXPECT_EQ(tags_[0].value, "1 & 2");
  for (const std::string bad :
       {"", "<Tagging>", "<Other/>", "<Other><TagSet/></Other>", "<Tagging><TagSet/><TagSet/></Tagging>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><Tagging><TagSet/></Tagging>",
        "<Tagging><TagSet><Tag><Key>a</Key><Key>b</Key></Tag></TagSet></Tagging>"}) {
    const auto answer = call("PUT", "/photos?tagging", bad);
    EXPECT_EQ(answer.response.status, 400) << bad;
    if (!bad.empty()) EXPECT_THAT(answer.response.body, HasSubstr("<Code>MalformedXML</Code>")) << bad;
  }
  auto wrong = request("PUT", "/photos?tagging", good);
  wrong.headers.add("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==");
  EXPECT_THAT(gateway_.handle(sign(wrong)).response.body, HasSubstr("<Code>BadDigest</Code>"));
}

TEST_F(S3Test, WritesWhatS3Writes) {
  EXPECT_EQ(call("GET", "/photos?location").response.body,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint "
            "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">eu-west-1</LocationConstraint>");
  auto unsigned_request = request("GET", "/photos?location");
  const auto refused = gateway_.handle(unsigned_request);
  EXPECT_EQ(refused.response.status, 403);
  EXPECT_THAT(refused.response.body, HasSubstr("<Error><Code>AccessDenied</Code><Message>Access Denied</Message>"));
}

}  // namespace
}  // namespace likeness::aws
