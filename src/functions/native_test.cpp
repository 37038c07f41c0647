#include "functions/native.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

#include "functions/testing.hpp"

namespace likeness::functions {
namespace {

TEST(NativeRegistry, FindsWhatWasAddedLast) {
  NativeRegistry registry;
  EXPECT_EQ(registry.find("hello"), nullptr);
  registry.add("hello", [](NativeContext&, std::string_view) -> Result<std::string> { return "1"; });
  const auto first = registry.find("hello");
  registry.add("hello", [](NativeContext&, std::string_view) -> Result<std::string> { return "2"; });
  ASSERT_NE(first, nullptr);
  EXPECT_NE(registry.find("hello"), first);
  EXPECT_EQ(registry.names(), std::vector<std::string>{"hello"});
}

class Native : public ::testing::Test {
 protected:
  FunctionSpec function(const std::string& native) {
    FunctionSpec spec;
    spec.key = spec.name = spec.native = native;
    spec.environment = {{"TABLE", "photos"}};
    return spec;
  }
  testing::Setting setting_;
};

TEST_F(Native, RunsInTheServerWithTheLogOfAnyFunction) {
  setting_.natives.add("check", [](NativeContext& context, std::string_view event) -> Result<std::string> {
    context.log("checking");
    const auto put = context.call("dynamodb", "PutItem", R"({"TableName":"photos"})");
    return "[" + std::string(event) + ",\"" + context.environment("TABLE") + "\",\"" + put->substr(0, 16) + "\"," +
           (context.remaining() > std::chrono::seconds(2) ? "true]" : "false]");
  });
  const auto outcome = setting_.invoke(function("check"), "1");
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->payload, R"([1,"photos","dynamodb:PutItem",true])");
  EXPECT_EQ(outcome->function_error, "");
  EXPECT_THAT(
      setting_.host.lines("/aws/lambda/check"),
      ::testing::ElementsAre(::testing::StartsWith("START RequestId: "), "checking",
                             ::testing::StartsWith("END RequestId: "), ::testing::StartsWith("REPORT RequestId: ")));
}

TEST_F(Native, ItsErrorsAreThoseOfAFunction) {
  setting_.natives.add("fails", [](NativeContext&, std::string_view) -> Result<std::string> {
    return client_error("ResourceNotFoundException", "no \"table\"");
  });
  setting_.natives.add("throws",
                       [](NativeContext&, std::string_view) -> Result<std::string> { throw std::runtime_error("oh"); });
  auto outcome = setting_.invoke(function("fails"));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->function_error, "Unhandled");
  EXPECT_THAT(outcome->payload,
              ::testing::StartsWith(R"({"errorMessage":"no \"table\"","errorType":"ResourceNotFoundException")"));
  EXPECT_THAT(outcome->log_tail, ::testing::HasSubstr("[ERROR] ResourceNotFoundException: no \"table\"\n"));
  outcome = setting_.invoke(function("throws"));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->error_type, "Runtime.UnhandledException");
}

TEST_F(Native, OneThatTakesTooLongIsToldSo) {
  setting_.natives.add("slow", [](NativeContext&, std::string_view) -> Result<std::string> {
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    return "1";
  });
  auto slow = function("slow");
  slow.timeout = std::chrono::seconds(1);
  const auto outcome = setting_.invoke(slow);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->error_type, "Sandbox.Timedout");
}

TEST_F(Native, AnUnknownOneIsNamed) {
  const auto outcome = setting_.invoke(function("nobody"));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, "NativeFunctionUnknown");
}

}  // namespace
}  // namespace likeness::functions
