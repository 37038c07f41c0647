// The official runtime client of Python, as it is, against our Runtime API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "functions/testing.hpp"

namespace likeness::functions {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

class Python : public ::testing::Test {
 protected:
  testing::Setting setting_;
};

TEST_F(Python, AnswersAnEventAndTellsAboutItAsLambdaDoes) {
  const auto function = setting_.python("hello",
                                        "def handler(event, context):\n"
                                        "    print('got', event['name'])\n"
                                        "    return {'hello': event['name'], 'id': context.aws_request_id,\n"
                                        "            'arn': context.invoked_function_arn,\n"
                                        "            'left': context.get_remaining_time_in_millis() > 15000}\n");
  Invocation invocation{.request_id = "6f747a06-0000-4000-8000-000000000001",
                        .payload = std::make_shared<const std::string>(R"({"name":"Ada"})"),
                        .invoked_arn = function.arn + ":live",
                        .tail = true};
  const auto outcome = setting_.runner->invoke(function, invocation);
  ASSERT_TRUE(outcome) << outcome.error().message << " " << outcome.error().detail;
  EXPECT_EQ(outcome->payload, R"({"hello": "Ada", "id": "6f747a06-0000-4000-8000-000000000001", "arn": ")" +
                                  function.arn + R"(:live", "left": true})");
  EXPECT_EQ(outcome->function_error, "");
  EXPECT_GT(outcome->init.count(), 0);
  EXPECT_GT(outcome->max_memory_mb, 10);
  EXPECT_THAT(setting_.host.lines("/aws/lambda/hello"),
              ElementsAre(MatchesRegex("INIT_START Runtime Version: python:3[.0-9]+\tRuntime Version ARN: "
                                       "arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}"),
                          "START RequestId: 6f747a06-0000-4000-8000-000000000001 Version: $LATEST", "got Ada",
                          "END RequestId: 6f747a06-0000-4000-8000-000000000001",
                          MatchesRegex(
                              "REPORT RequestId: 6f747a06-0000-4000-8000-000000000001\tDuration: [0-9]+[.][0-9]{2} ms\t"
                              "Billed Duration: [0-9]+ ms\tMemory Size: 256 MB\tMax Memory Used: [0-9]+ MB\t"
                              "Init Duration: [0-9]+[.][0-9]{2} ms\t")));
  EXPECT_THAT(outcome->log_tail, StartsWith("START RequestId"));
  EXPECT_THAT(outcome->log_tail, HasSubstr("got Ada\n"));
}

TEST_F(Python, KeepsAWorkerWarm) {
  const auto function = setting_.python("counter",
                                        "count = 0\ndef handler(event, context):\n    global count\n"
                                        "    count += 1\n    return count\n");
  for (int i = 1; i <= 5; ++i) {
    const auto outcome = setting_.invoke(function);
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->payload, std::to_string(i));
    EXPECT_EQ(outcome->init.count() > 0, i == 1);
  }
  EXPECT_EQ(setting_.runner->stats().started, 1U);
}

TEST_F(Python, ReportsAnExceptionWithItsTrace) {
  const auto outcome = setting_.invoke(
      setting_.python("raises", "def handler(event, context):\n    raise ValueError('no such photo')\n"));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->function_error, "Unhandled");
  EXPECT_THAT(outcome->payload, HasSubstr(R"("errorMessage": "no such photo", "errorType": "ValueError")"));
  EXPECT_THAT(outcome->payload, HasSubstr(R"(  File \"/var/task/app.py\", line 2, in handler)"));
  EXPECT_THAT(outcome->log_tail, HasSubstr("[ERROR] ValueError: no such photo\nTraceback (most recent call last):"));
}

TEST_F(Python, ReportsAModuleThatCannotBeImported) {
  const auto outcome = setting_.invoke(setting_.python("broken", "import nothing_like_it\n"));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->function_error, "Unhandled");
  EXPECT_EQ(outcome->error_type, "Runtime.ImportModuleError");
  EXPECT_THAT(outcome->payload, HasSubstr("Unable to import module 'app': No module named 'nothing_like_it'"));
  EXPECT_THAT(setting_.host.text("/aws/lambda/broken"),
              HasSubstr("Phase: init\tStatus: error\tError Type: Runtime.ImportModuleError"));
}

TEST_F(Python, EndsWhatTakesTooLong) {
  auto function =
      setting_.python("slow", "import time\ndef handler(event, context):\n    print('begins')\n    time.sleep(60)\n");
  function.timeout = std::chrono::seconds(1);
  Invocation invocation{.request_id = "11111111-0000-4000-8000-000000000001", .tail = true};
  const auto outcome = setting_.runner->invoke(function, invocation);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->payload, R"({"errorType":"Sandbox.Timedout","errorMessage":"RequestId: )"
                              R"(11111111-0000-4000-8000-000000000001 Error: Task timed out after 1.00 seconds"})");
  EXPECT_EQ(outcome->function_error, "Unhandled");
  EXPECT_EQ(outcome->duration, std::chrono::seconds(1));
  EXPECT_THAT(outcome->log_tail, HasSubstr("begins\n"));
  EXPECT_THAT(outcome->log_tail,
              HasSubstr("Z 11111111-0000-4000-8000-000000000001 Task timed out after 1.00 seconds\n\n"));
  EXPECT_THAT(outcome->log_tail, HasSubstr("\tStatus: timeout"));
  // The next one gets a new worker.
  const auto again = setting_.invoke(function);
  ASSERT_TRUE(again);
  EXPECT_GT(again->init.count(), 0);
}

TEST_F(Python, SeesTheEnvironmentOfLambda) {
  auto function = setting_.spec("env", "python3.9", "pkg/app.handler",
                                {{"pkg/app.py",
                                  "import os, json, time\ndef handler(event, context):\n"
                                  "    return {k: os.environ.get(k) for k in event} | {'cwd': os.getcwd(),"
                                  " 'zone': time.tzname[0], 'client': context.client_context and"
                                  " context.client_context.custom}\n"}});
  function.environment = {{"TABLE", "it's \"quoted\" $HOME `id`"}, {"LINES", "a\nb"}};
  Invocation invocation{
      .request_id = uuid_v4(),
      .payload = std::make_shared<const std::string>(
          R"(["TABLE","LINES","AWS_REGION","AWS_LAMBDA_FUNCTION_NAME","AWS_LAMBDA_FUNCTION_MEMORY_SIZE","_HANDLER",
              "LAMBDA_TASK_ROOT","AWS_EXECUTION_ENV","AWS_SECRET_ACCESS_KEY","AWS_ENDPOINT_URL","AWS_LAMBDA_LOG_GROUP_NAME","TZ"])"),
      .client_context = R"({"custom":{"a":"b"}})"};
  const auto outcome = setting_.runner->invoke(function, invocation);
  ASSERT_TRUE(outcome);
  for (const char* part :
       {R"("TABLE": "it's \"quoted\" $HOME `id`")", R"("LINES": "a\nb")", R"("AWS_REGION": "us-east-1")",
        R"("AWS_LAMBDA_FUNCTION_NAME": "env")", R"("AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256")",
        R"("_HANDLER": "pkg/app.handler")", R"("AWS_EXECUTION_ENV": "AWS_Lambda_python3.9")",
        R"("AWS_SECRET_ACCESS_KEY": "secret'with\"odd $signs")", R"("AWS_ENDPOINT_URL": "http://127.0.0.1:4600")",
        R"("AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/env")", R"("TZ": ":UTC")", R"("zone": "UTC")",
        R"("client": {"a": "b"})", R"("cwd": "/var/task")", R"("LAMBDA_TASK_ROOT": "/var/task")"})
    EXPECT_THAT(outcome->payload, HasSubstr(part));
}

TEST_F(Python, HasTheSdkAndItsLayers) {
  auto function = setting_.python("sdk",
                                  "import boto3, tool, other\ndef handler(event, context):\n"
                                  "    s3 = boto3.client('s3')\n"
                                  "    return [s3.meta.endpoint_url, tool.name, other.name]\n");
  function.layers = {setting_.folder.package("layer1", {{"python/tool.py", "name = 'first'\n"}}),
                     setting_.folder.package(
                         "layer2", {{"python/tool.py", "name = 'second'\n"}, {"python/other.py", "name = 'other'\n"}})};
  const auto outcome = setting_.invoke(function);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->payload, R"(["http://127.0.0.1:4600", "second", "other"])");
}

TEST_F(Python, LogsRecordsOfSeveralLinesAsOne) {
  const auto outcome = setting_.invoke(
      setting_.python("logs",
                      "import logging\ndef handler(event, context):\n    logging.getLogger().setLevel('INFO')\n"
                      "    logging.info('one\\ntwo')\n    print('three')\n"));
  ASSERT_TRUE(outcome);
  bool found = false;
  for (const auto& line : setting_.host.lines("/aws/lambda/logs"))
    found = found || (line.starts_with("[INFO]\t") && line.ends_with("\tone\ntwo"));
  EXPECT_TRUE(found) << setting_.host.text("/aws/lambda/logs");
}

TEST_F(Python, LogsAsJson) {
  auto function = setting_.python("json",
                                  "import logging\ndef handler(event, context):\n    logging.warning('careful')\n"
                                  "    logging.debug('not this')\n");
  function.log_format = LogFormat::Json;
  ASSERT_TRUE(setting_.invoke(function));
  const auto lines = setting_.host.lines("/aws/lambda/json");
  ASSERT_EQ(lines.size(), 4U) << setting_.host.text("/aws/lambda/json");
  EXPECT_THAT(lines[0], HasSubstr(R"("type":"platform.initStart")"));
  EXPECT_THAT(lines[1], HasSubstr(R"("type":"platform.start")"));
  EXPECT_THAT(lines[2], HasSubstr(R"("level": "WARNING", "message": "careful")"));
  EXPECT_THAT(lines[3], HasSubstr(R"("type":"platform.report")"));
}

TEST_F(Python, RunsManyAtOnce) {
  const auto function =
      setting_.python("many", "import time\ndef handler(event, context):\n    time.sleep(0.3)\n    return event\n");
  std::vector<std::future<Result<Outcome>>> running;
  running.reserve(8);
  for (int i = 0; i < 8; ++i)
    running.push_back(std::async(std::launch::async, [&, i] { return setting_.invoke(function, std::to_string(i)); }));
  for (int i = 0; i < 8; ++i) {
    const auto outcome = running[static_cast<std::size_t>(i)].get();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->payload, std::to_string(i));
  }
  EXPECT_LE(setting_.runner->stats().workers, 8U);
}

TEST_F(Python, ABurstIsServedByThoseThatAreReadyFirst) {
  const auto function = setting_.python("burst", "def handler(event, context):\n    return event\n");
  constexpr unsigned kBurst = 64;
  std::vector<std::future<Result<Outcome>>> running;
  running.reserve(kBurst);
  for (unsigned i = 0; i < kBurst; ++i)
    running.push_back(std::async(std::launch::async, [&, i] { return setting_.invoke(function, std::to_string(i)); }));
  for (unsigned i = 0; i < kBurst; ++i) {
    const auto outcome = running[i].get();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->payload, std::to_string(i));
  }
  if (std::thread::hardware_concurrency() <= kBurst / 8) EXPECT_LE(setting_.runner->stats().started, kBurst / 2);
}

TEST_F(Python, RefusesAnAnswerThatIsTooLong) {
  const auto outcome =
      setting_.invoke(setting_.python("long", "def handler(event, context):\n    return 'x' * (7 * 1024 * 1024)\n"));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->payload,
            R"({"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded )"
            R"(maximum allowed payload size (6291556 bytes)."})");
}

TEST_F(Python, TakesAnAnswerOfSixMegabytes) {
  const auto function =
      setting_.python("six", "def handler(event, context):\n    return 'x' * (6 * 1024 * 1024) + str(len(event))\n");
  const auto outcome = setting_.invoke(function, "\"" + std::string(6 * 1024 * 1024 - 2, 'y') + "\"");
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->function_error, "");
  EXPECT_EQ(outcome->payload.size(), 6U * 1024 * 1024 + 2 + 7);
}

TEST_F(Python, EndsIdleWorkersOfAKeyThatIsRetired) {
  const auto function = setting_.python("old", "def handler(event, context):\n    return 1\n");
  ASSERT_TRUE(setting_.invoke(function));
  for (int i = 0; i < 200 && !setting_.runner->retire(function.key); ++i) ::usleep(5000);
  for (int i = 0; i < 200 && setting_.runner->stats().workers > 0; ++i) ::usleep(10000);
  EXPECT_EQ(setting_.runner->stats().workers, 0U);
}

TEST_F(Python, AMissingRoleIsTold) {
  auto function = setting_.python("roleless", "def handler(event, context):\n    return 1\n");
  function.role_arn = "arn:aws:iam::000000000000:role/missing";
  const auto outcome = setting_.invoke(function);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, "AccessDenied");
}

TEST(PythonPools, AWorkerIsReplacedBeforeItsCredentialsEnd) {
  testing::Setting setting;
  setting.host.lifetime = std::chrono::seconds(30);  // less than the timeout and a minute
  const auto function = setting.python("short", "def handler(event, context):\n    return 1\n");
  ASSERT_TRUE(setting.invoke(function));
  ASSERT_TRUE(setting.invoke(function));
  EXPECT_EQ(setting.runner->stats().started, 2U);
}

TEST(PythonPools, IdleWorkersMakeRoomForOtherFunctionsAndTheRestWaits) {
  testing::Setting setting({.max_workers = 1, .max_wait = std::chrono::milliseconds(1500)});
  const auto one = setting.python("one", "def handler(event, context):\n    return 1\n");
  const auto two =
      setting.python("two", "import time\ndef handler(event, context):\n    time.sleep(4)\n    return 2\n");
  ASSERT_TRUE(setting.invoke(one));
  auto slow = std::async(std::launch::async, [&] { return setting.invoke(two); });
  ::usleep(1'000'000);
  const auto refused = setting.invoke(one);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "TooManyWorkers");
  const auto outcome = slow.get();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->payload, "2");
}

TEST(PythonPools, IdleWorkersAreEnded) {
  testing::Setting setting({.idle_time = std::chrono::milliseconds(300)});
  ASSERT_TRUE(setting.invoke(setting.python("idle", "def handler(event, context):\n    return 1\n")));
  EXPECT_EQ(setting.runner->stats().workers, 1U);
  for (int i = 0; i < 300 && setting.runner->stats().workers > 0; ++i) ::usleep(10000);
  EXPECT_EQ(setting.runner->stats().workers, 0U);
}

TEST(PythonPools, StoppingAnswersWhatRuns) {
  testing::Setting setting;
  const auto function = setting.python("stopped", "import time\ndef handler(event, context):\n    time.sleep(30)\n");
  auto running = std::async(std::launch::async, [&] { return setting.invoke(function); });
  ::usleep(700'000);
  setting.runner->stop();
  const auto outcome = running.get();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, "Stopping");
}

}  // namespace
}  // namespace likeness::functions
