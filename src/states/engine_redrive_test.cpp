#include <map>
#include <set>

#include "states/engine_live.hpp"
#include "states/engine_testing.hpp"
#include "states/map_runs.hpp"

namespace likeness::states {
namespace {

using namespace std::chrono_literals;

/// Keeps what it was told by the commits that went through, and by those that did not.
class Told : public StatusFeed {
 public:
  std::unique_ptr<Entry> changed(const ExecutionRecord& record) override {
    auto entry = std::make_unique<Entry>();
    const std::lock_guard lock(mutex);
    entry->write =
        put_item("told", {"told", fmt::format("{:04}", ++count)},
                 fmt::format("{} {} {}", record.info.name, name_of(record.ending.status), record.redrive_count));
    return entry;
  }
  std::mutex mutex;
  int count = 0;
};

class Redrives : public States {
 protected:
  /// Fails the tasks with these texts in their input.
  void fail_tasks(std::set<std::string> marks) {
    const std::lock_guard lock(tasks.mutex);
    tasks.requests.clear();
    tasks.behave = [marks = std::move(marks)](const TaskRequest& request) -> Outcome<std::string> {
      for (const auto& mark : marks)
        if (request.input.find(mark) != std::string::npos) return problem("Boom", "bang");
      return request.input;
    };
  }
  std::multiset<std::string> called() {
    const std::lock_guard lock(tasks.mutex);
    std::multiset<std::string> out;
    for (const auto& request : tasks.requests) out.insert(request.substr(request.find(' ') + 1));
    return out;
  }
  std::vector<std::string> told() {
    std::vector<std::string> out;
    (void)store->scan("told", "told", [&](std::string_view, std::string_view value) {
      out.emplace_back(value);
      return true;
    });
    return out;
  }
};

TEST_F(Redrives, GoOnFromTheFailedState) {
  define(R"({"StartAt":"A","States":{"A":{"Type":"Pass","Result":{"a":1},"Next":"T"},
    "T":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","End":true}}})");
  tasks.behave = [](const TaskRequest&) -> Outcome<std::string> { return problem("Boom", "bang"); };
  const auto arn = start("e1");
  EXPECT_EQ(wait_for(arn).ending.status, Status::Failed);
  {
    const std::lock_guard lock(tasks.mutex);
    tasks.behave = nullptr;
  }
  EXPECT_TRUE(engine->redrive(arn));
  const auto record = wait_for(arn);
  EXPECT_EQ(record.ending.status, Status::Succeeded);
  EXPECT_EQ(record.redrive_count, 1u);
  EXPECT_EQ(tasks.last(), "arn:aws:states:::sqs:sendMessage {\"a\":1}");
  EXPECT_EQ(engine->redrive(arn).error().code, "NotRedrivable");
}

TEST_F(Redrives, OfAParallelRepeatOnlyTheBranchesThatFailed) {
  const auto branch = [](std::string_view name) {
    return fmt::format(
        R"({{"StartAt":"{0}","States":{{"{0}":{{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage",)"
        R"("Parameters":{{"b":"{0}"}},"Next":"{0}2"}},"{0}2":{{"Type":"Pass","End":true}}}}}})",
        name);
  };
  // The failing branch waits until the others are through.
  define(fmt::format(
      R"({{"StartAt":"P","States":{{"P":{{"Type":"Parallel","End":true,"Branches":[{},{},
        {{"StartAt":"W","States":{{"W":{{"Type":"Wait","Seconds":1,"Next":"bad"}},
          "bad":{{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{{"b":"bad"}},"End":true}}}}}},
        {{"StartAt":"L","States":{{"L":{{"Type":"Wait","Seconds":2,"Next":"late"}},
          "late":{{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{{"b":"late"}},"End":true}}}}}}]}}}}}})",
      branch("x"), branch("y")));
  fail_tasks({"bad"});
  const auto arn = start("e1");
  EXPECT_EQ(wait_for(arn).ending.status, Status::Failed);
  fail_tasks({});
  ASSERT_TRUE(engine->redrive(arn));
  EXPECT_EQ(wait_for(arn).ending.output, R"([{"b":"x"},{"b":"y"},{"b":"bad"},{"b":"late"}])");
  // The branch that was ended by the failure goes on too.
  EXPECT_EQ(called(), (std::multiset<std::string>{R"({"b":"bad"})", R"({"b":"late"})"}));
  EXPECT_NE(types(arn).find(" ExecutionRedriven\n"), std::string::npos);
}

TEST_F(Redrives, OfAnInlineMapRepeatOnlyTheIterationsThatFailed) {
  define(R"({"StartAt":"M","States":{"M":{"Type":"Map","MaxConcurrency":1,"End":true,"ItemProcessor":{"StartAt":"T",
    "States":{"T":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","End":true}}}}}})");
  fail_tasks({"c"});
  const auto arn = start("e1", R"(["a","b","c","d","e"])");
  EXPECT_EQ(wait_for(arn).ending.status, Status::Failed);
  const auto before = called();
  EXPECT_TRUE(before.contains("\"a\"") && before.contains("\"b\""));
  fail_tasks({});
  engine->stop();
  engine.reset();
  store.reopen();
  open();  // what is known of the iterations is in the store
  ASSERT_TRUE(engine->redrive(arn));
  EXPECT_EQ(wait_for(arn).ending.output, R"(["a","b","c","d","e"])");
  const auto after = called();
  EXPECT_FALSE(after.contains("\"a\""));
  EXPECT_TRUE(after.contains("\"c\"") && after.contains("\"e\""));
}

TEST_F(Redrives, ACaughtFailureLeavesNothingToRepeat) {
  define(R"({"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":{"StartAt":"T",
    "States":{"T":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","End":true}}},
    "Catch":[{"ErrorEquals":["Boom"],"Next":"F"}],"End":true},"F":{"Type":"Fail","Error":"Last"}}})");
  fail_tasks({"b"});
  const auto arn = start("e1", R"(["a","b"])");
  EXPECT_EQ(wait_for(arn).ending.error, "Last");
  fail_tasks({});
  ASSERT_TRUE(engine->redrive(arn));
  EXPECT_EQ(wait_for(arn).ending.error, "Last");
  EXPECT_TRUE(called().empty());
}

constexpr auto kDistributed = R"({{"StartAt":"M","States":{{"M":{{"Type":"Map","End":true,"Label":"each",
    "ItemProcessor":{{"ProcessorConfig":{{"Mode":"DISTRIBUTED","ExecutionType":"{}"}},"StartAt":"T",
      "States":{{"T":{{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","End":true}}}}}}}}}}}})";

TEST_F(Redrives, OfADistributedMapRunOnlyTheChildrenThatFailed) {
  Told all;
  engine->stop();
  feed = &all;
  open();
  for (const auto* type : {"STANDARD", "EXPRESS"}) {
    define(fmt::format(kDistributed, type));
    fail_tasks({"c"});
    const auto arn = start(type, R"(["a","b","c","d"])");
    EXPECT_EQ(wait_for(arn).ending.error, "States.ExceedToleratedFailureThreshold");
    const auto before = called();
    auto runs = engine->map_runs().list(arn);
    ASSERT_TRUE(runs && runs->size() == 1);
    EXPECT_EQ(runs->front().status, "FAILED");
    fail_tasks({});
    ASSERT_TRUE(engine->redrive(arn));
    EXPECT_EQ(wait_for(arn).ending.output, R"(["a","b","c","d"])");
    EXPECT_EQ(called().count("\"c\""), 1u);
    runs = engine->map_runs().list(arn);
    ASSERT_TRUE(runs && runs->size() == 1);
    EXPECT_EQ(runs->front().status, "SUCCEEDED");
    EXPECT_EQ(runs->front().redrive_count, 1u);
    EXPECT_EQ(runs->front().succeeded, 4);
    EXPECT_EQ(runs->front().pending_redrive, 0);
    const auto history = types(arn);
    EXPECT_NE(history.find(" ExecutionRedriven\n"), std::string::npos) << history;
    EXPECT_NE(history.find(" MapRunRedriven\n"), std::string::npos) << history;
    if (std::string_view(type) != "STANDARD") continue;
    const auto children = engine->list(runs->front().arn, std::nullopt, 10, "");
    ASSERT_TRUE(children);
    EXPECT_EQ(children->executions.size(), 4u);
    std::uint32_t redrives = 0;
    for (const auto& child : children->executions) {
      EXPECT_EQ(child.status, Status::Succeeded);
      redrives += child.redrive_count;
      EXPECT_EQ(engine->redrive(child.arn).error().code, "NotRedrivable");
    }
    EXPECT_GE(redrives, 1u);
    const auto statuses = told();
    EXPECT_EQ(std::count(statuses.begin(), statuses.end(), "STANDARD FAILED 0"), 1);
    EXPECT_EQ(std::count(statuses.begin(), statuses.end(), "STANDARD RUNNING 1"), 1);
    EXPECT_EQ(std::count(statuses.begin(), statuses.end(), "STANDARD SUCCEEDED 1"), 1);
    EXPECT_GE(std::count_if(statuses.begin(), statuses.end(),
                            [](const auto& line) { return line.find(" PENDING_REDRIVE 0") != std::string::npos; }),
              1);
  }
  engine->stop();
}

TEST_F(Redrives, AMapRunEndsWithItsExecutionAndGoesOnWithIt) {
  define(fmt::format(kDistributed, "STANDARD"));
  std::atomic<bool> release = false;
  tasks.behave = [&](const TaskRequest& request) -> Outcome<std::string> {
    while (!release && request.input == "\"slow\"") std::this_thread::sleep_for(1ms);
    return request.input;
  };
  const auto arn = start("e1", R"(["a","slow"])");
  for (int i = 0; i < 1000 && tasks.calls < 2; ++i) std::this_thread::sleep_for(5ms);
  for (int i = 0; i < 1000; ++i) {
    const auto runs = engine->map_runs().list(arn);
    if (runs && !runs->empty() && runs->front().succeeded == 1) break;
    std::this_thread::sleep_for(5ms);
  }
  ASSERT_TRUE(engine->stop_execution(arn, std::nullopt, std::nullopt));
  std::string run;
  for (int i = 0; i < 1000; ++i) {
    const auto runs = engine->map_runs().list(arn);
    ASSERT_TRUE(runs && runs->size() == 1);
    run = runs->front().arn;
    if (runs->front().status == "ABORTED") break;
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(engine->list(run, Status::Aborted, 10, "")->executions.size(), 1u);
  release = true;
  ASSERT_TRUE(engine->redrive(arn));
  EXPECT_EQ(wait_for(arn).ending.output, R"(["a","slow"])");
  EXPECT_EQ(engine->map_runs().list(arn)->front().status, "SUCCEEDED");
}

TEST_F(Redrives, HaveTheirTimeAndTheirToken) {
  define(R"({"StartAt":"F","States":{"F":{"Type":"Fail","Error":"E"}}})");
  const auto arn = start("e1");
  (void)wait_for(arn);
  const auto first = engine->redrive(arn, "token");
  ASSERT_TRUE(first);
  EXPECT_EQ(*engine->redrive(arn, "token"), *first);
  EXPECT_EQ(wait_for(arn).redrive_count, 1u);
  clock.later = std::chrono::seconds(std::chrono::hours(24 * 14) - 1min).count();
  EXPECT_TRUE(engine->redrive(arn, "other"));
  EXPECT_EQ(wait_for(arn).redrive_count, 2u);
  clock.later = std::chrono::seconds(std::chrono::hours(24 * 29)).count();
  const auto late = engine->redrive(arn);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, "NotRedrivable");
  EXPECT_EQ(late.error().message, "Execution redrivable period exceeded");
}

TEST_F(Redrives, WhatIsClosedForLongIsDeletedWithAllThatBelongsToIt) {
  define(fmt::format(kDistributed, "STANDARD"));
  fail_tasks({"b"});
  const auto old = start("old", R"(["a","b"])");
  (void)wait_for(old);
  fail_tasks({});
  clock.later = std::chrono::seconds(std::chrono::hours(24 * 10)).count();
  const auto redriven = start("redriven", R"(["a"])");
  (void)wait_for(redriven);
  const auto runs = engine->map_runs().list(old);
  ASSERT_TRUE(runs && runs->size() == 1);
  EXPECT_EQ(*engine->sweep(), 0u);
  clock.later = std::chrono::seconds(std::chrono::hours(24 * 91)).count();
  while (*engine->sweep() > 0) {
  }
  EXPECT_FALSE(*engine->find(old));
  EXPECT_TRUE(*engine->find(redriven));
  EXPECT_TRUE(engine->history(old, 0, 10, false)->empty());
  EXPECT_TRUE(engine->map_runs().list(old)->empty());
  EXPECT_FALSE(*engine->map_runs().find(runs->front().arn));
  EXPECT_TRUE(engine->list(runs->front().arn, std::nullopt, 10, "")->executions.empty());
  EXPECT_EQ(engine->list(kMachine, std::nullopt, 10, "")->executions.size(), 1u);
  for (const auto* table : {tables::kFibers, tables::kHistory})
    EXPECT_TRUE(store->range(table, old, {})->items.empty()) << table;
  clock.later = std::chrono::seconds(std::chrono::hours(24 * 101)).count();
  while (*engine->sweep() > 0) {
  }
  EXPECT_TRUE(store->range(tables::kClosed, kClosedPartition, {})->items.empty());
}

}  // namespace
}  // namespace likeness::states
