#include "domain/metrics/alarm.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "domain/metrics/alarms.hpp"
#include "storage/testing.hpp"

namespace likeness::metrics {
namespace {

/// AWS's guide writes them from the oldest to the newest: "0 - X - X": within, missing, breaching.
AlarmState state_of(std::string_view points, MissingData missing, AlarmState before = AlarmState::InsufficientData,
                    int of = 3, int to_alarm = 3) {
  Alarm alarm;
  alarm.evaluation_periods = of;
  alarm.datapoints_to_alarm = to_alarm;
  alarm.threshold = 0.5;
  alarm.missing_data = missing;
  alarm.state = before;
  std::vector<std::pair<Seconds, std::optional<double>>> values;
  for (auto at = points.rbegin(); at != points.rend(); ++at) {
    if (*at == ' ') continue;
    values.emplace_back(0, *at == '-' ? std::nullopt : std::optional(*at == 'X' ? 1.0 : 0.0));
  }
  return evaluate(alarm, values).state;
}

constexpr auto kOk = AlarmState::Ok;
constexpr auto kAlarm = AlarmState::Alarm;
constexpr auto kInsufficient = AlarmState::InsufficientData;

/// The first table of "Configuring how CloudWatch alarms treat missing data".
TEST(AlarmTest, MissingDataAreTreatedAsTheGuideHasIt) {
  for (const auto missing :
       {MissingData::Missing, MissingData::Ignore, MissingData::Breaching, MissingData::NotBreaching}) {
    EXPECT_EQ(state_of("0 - X - X", missing), kOk);
    EXPECT_EQ(state_of("0 X X - X", missing), kAlarm);
    EXPECT_EQ(state_of("0 - - - -", missing), kOk);
  }
  EXPECT_EQ(state_of("- - - - -", MissingData::Missing), kInsufficient);
  EXPECT_EQ(state_of("- - - - -", MissingData::Ignore, kAlarm), kAlarm);
  EXPECT_EQ(state_of("- - - - -", MissingData::Ignore, kOk), kOk);
  EXPECT_EQ(state_of("- - - - -", MissingData::Breaching), kAlarm);
  EXPECT_EQ(state_of("- - - - -", MissingData::NotBreaching), kOk);
  EXPECT_EQ(state_of("- - X - -", MissingData::Missing), kAlarm);
  EXPECT_EQ(state_of("- - X - -", MissingData::Ignore, kOk), kOk);
  EXPECT_EQ(state_of("- - X - -", MissingData::Breaching), kAlarm);
  EXPECT_EQ(state_of("- - X - -", MissingData::NotBreaching), kOk);
}

TEST(AlarmTest, SomeOfThePeriodsMayBeEnough) {
  EXPECT_EQ(state_of("0 X 0 X", MissingData::Missing, kOk, 3, 2), kAlarm);
  EXPECT_EQ(state_of("X X 0 0", MissingData::Missing, kOk, 3, 2), kOk);
  EXPECT_EQ(state_of("X", MissingData::NotBreaching, kOk, 1, 1), kAlarm);
}

TEST(AlarmTest, ComparisonsAreThoseOfTheThreshold) {
  Alarm alarm;
  alarm.threshold = 5;
  alarm.comparison = AlarmComparison::GreaterOrEqual;
  EXPECT_TRUE(breaches(alarm, 5));
  alarm.comparison = AlarmComparison::Greater;
  EXPECT_FALSE(breaches(alarm, 5));
  alarm.comparison = AlarmComparison::Less;
  EXPECT_FALSE(breaches(alarm, 5));
  alarm.comparison = AlarmComparison::LessOrEqual;
  EXPECT_TRUE(breaches(alarm, 5));
}

TEST(AlarmTest, RecordsKeepAll) {
  Alarm alarm;
  alarm.name = "a";
  alarm.description = "d";
  alarm.alarm_actions = {"arn:1", "arn:2"};
  alarm.tags = {{"k", "v"}};
  alarm.queries = {{.id = "m1", .stat = MetricStat{{"N", "M", {{"A", "b"}}}, 300, "p90", Unit::Bytes}, .label = "l"},
                   {.id = "e1", .expression = "m1 * 2", .return_data = false, .period = 60}};
  alarm.threshold = -1.5;
  alarm.comparison = AlarmComparison::LessOrEqual;
  alarm.missing_data = MissingData::NotBreaching;
  alarm.state = AlarmState::Alarm;
  alarm.reason = "because";
  alarm.transitioned = 12;
  const auto bytes = encode(alarm);
  const auto again = decode_alarm(bytes);
  ASSERT_TRUE(again);
  EXPECT_EQ(encode(*again), bytes);
  EXPECT_EQ(again->queries.at(0).stat->series.dimensions.at(0).value, "b");
  EXPECT_EQ(again->threshold, -1.5);
  EXPECT_FALSE(decode_alarm("x"));
}

TEST(AlarmRules, AreExpressionsOverTheStatesOfOthers) {
  const auto holds = [](std::string_view text) {
    const auto rule = AlarmRule::parse(text);
    EXPECT_TRUE(rule) << text;
    return rule && rule->holds([](const std::string& name) {
      return name == "hot" ? AlarmState::Alarm : name == "no data" ? AlarmState::InsufficientData : AlarmState::Ok;
    });
  };
  EXPECT_TRUE(holds("ALARM(hot)"));
  EXPECT_TRUE(holds("ALARM(\"hot\") AND OK(cold)"));
  EXPECT_FALSE(holds("ALARM(hot) AND NOT OK(cold)"));
  EXPECT_TRUE(holds("ALARM(cold) OR INSUFFICIENT_DATA('no data')"));
  EXPECT_TRUE(holds("(ALARM(cold) OR TRUE) AND NOT FALSE"));
  EXPECT_TRUE(holds("ALARM(arn:aws:cloudwatch:us-east-1:000000000000:alarm:hot)"));
  const auto rule = AlarmRule::parse("ALARM(a) AND (OK(b) OR ALARM(a))");
  EXPECT_EQ(rule->alarms(), (std::vector<std::string>{"a", "b"}));
  for (const auto* bad : {"", "ALARM", "ALARM(a", "ALARM(a) OK(b)", "FOO(a)", "(ALARM(a)"})
    EXPECT_FALSE(AlarmRule::parse(bad)) << bad;
}

class SetClock final : public Clock {
 public:
  TimePoint now() const override { return TimePoint(std::chrono::seconds(at.load())); }
  std::atomic<std::int64_t> at{1'800'000'000};
};

/// Keeps what alarms do.
class Witness final : public AlarmActions {
 public:
  Result<void> perform(const Alarm& alarm, const AlarmBefore& before, const std::string& action) override {
    return keep(action + ": " + alarm.name + " " + std::string(to_text(before.state)) + " to " +
                std::string(to_text(alarm.state)));
  }
  Result<void> announce(const Alarm& alarm, const AlarmBefore& before) override {
    return keep(alarm.name + " " + std::string(to_text(before.state)) + " to " + std::string(to_text(alarm.state)) +
                (alarm.suppressed == Suppressed::No ? "" : " " + std::string(to_text(alarm.suppressed))));
  }
  /// What was kept up to now, in no order, once there are that many.
  std::multiset<std::string> take(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return seen_.size() >= count; });
    return std::exchange(seen_, {});
  }

 private:
  Result<void> keep(std::string text) {
    const std::lock_guard lock(mutex_);
    seen_.insert(std::move(text));
    changed_.notify_all();
    return {};
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::multiset<std::string> seen_;
};

class SuppressionTest : public testing::Test {
 protected:
  void SetUp() override {
    metrics = std::move(*MetricStore::open(*store, clock));
    alarms = std::move(*Alarms::open(*store, *metrics, clock, witness));
    alarms->start();
    for (const auto* name : {"hot", "maintenance"}) {
      Alarm alarm;
      alarm.name = name;
      alarm.stat = MetricStat{{"N", name, {}}, 60, "Sum", {}};
      alarm.missing_data = MissingData::Ignore;
      ASSERT_TRUE(alarms->put(alarm));
      set(name, AlarmState::Ok);
    }
    Alarm all;
    all.name = "all";
    all.rule = "ALARM(hot)";
    all.suppressor = "maintenance";
    all.suppressor_wait = 60;
    all.suppressor_extension = 120;
    all.alarm_actions = {"tell"};
    all.ok_actions = {"calm"};
    ASSERT_TRUE(alarms->put(all));
    alarms->evaluate_due();
    pass(60);
    EXPECT_EQ(witness.take(4), (std::multiset<std::string>{
                                   "hot INSUFFICIENT_DATA to OK", "maintenance INSUFFICIENT_DATA to OK",
                                   "all INSUFFICIENT_DATA to OK WaitPeriod", "calm: all INSUFFICIENT_DATA to OK"}));
  }
  void TearDown() override { alarms->stop(); }
  void set(const std::string& name, AlarmState state) { EXPECT_TRUE(alarms->set_state(name, state, "by hand", {})); }
  void pass(std::int64_t seconds) {
    clock.at += seconds;
    alarms->evaluate_due();
  }
  Suppressed suppressed() { return alarms->find("all")->suppressed; }

  storage::TemporaryStore store;
  SetClock clock;
  Witness witness;
  std::unique_ptr<MetricStore> metrics;
  std::unique_ptr<Alarms> alarms;
};

TEST_F(SuppressionTest, WithoutTheSuppressorActionsComeAfterTheWait) {
  set("hot", AlarmState::Alarm);
  EXPECT_EQ(suppressed(), Suppressed::WaitPeriod);
  EXPECT_EQ(witness.take(2), (std::multiset<std::string>{"hot OK to ALARM", "all OK to ALARM WaitPeriod"}));
  pass(59);
  EXPECT_EQ(suppressed(), Suppressed::WaitPeriod);
  pass(1);
  EXPECT_EQ(suppressed(), Suppressed::No);
  EXPECT_EQ(witness.take(1), (std::multiset<std::string>{"tell: all OK to ALARM"}));
}

TEST_F(SuppressionTest, TheSuppressorHoldsActionsUntilItsExtensionIsOver) {
  set("hot", AlarmState::Alarm);
  set("maintenance", AlarmState::Alarm);
  pass(1000);
  EXPECT_EQ(suppressed(), Suppressed::Alarm);
  set("maintenance", AlarmState::Ok);
  pass(119);
  EXPECT_EQ(suppressed(), Suppressed::ExtensionPeriod);
  EXPECT_EQ(witness.take(4), (std::multiset<std::string>{"hot OK to ALARM", "all OK to ALARM WaitPeriod",
                                                         "maintenance OK to ALARM", "maintenance ALARM to OK"}));
  pass(1);
  EXPECT_EQ(witness.take(1), (std::multiset<std::string>{"tell: all OK to ALARM"}));
}

TEST_F(SuppressionTest, WhatWasSuppressedAndIsOverIsNotToldLater) {
  set("maintenance", AlarmState::Alarm);
  set("hot", AlarmState::Alarm);
  EXPECT_EQ(suppressed(), Suppressed::Alarm);
  set("hot", AlarmState::Ok);
  set("maintenance", AlarmState::Ok);
  pass(1);
  pass(200);
  EXPECT_EQ(witness.take(7),
            (std::multiset<std::string>{"maintenance OK to ALARM", "hot OK to ALARM", "all OK to ALARM Alarm",
                                        "hot ALARM to OK", "all ALARM to OK Alarm", "maintenance ALARM to OK",
                                        "calm: all ALARM to OK"}));
}

TEST_F(SuppressionTest, ARestartForgetsNothing) {
  set("hot", AlarmState::Alarm);
  alarms->stop();
  alarms.reset();
  alarms = std::move(*Alarms::open(*store, *metrics, clock, witness));
  EXPECT_EQ(suppressed(), Suppressed::WaitPeriod);
  alarms->start();
  pass(60);
  EXPECT_EQ(witness.take(3),
            (std::multiset<std::string>{"hot OK to ALARM", "all OK to ALARM WaitPeriod", "tell: all OK to ALARM"}));
}

}  // namespace
}  // namespace likeness::metrics
