#include "domain/lambda/urls.hpp"

#include <gtest/gtest.h>

#include <set>

namespace likeness::lambda {
namespace {

Function function() {
  Function out;
  out.account = "000000000000";
  out.region = "us-east-1";
  out.name = "photos";
  return out;
}

std::string text_of(const std::vector<CorsHeader>& headers) {
  std::string out;
  for (const auto& header : headers) out += header.name + ": " + header.value + "\n";
  return out;
}

TEST(FunctionUrls, OneForTheFunctionAndOneForEachAlias) {
  auto made = function();
  const auto url = create_url(made, "", {.auth = "NONE"}, {});
  ASSERT_TRUE(url);
  EXPECT_EQ(url->id.size(), 32U);
  EXPECT_EQ(url->mode, "BUFFERED");
  EXPECT_NE(create_url(made, "live", {.auth = "NONE"}, {})->id, url->id);
  const auto again = create_url(made, "", {}, {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "ResourceConflictException");
  EXPECT_TRUE(again.error().message.ends_with("FunctionUrlConfig exists for this Lambda function"));
}

TEST(FunctionUrls, AnUpdateKeepsWhatItDoesNotName) {
  auto made = function();
  const auto url = *create_url(made, "", {.auth = "NONE", .cors = Cors{.allow_origins = {"*"}}}, {});
  const auto later = TimePoint(std::chrono::seconds(5));
  const auto updated = update_url(made, "", {.mode = "RESPONSE_STREAM"}, later);
  ASSERT_TRUE(updated);
  EXPECT_EQ(updated->id, url.id);
  EXPECT_EQ(updated->auth, "NONE");
  EXPECT_EQ(updated->mode, "RESPONSE_STREAM");
  EXPECT_TRUE(updated->cors);
  EXPECT_EQ(updated->modified, later);
  EXPECT_EQ(find_url(made, "")->mode, "RESPONSE_STREAM");
  EXPECT_TRUE(delete_url(made, ""));
  EXPECT_EQ(delete_url(made, "").error().code, "ResourceNotFoundException");
  EXPECT_EQ(update_url(made, "", {}, later).error().code, "ResourceNotFoundException");
}

TEST(FunctionUrls, AnOriginThatIsNoneChangesNothing) {
  auto made = function();
  EXPECT_EQ(create_url(made, "", {.cors = Cors{.allow_origins = {"example.com"}}}, {}).error().code,
            "ValidationException");
  EXPECT_TRUE(made.urls.empty());
}

TEST(FunctionUrls, HostsNameThem) {
  const std::string id = "abcdefghijklmnopqrstuvwxyz234567";
  EXPECT_EQ(url_id_of_host(id + ".lambda-url.us-east-1.localhost:4600"), id);
  EXPECT_EQ(url_id_of_host(id + ".LAMBDA-URL.us-east-1.on.aws"), id);
  for (const auto* host : {"localhost", "photos.s3.localhost", "abc.lambda-url.us-east-1.localhost", ""})
    EXPECT_EQ(url_id_of_host(host), "") << host;
  EXPECT_EQ(url_id_of_host(id + ".s3.localhost.and.more"), "");
}

TEST(FunctionUrls, OnlyAllowedOriginsAreTold) {
  const Cors cors{.allow_origins = {"https://a.example"}, .expose_headers = {"x-one", "x-two"}};
  EXPECT_EQ(
      text_of(cors_headers(cors, {.origin = "https://a.example", .requested_method = {}, .requested_headers = {}})),
      "Access-Control-Allow-Origin: https://a.example\nVary: Origin\nAccess-Control-Expose-Headers: x-one,x-two\n");
  EXPECT_TRUE(
      cors_headers(cors, {.origin = "https://b.example", .requested_method = {}, .requested_headers = {}}).empty());
  EXPECT_TRUE(cors_headers(cors, {.origin = {}, .requested_method = {}, .requested_headers = {}}).empty());
}

TEST(FunctionUrls, AnyOriginIsAStarUnlessCredentialsAreAllowed) {
  const CorsRequest request{.origin = "https://a.example", .requested_method = {}, .requested_headers = {}};
  EXPECT_EQ(cors_headers({.allow_origins = {"*"}}, request).front().value, "*");
  const auto named = cors_headers({.credentials = true, .allow_origins = {"*"}}, request);
  EXPECT_EQ(named.front().value, "https://a.example");
  EXPECT_EQ(named[1].name, "Access-Control-Allow-Credentials");
}

TEST(FunctionUrls, PreflightsAskForMethodAndHeaders) {
  const Cors cors{
      .allow_headers = {"x-token"}, .allow_methods = {"PUT"}, .allow_origins = {"https://a.example"}, .max_age = 60};
  const auto ask = [&](std::string_view method, std::string_view headers) {
    return text_of(preflight_headers(
        cors, {.origin = "https://a.example", .requested_method = method, .requested_headers = headers}));
  };
  EXPECT_EQ(ask("PUT", "X-Token"),
            "Access-Control-Allow-Origin: https://a.example\nVary: Origin\nAccess-Control-Allow-Methods: PUT\n"
            "Access-Control-Allow-Headers: x-token\nAccess-Control-Max-Age: 60\n");
  EXPECT_EQ(ask("DELETE", ""), "");
  EXPECT_EQ(ask("PUT", "x-token, x-other"), "");
  EXPECT_NE(ask("GET", ""), "");
}

}  // namespace
}  // namespace likeness::lambda
