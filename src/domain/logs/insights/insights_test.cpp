#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

#include "domain/logs/insights/queries.hpp"
#include "domain/logs/insights/query.hpp"
#include "domain/logs/insights/row.hpp"
#include "domain/logs/insights/run.hpp"
#include "storage/testing.hpp"

namespace likeness::logs::insights {
namespace {

constexpr Millis kStart = 1'700'000'000'000;  // 2023-11-14 22:13:20

class TestClock : public Clock {
 public:
  TimePoint now() const override { return from_millis(kStart + 1'000'000); }
};

class InsightsTest : public testing::Test {
 protected:
  InsightsTest() {
    auto opened = Logs::open(*store_, clock_);
    if (!opened) throw std::runtime_error(opened.error().detail);
    logs_ = std::move(*opened);
    Group group;
    group.name = "g";
    (void)logs_->create_group(group);
    (void)logs_->create_stream("g", "s");
  }
  void put(const std::vector<std::string>& lines) {
    std::vector<TimedMessage> events;
    for (const auto& line : lines) events.push_back({kStart + 60'000 * static_cast<Millis>(count_++), line});
    ASSERT_TRUE(logs_->put("g", "s", events));
  }
  RunResult run(const std::string& text, std::size_t limit = 0) {
    const auto query = parse_query(text);
    EXPECT_TRUE(query) << text << ": " << (query ? "" : query.error().message);
    if (!query) return {};
    const auto group = *logs_->group("g");
    const std::atomic<bool> cancelled = false;
    auto result =
        insights::run(*logs_, *query, {{group, *logs_->stream(*group, "s")}}, EventRange(), limit, "1", cancelled);
    EXPECT_TRUE(result);
    return result.value_or(RunResult());
  }
  /// Rows as "name=value,name=value", without @ptr.
  std::vector<std::string> rows(const std::string& text) {
    std::vector<std::string> out;
    for (const auto& row : run(text).rows) {
      std::string line;
      for (const auto& [name, value] : row)
        if (name != "@ptr") line += (line.empty() ? "" : ",") + name + "=" + value;
      out.push_back(std::move(line));
    }
    return out;
  }

  storage::TemporaryStore store_;
  TestClock clock_;
  std::unique_ptr<Logs> logs_;
  int count_ = 0;
};

using Rows = std::vector<std::string>;

TEST_F(InsightsTest, WithoutMuchToSayTheNewestEventsCome) {
  put({"first", "second"});
  EXPECT_EQ(rows("fields @timestamp, @message"), (Rows{"@timestamp=2023-11-14 22:14:20.000,@message=second",
                                                       "@timestamp=2023-11-14 22:13:20.000,@message=first"}));
  EXPECT_EQ(rows("filter @message like /fir/"), (Rows{"@timestamp=2023-11-14 22:13:20.000,@message=first"}));
  EXPECT_EQ(rows("fields @message | sort @timestamp asc | limit 1"), (Rows{"@message=first"}));
  EXPECT_EQ(rows("fields @logStream, @log | limit 1"), (Rows{"@logStream=s,@log=1:g"}));
  const auto result = run("fields @message");
  Pointer pointer;
  ASSERT_TRUE(read_pointer(result.rows.at(0).back().second, pointer));
  EXPECT_EQ(pointer.log, "1:g");
  EXPECT_EQ(pointer.stream, "s");
  EXPECT_EQ(result.statistics.scanned, 2);
}

TEST_F(InsightsTest, FieldsOfJsonAreFound) {
  put({R"({"level":"INFO","user":{"name":"ann","tags":["a","b"]},"ms":12.5,"ok":true})",
       R"({"level":"ERROR","user":{"name":"bob"},"ms":700})", "plain"});
  EXPECT_EQ(rows(R"(fields level, user.name as name, ms | filter ispresent(level) | sort ms desc)"),
            (Rows{"level=ERROR,name=bob,ms=700", "level=INFO,name=ann,ms=12.5"}));
  EXPECT_EQ(rows("filter user.tags.1 = 'b' | display level"), (Rows{"level=INFO"}));
  EXPECT_EQ(rows("filter ms > 100 and level in [\"ERROR\", \"WARN\"] | display user.name"), (Rows{"user.name=bob"}));
  EXPECT_EQ(rows("filter ok = true | display level"), (Rows{"level=INFO"}));
  EXPECT_EQ(rows("filter level not like 'R' and ispresent(level) | display level"), (Rows{"level=INFO"}));
  EXPECT_EQ(rows("fields ms * 2 + 1 as x, strlen(level) as n, concat(level, '-', user.name) as c | filter x > 100"),
            (Rows{"x=1401,n=5,c=ERROR-bob"}));
}

TEST_F(InsightsTest, StatisticsAreOfGroups) {
  put({R"({"f":"a","ms":1})", R"({"f":"b","ms":10})", R"({"f":"a","ms":3})", R"({"f":"b","ms":30})", R"({"f":"a"})"});
  EXPECT_EQ(
      rows("stats count(*) as n, sum(ms) as total, avg(ms), min(ms), max(ms) by f | sort f"),
      (Rows{"f=a,n=3,total=4,avg(ms)=2,min(ms)=1,max(ms)=3", "f=b,n=2,total=40,avg(ms)=20,min(ms)=10,max(ms)=30"}));
  EXPECT_EQ(rows("stats count(*)"), (Rows{"count(*)=5"}));
  EXPECT_EQ(rows("stats count(ms) as n, pct(ms, 50) as p, stddev(ms) as d, count_distinct(f) as k"),
            (Rows{"n=4,p=3,d=11.4673,k=2"}));
  EXPECT_EQ(rows("stats sum(ms)/count(ms) as mean by f | sort mean desc | limit 1"), (Rows{"f=b,mean=20"}));
  EXPECT_EQ(rows("stats count(*) as n by bin(2m) as t | sort t asc"),
            (Rows{"t=2023-11-14 22:12:00.000,n=1", "t=2023-11-14 22:14:00.000,n=2", "t=2023-11-14 22:16:00.000,n=2"}));
  EXPECT_EQ(rows("stats latest(ms) as l, earliest(ms) as e"), (Rows{"l=30,e=1"}));
  EXPECT_EQ(rows("filter f = 'nobody' | stats count(*) as n"), (Rows{"n=0"}));
  EXPECT_EQ(rows("stats count(*) as n by f | filter n > 2"), (Rows{"f=a,n=3"}));
}

TEST_F(InsightsTest, TextsAreTakenApart) {
  put({"user=ann in hall took 12ms", "user=bob in attic took 7ms", "nothing"});
  EXPECT_EQ(rows("parse @message \"user=* in * took *ms\" as user, room, ms | filter ms > 10 | display user, room"),
            (Rows{"user=ann,room=hall"}));
  EXPECT_EQ(rows(R"(parse @message /user=(?<who>\w+) in (?<where>\w+)/ | filter where = "attic" | display who)"),
            (Rows{"who=bob"}));
  EXPECT_EQ(rows("parse 'user=* in' as who | stats count(*) by who | sort who"),
            (Rows{"count(*)=1", "who=ann,count(*)=1", "who=bob,count(*)=1"}));
  EXPECT_EQ(rows("parse 'user=* in' as who | dedup who | display who").size(), 3u);
}

TEST_F(InsightsTest, LinesOfFunctionsHaveFieldsOfTheirOwn) {
  put(
      {"REPORT RequestId: 3c0a7a6e-0000-4000-8000-000000000000\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory "
       "Size: 128 "
       "MB\tMax Memory Used: 64 MB\tInit Duration: 100.5 ms"});
  EXPECT_EQ(
      rows("filter @type = 'REPORT' | display @requestId, @duration, @billedDuration, @memorySize, @maxMemoryUsed, "
           "@initDuration"),
      (Rows{"@requestId=3c0a7a6e-0000-4000-8000-000000000000,@duration=12.34,@billedDuration=13,@memorySize=128000000,"
            "@maxMemoryUsed=64000000,@initDuration=100.5"}));
}

TEST_F(InsightsTest, BrokenQueriesSayWhere) {
  for (const auto* text : {"", "fields", "filter (a = 1", "stats count(* by a", "nonsense", "fields a |", "sort",
                           "limit 0", "parse 'a*'", "parse 'a*' as b, c", "filter a like 5", "fields nofunction(a)",
                           "filter a = 'open", "fields count(*)", "pattern @message", "filter a in b"}) {
    const auto parsed = parse_query(text);
    EXPECT_FALSE(parsed) << text;
    if (!parsed) EXPECT_FALSE(parsed.error().message.empty());
  }
  EXPECT_TRUE(parse_query("# a comment\nfields @message # another\n| limit 5"));
}

TEST_F(InsightsTest, QueriesRunInTheBackground) {
  put({"a", "b"});
  Queries queries(*logs_, "1");
  QueryError where;
  auto id =
      queries.start({.text = "fields @message", .groups = {"g"}, .from = kStart, .to = kStart + 10'000'000}, where);
  ASSERT_TRUE(id);
  std::optional<QueryStatus> status;
  for (int i = 0; i < 500; ++i) {
    status = queries.find(*id);
    ASSERT_TRUE(status);
    if (status->state == QueryStatus::State::Complete) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_EQ(status->state, QueryStatus::State::Complete);
  EXPECT_EQ(status->result->rows.size(), 2u);
  EXPECT_FALSE(queries.cancel(*id));
  EXPECT_EQ(queries.start({.text = "x", .groups = {"g"}}, where).error().code, "MalformedQueryException");
  EXPECT_EQ(queries.start({.text = "fields a", .groups = {"none"}}, where).error().code, "ResourceNotFoundException");
  EXPECT_FALSE(queries.find("unknown"));
}

}  // namespace
}  // namespace likeness::logs::insights
