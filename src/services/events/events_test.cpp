#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "aws/gen/lambda.hpp"
#include "aws/gen/sqs.hpp"
#include "services/events/archives.hpp"
#include "services/events/dispatcher.hpp"
#include "services/events/provider.hpp"
#include "services/events/scheduled_rules.hpp"
#include "storage/testing.hpp"

namespace likeness::eventbridge {
namespace {

using namespace std::chrono_literals;

/// The other services: notes what they are called with, and fails as often as it is told.
class FakeServices : public aws::LocalCalls {
 public:
  struct Call {
    std::string operation, target, body, caller, source;
    std::map<std::string, std::string> attributes;
  };

  Result<aws::Object> invoke(const aws::LocalCaller& caller, const aws::Operation& operation,
                             const void* input) const override {
    Call call{.operation = std::string(operation.name), .caller = caller.principal.name};
    if (const auto arn = caller.keys.find("aws:SourceArn"); arn != caller.keys.end()) call.source = arn->second[0];
    if (operation.name == "SendMessage") {
      const auto& in = *static_cast<const aws::sqs::SendMessageRequest*>(input);
      call.target = *in.queue_url;
      call.body = *in.message_body;
      if (in.message_attributes)
        for (const auto& [name, value] : *in.message_attributes) call.attributes[name] = *value.string_value;
    } else if (operation.name == "Invoke") {
      const auto& in = *static_cast<const aws::lambda::InvocationRequest*>(input);
      call.target = *in.function_name;
      call.body = as_text(*in.payload);
    }
    const std::lock_guard lock(mutex_);
    calls_.push_back(call);
    if (!errors_.empty() && operation.name != "SendMessage") {
      const Error error = errors_.front();
      errors_.pop_front();
      return Failure(error);
    }
    return operation.make_output();
  }
  const aws::Operation* find(std::string_view, std::string_view) const override { return nullptr; }

  void fail_next(Error error) {
    const std::lock_guard lock(mutex_);
    errors_.push_back(std::move(error));
  }
  std::vector<Call> wait_for(std::size_t count) const {
    for (int i = 0; i < 5000; ++i) {
      {
        const std::lock_guard lock(mutex_);
        if (calls_.size() >= count) return calls_;
      }
      std::this_thread::sleep_for(1ms);
    }
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::vector<Call> calls_;
  mutable std::deque<Error> errors_;
};

class TestClock : public Clock {
 public:
  TimePoint now() const override { return Clock::system().now() + ahead.load(); }
  std::atomic<std::chrono::seconds> ahead{0s};
};

constexpr const char* kQueue = "arn:aws:sqs:us-east-1:000000000000:q";
constexpr const char* kFunction = "arn:aws:lambda:us-east-1:000000000000:function:f";

class EventsTest : public testing::Test {
 protected:
  EventsTest() { open(); }
  ~EventsTest() override { close(); }

  void open() {
    identities_ = std::move(*identity::Directory::open(*store_, clock_, "000000000000"));
    sessions_ = std::move(*identity::Sessions::open(*store_));
    roles_ = std::make_unique<identity::ServiceRoles>(*identities_, *sessions_, clock_, "us-east-1", true);
    registry_ = std::move(*Registry::open(*store_, clock_, "000000000000", "us-east-1"));
    dispatcher_ = std::move(*Dispatcher::open({.registry = *registry_, .calls = services_, .roles = *roles_}));
    schedules_ = std::make_unique<ScheduledRules>(*registry_, *dispatcher_);
    replays_ = std::move(*Replays::open(*registry_, *dispatcher_));
  }
  void start() {
    dispatcher_->start();
    ASSERT_TRUE(schedules_->start());
    replays_->start();
  }
  void close() {
    schedules_->stop();
    replays_->stop();
    dispatcher_->stop();
  }
  void reopen() {
    close();
    replays_.reset();
    schedules_.reset();
    dispatcher_.reset();
    registry_.reset();
    roles_.reset();
    sessions_.reset();
    identities_.reset();
    store_.reopen();
    open();
  }

  void rule(const std::string& name, const std::string& pattern, std::vector<shapes::Target> targets,
            const std::string& bus = "default") {
    auto done = registry_->change_rule(bus, name, true, [&](Rule& rule) -> Result<void> {
      rule.pattern = pattern;
      for (auto& target : targets) rule.targets.push_back({.shape = std::move(target)});
      return {};
    });
    ASSERT_TRUE(done) << done.error().message;
  }
  Event event(const std::string& detail, const std::string& bus = "default") {
    Event out{.bus = bus, .id = uuid_v4(), .json = {}, .time = clock_.now()};
    out.json = event_json({.id = out.id, .detail_type = "T", .source = "app", .time = out.time}, "000000000000",
                          "us-east-1", detail);
    return out;
  }

  storage::TemporaryStore store_;
  TestClock clock_;
  FakeServices services_;
  std::unique_ptr<identity::Directory> identities_;
  std::unique_ptr<identity::Sessions> sessions_;
  std::unique_ptr<identity::ServiceRoles> roles_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<ScheduledRules> schedules_;
  std::unique_ptr<Replays> replays_;
};

TEST_F(EventsTest, AMatchingEventReachesItsTargetsOnBehalfOfTheRule) {
  rule("r", R"({"source": ["app"]})",
       {{.id = "q", .arn = kQueue}, {.id = "f", .arn = kFunction, .input_path = "$.detail.n"}});
  rule("other", R"({"source": ["web"]})", {{.id = "q", .arn = kQueue}});
  start();
  const Event sent = event(R"({"n": 7})");
  ASSERT_TRUE(dispatcher_->publish({sent}));
  auto calls = services_.wait_for(2);
  ASSERT_EQ(calls.size(), 2u);
  std::sort(calls.begin(), calls.end(), [](const auto& a, const auto& b) { return a.operation < b.operation; });
  EXPECT_EQ(calls[0].operation, "Invoke");
  EXPECT_EQ(calls[0].target, kFunction);
  EXPECT_EQ(calls[0].body, "7");
  EXPECT_EQ(calls[0].caller, "events.amazonaws.com");
  EXPECT_EQ(calls[0].source, "arn:aws:events:us-east-1:000000000000:rule/r");
  EXPECT_EQ(calls[1].target, "https://sqs.us-east-1.amazonaws.com/000000000000/q");
  EXPECT_EQ(calls[1].body, sent.json);
}

TEST_F(EventsTest, WhatWasAcceptedBeforeARestartIsDeliveredAfterIt) {
  rule("r", R"({"source": ["app"]})", {{.id = "q", .arn = kQueue}});
  for (int i = 0; i < 250; ++i) ASSERT_TRUE(dispatcher_->publish({event("{}")}));  // nothing is started yet
  reopen();
  start();
  EXPECT_EQ(services_.wait_for(250).size(), 250u);
}

TEST_F(EventsTest, ErrorsThatPassAreTriedAgain) {
  rule("r", R"({"source": ["app"]})", {{.id = "f", .arn = kFunction}});
  services_.fail_next({"TooManyRequestsException", "busy", Error::Fault::Client, {}});
  start();
  ASSERT_TRUE(dispatcher_->publish({event("{}")}));
  EXPECT_EQ(services_.wait_for(2).size(), 2u);
}

TEST_F(EventsTest, WhatCannotBeDeliveredBecomesADeadLetter) {
  const std::string dead = "arn:aws:sqs:us-east-1:000000000000:dead";
  rule("r", R"({"source": ["app"]})",
       {{.id = "f", .arn = kFunction, .dead_letter_config = shapes::DeadLetterConfig{.arn = dead}}});
  services_.fail_next({"ResourceNotFoundException", "Function not found", Error::Fault::Client, {}});
  start();
  const Event sent = event("{}");
  ASSERT_TRUE(dispatcher_->publish({sent}));
  const auto calls = services_.wait_for(2);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[1].operation, "SendMessage");
  EXPECT_EQ(calls[1].body, sent.json);
  EXPECT_EQ(calls[1].attributes.at("ERROR_CODE"), "ResourceNotFoundException");
  EXPECT_EQ(calls[1].attributes.at("ERROR_MESSAGE"), "Function not found");
  EXPECT_EQ(calls[1].attributes.at("RULE_ARN"), "arn:aws:events:us-east-1:000000000000:rule/r");
  EXPECT_EQ(calls[1].attributes.at("TARGET_ARN"), kFunction);
  EXPECT_EQ(calls[1].attributes.at("RETRY_ATTEMPTS"), "0");
}

TEST_F(EventsTest, ExhaustedAttemptsAreNamed) {
  const std::string dead = "arn:aws:sqs:us-east-1:000000000000:dead";
  rule("r", R"({"source": ["app"]})",
       {{.id = "f",
         .arn = kFunction,
         .dead_letter_config = shapes::DeadLetterConfig{.arn = dead},
         .retry_policy = shapes::RetryPolicy{.maximum_retry_attempts = 0}}});
  services_.fail_next({"ServiceException", "broken", Error::Fault::Server, {}});
  start();
  ASSERT_TRUE(dispatcher_->publish({event("{}")}));
  const auto calls = services_.wait_for(2);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[1].attributes.at("EXHAUSTED_RETRY_CONDITION"), "MaximumRetryAttempts");
}

TEST_F(EventsTest, BusesThatSendToEachOtherComeToAnEnd) {
  ASSERT_TRUE(registry_->add_bus({.name = "other", .arn = {}}));
  rule("there", R"({"source": ["app"]})",
       {{.id = "b", .arn = registry_->bus_arn("other")}, {.id = "q", .arn = kQueue}});
  rule("back", R"({"source": ["app"]})", {{.id = "b", .arn = registry_->bus_arn("default")}}, "other");
  start();
  const Event sent = event("{}");
  ASSERT_TRUE(dispatcher_->publish({sent}));
  const auto calls = services_.wait_for(5);
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(services_.wait_for(5).size(), 5u);  // 0, 2, 4, 6 and 8 buses on
  EXPECT_EQ(calls[4].body, sent.json);
}

TEST_F(EventsTest, ChangedAndRemovedRulesCountAtOnce) {
  std::vector<std::string> names;
  for (int i = 0; i < 200; ++i) rule("r" + std::to_string(i), R"({"detail": {"n": [)" + std::to_string(i) + "]}}", {});
  const auto found = [&](const std::string& detail) {
    names.clear();
    for (const auto& one : registry_->matching("default", event(detail).json)) names.push_back(one->name);
    return names;
  };
  EXPECT_THAT(found(R"({"n": 7})"), testing::ElementsAre("r7"));
  rule("r7", R"({"detail": {"n": [1007]}})", {});
  EXPECT_THAT(found(R"({"n": 7})"), testing::ElementsAre());
  EXPECT_THAT(found(R"({"n": 1007})"), testing::ElementsAre("r7"));
  ASSERT_TRUE(registry_->remove_rule("default", "r8"));
  EXPECT_THAT(found(R"({"n": 8})"), testing::ElementsAre());
  ASSERT_TRUE(registry_->change_rule("default", "r9", false, [](Rule& changed) -> Result<void> {
    changed.state = shapes::RuleState::Disabled;
    return {};
  }));
  EXPECT_THAT(found(R"({"n": 9})"), testing::ElementsAre());
  reopen();
  EXPECT_THAT(found(R"({"n": 9})"), testing::ElementsAre());
  EXPECT_THAT(found(R"({"n": 1007})"), testing::ElementsAre("r7"));
}

TEST_F(EventsTest, SchedulesSurviveARestartWithoutDoubling) {
  auto made = registry_->change_rule("default", "tick", true, [](Rule& rule) -> Result<void> {
    rule.schedule = "rate(1 minute)";
    rule.targets.push_back({.shape = {.id = "q", .arn = kQueue}});
    return {};
  });
  ASSERT_TRUE(made);
  start();
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(services_.wait_for(0).size(), 0u);
  clock_.ahead = 61s;
  const auto calls = services_.wait_for(1);
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_NE(calls[0].body.find(R"("detail-type":"Scheduled Event","source":"aws.events")"), std::string::npos);
  reopen();
  start();
  std::this_thread::sleep_for(1200ms);
  EXPECT_EQ(services_.wait_for(1).size(), 1u);
  clock_.ahead = 10 * 60s;  // nine times were missed: they come once
  EXPECT_EQ(services_.wait_for(2).size(), 2u);
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(services_.wait_for(2).size(), 2u);
}

TEST_F(EventsTest, ArchivedEventsAreReplayedToTheRulesThatWereNamed) {
  rule("one", R"({"source": ["app"]})", {{.id = "q", .arn = kQueue}});
  rule("two", R"({"source": ["app"]})", {{.id = "f", .arn = kFunction}});
  ASSERT_TRUE(registry_->put_archive(
      {.name = "a", .arn = {}, .bus_arn = registry_->bus_arn("default"), .pattern = R"({"detail": {"keep": [true]}})"},
      true));
  start();
  for (int i = 0; i < 30; ++i)
    ASSERT_TRUE(dispatcher_->publish({event(i % 2 == 0 ? R"({"keep": true})" : R"({"keep": false})")}));
  EXPECT_EQ(services_.wait_for(60).size(), 60u);
  const auto size = archive_size(*store_, **registry_->archive("a"));
  EXPECT_EQ(size->events, 15);
  const TimePoint now = clock_.now();
  ASSERT_TRUE(replays_->begin({.name = "again",
                               .arn = {},
                               .archive = "a",
                               .bus = "default",
                               .only = {registry_->rule_arn("default", "two")},
                               .from = now - 1h,
                               .to = now + 1h}));
  const auto calls = services_.wait_for(75);
  ASSERT_EQ(calls.size(), 75u);
  EXPECT_EQ(calls[70].operation, "Invoke");
  EXPECT_NE(calls[70].body.find(R"("replay-name":"again")"), std::string::npos);
  for (int i = 0; i < 1000 && replays_->find("again")->state != shapes::ReplayState::Completed; ++i)
    std::this_thread::sleep_for(1ms);
  EXPECT_EQ(replays_->find("again")->state, shapes::ReplayState::Completed);
  EXPECT_EQ(archive_size(*store_, **registry_->archive("a"))->events, 15);  // what is replayed is not archived again
}

}  // namespace
}  // namespace likeness::eventbridge
