#include "base/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace likeness {
namespace {

using ::testing::HasSubstr;

TEST(Metrics, TheSameNameAndLabelsAreTheSameMetric) {
  Metrics metrics;
  metrics.counter("calls_total", "Calls.", {{"op", "a"}, {"status", "200"}}).add();
  metrics.counter("calls_total", "Calls.", {{"status", "200"}, {"op", "a"}}).add(2);
  metrics.counter("calls_total", "Calls.", {{"op", "b"}, {"status", "200"}}).add();
  const std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr("# HELP calls_total Calls.\n# TYPE calls_total counter\n"));
  EXPECT_THAT(text, HasSubstr("calls_total{op=\"a\",status=\"200\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("calls_total{op=\"b\",status=\"200\"} 1\n"));
}

TEST(Metrics, HistogramsCountIntoTheirBuckets) {
  Metrics metrics;
  const Histogram seconds = metrics.histogram("wait_seconds", "Wait.", {}, {0.1, 1});
  for (const double value : {0.05, 0.1, 0.5, 7.0}) seconds.observe(value);
  const std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr("wait_seconds_bucket{le=\"0.1\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("wait_seconds_bucket{le=\"1\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("wait_seconds_bucket{le=\"+Inf\"} 4\n"));
}

TEST(Metrics, GaugesAreBroughtUpToDateWhenRead) {
  Metrics metrics;
  const Gauge depth = metrics.gauge("queue_depth", "Jobs waiting.");
  int now = 3;
  metrics.before_expose([&] { depth.set(now); });
  EXPECT_THAT(metrics.expose(), HasSubstr("queue_depth 3\n"));
  now = 0;
  EXPECT_THAT(metrics.expose(), HasSubstr("queue_depth 0\n"));
}

TEST(Metrics, ManyThreadsLoseNoCount) {
  Metrics metrics;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) metrics.counter("n", "N.", {{"op", std::to_string(i % 3)}}).add();
      });
  }
  EXPECT_THAT(metrics.expose(), HasSubstr("n{op=\"0\"} 1336\n"));
}

}  // namespace
}  // namespace likeness
