#include "aws/sigv4.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/signature_verifier.hpp"
#include "aws/timestamps.hpp"

namespace likeness::aws {
namespace {

net::Request http(std::string method, std::string target, net::Headers headers) {
  net::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers = std::move(headers);
  return request;
}

/// The keys of AWS's published examples.
AccessKey general_key() {
  return {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", policy::Principal::root("0")};
}
AccessKey s3_key() {
  return {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "", policy::Principal::root("0")};
}

// AWS General Reference, "Examples of the complete Signature Version 4 signing process".
TEST(SigV4, SignsTheExampleOfTheGeneralReference) {
  net::Request request =
      http("GET", "/?Action=ListUsers&Version=2010-05-08",
           {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}, {"Host", "iam.amazonaws.com"}});
  const auto signature = sign_headers(
      request, general_key(),
      {.region = "us-east-1", .service = "iam", .time = *parse_iso8601_basic("20150830T123600Z"), .rules = {}});
  EXPECT_EQ(signature, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
  EXPECT_EQ(request.headers.get("authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, "
            "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

SigningOptions s3_options() {
  return {.region = "us-east-1", .service = "s3", .time = *parse_iso8601_basic("20130524T000000Z"), .rules = kS3Rules};
}

// Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in a Single
// Chunk".
TEST(SigV4, SignsTheExamplesOfS3) {
  auto options = s3_options();
  options.sign_payload_header = true;
  net::Request get = http("GET", "/test.txt", {{"Host", "examplebucket.s3.amazonaws.com"}, {"Range", "bytes=0-9"}});
  EXPECT_EQ(sign_headers(get, s3_key(), options), "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");

  net::Request put = http("PUT", "/test$file.text",
                          {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                           {"Host", "examplebucket.s3.amazonaws.com"},
                           {"x-amz-storage-class", "REDUCED_REDUNDANCY"}});
  const std::string_view text = "Welcome to Amazon S3.";
  put.body.assign(text.begin(), text.end());
  EXPECT_EQ(sign_headers(put, s3_key(), options), "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");

  net::Request list = http("GET", "/?max-keys=2&prefix=J", {{"Host", "examplebucket.s3.amazonaws.com"}});
  EXPECT_EQ(sign_headers(list, s3_key(), options), "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

// Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters".
TEST(SigV4, PresignsTheExampleOfS3) {
  auto options = s3_options();
  options.payload = kUnsignedPayload;
  net::Request request = http("GET", "/test.txt", {{"Host", "examplebucket.s3.amazonaws.com"}});
  EXPECT_EQ(sign_query(request, s3_key(), options, 86400),
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

class Verification : public testing::Test {
 protected:
  Verification() {
    credentials_.add(general_key());
    AccessKey temporary = general_key();
    temporary.id = "ASIATEMPORARY";
    temporary.session_token = "token/+=";
    credentials_.add(temporary);
    request_.method = "POST";
    request_.target = "/";
    request_.headers = {{"Host", "localhost:4600"},
                        {"Content-Type", "application/x-amz-json-1.1"},
                        {"X-Amz-Target", "RekognitionService.ListCollections"},
                        {"User-Agent", "test"}};
    const std::string_view body = "{}";
    request_.body.assign(body.begin(), body.end());
  }

  SigningOptions options() const {
    return {.region = "us-east-1", .service = "rekognition", .time = now_, .rules = {}};
  }
  AuthResult<Verified> verify(const net::Request& request, std::chrono::seconds later = std::chrono::seconds(0)) const {
    return verifier_.verify(request, {.service = "rekognition", .rules = {}}, now_ + later);
  }
  AuthFailure failure(const net::Request& request, std::chrono::seconds later = std::chrono::seconds(0)) const {
    const auto result = verify(request, later);
    EXPECT_FALSE(result);
    return result ? AuthFailure::Missing : result.error().failure;
  }
  net::Request sign(AccessKey key = general_key()) const {
    net::Request request = request_;
    sign_headers(request, key, options());
    return request;
  }

  const TimePoint now_ = *parse_iso8601_basic("20261121T101530Z");
  StaticCredentials credentials_;
  SignatureVerifier verifier_{credentials_, "us-east-1", std::chrono::minutes(15)};
  net::Request request_;
};

TEST_F(Verification, KnowsItsOwnSignature) {
  const auto verified = verify(sign());
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->access_key_id, "AKIDEXAMPLE");
  EXPECT_EQ(verified->principal.arn, "arn:aws:iam::0:root");
  // The second time with the kept signing key.
  EXPECT_TRUE(verify(sign()));
}

TEST_F(Verification, RefusesEveryPartThatWasChanged) {
  net::Request body = sign();
  body.body.push_back(' ');
  EXPECT_EQ(failure(body), AuthFailure::WrongSignature);
  net::Request target = sign();
  target.headers.set("X-Amz-Target", "RekognitionService.DeleteCollection");
  EXPECT_EQ(failure(target), AuthFailure::WrongSignature);
  net::Request path = sign();
  path.target = "/other";
  EXPECT_EQ(failure(path), AuthFailure::WrongSignature);
  net::Request query = sign();
  query.target = "/?a=b";
  EXPECT_EQ(failure(query), AuthFailure::WrongSignature);
  net::Request again = sign();
  again.headers.add("X-Amz-Target", "RekognitionService.DeleteCollection");
  EXPECT_EQ(failure(again), AuthFailure::WrongSignature);
  net::Request agent = sign();
  agent.headers.set("User-Agent", "a proxy");
  EXPECT_TRUE(verify(agent));
}

TEST_F(Verification, RefusesAWrongSecretAndAnUnknownKey) {
  AccessKey wrong = general_key();
  wrong.secret = "guess";
  EXPECT_EQ(failure(sign(wrong)), AuthFailure::WrongSignature);
  AccessKey unknown = general_key();
  unknown.id = "AKIANOBODY";
  EXPECT_EQ(failure(sign(unknown)), AuthFailure::UnknownKey);
}

TEST_F(Verification, AllowsFifteenMinutesOfSkew) {
  using std::chrono::minutes;
  using std::chrono::seconds;
  EXPECT_TRUE(verify(sign(), minutes(15)));
  EXPECT_TRUE(verify(sign(), minutes(-15)));
  const auto late = verify(sign(), minutes(15) + seconds(1));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().failure, AuthFailure::Expired);
  EXPECT_EQ(late.error().message,
            "Signature expired: 20261121T101530Z is now earlier than 20261121T101531Z (20261121T103031Z - 15 min.)");
  const auto early = verify(sign(), -minutes(15) - seconds(1));
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().failure, AuthFailure::NotYetCurrent);
  EXPECT_EQ(
      early.error().message,
      "Signature not yet current: 20261121T101530Z is still later than 20261121T101529Z (20261121T100029Z + 15 min.)");
}

TEST_F(Verification, RefusesAnotherScope) {
  net::Request request = request_;
  auto other = options();
  other.region = "eu-west-1";
  sign_headers(request, general_key(), other);
  EXPECT_EQ(failure(request), AuthFailure::ScopeMismatch);
  request = request_;
  other = options();
  other.service = "s3";
  sign_headers(request, general_key(), other);
  EXPECT_EQ(failure(request), AuthFailure::ScopeMismatch);
  // A date of the scope that is not the request's.
  request = sign();
  std::string header(request.headers.get("authorization"));
  header.replace(header.find("20261121"), 8, "20261120");
  request.headers.set("Authorization", header);
  EXPECT_EQ(failure(request), AuthFailure::ScopeMismatch);
}

TEST_F(Verification, EndsTemporaryCredentialsWhenTheyExpire) {
  AccessKey temporary = *credentials_.find("ASIATEMPORARY");
  temporary.expires = now_ + std::chrono::seconds(1);
  credentials_.add(temporary);
  EXPECT_TRUE(verify(sign(temporary)));
  temporary.expires = now_;
  credentials_.add(temporary);
  EXPECT_EQ(failure(sign(temporary)), AuthFailure::ExpiredToken);
}

TEST_F(Verification, ChecksTheSessionToken) {
  AccessKey temporary = *credentials_.find("ASIATEMPORARY");
  EXPECT_TRUE(verify(sign(temporary)));
  AccessKey without = temporary;
  without.session_token.clear();
  EXPECT_EQ(failure(sign(without)), AuthFailure::BadToken);
  AccessKey wrong = temporary;
  wrong.session_token = "token/+-";
  EXPECT_EQ(failure(sign(wrong)), AuthFailure::BadToken);
  AccessKey needless = general_key();
  needless.session_token = "token";
  EXPECT_EQ(failure(sign(needless)), AuthFailure::BadToken);
}

TEST_F(Verification, TellsWhatASignatureLacks) {
  EXPECT_EQ(failure(request_), AuthFailure::Missing);
  net::Request request = request_;
  request.headers.set("Authorization", "Bearer abc");
  EXPECT_EQ(failure(request), AuthFailure::Missing);
  request.headers.set("Authorization", "AWS4-HMAC-SHA256 Credential=a/20261121/us-east-1/rekognition/aws4_request");
  const auto result = verify(request);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().failure, AuthFailure::Incomplete);
  EXPECT_THAT(result.error().message, testing::HasSubstr("Authorization header requires 'Signature' parameter."));
  EXPECT_THAT(result.error().message, testing::HasSubstr("Authorization header requires 'SignedHeaders' parameter."));
  EXPECT_THAT(result.error().message, testing::HasSubstr("'X-Amz-Date' or a 'Date' header"));
  request = sign();
  request.headers.set("X-Amz-Date", "yesterday");
  EXPECT_EQ(failure(request), AuthFailure::Incomplete);
  request.headers.set("Authorization", "AWS4-ECDSA-P256-SHA256 Credential=a");
  EXPECT_EQ(failure(request), AuthFailure::WrongAlgorithm);
  request.headers.set("Authorization", "AWS4-HMAC-SHA256");
  EXPECT_EQ(failure(request), AuthFailure::Incomplete);
}

TEST_F(Verification, DemandsThatTheHostIsSigned) {
  net::Request request = request_;
  auto chosen = options();
  chosen.signed_headers = {"x-amz-date", "x-amz-target"};
  sign_headers(request, general_key(), chosen);
  EXPECT_EQ(failure(request), AuthFailure::WrongSignature);
}

TEST_F(Verification, OpensAPresignedRequestUntilItExpires) {
  net::Request request = request_;
  sign_query(request, general_key(), options(), 60);
  const auto verified = verify(request, std::chrono::seconds(60));
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_TRUE(verified->presigned);
  EXPECT_EQ(failure(request, std::chrono::seconds(61)), AuthFailure::Expired);
  net::Request longer = request;
  longer.target.replace(longer.target.find("Expires=60"), 10, "Expires=90");
  EXPECT_EQ(failure(longer), AuthFailure::WrongSignature);
  net::Request weeks = request_;
  sign_query(weeks, general_key(), options(), 604801);
  EXPECT_EQ(failure(weeks), AuthFailure::Incomplete);
}

TEST_F(Verification, ComparesTheBodyWithAHashThatTheClientSent) {
  auto with_hash = options();
  with_hash.sign_payload_header = true;
  net::Request request = request_;
  sign_headers(request, general_key(), with_hash);
  EXPECT_TRUE(verify(request));
  request.body.push_back(' ');
  EXPECT_EQ(failure(request), AuthFailure::PayloadMismatch);
}

TEST_F(Verification, TakesAnUnsignedBodyOnlyWhereTheServiceAllowsIt) {
  auto open = options();
  open.sign_payload_header = true;
  open.payload = kUnsignedPayload;
  net::Request request = request_;
  sign_headers(request, general_key(), open);
  EXPECT_EQ(failure(request), AuthFailure::PayloadMismatch);
  const auto verified =
      verifier_.verify(request, {.service = "rekognition", .rules = {}, .allow_unsigned_payload = true}, now_);
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->payload, PayloadForm::Unsigned);
}

}  // namespace
}  // namespace likeness::aws
