#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <chrono>

#include "domain/http_events/event.hpp"
#include "domain/http_events/response.hpp"
#include "domain/http_events/text.hpp"

namespace likeness::http_events {
namespace {

namespace json = boost::json;

Request request() {
  Request out;
  out.method = "POST";
  out.path = "/my/path%20here";
  out.query = "name=a%20b&name=c&flag&odd=%zz%ff+x";
  out.headers = {{"Host", "abc.lambda-url.us-east-1.localhost"},
                 {"X-Many", "1"},
                 {"x-many", "2"},
                 {"Cookie", "a=1; b=2"},
                 {"Cookie", "c=3"},
                 {"User-Agent", "test/1"},
                 {"Content-Type", "text/plain; charset=utf-8"}};
  static const std::string body = "Hello \"from\" client";
  out.body = as_bytes(body);
  out.source_ip = "127.0.0.1";
  out.time = TimePoint(std::chrono::milliseconds(1583348638390));
  out.request_id = "id";
  out.api_id = out.domain_prefix = "abc";
  out.domain_name = "abc.lambda-url.us-east-1.localhost";
  return out;
}

TEST(HttpEvents, TheEventIsThatOfPayloadFormat2) {
  const auto event = event_v2(request());
  EXPECT_EQ(event,
            "{\"version\":\"2.0\",\"routeKey\":\"$default\",\"rawPath\":\"/my/path%20here\",\"rawQueryString\":"
            "\"name=a%20b&name=c&flag&odd=%zz%ff+x\",\"cookies\":[\"a=1\",\"b=2\",\"c=3\"],\"headers\":{\"host\":"
            "\"abc.lambda-url.us-east-1.localhost\",\"x-many\":\"1,2\",\"user-agent\":\"test/1\",\"content-type\":"
            "\"text/plain; charset=utf-8\"},\"queryStringParameters\":{\"name\":\"a b,c\",\"flag\":\"\",\"odd\":"
            "\"%zz\xEF\xBF\xBD x\"},\"requestContext\":{\"accountId\":\"anonymous\",\"apiId\":\"abc\",\"domainName\":"
            "\"abc.lambda-url.us-east-1.localhost\",\"domainPrefix\":\"abc\",\"http\":{\"method\":\"POST\",\"path\":"
            "\"/my/path%20here\",\"protocol\":\"HTTP/1.1\",\"sourceIp\":\"127.0.0.1\",\"userAgent\":\"test/1\"},"
            "\"requestId\":\"id\",\"routeKey\":\"$default\",\"stage\":\"$default\",\"time\":"
            "\"04/Mar/2020:19:03:58 +0000\",\"timeEpoch\":1583348638390},\"body\":\"Hello \\\"from\\\" client\","
            "\"isBase64Encoded\":false}");
}

TEST(HttpEvents, WhatIsAbsentIsLeftOut) {
  Request bare;
  bare.method = "GET";
  bare.path = "/";
  const auto event = json::parse(event_v2(bare)).as_object();
  for (const auto* name : {"body", "cookies", "queryStringParameters", "pathParameters", "stageVariables"})
    EXPECT_FALSE(event.contains(name)) << name;
  EXPECT_EQ(event.at("isBase64Encoded"), false);
  EXPECT_FALSE(event.at("requestContext").as_object().contains("authorizer"));
}

TEST(HttpEvents, OnlyTextsInAsciiGoAsTheyAre) {
  const auto sent = [](std::string type, const std::string& body) {
    Request made;
    made.body = as_bytes(body);
    if (!type.empty()) made.headers = {{"content-type", std::move(type)}};
    const auto event = json::parse(event_v2(made)).as_object();
    return std::pair(std::string(event.at("body").as_string()), event.at("isBase64Encoded").as_bool());
  };
  EXPECT_EQ(sent("application/json", "{}"), std::pair(std::string("{}"), false));
  EXPECT_EQ(sent("application/json", "\"\xC3\xA9\""), std::pair(std::string("IsOpIg=="), true));
  EXPECT_EQ(sent("application/x-www-form-urlencoded", "a=1"), std::pair(std::string("YT0x"), true));
  EXPECT_EQ(sent("", "abc"), std::pair(std::string("YWJj"), true));
  EXPECT_EQ(sent("image/png", "\x89PNG"), std::pair(std::string("iVBORw=="), true));
}

TEST(HttpEvents, TheSignerIsInTheAuthorizer) {
  auto signed_one = request();
  signed_one.iam = IamCaller{"AKIA", "000000000000", "AIDA", "arn:aws:iam::000000000000:user/ann", "AIDA"};
  const auto event = json::parse(event_v2(signed_one));
  EXPECT_EQ(event.at_pointer("/requestContext/authorizer/iam/userArn"), "arn:aws:iam::000000000000:user/ann");
  EXPECT_EQ(event.at_pointer("/requestContext/authorizer/iam/accessKey"), "AKIA");
  EXPECT_TRUE(event.at_pointer("/requestContext/authorizer/iam/cognitoIdentity").is_null());
}

TEST(HttpEvents, AnAnswerWithAStatusIsTakenApart) {
  const auto answer = response_v2(
      R"({"statusCode": 201, "headers": {"content-type": "text/html", "X-N": 5}, "cookies": ["a=1; Secure", "b=2"],
          "body": "<p>", "isBase64Encoded": false})");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "<p>");
  const std::vector<Field> headers{
      {"content-type", "text/html"}, {"X-N", "5"}, {"Set-Cookie", "a=1; Secure"}, {"Set-Cookie", "b=2"}};
  EXPECT_EQ(answer->headers, headers);

  EXPECT_EQ(response_v2(R"({"statusCode":"404"})")->status, 404);
  EXPECT_EQ(response_v2(R"({"statusCode":404})")->body, "");
  EXPECT_EQ(response_v2(R"({"statusCode":200,"body":"iVBO","isBase64Encoded":true})")->body, "\x89PN");
  EXPECT_EQ(response_v2(R"({"statusCode":200,"body":{"a":[1]}})")->body, R"({"a":[1]})");
}

TEST(HttpEvents, WithoutAStatusTheAnswerIsTheBody) {
  const std::vector<Field> json_type{{"Content-Type", "application/json"}};
  const auto object = response_v2("{\"text\": \"a \\\" b\",\n \"n\": 1.50}");
  EXPECT_EQ(object->body, R"({"text":"a \" b","n":1.50})");
  EXPECT_EQ(object->headers, json_type);
  EXPECT_EQ(object->status, 200);
  EXPECT_EQ(response_v2(R"("Hello, world!")")->body, "Hello, world!");
  EXPECT_EQ(response_v2("null")->body, "null");
  EXPECT_EQ(response_v2("[1, 2]")->body, "[1,2]");
}

TEST(HttpEvents, WhatCannotBeAnAnswerIsMalformed) {
  for (const auto* payload :
       {"", "{", "hello", R"({"statusCode":99})", R"({"statusCode":"x"})", R"({"statusCode":1e99})",
        R"({"statusCode":100})", R"({"statusCode":200,"headers":[]})", R"({"statusCode":200,"headers":{"a b":"x"}})",
        R"({"statusCode":200,"headers":{"a":"x\r\nSet-Cookie: y"}})", R"({"statusCode":200,"headers":{"a":["x"]}})",
        R"({"statusCode":200,"cookies":"a=1"})", R"({"statusCode":200,"cookies":["a\n"]})",
        R"({"statusCode":200,"body":"?","isBase64Encoded":true})"}) {
    const auto answer = response_v2(payload);
    ASSERT_FALSE(answer) << payload;
    EXPECT_EQ(answer.error().code, "MalformedResponse");
  }
}

TEST(HttpEvents, HeadersOfTheConnectionAreNotTheFunctions) {
  const auto answer = response_v2(
      R"({"statusCode":200,"headers":{"Content-Length":"5","Connection":"close","Transfer-Encoding":"chunked","a":"b"}})");
  const std::vector<Field> headers{{"x-amzn-Remapped-Content-Length", "5"},
                                   {"x-amzn-Remapped-Connection", "close"},
                                   {"a", "b"},
                                   {"Content-Type", "application/json"}};
  EXPECT_EQ(answer->headers, headers);
}

TEST(HttpEvents, TheHeadOfAStreamComesInAnyPieces) {
  const std::string stream =
      R"({"statusCode":202,"headers":{"X-A":"b"}})" + std::string(8, '\0') + "body" + std::string(9, '\0');
  for (std::size_t size = 1; size <= stream.size(); ++size) {
    HeadReader reader;
    std::optional<Response> head;
    std::string body;
    for (std::size_t at = 0; at < stream.size(); at += size) {
      const auto piece = std::string_view(stream).substr(at, size);
      if (head) {
        body += piece;
        continue;
      }
      auto fed = reader.feed(piece);
      ASSERT_TRUE(fed);
      head = std::move(*fed);
      if (head) body = head->body;
    }
    ASSERT_TRUE(head) << size;
    EXPECT_EQ(head->status, 202);
    EXPECT_EQ(head->headers.front(), (Field{"X-A", "b"}));
    EXPECT_EQ(body, "body" + std::string(9, '\0'));
  }
}

TEST(HttpEvents, AStreamsHeadIsBoundedAndJson) {
  HeadReader endless;
  bool refused = false;
  for (int i = 0; i < 100 && !refused; ++i) refused = !endless.feed(std::string(64 * 1024, ' '));
  EXPECT_TRUE(refused);
  HeadReader text;
  EXPECT_FALSE(text.feed("hello" + std::string(8, '\0')));
  HeadReader cut;
  ASSERT_TRUE(cut.feed(R"({"statusCode":204})"));
  EXPECT_EQ(cut.end()->status, 204);
  EXPECT_FALSE(HeadReader().end());
}

TEST(HttpEvents, AStreamAskedForAsAWholeIsTakenApartToo) {
  const auto answer = response_v2(R"({"statusCode":201})" + std::string(8, '\0') + "not json");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "not json");
}

}  // namespace
}  // namespace likeness::http_events
