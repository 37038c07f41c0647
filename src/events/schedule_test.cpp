#include "events/schedule.hpp"

#include <gtest/gtest.h>

#include "base/clock.hpp"

namespace likeness::events {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using std::chrono::year;

UtcSeconds at(int y, unsigned m, unsigned d, int hour = 0, int minute = 0) {
  return UtcSeconds(sys_days(year(y) / std::chrono::month(m) / std::chrono::day(d))) + std::chrono::hours(hour) +
         std::chrono::minutes(minute);
}

std::string next(std::string_view fields, UtcSeconds after, const TimeZone& zone = *TimeZone::utc()) {
  const auto cron = Cron::parse(fields);
  EXPECT_TRUE(cron) << fields;
  if (!cron) return {};
  const auto time = cron->next(after, zone);
  return time ? iso8601(*time) : "never";
}

TEST(Schedule, AwssOwnExamplesFallWhereTheyShould) {
  const auto now = at(2026, 11, 21, 20, 7);  // a Saturday
  EXPECT_EQ(next("0 2 ? * SAT *", now), "2026-11-28T02:00:00Z");
  EXPECT_EQ(next("0 12 * * ? *", now), "2026-11-22T12:00:00Z");
  EXPECT_EQ(next("5,35 14 * * ? *", now), "2026-11-22T14:05:00Z");
  EXPECT_EQ(next("15 10 ? * 6L 2002-2005", now), "never");
  EXPECT_EQ(next("15 10 ? * 6L 2026", now), "2026-11-27T10:15:00Z");
  EXPECT_EQ(next("0 2 ? * SAT#3 *", now), "2026-12-19T02:00:00Z");
  EXPECT_EQ(next("0/15 * * * ? *", now), "2026-11-21T20:15:00Z");
  EXPECT_EQ(next("*/15 * * * ? *", now), "2026-11-21T20:15:00Z");
  EXPECT_EQ(next("0/10 * ? * MON-FRI *", now), "2026-11-23T00:00:00Z");
  EXPECT_EQ(next("0/30 20-23 ? * MON-FRI *", now), "2026-11-23T20:00:00Z");
  EXPECT_EQ(next("0 8 1 * ? *", now), "2026-12-01T08:00:00Z");
  EXPECT_EQ(next("0-15/1 8-8 ? * 2,3,4,5,6,7 *", now), "2026-11-23T08:00:00Z");
}

TEST(Schedule, LastAndNearestDays) {
  EXPECT_EQ(next("0 0 L * ? *", at(2028, 2, 1)), "2028-02-29T00:00:00Z");
  EXPECT_EQ(next("0 0 L-3 * ? *", at(2026, 11, 1)), "2026-11-27T00:00:00Z");
  EXPECT_EQ(next("0 0 LW * ? *", at(2026, 5, 1)), "2026-05-29T00:00:00Z");  // the 31st is a Sunday
  EXPECT_EQ(next("0 0 15W * ? *", at(2026, 11, 1)), "2026-11-16T00:00:00Z");
  EXPECT_EQ(next("0 0 1W * ? *", at(2026, 7, 31)), "2026-08-03T00:00:00Z");  // never into the month before
  EXPECT_EQ(next("0 0 30 2 ? *", at(2026, 1, 1)), "never");
  EXPECT_EQ(next("0 0 29 2 ? *", at(2026, 1, 1)), "2028-02-29T00:00:00Z");
}

TEST(Schedule, ClocksThatChangeSkipTimesAndShowThemTwice) {
  const auto berlin = TimeZone::find("Europe/Berlin");
  ASSERT_TRUE(berlin) << berlin.error().message;
  EXPECT_EQ(next("30 2 * * ? *", at(2026, 3, 28, 12), **berlin),
            "2026-03-30T00:30:00Z");  // 02:30 is skipped on the 29th
  EXPECT_EQ(next("30 2 * * ? *", at(2026, 10, 24, 12), **berlin), "2026-10-25T00:30:00Z");
  EXPECT_EQ(next("30 2 * * ? *", at(2026, 10, 25, 0, 30), **berlin), "2026-10-26T01:30:00Z");  // once, not twice
  // Beyond what the file lists its rule for all years holds.
  EXPECT_EQ(next("0 12 1 7 ? 2100", at(2099, 1, 1), **berlin), "2100-07-01T10:00:00Z");
  EXPECT_EQ(next("0 12 1 1 ? 2100", at(2099, 6, 1), **berlin), "2100-01-01T11:00:00Z");
  const auto sydney = TimeZone::find("Australia/Sydney");
  ASSERT_TRUE(sydney);
  EXPECT_EQ(next("0 12 1 1 ? 2100", at(2099, 6, 1), **sydney), "2100-01-01T01:00:00Z");
}

TEST(Schedule, NamesThatAreNoZonesAreRefused) {
  for (const auto* name : {"", "Nowhere/Land", "../../etc/passwd", "/etc/passwd", "Europe", "zone.tab"})
    EXPECT_FALSE(TimeZone::find(name)) << name;
  EXPECT_FALSE(TimeZone::read("TZif2"));
}

TEST(Schedule, WhatAwsRefusesIsRefused) {
  for (const auto* text : {"rate(10 seconds)",
                           "rate(10 years)",
                           "rate(1 minutes)",
                           "rate(1 hours)",
                           "rate(1 days)",
                           "rate(10 minute)",
                           "rate(10 hour)",
                           "rate(10 day)",
                           "rate()",
                           "rate(10)",
                           "rate(10 minutess)",
                           "rate(foo minutes)",
                           "rate(0 minutes)",
                           "rate(-10 minutes)",
                           "rate(10 MINUTES)",
                           "rate( 10 minutes )",
                           " rate(10 minutes)",
                           "cron(0 1 * * * *)",
                           "cron(7 20 * * NOT *)",
                           "cron(INVALID)",
                           "cron(0 dummy ? * MON-FRI *)",
                           "cron(71 8 1 * ? *)",
                           "cron(0 8 ? * ? *)",
                           "cron(0 8 1 * ?)",
                           "at(2026-02-30T00:00:00)",
                           "at(2026-02-03)",
                           ""})
    EXPECT_FALSE(parse_schedule(text)) << text;
  for (const auto* text :
       {"rate(1 minute)", "rate(5 minutes)", "rate(1 day)", "cron(0/5 5 ? JAN 1-5 2022)", "cron(* * ? * SAT#3 *)",
        "cron(1-31/30 1-1 ? * 1,7 *)", "cron(0-59/10 0-23/2 ? * * *)", "at(2022-12-31T23:59:59)"})
    EXPECT_TRUE(parse_schedule(text)) << text;
  EXPECT_TRUE(parse_schedule("rate(1 minutes)", true));
  EXPECT_FALSE(parse_schedule("rate(10 minutess)", true));
}

TEST(Schedule, RatesKeepTheirDistanceFromTheStart) {
  const Rate rate{5min};
  const auto start = at(2026, 11, 21, 20, 2);
  EXPECT_EQ(rate.next(start, start - 1h), start);
  EXPECT_EQ(rate.next(start, start), start + 5min);
  EXPECT_EQ(rate.next(start, start + 14min), start + 15min);
}

}  // namespace
}  // namespace likeness::events
