// Functions that misbehave: they are ended and told of, and nothing else suffers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <future>

#include "functions/testing.hpp"

namespace likeness::functions {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Chaos : public ::testing::TestWithParam<Isolation> {
 protected:
  void SetUp() override {
    RunnerOptions options{.isolation = GetParam()};

    try {
      setting_ = std::make_unique<testing::Setting>(options);
    } catch (const std::exception& error) {
      GTEST_SKIP() << error.what();
    }
  }
  Outcome run(const FunctionSpec& function, const std::string& payload = "{}") {
    auto outcome = setting_->invoke(function, payload);
    EXPECT_TRUE(outcome) << outcome.error().code << " " << outcome.error().detail;
    return outcome ? *outcome : Outcome{};
  }
  FunctionSpec python(const std::string& name, const std::string& body, int timeout = 10) {
    auto function = setting_->python(
        name,
        "import os, sys, time, signal, subprocess, socket\n"
        "def alone():\n    # Nothing here may reach a process of this machine, whatever went wrong before.\n"
        "    assert os.getuid() >= 600000 or os.getpid() < 50\ndef handler(event, context):\n" +
            body);
    function.timeout = std::chrono::seconds(timeout);
    return function;
  }
  /// The server still does its work.
  void well_afterwards() { EXPECT_EQ(run(python("well", "    return 'well'\n")).payload, "\"well\""); }
  bool isolated() const { return setting_->runner->isolation() != "limits"; }

  std::unique_ptr<testing::Setting> setting_;
};

TEST_P(Chaos, AWorkerThatExits) {
  const auto outcome = run(python("exits", "    print('going')\n    os._exit(3)\n"));
  EXPECT_THAT(outcome.payload, HasSubstr(R"({"errorType":"Runtime.ExitError","errorMessage":"RequestId: )"));
  EXPECT_THAT(outcome.payload, HasSubstr("Error: Runtime exited with error: exit status 3"));
  EXPECT_THAT(outcome.log_tail, HasSubstr("going\n"));
  EXPECT_THAT(outcome.log_tail, HasSubstr("Status: error\tError Type: Runtime.ExitError"));
  EXPECT_THAT(run(python("clean", "    os._exit(0)\n")).payload,
              HasSubstr("Runtime exited without providing a reason"));
  EXPECT_THAT(run(python("segfault", "    os.kill(os.getpid(), signal.SIGSEGV)\n    time.sleep(5)\n")).payload,
              HasSubstr("Runtime exited with error: signal: segmentation fault"));
  well_afterwards();
}

TEST_P(Chaos, AWorkerThatKillsWhatItCan) {
  // NEVER without isolation: as root this would end every process of the machine.
  if (!isolated()) GTEST_SKIP() << "needs isolation";
  run(python(
      "kills",
      "    alone()\n    try:\n        os.kill(-1, signal.SIGKILL)\n    except PermissionError:\n        pass\n    "
      "time.sleep(0.2)\n"));
  run(python("parent",
             "    alone()\n    for pid in range(1, 40):\n        try:\n            os.kill(pid, signal.SIGKILL)\n      "
             "  except "
             "Exception:\n            pass\n"));
  well_afterwards();
}

TEST_P(Chaos, AWorkerThatLeaksMemory) {
  auto function =
      python("leaks",
             "    held = []\n    while True:\n        held.append(bytearray(8 << 20))\n        time.sleep(0.01)\n", 20);
  function.memory_mb = 128;
  const auto outcome = run(function);
  EXPECT_THAT(outcome.payload, HasSubstr(R"({"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: )"));
  EXPECT_THAT(outcome.payload, HasSubstr("Runtime exited with error: signal: killed"));
  EXPECT_EQ(outcome.max_memory_mb, 128);
  // What children share with their parent counts once.
  auto shares = python(
      "shares",
      "    held = bytearray(b'x' * (80 << 20))\n    for i in range(4):\n        if os.fork() == 0:\n            "
      "time.sleep(1)\n            os._exit(0)\n    for i in range(4):\n        os.wait()\n    return len(held)\n",
      20);
  shares.memory_mb = 220;
  EXPECT_EQ(run(shares).payload, "83886080");
  // What they have of their own is added.
  auto children = python("children",
                         "    for i in range(6):\n        if os.fork() == 0:\n            held = bytearray(40 << 20)\n "
                         "           time.sleep(30)\n    time.sleep(30)\n",
                         20);
  children.memory_mb = 128;
  EXPECT_EQ(run(children).error_type, "Runtime.OutOfMemory");
  well_afterwards();
}

TEST_P(Chaos, AForkBomb) {
  if (!isolated()) GTEST_SKIP() << "needs isolation";
  auto options = RunnerOptions{.isolation = GetParam(), .max_processes = 100};
  setting_ = std::make_unique<testing::Setting>(options);
  const auto begun = std::chrono::steady_clock::now();
  const auto outcome =
      run(python("bomb",
                 "    alone()\n    os.setsid() if os.getpid() != os.getsid(0) else None\n    print('bomb')\n    while "
                 "True:\n       "
                 " try:\n            os.fork()\n        except OSError:\n            time.sleep(0.01)\n",
                 2));
  EXPECT_THAT(outcome.error_type, ::testing::AnyOf("Sandbox.Timedout", "Runtime.OutOfMemory"));
  EXPECT_THAT(outcome.log_tail, HasSubstr("bomb\n"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(60));
  well_afterwards();
  for (int i = 0; i < 300 && setting_->runner->stats().workers > 1; ++i) ::usleep(10'000);
  EXPECT_LE(setting_->runner->stats().workers, 1U);
}

TEST_P(Chaos, AFloodOfOutput) {
  const auto begun = std::chrono::steady_clock::now();
  auto flood = std::async(std::launch::async, [&] {
    return run(
        python("flood", "    line = b'x' * 1000 + b'\\n'\n    while True:\n        os.write(1, line * 50)\n", 3));
  });
  const auto endless = run(
      python("endless", "    os.write(1, b'y' * 3000000)\n    os.write(2, bytes(range(256)) * 100)\n    return 1\n"));
  EXPECT_EQ(endless.payload, "1");
  const auto outcome = flood.get();
  EXPECT_EQ(outcome.error_type, "Sandbox.Timedout");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(60));
  EXPECT_LE(outcome.log_tail.size(), 4096U);
  EXPECT_LT(setting_->host.text("/aws/lambda/flood").size(), 12U << 20);
  EXPECT_GT(setting_->host.text("/aws/lambda/flood").size(), 3U << 20);
  for (const auto& line : setting_->host.lines("/aws/lambda/endless")) EXPECT_LE(line.size(), 256U * 1024);
  well_afterwards();
}

TEST_P(Chaos, GarbageInTheFrames) {
  EXPECT_EQ(run(python("garbage",
                       "    for fd in range(3, 10):\n        try:\n            os.write(fd, b'\\xa5\\x5a' + b'\\xff' * "
                       "3000)\n        except OSError:\n            pass\n    return 2\n"))
                .payload,
            "2");
  well_afterwards();
}

TEST_P(Chaos, WhatItLeavesBehindIsEndedWithIt) {
  if (!isolated()) GTEST_SKIP() << "needs isolation";
  const auto outcome = run(python("leaves",
                                  "    if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0:\n           "
                                  " os.execvp('sleep', ['sleep', '" +
                                      std::to_string(100000 + ::getpid()) +
                                      "'])\n        os._exit(0)\n    os.wait()\n    os._exit(1)\n"));
  EXPECT_EQ(outcome.error_type, "Runtime.ExitError");
  const std::string search = "pgrep -f '^sleep " + std::to_string(100000 + ::getpid()) + "$' >/dev/null";
  bool there = true;
  for (int i = 0; i < 100 && there; ++i) {
    there = std::system(search.c_str()) == 0;  // NOLINT(concurrency-mt-unsafe,cert-env33-c)
    ::usleep(20'000);
  }
  EXPECT_FALSE(there);
}

TEST_P(Chaos, ItSeesNothingThatIsNotItsOwn) {
  if (!isolated()) GTEST_SKIP() << "needs isolation";
  // The data folder of the server, as it makes it, and a file of another function.
  const auto data = setting_->folder.path() / "data";
  std::filesystem::create_directories(data);
  std::ofstream(data / "secret") << "secret";
  ::chmod(data.c_str(), 0700);
  ASSERT_EQ(run(python("owner", "    open(os.environ['TMPDIR'] + '/own', 'w').write('x')\n    return 1\n")).payload,
            "1");
  auto reader =
      python("reader",
             "    seen = []\n    for path in event['paths']:\n        try:\n            open(path).read(1)\n "
             "           seen.append(path)\n        except OSError:\n            pass\n"
             "    for path in event['folders']:\n        try:\n            os.listdir(path)\n            "
             "seen.append(path)\n        except OSError:\n            pass\n"
             "    for path in ['/var/task/new', '/usr/new', '/new', '/dev/new', os.environ['LAMBDA_TASK_ROOT'] + "
             "'/new']:\n        try:\n            open(path, 'w')\n            seen.append('writes ' + "
             "path)\n        except OSError:\n            pass\n"
             "    try:\n        os.kill(event['server'], 0)\n        seen.append('server')\n    except "
             "OSError:\n        pass\n"
             "    return seen\n");
  const auto outcome =
      run(reader, "{\"server\":" + std::to_string(::getpid()) + ",\"paths\":[\"/etc/shadow\",\"" +
                      (data / "secret").string() + "\",\"/proc/" + std::to_string(::getpid()) + "/environ\",\"/proc/" +
                      std::to_string(::getpid()) + "/mem\",\"/root/.bashrc\"],\"folders\":[\"" + data.string() +
                      "\",\"/root\",\"" + (setting_->folder.path() / "run").string() + "/layers\"]}");
  if (setting_->runner->isolation() == "bubblewrap" && outcome.payload == R"(["/root"])")
    return;  // an empty folder that leads to the interpreter
  EXPECT_EQ(outcome.payload, "[]");
}

TEST_P(Chaos, ItCannotSpeakForAnotherWorker) {
  if (!isolated() || ::geteuid() != 0) GTEST_SKIP() << "needs users";
  auto waits = python(
      "victim",
      "    print('api', os.environ['AWS_LAMBDA_RUNTIME_API'])\n    return os.environ['AWS_LAMBDA_RUNTIME_API']\n");
  const auto address = run(waits).payload;
  const auto outcome =
      run(python("thief",
                 "    host, port = event.split(':')\n    s = socket.create_connection((host, int(port)), 2)\n    "
                 "s.settimeout(2)\n"
                 "    s.sendall(b'GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n')\n"
                 "    try:\n        return len(s.recv(100))\n    except ConnectionError:\n        return 0\n"),
          address);
  EXPECT_EQ(outcome.payload, "0");
  EXPECT_EQ(run(waits).payload, address);
}

TEST_P(Chaos, ItFillsItsTmp) {
  if (setting_->runner->isolation() != "bubblewrap") GTEST_SKIP() << "needs a file system of its own";
  auto function = python("fills",
                         "    try:\n        for i in range(100):\n            open(f'/tmp/{i}', 'wb').write(b'x' * (10 "
                         "<< 20))\n    except OSError as error:\n        return [error.errno, i]\n");
  function.ephemeral_mb = 64;
  EXPECT_EQ(run(function).payload, "[28, 6]");
  well_afterwards();
}

TEST_P(Chaos, ItBreaksTheRuntimeApi) {
  // Bytes that are no HTTP, answers to other invocations, half a request: nothing but this function suffers.
  const auto outcome = run(python(
      "breaks",
      "    host, port = os.environ['AWS_LAMBDA_RUNTIME_API'].split(':')\n    answers = []\n"
      "    for text in [b'\\x00\\xff\\r\\n\\r\\n', b'POST /2018-06-01/runtime/invocation/other/response "
      "HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 2\\r\\n\\r\\nhi',\n"
      "                 b'GET /nothing HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n', b'POST /2018-06-01/runtime/init/error "
      "HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 2\\r\\n\\r\\n{}',\n"
      "                 b'GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n']:\n"
      "        s = socket.create_connection((host, int(port)), 2)\n        s.sendall(text)\n        s.settimeout(2)\n"
      "        answers.append(s.recv(4096).split(b' ')[1].decode())\n        s.close()\n"
      "    held = [socket.create_connection((host, int(port)), 2) for i in range(30)]\n    return answers\n"));
  EXPECT_EQ(outcome.payload, R"(["400", "400", "404", "403", "403"])");
  well_afterwards();
}

TEST_P(Chaos, ItNeverGetsReady) {
  auto options = RunnerOptions{.isolation = GetParam(), .init_timeout = std::chrono::milliseconds(1000)};
  setting_ = std::make_unique<testing::Setting>(options);
  auto function =
      setting_->python("sleeps", "import time\ntime.sleep(60)\ndef handler(event, context):\n    return 1\n");
  function.timeout = std::chrono::seconds(2);
  const auto outcome = run(function);
  EXPECT_EQ(outcome.error_type, "Sandbox.Timedout");
  EXPECT_THAT(outcome.payload, HasSubstr("Task timed out after 2.00 seconds"));
  EXPECT_THAT(setting_->host.text("/aws/lambda/sleeps"), HasSubstr("Phase: init\tStatus: timeout"));
  well_afterwards();
}

TEST_P(Chaos, ManyOfThemAtOnce) {
  std::vector<std::future<Outcome>> running;
  const std::vector<FunctionSpec> bad = {python("a", "    os._exit(1)\n"), python("b", "    time.sleep(9)\n", 1),
                                         python("c", "    raise KeyError('x')\n"), python("d", "    return event\n"),
                                         python("e", "    os.kill(os.getpid(), signal.SIGKILL)\n    time.sleep(5)\n")};
  running.reserve(30);
  for (int i = 0; i < 30; ++i)
    running.push_back(std::async(
        std::launch::async, [&, i] { return run(bad[static_cast<std::size_t>(i) % bad.size()], std::to_string(i)); }));
  for (int i = 0; i < 30; ++i) {
    const auto outcome = running[static_cast<std::size_t>(i)].get();
    const std::vector<std::string> types = {"Runtime.ExitError", "Sandbox.Timedout", "KeyError", "",
                                            "Runtime.ExitError"};
    EXPECT_EQ(outcome.error_type, types[static_cast<std::size_t>(i) % 5]) << i << outcome.payload;
    if (i % 5 == 3) {
      EXPECT_EQ(outcome.payload, std::to_string(i));
    }
  }
  well_afterwards();
}

std::string name_of(const ::testing::TestParamInfo<Isolation>& info) {
  return info.param == Isolation::Bubblewrap ? "Bubblewrap" : info.param == Isolation::User ? "User" : "Limits";
}
INSTANTIATE_TEST_SUITE_P(Isolations, Chaos,
                         ::testing::Values(Isolation::Bubblewrap, Isolation::User, Isolation::Limits), name_of);

}  // namespace
}  // namespace likeness::functions
