#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "domain/metrics/buffered_recorder.hpp"
#include "domain/metrics/expression.hpp"
#include "domain/metrics/metric_store.hpp"
#include "domain/metrics/query.hpp"
#include "domain/metrics/search.hpp"
#include "domain/metrics/statistic.hpp"
#include "storage/testing.hpp"

namespace likeness::metrics {
namespace {

constexpr Seconds kStart = 1'699'999'980;  // a whole minute
constexpr Seconds kDay = 24 * 3600;

class TestClock : public Clock {
 public:
  TimePoint now() const override { return TimePoint(std::chrono::seconds(time)); }
  Seconds time = kStart;
};

class MetricsTest : public testing::Test {
 protected:
  MetricsTest() { open(); }
  void open() {
    auto opened = MetricStore::open(*store_, clock_);
    if (!opened) throw std::runtime_error(opened.error().detail);
    metrics_ = std::move(*opened);
  }
  void put(const std::string& name, Seconds time, double value, Unit unit = Unit::None) {
    Datum datum{.series = {"Photos", name, {}}, .time = time, .unit = unit};
    datum.aggregate.add(value);
    EXPECT_TRUE(metrics_->put({datum}));
  }
  std::map<Seconds, double> stat(const std::string& name, const std::string& stat, Seconds period = 60) {
    auto read = read_stat(*metrics_, {{"Photos", name, {}}, period, stat, std::nullopt}, kStart - 3600, kStart + 3600);
    EXPECT_TRUE(read);
    return read.value_or(std::map<Seconds, double>());
  }
  /// Times from kStart, in minutes.
  std::map<Seconds, double> math(const std::string& expression, Seconds minutes = 4) {
    std::vector<MetricQuery> queries;
    for (const std::string id : {"m1", "m2"})
      queries.push_back(
          {.id = id, .stat = MetricStat{{"Photos", id, {}}, 60, "Sum", std::nullopt}, .return_data = false});
    queries.push_back({.id = "e1", .expression = expression});
    auto output = run_queries(*metrics_, queries, kStart, kStart + minutes * 60);
    EXPECT_TRUE(output) << expression << ": " << (output ? "" : output.error().message);
    std::map<Seconds, double> out;
    if (output && output->series.size() == 1)
      for (const auto& [time, value] : output->series.front().values) out[(time - kStart) / 60] = value;
    return out;
  }

  storage::TemporaryStore store_;
  TestClock clock_;
  std::unique_ptr<MetricStore> metrics_;
};

using Values = std::map<Seconds, double>;

TEST_F(MetricsTest, DataOfOneMinuteAddUpAlsoAfterARestart) {
  put("m", kStart, 2);
  put("m", kStart, 4);
  put("m", kStart + 60, 10);
  metrics_.reset();
  store_.reopen();
  open();
  EXPECT_EQ(stat("m", "Sum"), (Values{{kStart, 6}, {kStart + 60, 10}}));
  EXPECT_EQ(stat("m", "Average"), (Values{{kStart, 3}, {kStart + 60, 10}}));
  EXPECT_EQ(stat("m", "SampleCount"), (Values{{kStart, 2}, {kStart + 60, 1}}));
  EXPECT_EQ(stat("m", "Maximum", 3600).begin()->second, 10);
  int count = 0;
  metrics_->list({}, [&](const SeriesInfo& info) {
    EXPECT_EQ(info.key.name, "m");
    return ++count < 5;
  });
  EXPECT_EQ(count, 1);
}

TEST_F(MetricsTest, PercentilesAreOfTheValuesThemselves) {
  for (int i = 1; i <= 100; ++i) put("m", kStart, i);
  EXPECT_EQ(stat("m", "p50").at(kStart), 50);
  EXPECT_EQ(stat("m", "p99").at(kStart), 99);
  EXPECT_EQ(stat("m", "p100").at(kStart), 100);
  EXPECT_EQ(stat("m", "TC(10:20)").at(kStart), 10);
  EXPECT_EQ(stat("m", "PR(:50)").at(kStart), 50);
  EXPECT_DOUBLE_EQ(stat("m", "tm90").at(kStart), 45.5);
  EXPECT_DOUBLE_EQ(stat("m", "TM(10%:90%)").at(kStart), 50.5);
  EXPECT_DOUBLE_EQ(stat("m", "IQM").at(kStart), 50.5);
  EXPECT_DOUBLE_EQ(stat("m", "ts50").at(kStart), 1275);
}

TEST(Distribution, ManyValuesStayWithinAFewPercent) {
  Aggregate aggregate;
  for (int i = 1; i <= 100'000; ++i) aggregate.add(std::pow(1.0001, i));
  EXPECT_LE(aggregate.values.points().size(), 200u);
  EXPECT_EQ(aggregate.count, 100'000);
  const auto p90 = Statistic::parse("p90")->of(aggregate).value();
  EXPECT_NEAR(p90 / std::pow(1.0001, 90'000), 1, 0.15);
  const auto again = decode_aggregate(encode(aggregate, Unit::Count, false));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->aggregate.values.points(), aggregate.values.points());
  EXPECT_EQ(again->unit, Unit::Count);
}

TEST(StatisticNames, WhatIsNoneIsRefused) {
  for (const auto* name :
       {"", "average", "p", "p101", "px", "TM(90%:10%)", "TM(1:10%)", "PR(10%:20%)", "TM()", "foo", "pr90"})
    EXPECT_FALSE(Statistic::parse(name)) << name;
}

TEST(Aggregates, OfStatisticSetsThereAreNoPercentiles) {
  Aggregate aggregate;
  aggregate.add_set(3, 9, 1, 5);
  EXPECT_EQ(Statistic::parse("Average")->of(aggregate), 3);
  EXPECT_EQ(Statistic::parse("p50")->of(aggregate), std::nullopt);
  Aggregate one;
  one.add_set(1, 4, 4, 4);
  EXPECT_EQ(Statistic::parse("p50")->of(one), 4);
}

TEST_F(MetricsTest, ExpressionsAreComputedPeriodByPeriod) {
  put("m1", kStart, 1);
  put("m1", kStart + 60, 2);
  put("m1", kStart + 180, 4);
  put("m2", kStart, 10);
  put("m2", kStart + 60, 0);
  EXPECT_EQ(math("m1 + m2 * 2"), (Values{{0, 21}, {1, 2}}));
  EXPECT_EQ(math("m1 / m2"), (Values{{0, 0.1}}));
  EXPECT_EQ(math("-(m1 ^ 2)"), (Values{{0, -1}, {1, -4}, {3, -16}}));
  EXPECT_EQ(math("m1 >= 2"), (Values{{0, 0}, {1, 1}, {3, 1}}));
  EXPECT_EQ(math("FILL(m1, 0)"), (Values{{0, 1}, {1, 2}, {2, 0}, {3, 4}}));
  EXPECT_EQ(math("FILL(m1, REPEAT)"), (Values{{0, 1}, {1, 2}, {2, 2}, {3, 4}}));
  EXPECT_EQ(math("FILL(m1, LINEAR)"), (Values{{0, 1}, {1, 2}, {2, 3}, {3, 4}}));
  EXPECT_EQ(math("SUM(METRICS())"), (Values{{0, 11}, {1, 2}, {3, 4}}));
  EXPECT_EQ(math("MAX([m1, m2])"), (Values{{0, 10}, {1, 2}, {3, 4}}));
  EXPECT_EQ(math("m1 / MAX(m1)"), (Values{{0, 0.25}, {1, 0.5}, {3, 1}}));
  EXPECT_EQ(math("m1 * PERIOD(m1)"), (Values{{0, 60}, {1, 120}, {3, 240}}));
  EXPECT_EQ(math("RATE(m1)"), (Values{{1, 1.0 / 60}, {3, 2.0 / 120}}));
  EXPECT_EQ(math("DIFF(m1)"), (Values{{1, 1}, {3, 2}}));
  EXPECT_EQ(math("RUNNING_SUM(m1)"), (Values{{0, 1}, {1, 3}, {3, 7}}));
  EXPECT_EQ(math("IF(m1 > 1, m1, 0)"), (Values{{0, 0}, {1, 2}, {3, 4}}));
  EXPECT_EQ(math("IF(m1 > 1 AND m1 < 3, 100)"), (Values{{1, 100}}));
  EXPECT_EQ(math("FIRST(SORT(METRICS(), SUM, DESC))"), (Values{{0, 10}, {1, 0}}));
  EXPECT_EQ(math("TIME_SERIES(METRIC_COUNT(METRICS()))", 2), (Values{{0, 2}, {1, 2}}));
  EXPECT_EQ(math("SUM(SEARCH('{Photos} MetricName=\"m1\"', 'Sum', 60))"), (Values{{0, 1}, {1, 2}, {3, 4}}));
}

TEST_F(MetricsTest, BadExpressionsAreRefused) {
  for (const auto* expression : {"m1 +", "(m1", "m3", "SUM(", "NOPE(m1)", "m1 $ 2", "\"text\"", "e1", "IF(m1)"}) {
    const std::vector<MetricQuery> queries = {
        {.id = "m1", .stat = MetricStat{{"Photos", "m1", {}}, 60, "Sum", std::nullopt}},
        {.id = "e1", .expression = expression}};
    const auto output = run_queries(*metrics_, queries, kStart, kStart + 60);
    ASSERT_FALSE(output) << expression;
    EXPECT_EQ(output.error().code, "ValidationException");
  }
}

TEST_F(MetricsTest, SelectsAreOfAllMetricsThatMatch) {
  for (const auto& [path, audience, value] : {std::tuple("/a", "x", 3.0), {"/a", "y", 5.0}, {"/b", "x", 7.0}}) {
    Datum datum{.series = {"Photos", "Calls", {{"Audience", audience}, {"Path", path}}}, .time = kStart};
    datum.aggregate.add(value);
    ASSERT_TRUE(metrics_->put({datum}));
  }
  const auto select = [&](const std::string& text) {
    std::string out;
    const auto output = run_queries(*metrics_, {{.id = "q", .expression = text, .period = 60}}, kStart, kStart + 60);
    EXPECT_TRUE(output) << text << ": " << (output ? "" : output.error().message);
    if (output)
      for (const auto& series : output->series)
        out += series.label + "=" + std::to_string(static_cast<int>(series.values.at(kStart))) + " ";
    return out;
  };
  EXPECT_EQ(select("SELECT SUM(Calls) FROM Photos"), "q=15 ");
  EXPECT_EQ(select("SELECT SUM(Calls) FROM \"Photos\" WHERE Path = '/a' GROUP BY Audience"), "x=3 y=5 ");
  EXPECT_EQ(
      select("select max(Calls) from SCHEMA(\"Photos\", Path, Audience) GROUP BY Path ORDER BY SUM() DESC LIMIT 1"),
      "/a=5 ");
  EXPECT_EQ(select("SELECT COUNT(Calls) FROM Photos WHERE Audience != 'y' AND Path = '/b'"), "q=1 ");
  for (const auto* text : {"SELECT", "SELECT FOO(a) FROM b", "SELECT SUM(a) FROM", "SELECT SUM(a) FROM b LIMIT 0",
                           "SELECT SUM(a) FROM b WHERE c"})
    EXPECT_FALSE(run_queries(*metrics_, {{.id = "q", .expression = text}}, kStart, kStart + 60)) << text;
}

TEST(SearchTest, SchemasAndTermsDecide) {
  const SeriesKey key{"AWS/Lambda", "Errors", {{"FunctionName", "photo-check"}}};
  const auto matches = [&](std::string_view text) { return Search::parse(text)->matches(key); };
  EXPECT_TRUE(matches("{AWS/Lambda,FunctionName} Errors"));
  EXPECT_TRUE(matches("{AWS/Lambda,FunctionName} MetricName=\"Errors\" photo"));
  EXPECT_FALSE(matches("{AWS/Lambda} Errors"));
  EXPECT_FALSE(matches("{AWS/Lambda,FunctionName} MetricName=\"Error\""));
  EXPECT_TRUE(matches("FunctionName=photo NOT MetricName=\"Duration\""));
  EXPECT_TRUE(matches("Duration OR Errors"));
  EXPECT_FALSE(matches("Duration OR Invocations"));
  EXPECT_FALSE(Search::parse("{AWS/Lambda"));
}

TEST_F(MetricsTest, OldDataAreJoinedAndForgotten) {
  clock_.time = kStart + 20 * kDay;
  for (int i = 0; i < 30; ++i) put("m", kStart + i * 60, i);
  put("m", kStart, 5);
  ASSERT_TRUE(metrics_->compact());
  // Five minutes each now, and the same sums.
  const auto sums = stat("m", "Sum", 300);
  double total = 0;
  for (const auto& [time, value] : sums) total += value;
  EXPECT_EQ(total, 29 * 30 / 2 + 5);
  int items = 0;
  ASSERT_TRUE(metrics_->read({"Photos", "m", {}}, 0, kStart + kDay, [&](const Sample&) { ++items; }));
  EXPECT_LE(items, 7);
  EXPECT_EQ(*metrics_->compact(), 0u);
  clock_.time = kStart + 500 * kDay;
  ASSERT_TRUE(metrics_->compact());
  EXPECT_TRUE(stat("m", "Sum", 300).empty());
}

TEST_F(MetricsTest, TheRecorderAddsUpAndStores) {
  {
    BufferedRecorder recorder(*metrics_, clock_);
    for (int i = 0; i < 1000; ++i) recorder.record("Photos", "m", {}, i % 2 == 0 ? 1 : 3, Unit::Count);
    recorder.flush();
    EXPECT_EQ(stat("m", "Sum").at(kStart), 2000);
    recorder.record("Photos", "m", {}, 10, Unit::Count);
    recorder.record("Photos", "by", {{"B", "2"}, {"A", "1"}}, 10, Unit::Count);
  }
  EXPECT_EQ(stat("m", "Sum").at(kStart), 2010);
  EXPECT_EQ(stat("m", "SampleCount").at(kStart), 1001);
  EXPECT_EQ(stat("m", "p50").at(kStart), 3);
  const auto read =
      read_stat(*metrics_, {{"Photos", "by", {{"A", "1"}, {"B", "2"}}}, 60, "Sum", Unit::Count}, kStart, kStart + 60);
  EXPECT_EQ(read->at(kStart), 10);
}

TEST_F(MetricsTest, TheNumberOfMetricsIsBounded) {
  auto small = MetricStore::open(*store_, clock_, {.series = 2});
  ASSERT_TRUE(small);
  const auto one = [&](const std::string& name) {
    Datum datum{.series = {"N", name, {}}, .time = kStart};
    datum.aggregate.add(1);
    return (*small)->put({datum});
  };
  EXPECT_TRUE(one("a"));
  EXPECT_TRUE(one("b"));
  EXPECT_TRUE(one("a"));
  EXPECT_EQ(one("c").error().code, "LimitExceededException");
}

}  // namespace
}  // namespace likeness::metrics
