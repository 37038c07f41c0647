// Executables named bootstrap, and our header for writing them in C++.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "functions/testing.hpp"

namespace likeness::functions {
namespace {

using ::testing::HasSubstr;

class Provided : public ::testing::Test {
 protected:
  FunctionSpec example(const std::string& name) {
    const auto code = setting_.folder.path() / name;
    std::filesystem::create_directories(code);
    std::filesystem::copy_file(FUNCTIONS_EXAMPLE, code / "bootstrap");
    auto function = setting_.spec(name, "provided.al2023", "not.used", {});
    function.code = code;
    return function;
  }
  testing::Setting setting_;
};

TEST_F(Provided, RunsAProgramMadeWithTheHeader) {
  const auto function = example("cpp");
  auto outcome = setting_.invoke(function, R"({"log":1})");
  ASSERT_TRUE(outcome) << outcome.error().detail;
  EXPECT_EQ(outcome->payload, R"({"got":{"log":1},"enough_time":true})");
  EXPECT_THAT(outcome->log_tail, HasSubstr("\nasked by "));
  outcome = setting_.invoke(function, R"({"fail":1})");
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->payload, R"({"errorMessage":"no \"face\"","errorType":"BadPhoto","stackTrace":[]})");
  EXPECT_EQ(outcome->error_type, "BadPhoto");
  EXPECT_EQ(outcome->function_error, "Unhandled");
  outcome = setting_.invoke(function, R"({"throw":1})");
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->error_type, "Runtime.UnhandledException");
  EXPECT_EQ(setting_.runner->stats().started, 1U);
}

TEST_F(Provided, TakesBigEvents) {
  const auto function = example("big");
  const std::string event = "\"" + std::string(5 * 1024 * 1024, 'x') + "\"";
  const auto outcome = setting_.invoke(function, event);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->payload, R"({"got":)" + event + R"(,"enough_time":true})");
}

TEST_F(Provided, RunsTheBootstrapOfALayer) {
  auto function = setting_.spec("layered", "provided.al2", "some.handler", {{"data.txt", "from the function"}});
  function.layers = {setting_.folder.package(
      "runtime-layer",
      {{"bootstrap",
        "#!/bin/sh\nurl=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation\n"
        "exec python3 -c \"\nimport os, urllib.request as u\nurl = '$url'\n"
        "while True:\n    n = u.urlopen(url + '/next')\n    i = n.headers['Lambda-Runtime-Aws-Request-Id']\n"
        "    text = '[\\\"' + open('data.txt').read() + ' ' + os.environ['_HANDLER'] + '\\\"]'\n"
        "    u.urlopen(u.Request(url + '/' + i + '/response', text.encode())).read()\n\"\n"}})};
  const auto outcome = setting_.invoke(function);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->payload, R"(["from the function some.handler"])") << setting_.host.text("/aws/lambda/layered");
}

TEST_F(Provided, TellsWhenThereIsNoBootstrap) {
  const auto outcome = setting_.invoke(setting_.spec("empty", "provided.al2", "x", {{"other", ""}}));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->error_type, "Runtime.ExitError");
}

TEST_F(Provided, NamesARuntimeThatCannotRunHere) {
  const auto outcome = setting_.invoke(setting_.spec("java", "java21", "x", {{"other", ""}}));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, "RuntimeUnavailable");
  EXPECT_FALSE(setting_.runner->check_runtime("ruby3.3"));
  EXPECT_TRUE(setting_.runner->check_runtime("python3.12"));
}

}  // namespace
}  // namespace likeness::functions
