#include "services/lambda/stream_lane.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "services/lambda/service_testing.hpp"

namespace likeness::lambda {
namespace {

namespace json = boost::json;

class TestClock final : public Clock {
 public:
  TimePoint now() const override { return time; }
  TimePoint time{std::chrono::seconds(1'800'000'000)};
};

/// One lane of a shard, with records that the test makes up.
class Lane : public LambdaService {
 protected:
  Lane() {
    create();
    mapping.uuid = "mapping";
    mapping.account = kAccount;
    mapping.region = "us-east-1";
    mapping.source = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s";
    mapping.function = "arn:aws:lambda:us-east-1:000000000000:function:photos";
    mapping.on_failure = "arn:aws:sqs:us-east-1:000000000000:given-up";
  }

  /// Records with those names, `age` old; runs them.
  void run(const std::vector<std::string>& names, std::chrono::seconds age = 0s) {
    std::vector<StreamItem> items;
    for (const auto& name : names) {
      StreamItem item;
      item.json = R"({"name":")" + name + R"("})";
      item.sequence = std::to_string(++sequence);
      item.created = clock.time - age;
      ASSERT_TRUE(progress().take(item, 0));
      items.push_back(std::move(item));
    }
    lane().run(std::move(items));
  }
  StreamProgress& progress() {
    if (!progress_) progress_ = *StreamProgress::load(storage->store(), "mapping", "shard", 1, mapping.tumbling > 0);
    return *progress_;
  }
  StreamLane& lane() {
    if (!lane_) {
      filter = *BatchFilter::make(mapping.filters);
      lane_ = std::make_unique<StreamLane>(parts, mapping, filter, stopper, progress(), "shard", 0);
    }
    return *lane_;
  }
  /// As after a restart of the server.
  void forget() {
    lane_.reset();
    progress_.reset();
  }
  /// Fails where one of the records has that name.
  void fails_at(const std::string& name) {
    runner.answers([name](const functions::Invocation& invocation) {
      functions::Outcome out;
      out.payload = "null";
      if (invocation.payload->find("\"" + name + "\"") != std::string::npos) out.function_error = "Unhandled";
      return out;
    });
  }
  /// The names of the records of each run: "ab c".
  std::string runs() {
    std::string out;
    for (const auto& run : runner.runs) {
      if (!out.empty()) out += ' ';
      const auto event = json::parse(*run.invocation.payload);
      for (const auto& record : event.at("Records").as_array()) out += std::string_view(record.at("name").as_string());
    }
    return out;
  }
  json::value told(std::size_t at) const { return json::parse(calls.sent.at(at).second); }

  TestClock clock;
  Mapping mapping;
  BatchFilter filter;
  Stopper stopper;
  PollerParts parts{.store = storage->store(),
                    .clock = clock,
                    .registry = *registry,
                    .invoker = *invoker,
                    .roles = roles,
                    .calls = calls,
                    .destinations = destinations};
  int sequence = 0;

 private:
  std::unique_ptr<StreamProgress> progress_;
  std::unique_ptr<StreamLane> lane_;
};

TEST_F(Lane, WhatIsTooOldIsGivenUpUntried) {
  mapping.max_age = 60;
  run({"a", "b"}, 61s);
  EXPECT_EQ(runner.count(), 0u);
  EXPECT_EQ(progress().sequence(), "2");
  ASSERT_EQ(calls.sent.size(), 1u);
  EXPECT_EQ(told(0).at_pointer("/requestContext/condition"), "RecordAgeExceeded");
  EXPECT_EQ(told(0).at_pointer("/DDBStreamBatchInfo/batchSize"), 2);
  run({"c"}, 59s);
  EXPECT_EQ(runs(), "c");
}

TEST_F(Lane, RetriesAreCountedWithoutTheFirstAttempt) {
  mapping.max_attempts = 2;
  fails_at("a");
  run({"a", "b"});
  EXPECT_EQ(runs(), "ab ab ab");
  EXPECT_EQ(told(0).at_pointer("/requestContext/approximateInvokeCount"), 3);
  EXPECT_EQ(progress().sequence(), "2");
}

TEST_F(Lane, HalvesHaveTheirAttemptsBeforeThem) {
  mapping.max_attempts = 0;
  mapping.bisect = true;
  fails_at("c");
  run({"a", "b", "c", "d"});
  EXPECT_EQ(runs(), "abcd ab cd c d");
  ASSERT_EQ(calls.sent.size(), 1u);
  EXPECT_EQ(told(0).at_pointer("/DDBStreamBatchInfo/startSequenceNumber"), "3");
  EXPECT_EQ(progress().sequence(), "4");
}

TEST_F(Lane, FromTheFirstThatFailedOnRecordsAreTriedAgain) {
  mapping.partial_responses = true;
  mapping.bisect = true;
  runner.answers([this](const functions::Invocation&) {
    functions::Outcome out;
    out.payload =
        runner.count() == 1 ? R"({"batchItemFailures":[{"itemIdentifier":"3"},{"itemIdentifier":"2"}]})" : "{}";
    return out;
  });
  run({"a", "b", "c"});
  EXPECT_EQ(runs(), "abc bc");
  EXPECT_EQ(progress().sequence(), "3");
}

TEST_F(Lane, WhatNoFilterWantsIsDoneAtOnce) {
  mapping.filters = {R"({"name":["b"]})"};
  run({"a", "b", "c"});
  run({"d"});
  EXPECT_EQ(runs(), "b");
  EXPECT_EQ(progress().sequence(), "4");
}

TEST_F(Lane, AWindowsStateGoesFromRunToRunAndOverARestart) {
  mapping.tumbling = 60;
  runner.answers([](const functions::Invocation& invocation) {
    const auto event = json::parse(*invocation.payload);
    const auto* count = event.at("state").as_object().if_contains("count");
    functions::Outcome out;
    out.payload = json::serialize(
        json::value{{"state",
                     {{"count", (count == nullptr ? 0 : count->as_int64()) +
                                    static_cast<std::int64_t>(event.at("Records").as_array().size())}}}});
    return out;
  });
  run({"a", "b"});
  run({"c"});
  forget();
  EXPECT_EQ(lane().open_window(), 1'800'000'000);
  run({"d"});
  lane().finish_window();
  EXPECT_EQ(lane().open_window(), std::nullopt);
  ASSERT_EQ(runner.count(), 4u);
  const auto last = json::parse(*runner.runs[3].invocation.payload);
  EXPECT_EQ(last.at_pointer("/state/count"), 4);
  EXPECT_EQ(last.at_pointer("/window/start"), "2027-01-15T08:00:00Z");
  EXPECT_EQ(last.at_pointer("/window/end"), "2027-01-15T08:01:00Z");
  EXPECT_EQ(last.at("isFinalInvokeForWindow"), true);
  EXPECT_EQ(last.at("isWindowTerminatedEarly"), false);
  EXPECT_EQ(last.at("shardId"), "shard");
  forget();
  EXPECT_EQ(lane().open_window(), std::nullopt) << "an end is not repeated";
}

TEST_F(Lane, TheEndOfAWindowIsTriedAsOftenAsTheMappingSays) {
  mapping.tumbling = 60;
  mapping.max_attempts = 1;
  run({"a"});
  runner.fails();
  lane().finish_window();
  EXPECT_EQ(runner.count(), 3u);
  EXPECT_EQ(lane().open_window(), std::nullopt);
}

TEST_F(Lane, WhatIsStoppedIsNotDone) {
  stopper.stop();
  run({"a"});
  EXPECT_EQ(runner.count(), 0u);
  EXPECT_EQ(progress().sequence(), "");
}

}  // namespace
}  // namespace likeness::lambda
