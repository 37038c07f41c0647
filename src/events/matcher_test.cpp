#include "events/matcher.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>

namespace likeness::events {
namespace {

std::shared_ptr<const Pattern> pattern(const std::string& json) {
  auto parsed = Pattern::parse(json);
  EXPECT_TRUE(parsed) << json << parsed.error().message;
  return std::make_shared<const Pattern>(std::move(*parsed));
}

/// Rules as applications have them: a source and a type that many share, and something of their own.
std::string rule(int i) {
  const std::string common = fmt::format(R"("source": ["app{}"], "detail-type": ["Type {}"])", i % 10, i % 7);
  switch (i % 8) {
    case 0: return fmt::format(R"({{{}, "detail": {{"id": ["id-{}"]}}}})", common, i);
    case 1: return fmt::format(R"({{{}, "detail": {{"key": [{{"prefix": "folder-{}/"}}]}}}})", common, i);
    case 2: return fmt::format(R"({{{}, "detail": {{"key": [{{"suffix": "-{}.jpg"}}]}}}})", common, i);
    case 3:
      return fmt::format(R"({{{}, "detail": {{"count": [{{"numeric": [">=", {}, "<", {}]}}]}}}})", common, i, i + 3);
    case 4: return fmt::format(R"({{{}, "detail": {{"name": [{{"equals-ignore-case": "NAME-{}"}}]}}}})", common, i);
    case 5: return fmt::format(R"({{"detail": {{"key": [{{"wildcard": "bucket-{}/*.png"}}]}}}})", i);
    case 6:
      return fmt::format(
          R"({{{}, "detail": {{"ip": [{{"cidr": "10.{}.{}.0/24"}}], "id": [{{"anything-but": "x"}}]}}}})", common,
          i / 256, i % 256);
    default: return fmt::format(R"({{"detail": {{"tags": {{"k": ["k{}"], "v": [{{"exists": true}}]}}}}}})", i);
  }
}

std::string event(std::mt19937& chance, int rules) {
  const auto any = [&] { return static_cast<int>(chance() % static_cast<unsigned>(rules)); };
  const int i = any();
  return fmt::format(
      R"({{"version": "0", "id": "7e1f", "source": "app{}", "detail-type": "Type {}", "detail": {{"id": "id-{}", )"
      R"("key": "folder-{}/a-{}.jpg", "count": {}, "name": "Name-{}", "ip": "10.{}.{}.7", )"
      R"("tags": [{{"k": "k{}", "v": 1}}, {{"k": "other", "v": null}}], "unused": {{"much": [1, 2, 3, "four"]}}}}}})",
      i % 10, i % 7, i, any() / 8 * 8 + 1, i, i, i, i / 256 % 256, i % 256, i);
}

TEST(Matcher, FindsWhatEachPatternFindsAlone) {
  std::vector<std::shared_ptr<const Pattern>> patterns;
  for (int i = 0; i < 600; ++i) patterns.push_back(pattern(rule(i)));
  const Matcher matcher(patterns);
  std::mt19937 chance(5);
  std::size_t total = 0;
  for (int round = 0; round < 300; ++round) {
    const std::string text = event(chance, 600);
    std::vector<std::size_t> expected;
    for (std::size_t k = 0; k < patterns.size(); ++k)
      if (patterns[k]->matches(text)) expected.push_back(k);
    EXPECT_EQ(matcher.match(text), expected) << text;
    total += expected.size();
  }
  EXPECT_GT(total, 200u);
}

TEST(Matcher, NothingMatchesNoPatternsAndNoObject) {
  EXPECT_TRUE(Matcher({}).match("{}").empty());
  EXPECT_TRUE(Matcher({pattern(R"({"a": [{"exists": false}]})")}).match("[]").empty());
  EXPECT_EQ(Matcher({pattern(R"({"a": [{"exists": false}]})")}).match("{}").size(), 1u);
}

TEST(Matcher, TenThousandRulesCostLittleMoreThanTen) {
  const auto time = [](int rules) {
    std::vector<std::shared_ptr<const Pattern>> patterns;
    for (int i = 0; i < rules; ++i) patterns.push_back(pattern(rule(i)));
    const Matcher matcher(patterns);
    std::mt19937 chance(5);
    std::vector<std::string> events;
    for (int i = 0; i < 2000; ++i) events.push_back(event(chance, rules));
    auto best = std::chrono::nanoseconds::max();
    for (int round = 0; round < 5; ++round) {
      std::size_t found = 0;
      const auto start = std::chrono::steady_clock::now();
      for (const auto& text : events) found += matcher.match(text).size();
      best = std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - start);
      EXPECT_GT(found, 0u);
    }
    std::printf("%6d rules: %5.2f microseconds an event\n", rules, static_cast<double>(best.count()) / 2000 / 1000);
    return best;
  };
  const auto few = time(10);
  time(1000);
  const auto many = time(10'000);
  // Sanitizers and a busy machine shift both alike; the aim of 3 is measured by bench/.
  EXPECT_LT(many.count(), few.count() * 6);
}

}  // namespace
}  // namespace likeness::events
