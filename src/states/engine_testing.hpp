#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "states/engine.hpp"
#include "storage/testing.hpp"

namespace likeness::states {

inline constexpr auto kMachine = "arn:aws:states:us-east-1:000000000000:stateMachine:m";
inline constexpr auto kFirst = "arn:aws:states:us-east-1:000000000000:execution:m:e1";

/// Does what a test tells it to.
class FakeTasks : public TaskRunner {
 public:
  Outcome<std::string> run(const TaskRequest& request) override {
    ++calls;
    std::function<Outcome<std::string>(const TaskRequest&)> now;
    {
      const std::lock_guard lock(mutex);
      requests.push_back(request.resource.arn + " " + request.input);
      now = behave;
    }
    if (now) return now(request);
    return "\"done\"";
  }
  std::string last() {
    const std::lock_guard lock(mutex);
    return requests.empty() ? "" : requests.back();
  }
  std::atomic<int> calls = 0;
  std::mutex mutex;
  std::vector<std::string> requests;
  std::function<Outcome<std::string>(const TaskRequest&)> behave;
};

/// The machine's time, or as much later as a test says.
class LateClock : public Clock {
 public:
  TimePoint now() const override { return Clock::system().now() + std::chrono::seconds(later.load()); }
  std::atomic<std::int64_t> later = 0;
};

/// An engine with a store of its own and tasks that do what a test says.
class States : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void TearDown() override {
    if (engine) engine->stop();
  }

  void open() { open(tasks); }
  void open(TaskRunner& runner) {
    EngineOptions options;
    options.workers = 4;
    options.interpreter.jsonata = &jsonata;
    options.status_feed = feed;
    auto opened = Engine::open(
        *store,
        [this](const std::string&, const std::string&) -> Result<std::shared_ptr<const Definition>> {
          const std::lock_guard lock(defining);
          return definition;
        },
        runner, nullptr, clock, options);
    ASSERT_TRUE(opened) << opened.error().message;
    engine = std::move(*opened);
    engine->start();
  }

  void define(std::string_view text) {
    const auto parsed = parse_definition(text, {});
    for (const auto& diagnostic : parsed.diagnostics)
      ADD_FAILURE() << diagnostic.message << " at " << diagnostic.location;
    const std::lock_guard lock(defining);
    definition = parsed.definition;
  }

  ExecutionInfo info(const std::string& name, const std::string& input) const {
    ExecutionInfo out;
    out.name = name;
    out.arn = "arn:aws:states:us-east-1:000000000000:execution:m:" + name;
    out.machine_arn = kMachine;
    out.machine_name = "m";
    out.role_arn = "arn:aws:iam::000000000000:role/r";
    out.input = input;
    out.started = clock.now();
    return out;
  }

  std::string start(const std::string& name, const std::string& input = "{}") {
    const auto what = info(name, input);
    auto started = engine->start_execution(what, definition);
    EXPECT_TRUE(started) << started.error().message;
    return what.arn;
  }

  ExecutionRecord wait_for(const std::string& arn) {
    for (int i = 0; i < 1000; ++i) {
      auto record = engine->find(arn);
      if (record && *record && (*record)->ending.status != Status::Running) return **record;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << arn << " does not end";
    return {};
  }

  /// The output, or "error: cause".
  std::string outcome(const std::string& input = "{}") {
    const auto record = wait_for(start(fmt::format("e{}", ++names), input));
    if (record.ending.status == Status::Succeeded) return record.ending.output;
    return fmt::format("{}: {}", record.ending.error.value_or("-"), record.ending.cause.value_or("-"));
  }

  std::string types(const std::string& arn) {
    auto events = engine->history(arn, 0, 1000, false);
    std::string out;
    if (events)
      for (const auto& event : *events) out += fmt::format("{}<{} {}\n", event.id, event.previous, event.type);
    return out;
  }

  storage::TemporaryStore store;
  LateClock clock;
  StatusFeed* feed = nullptr;
  Jsonata jsonata;
  FakeTasks tasks;
  std::mutex defining;
  std::shared_ptr<const Definition> definition;
  std::unique_ptr<Engine> engine;
  int names = 0;
};

}  // namespace likeness::states
