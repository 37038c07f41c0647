#include "domain/metrics/alarm.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace likeness::metrics
