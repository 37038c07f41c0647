#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "events/matcher.hpp"
#include "events/pattern.hpp"

/// Patterns and events with the verdicts of AWS itself and of AWS's own matcher, Event Ruler.
namespace likeness::events {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

std::string contents(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

json::value relaxed(const std::string& text) {
  json::parse_options options;
  options.allow_comments = true;
  options.allow_trailing_commas = true;
  return json::parse(text, {}, options);
}

/// By both ways in which a pattern can be asked.
bool matches(const Pattern& pattern, const std::string& event) {
  const bool alone = pattern.matches(event);
  EXPECT_EQ(Matcher({std::make_shared<const Pattern>(pattern)}).any(event), alone);
  return alone;
}

TEST(PatternVectors, AgreeWithWhatAwsAnswered) {
  const fs::path folder = fs::path(LIKENESS_VECTORS) / "event-patterns";
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is not there; pattern_test tests patterns alone";
  std::size_t agreeing = 0;
  std::size_t total = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().stem();
    const auto document = relaxed(contents(entry.path()));
    const auto pattern = Pattern::parse(json::serialize(document.at("EventPattern")));
    const std::string event = json::serialize(document.at("Event"));
    bool agrees = false;
    if (name.ends_with("_EXC"))
      agrees = !pattern;
    else
      agrees = pattern && matches(*pattern, event) == !name.ends_with("_NEG");
    EXPECT_TRUE(agrees) << name << (pattern ? "" : ": " + pattern.error().message);
    agreeing += agrees;
    ++total;
  }
  std::printf("event patterns recorded against AWS: %zu of %zu agree\n", agreeing, total);
  EXPECT_EQ(total, 155u);
}

TEST(PatternVectors, AgreeWithEventRulerOnItsHardCases) {
  const fs::path cases = fs::path(LIKENESS_VECTORS) / "event-ruler-correctness-cases.json";
  if (!fs::exists(cases)) GTEST_SKIP() << cases << " is not there; the recorded verdicts below are compared anyway";
  const auto verdicts = json::parse(contents(fs::path(LIKENESS_RECORDED) / "hard_cases.json"));
  std::size_t agreeing = 0;
  const auto all = json::parse(contents(cases));
  for (const auto& one : all.as_array()) {
    const auto pattern = Pattern::parse(json::serialize(one.at("rule")));
    ASSERT_TRUE(pattern) << one.at("name");
    const bool agrees = matches(*pattern, json::serialize(one.at("event"))) ==
                        verdicts.at(std::string_view(one.at("name").as_string())).as_bool();
    EXPECT_TRUE(agrees) << one.at("name");
    agreeing += agrees;
  }
  std::printf("Event Ruler's hard cases: %zu of %zu agree\n", agreeing, all.as_array().size());
}

TEST(PatternVectors, AgreeWithEventRulersRecordedVerdicts) {
  std::ifstream file(fs::path(LIKENESS_RECORDED) / "verdicts.jsonl");
  ASSERT_TRUE(file);
  std::size_t agreeing = 0;
  std::size_t total = 0;
  std::vector<std::shared_ptr<const Pattern>> patterns;
  std::vector<std::pair<std::string, bool>> tried;
  for (std::string line; std::getline(file, line); ++total) {
    const auto one = json::parse(line);
    const std::string rule(one.at("rule").as_string());
    const std::string event(one.at("event").as_string());
    const auto pattern = Pattern::parse(rule, true);
    bool agrees = false;
    if (const auto* error = one.as_object().if_contains("error")) {
      agrees = !pattern && pattern.error().message == error->as_string();
      EXPECT_TRUE(agrees) << rule << "\n  expected: " << *error
                          << "\n  answered: " << (pattern ? "no error" : pattern.error().message);
    } else if (one.as_object().contains("complex")) {
      agrees = !pattern && pattern.error().message.starts_with("Rule is too complex");
      EXPECT_TRUE(agrees) << rule;
    } else {
      agrees = pattern && matches(*pattern, event) == one.at("match").as_bool();
      EXPECT_TRUE(agrees) << line;
      if (pattern) {
        patterns.push_back(std::make_shared<const Pattern>(*pattern));
        tried.emplace_back(event, one.at("match").as_bool());
      }
    }
    agreeing += agrees;
  }
  std::printf("verdicts of Event Ruler: %zu of %zu agree\n", agreeing, total);

  // All of them in one matcher: what it finds is what each finds alone.
  const Matcher matcher(patterns);
  for (std::size_t i = 0; i < tried.size(); ++i) {
    const auto found = matcher.match(tried[i].first);
    EXPECT_EQ(std::binary_search(found.begin(), found.end(), i), tried[i].second) << tried[i].first;
    std::vector<std::size_t> expected;
    for (std::size_t k = 0; k < patterns.size(); ++k)
      if (patterns[k]->matches(tried[i].first)) expected.push_back(k);
    ASSERT_EQ(found, expected) << tried[i].first;
  }
}

}  // namespace
}  // namespace likeness::events
