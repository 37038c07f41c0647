#include "aws/gateway.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "aws/gen/rekognition.hpp"
#include "aws/sigv4.hpp"
#include "aws/timestamps.hpp"

namespace likeness::aws {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class SetClock final : public Clock {
 public:
  TimePoint now() const override { return *parse_iso8601_basic("20261121T101530Z"); }
};

class GatewayTest : public testing::Test {
 protected:
  GatewayTest() {
    key_ = {"AKIDEXAMPLE", "secret", "", policy::Principal::root("000000000000")};
    credentials_.add(key_);
    service_.on<rekognition::DescribeCollection>(
        [this](const RequestContext& context,
               const rekognition::DescribeCollectionRequest& in) -> Result<rekognition::DescribeCollectionResponse> {
          seen_ = context;
          ++calls_;
          if (in.collection_id == "throws") throw std::runtime_error("the disk is gone");
          if (in.collection_id == "broken") return server_error("Storage", "cannot read /data/x", "io error 5");
          if (in.collection_id == "busy") return server_error("ThrottlingException", "Slow down.");
          if (in.collection_id != "people")
            return client_error("ResourceNotFoundException", "The collection id: ghosts does not exist");
          rekognition::DescribeCollectionResponse out;
          out.face_count = 3;
          return out;
        });
    gateway_.add(service_);
  }

  net::Request request(std::string_view operation, std::string_view body) const {
    net::Request out;
    out.method = "POST";
    out.target = "/";
    out.headers = {{"Host", "localhost:4600"},
                   {"Content-Type", "application/x-amz-json-1.1"},
                   {"X-Amz-Target", "RekognitionService." + std::string(operation)}};
    out.body.assign(body.begin(), body.end());
    out.remote_address = "203.0.113.7";
    return out;
  }
  net::Request sign(net::Request out) const {
    sign_headers(out, key_, {.region = "us-east-1", .service = "rekognition", .time = clock_.now(), .rules = {}});
    return out;
  }
  Answer call(std::string_view operation, std::string_view body) const {
    return gateway_.handle(sign(request(operation, body)));
  }

  const SetClock clock_;
  AccessKey key_;
  StaticCredentials credentials_;
  Service service_{rekognition::model(), ErrorForm::CodeAndLogref};
  Gateway gateway_{{}, credentials_, clock_};
  RequestContext seen_;
  int calls_ = 0;
};

TEST_F(GatewayTest, AnswersASignedRequest) {
  const auto answer = call("DescribeCollection", R"({"CollectionId":"people"})");
  EXPECT_EQ(answer.response.status, 200);
  EXPECT_EQ(answer.response.body, R"({"FaceCount":3})");
  EXPECT_EQ(answer.response.headers.get("content-type"), "application/x-amz-json-1.1");
  EXPECT_EQ(answer.response.headers.get("x-amzn-requestid"), seen_.request_id);
  EXPECT_EQ(seen_.account, "000000000000");
  EXPECT_EQ(seen_.region, "us-east-1");
  EXPECT_EQ(seen_.caller_arn, "arn:aws:iam::000000000000:root");
  EXPECT_EQ(seen_.source_ip, "203.0.113.7");
  EXPECT_EQ(seen_.time, clock_.now());

  EXPECT_EQ(answer.record.service, "rekognition");
  EXPECT_EQ(answer.record.operation, "DescribeCollection");
  EXPECT_EQ(answer.record.status, 200);
  EXPECT_EQ(answer.record.error_code, "");
  EXPECT_EQ(answer.record.access_key_id, "AKIDEXAMPLE");
  EXPECT_EQ(answer.record.bytes_in, 25u);
  EXPECT_EQ(answer.record.bytes_out, 15u);
}

TEST_F(GatewayTest, WritesAModelledErrorAsRekognitionDoes) {
  const auto answer = call("DescribeCollection", R"({"CollectionId":"ghosts"})");
  EXPECT_EQ(answer.response.status, 400);
  EXPECT_EQ(answer.response.body,
            R"({"__type":"ResourceNotFoundException","Code":"ResourceNotFoundException","Logref":")" +
                seen_.request_id + R"(","Message":"The collection id: ghosts does not exist"})");
  EXPECT_EQ(answer.record.error_code, "ResourceNotFoundException");
}

TEST_F(GatewayTest, KeepsOurOwnFaultsToTheLog) {
  const auto answer = call("DescribeCollection", R"({"CollectionId":"broken"})");
  EXPECT_EQ(answer.response.status, 500);
  EXPECT_THAT(answer.response.body, StartsWith(R"({"__type":"InternalServerError")"));
  EXPECT_THAT(answer.response.body, testing::Not(HasSubstr("/data/x")));
  EXPECT_THAT(answer.record.detail, HasSubstr("io error 5"));
}

TEST_F(GatewayTest, TurnsAnExceptionIntoAnInternalError) {
  const auto answer = call("DescribeCollection", R"({"CollectionId":"throws"})");
  EXPECT_EQ(answer.response.status, 500);
  EXPECT_THAT(answer.response.body, StartsWith(R"({"__type":"InternalServerError")"));
  EXPECT_THAT(answer.response.body, testing::Not(HasSubstr("disk")));
  EXPECT_EQ(answer.record.detail, "provide failed: the disk is gone");
}

/// Allows what it is told to and remembers what it was asked.
class ListedAuthorizer final : public Authorizer {
 public:
  Result<void> authorize(const RequestContext& context, const policy::Permission& permission) const override {
    asked.push_back(context.principal.arn + " " + permission.action + " " + permission.resource);
    if (permission.resource == allowed) return {};
    return tl::unexpected(Error{kAccessDenied, "User: x is not authorized", Error::Fault::Client, "no statement"});
  }
  std::string allowed = "*";
  mutable std::vector<std::string> asked;
};

TEST_F(GatewayTest, AsksForThePermissionsOfAnOperation) {
  ListedAuthorizer authorizer;
  gateway_.set_authorizer(authorizer);
  const std::string root = "arn:aws:iam::000000000000:root";
  EXPECT_EQ(call("DescribeCollection", R"({"CollectionId":"people"})").response.status, 200);
  EXPECT_THAT(authorizer.asked, testing::ElementsAre(root + " rekognition:DescribeCollection *"));

  service_.permissions<rekognition::DescribeCollection>(
      [](const RequestContext&, const rekognition::DescribeCollectionRequest& in) {
        return std::vector{policy::Permission{.action = "rekognition:Describe", .resource = in.collection_id.value()}};
      });
  const auto denied = call("DescribeCollection", R"({"CollectionId":"people"})");
  EXPECT_EQ(authorizer.asked.back(), root + " rekognition:Describe people");
  EXPECT_EQ(denied.response.status, 400);
  EXPECT_THAT(denied.response.body, StartsWith(R"({"__type":"AccessDeniedException","Code":"AccessDeniedException")"));
  EXPECT_THAT(denied.response.body, HasSubstr(R"("Message":"User: x is not authorized"})"));
  EXPECT_EQ(denied.record.detail, "no statement");
  EXPECT_EQ(calls_, 1);
  authorizer.allowed = "people";
  EXPECT_EQ(call("DescribeCollection", R"({"CollectionId":"people"})").response.status, 200);
}

TEST_F(GatewayTest, LetsOnlyRootInWithoutPolicies) {
  AccessKey other{"AKIDOTHER", "secret", "", {}};
  other.principal.kind = policy::Principal::Kind::User;
  other.principal.arn = "arn:aws:iam::000000000000:user/ann";
  credentials_.add(other);
  key_ = other;
  const auto denied = call("DescribeCollection", R"({"CollectionId":"people"})");
  EXPECT_THAT(denied.response.body, HasSubstr("User: arn:aws:iam::000000000000:user/ann is not authorized to perform: "
                                              "rekognition:DescribeCollection on resource: *"));
  EXPECT_EQ(calls_, 0);
}

TEST_F(GatewayTest, AsksThePoliciesAboutAnonymousCallersWhereTheServiceHasThem) {
  ListedAuthorizer authorizer;
  gateway_.set_authorizer(authorizer);
  const auto unsigned_request = request("DescribeCollection", R"({"CollectionId":"people"})");
  EXPECT_THAT(gateway_.handle(unsigned_request).response.body, HasSubstr("MissingAuthenticationTokenException"));
  service_.allow_anonymous();
  EXPECT_EQ(gateway_.handle(unsigned_request).response.status, 200);
  EXPECT_THAT(authorizer.asked, testing::ElementsAre("anonymous rekognition:DescribeCollection *"));
}

TEST_F(GatewayTest, TakesTheStatusOfAModelledFault) {
  EXPECT_EQ(call("DescribeCollection", R"({"CollectionId":"busy"})").response.status, 500);
}

TEST_F(GatewayTest, ValidatesBeforeTheProviderIsAsked) {
  const auto answer = call("DescribeCollection", R"({"CollectionId":"a b"})");
  EXPECT_EQ(answer.response.status, 400);
  EXPECT_EQ(
      answer.response.body,
      R"({"__type":"ValidationException","message":"1 validation error detected: Value 'a b' at 'collectionId' failed to )"
      R"(satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.\\-]+"})");
  EXPECT_EQ(calls_, 0);
  EXPECT_THAT(call("DescribeCollection", "").response.body, HasSubstr("Value null at 'collectionId'"));
}

TEST_F(GatewayTest, RefusesABodyThatIsNoJson) {
  const auto answer = call("DescribeCollection", R"({"CollectionId":)");
  EXPECT_EQ(answer.response.status, 400);
  EXPECT_THAT(answer.response.body, StartsWith(R"({"__type":"SerializationException","Message":")"));
  EXPECT_EQ(calls_, 0);
}

TEST_F(GatewayTest, UnpacksABodyAfterItsSignatureWasChecked) {
  // gzip of {"CollectionId":"people"}
  const auto packed = from_base64("H4sIAAAAAAACA6tWcs7PyUlNLsnMz/NMUbJSKkjNL8hJVaoFAD0Zt+QZAAAA");
  ASSERT_TRUE(packed);
  auto one = request("DescribeCollection", as_text(*packed));
  one.headers.add("Content-Encoding", "gzip");
  EXPECT_EQ(gateway_.handle(sign(one)).response.status, 200);
  EXPECT_EQ(calls_, 1);
  auto broken = request("DescribeCollection", as_text(*packed).substr(0, 20));
  broken.headers.add("Content-Encoding", "gzip");
  const auto answer = gateway_.handle(sign(broken));
  EXPECT_EQ(answer.response.status, 400);
  EXPECT_EQ(answer.record.error_code, "SerializationException");
  EXPECT_EQ(calls_, 1);
}

TEST_F(GatewayTest, RefusesAnOperationThatTheModelLacks) {
  const auto answer = call("DetectCats", "{}");
  EXPECT_EQ(answer.response.status, 400);
  EXPECT_THAT(answer.response.body, HasSubstr(R"("__type":"UnknownOperationException")"));
  EXPECT_THAT(answer.response.body, HasSubstr("DetectCats"));
}

TEST_F(GatewayTest, NamesAnOperationThatNobodyAnswersYet) {
  const auto answer = call("DetectLabels", "{}");
  EXPECT_EQ(answer.response.status, 501);
  EXPECT_EQ(
      answer.response.body,
      R"({"__type":"UnknownOperationException","message":"The operation DetectLabels of Amazon Rekognition is not available in Likeness"})");
  EXPECT_EQ(answer.record.operation, "DetectLabels");
}

TEST_F(GatewayTest, RefusesServicesItDoesNotHave) {
  auto other = request("x", "{}");
  other.headers.set("X-Amz-Target", "DynamoDB_20120810.ListTables");
  EXPECT_EQ(gateway_.handle(sign(other)).response.status, 404);
  net::Request bare;
  bare.method = "GET";
  bare.target = "/";
  bare.headers = {{"Host", "localhost"}};
  const auto answer = gateway_.handle(bare);
  EXPECT_EQ(answer.response.status, 404);
  EXPECT_THAT(answer.response.body, HasSubstr("UnknownOperationException"));
}

TEST_F(GatewayTest, AnswersACallToAQueryServiceThatItDoesNotHaveInXml) {
  auto form = request("x", "Action=DescribeInstances&Version=2016-11-15");
  form.headers.remove("X-Amz-Target");
  form.headers.set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  sign_headers(form, key_, {.region = "us-east-1", .service = "ec2", .time = clock_.now(), .rules = {}});
  const auto answer = gateway_.handle(form);
  EXPECT_EQ(answer.response.status, 404);
  EXPECT_EQ(answer.response.headers.get("content-type"), "text/xml");
  EXPECT_THAT(answer.response.body, StartsWith("<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code>"
                                               "<Message>There is no service ec2 here</Message></Error><RequestId>"));
}

TEST_F(GatewayTest, RefusesBadSignaturesInTheWordsOfTheProtocol) {
  const auto unsigned_call = gateway_.handle(request("DescribeCollection", "{}"));
  EXPECT_EQ(unsigned_call.response.status, 400);
  EXPECT_EQ(unsigned_call.response.body,
            R"({"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"})");

  key_.secret = "guess";
  EXPECT_THAT(
      call("DescribeCollection", "{}").response.body,
      StartsWith(
          R"({"__type":"InvalidSignatureException","message":"The request signature we calculated does not match)"));
  key_.id = "AKIANOBODY";
  EXPECT_EQ(
      call("DescribeCollection", "{}").response.body,
      R"({"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."})");
  auto incomplete = request("DescribeCollection", "{}");
  incomplete.headers.set("Authorization", "AWS4-HMAC-SHA256 Signature=00");
  EXPECT_THAT(gateway_.handle(incomplete).response.body, StartsWith(R"({"__type":"IncompleteSignatureException")"));
  EXPECT_EQ(calls_, 0);
}

TEST_F(GatewayTest, FindsTheServiceByTheScopeOfTheSignature) {
  auto without_target = request("x", "{}");
  without_target.headers.remove("X-Amz-Target");
  const auto answer = gateway_.handle(sign(without_target));
  EXPECT_EQ(answer.record.service, "rekognition");
  EXPECT_THAT(answer.response.body, HasSubstr("UnknownOperationException"));
}

TEST_F(GatewayTest, AsksTheGatesBeforeItParses) {
  gateway_.add_gate([](const CallInfo& info) -> Result<void> {
    EXPECT_EQ(info.operation.name, "DescribeCollection");
    EXPECT_EQ(info.context.access_key_id, "AKIDEXAMPLE");
    return client_error("AccessDeniedException", "User is not authorized");
  });
  const auto answer = call("DescribeCollection", "no json");
  EXPECT_EQ(answer.response.status, 400);
  EXPECT_THAT(answer.response.body, HasSubstr(R"("Code":"AccessDeniedException")"));
  EXPECT_EQ(calls_, 0);
}

TEST_F(GatewayTest, RefusesInTheProtocolOfTheServiceWithoutLookingFurther) {
  const auto answer = gateway_.refuse(request("DescribeCollection", "no json"),
                                      Error{"ThrottlingException", "Too many.", Error::Fault::Server, ""});
  EXPECT_EQ(answer.response.status, 500);
  EXPECT_THAT(answer.response.body, StartsWith(R"({"__type":"ThrottlingException","Code":"ThrottlingException")"));
  EXPECT_EQ(answer.record.operation, "DescribeCollection");
  EXPECT_EQ(calls_, 0);
}

}  // namespace
}  // namespace likeness::aws
