#include "domain/logs/logs.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <thread>

#include "domain/logs/buffered_sink.hpp"
#include "domain/logs/group_cursor.hpp"
#include "storage/testing.hpp"

namespace likeness::logs {
namespace {

constexpr Millis kStart = 1'700'000'000'000;

class TestClock : public Clock {
 public:
  TimePoint now() const override { return from_millis(time); }
  Millis time = kStart;
};

class LogsTest : public testing::Test {
 protected:
  LogsTest() { open(); }

  void open() {
    auto opened = Logs::open(*store_, clock_);
    if (!opened) throw std::runtime_error(opened.error().detail);
    logs_ = std::move(*opened);
  }
  void restart() {
    logs_.reset();
    store_.reopen();
    open();
  }

  void make(const std::string& group, const std::string& stream, int retention = 0) {
    Group made;
    made.name = group;
    made.retention_days = retention;
    (void)logs_->create_group(made);
    EXPECT_TRUE(logs_->create_stream(group, stream));
  }
  PutResult put(const std::string& group, const std::string& stream, const std::vector<TimedMessage>& events) {
    auto result = logs_->put(group, stream, events);
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result.value_or(PutResult{});
  }
  std::vector<std::string> get(const EventsQuery& query, EventsPage* page = nullptr) {
    auto read = logs_->get("g", "s", query);
    EXPECT_TRUE(read) << (read ? "" : read.error().message);
    std::vector<std::string> out;
    for (const auto& event : read->events) out.push_back(event.message);
    if (page != nullptr) *page = std::move(*read);
    return out;
  }

  storage::TemporaryStore store_;
  TestClock clock_;
  std::unique_ptr<Logs> logs_;
};

using Lines = std::vector<std::string>;

TEST_F(LogsTest, EventsComeBackInTheOrderOfTheirTimes) {
  make("g", "s");
  put("g", "s", {{kStart + 5, "five"}, {kStart + 7, "seven"}});
  put("g", "s", {{kStart + 1, "one"}, {kStart + 6, "six"}});
  EXPECT_EQ(get({.from_head = true}), (Lines{"one", "five", "six", "seven"}));
  restart();
  EXPECT_EQ(get({.from_head = true}), (Lines{"one", "five", "six", "seven"}));
  EXPECT_EQ(get({.start = kStart + 5, .end = kStart + 7, .token = {}, .from_head = true}), (Lines{"five", "six"}));
  EXPECT_EQ(get({.start = {}, .end = {}, .token = {}, .limit = 2, .from_head = false}), (Lines{"six", "seven"}));
}

TEST_F(LogsTest, TokensWalkForwardsAndBackwardsAndStayAtTheEnd) {
  make("g", "s");
  for (int i = 0; i < 10; ++i) put("g", "s", {{kStart + i, std::to_string(i)}});
  EventsPage page;
  EXPECT_EQ(get({.start = {}, .end = {}, .token = {}, .limit = 4, .from_head = true}, &page),
            (Lines{"0", "1", "2", "3"}));
  const auto first = page;
  EXPECT_EQ(get({.start = {}, .end = {}, .token = first.forward, .limit = 4, .from_head = true}, &page),
            (Lines{"4", "5", "6", "7"}));
  EXPECT_EQ(get({.start = {}, .end = {}, .token = page.backward, .limit = 4, .from_head = true}),
            (Lines{"0", "1", "2", "3"}));
  EXPECT_EQ(get({.start = {}, .end = {}, .token = page.forward, .limit = 4, .from_head = true}, &page),
            (Lines{"8", "9"}));
  const auto last = page.forward;
  EXPECT_EQ(get({.start = {}, .end = {}, .token = last, .limit = 4, .from_head = true}, &page), Lines{});
  EXPECT_EQ(page.forward, last);
  EXPECT_EQ(get({.start = {}, .end = {}, .token = page.backward, .limit = 2, .from_head = true}), (Lines{"8", "9"}));
  // What comes later is found from there.
  put("g", "s", {{kStart + 20, "new"}});
  EXPECT_EQ(get({.start = {}, .end = {}, .token = last, .limit = 4, .from_head = true}), (Lines{"new"}));
  EXPECT_EQ(get({.start = {}, .end = {}, .token = first.backward, .limit = 4, .from_head = true}, &page), Lines{});
  EXPECT_EQ(page.backward, first.backward);
  EXPECT_EQ(get({.start = {}, .end = {}, .token = page.forward, .limit = 1, .from_head = true}), (Lines{"0"}));
  EXPECT_FALSE(logs_->get("g", "s", {.start = {}, .end = {}, .token = "x/y"}));
}

/// Against a plain list: batches that overlap in time, read in pages of every size and both directions.
TEST_F(LogsTest, PagesOfOverlappingBatchesAreThoseOfASortedList) {
  make("g", "s");
  std::mt19937 dice(7);
  std::vector<std::tuple<Millis, int, std::string>> all;
  int number = 0;
  for (int batch = 0; batch < 60; ++batch) {
    std::vector<Millis> times(1 + dice() % 8);
    const Millis base = kStart - 40'000'000 + static_cast<Millis>(dice() % 80'000'000) / 2;
    for (auto& time : times) time = base + static_cast<Millis>(dice() % (batch % 3 == 0 ? 30'000'000 : 2000));
    std::ranges::sort(times);
    std::vector<std::string> texts;
    std::vector<TimedMessage> events;
    for (std::size_t i = 0; i < times.size(); ++i) texts.push_back(std::to_string(number++));
    for (std::size_t i = 0; i < times.size(); ++i) {
      events.push_back({std::min(times[i], kStart), texts[i]});
      all.emplace_back(std::min(times[i], kStart), static_cast<int>(all.size()), texts[i]);
    }
    put("g", "s", events);
  }
  std::ranges::sort(all);
  Lines wanted;
  for (const auto& [time, order, text] : all) wanted.push_back(text);
  for (const std::size_t limit : {1u, 3u, 50u, 1000u}) {
    for (const bool from_head : {true, false}) {
      Lines seen;
      EventsPage page;
      std::string token;
      while (true) {
        auto lines = get({.start = {}, .end = {}, .token = token, .limit = limit, .from_head = from_head}, &page);
        if (lines.empty()) break;
        seen.insert(from_head ? seen.end() : seen.begin(), lines.begin(), lines.end());
        token = from_head ? page.forward : page.backward;
      }
      EXPECT_EQ(seen, wanted) << limit << (from_head ? " forwards" : " backwards");
    }
  }
}

TEST_F(LogsTest, ABatchIsRefusedOrSaysWhatItDidNotTake) {
  make("g", "s", 3);
  constexpr Millis kDay = 24 * 3600 * 1000;
  EXPECT_EQ(logs_->put("g", "s", {{kStart + 1, "a"}, {kStart, "b"}}).error().message,
            "Log events in a single PutLogEvents request must be in chronological order.");
  EXPECT_EQ(logs_->put("g", "s", {{kStart - kDay - 1, "a"}, {kStart, "b"}}).error().code, "InvalidParameterException");
  const std::string large((1 << 20) - 25, 'x');
  EXPECT_EQ(logs_->put("g", "s", {{kStart, large}}).error().message,
            "Upload too large: 1048577 bytes exceeds limit of 1048576");
  put("g", "s", {{kStart, std::string_view(large).substr(1)}});
  EXPECT_EQ(logs_->put("g", "none", {{kStart, "a"}}).error().message, "The specified log stream does not exist.");
  EXPECT_EQ(logs_->put("none", "s", {{kStart, "a"}}).error().message, "The specified log group does not exist.");

  auto result = put("g", "s", {{kStart - 15 * kDay, "a"}});
  EXPECT_EQ(result.too_old_until, 1);
  result = put("g", "s", {{kStart - 3 * kDay - 10, "a"}, {kStart - 3 * kDay + 10, "kept"}});
  EXPECT_EQ(result.expired_until, 1);
  EXPECT_FALSE(result.too_old_until);
  result = put("g", "s", {{kStart, "kept too"}, {kStart + 3 * 3600 * 1000, "a"}});
  EXPECT_EQ(result.too_new_from, 1);
  EXPECT_EQ(get({.start = {}, .end = kStart, .token = {}, .from_head = true}), (Lines{"kept"}));
}

TEST_F(LogsTest, WhatIsPastItsRetentionIsGoneAndThenErased) {
  constexpr Millis kDay = 24 * 3600 * 1000;
  make("g", "s");
  put("g", "s", {{kStart - 2 * kDay, "old"}});
  put("g", "s", {{kStart, "new"}});
  EXPECT_EQ(get({.from_head = true}), (Lines{"old", "new"}));
  EXPECT_TRUE(logs_->change_group("g", [](Group& group) -> Result<void> {
    group.retention_days = 1;
    return {};
  }));
  EXPECT_EQ(get({.from_head = true}), (Lines{"new"}));
  EXPECT_EQ(logs_->sweep(), 1u);
  EXPECT_EQ(logs_->sweep(), 0u);
  EXPECT_EQ(get({.from_head = true}), (Lines{"new"}));
}

TEST_F(LogsTest, DeletedStreamsAndGroupsLeaveNothingBehind) {
  make("g", "s");
  put("g", "s", {{kStart, "a"}});
  const auto old = *logs_->find("g");
  ASSERT_TRUE(logs_->delete_stream("g", "s"));
  EXPECT_EQ(logs_->delete_stream("g", "s").error().code, "ResourceNotFoundException");
  ASSERT_TRUE(logs_->create_stream("g", "s"));
  EXPECT_EQ(get({.from_head = true}), Lines{});
  put("g", "s", {{kStart, "b"}});
  ASSERT_TRUE(logs_->delete_group("g"));
  EXPECT_EQ(logs_->delete_group("g").error().code, "ResourceNotFoundException");
  restart();  // the note of what is to be erased survives
  EXPECT_TRUE(logs_->has_erasures());
  EXPECT_EQ(logs_->sweep(), 2u);
  EXPECT_EQ(logs_->all_streams(old)->size(), 0u);
  make("g", "s");
  EXPECT_EQ(get({.from_head = true}), Lines{});
}

TEST_F(LogsTest, ManyStreamsAreReadAsOne) {
  make("g", "a");
  make("g", "b");
  make("g", "c");
  put("g", "a", {{kStart, "1"}, {kStart + 30, "4"}});
  put("g", "b", {{kStart + 10, "2"}, {kStart + 40, "5"}});
  put("g", "c", {{kStart + 20, "3"}});
  for (const bool backward : {false, true}) {
    std::vector<GroupCursor::Source> sources;
    const auto group = *logs_->group("g");
    const auto streams = *logs_->all_streams(*group);
    for (const auto& stream : streams) sources.push_back({group, stream});
    GroupCursor events(*logs_, std::move(sources), {.first = {.time = kStart + 5}}, backward);
    std::string seen;
    while (*events.next()) seen += std::string(events.event().message) + events.source().stream.name;
    EXPECT_EQ(seen, backward ? "5b4a3c2b" : "2b3c4a5b");
  }
}

TEST_F(LogsTest, TheSinkMakesGroupsAndStreamsAndKeepsOrder) {
  {
    BufferedSink sink(*logs_);
    for (int i = 0; i < 500; ++i) sink.put("g", i % 2 == 0 ? "s" : "t", {{from_millis(kStart + i), std::to_string(i)}});
    sink.put("g", "s", {{from_millis(kStart - 1), "before"}});
  }
  const auto lines = get({.from_head = true});
  ASSERT_EQ(lines.size(), 251u);
  EXPECT_EQ(lines.front(), "before");
  EXPECT_EQ(lines.back(), "498");
}

TEST_F(LogsTest, TheSinkWritesWithin200Milliseconds) {
  BufferedSink sink(*logs_);
  sink.put("g", "s", {{from_millis(kStart), "a"}});
  const auto begin = std::chrono::steady_clock::now();
  while (logs_->find("g") == nullptr || !logs_->stream(*logs_->find("g"), "s")) {
    ASSERT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(400));  // a slow machine's share
}

TEST_F(LogsTest, ASinkThatIsFullDropsTheOldest) {
  BufferedSink sink(*logs_, {.max_bytes = 2000, .interval = std::chrono::seconds(5)});
  for (int i = 0; i < 100; ++i) sink.put("g", "s", {{from_millis(kStart + i), std::to_string(i)}});
  sink.stop();
  const auto lines = get({.from_head = true});
  ASSERT_FALSE(lines.empty());
  EXPECT_LT(lines.size(), 20u);
  EXPECT_EQ(lines.back(), "99");
  EXPECT_EQ(sink.dropped() + lines.size(), 100u);
}

TEST(EventId, IsFiftySixDigitsThatSort) {
  const EventId id{1'700'000'000'000, 1'700'000'000'000'123, 42};
  EXPECT_EQ(id.text().size(), 56u);
  EXPECT_EQ(EventId::parse(id.text()), id);
  EXPECT_LT(id.text(), (EventId{1'700'000'000'000, 1'700'000'000'000'123, 100}).text());
  EXPECT_FALSE(EventId::parse("12"));
  EXPECT_FALSE(EventId::parse(std::string(56, 'x')));
}

TEST(Chunk, DamagedBytesAreAnError) {
  const auto bytes = encode_chunk({{5, "a"}, {7, "bc"}});
  const auto events = decode_chunk(bytes);
  ASSERT_TRUE(events);
  EXPECT_EQ(events->size(), 2u);
  EXPECT_EQ((*events)[1].time, 7);
  EXPECT_EQ((*events)[1].message, "bc");
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) EXPECT_FALSE(decode_chunk(std::string_view(bytes).substr(0, i)));
}

}  // namespace
}  // namespace likeness::logs
