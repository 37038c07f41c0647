#include "services/events/scheduled_rules.hpp"

#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "base/log.hpp"

namespace likeness::eventbridge {

namespace {

constexpr std::string_view kTable = "events";
constexpr std::string_view kPartition = "due";

std::int64_t in_seconds(TimePoint time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

/// "SECONDS SCHEDULE": when that schedule is next due.
storage::Write due_write(const Rule& rule, std::optional<TimePoint> due) {
  std::optional<std::string> value;
  if (due) value = std::to_string(in_seconds(*due)) + " " + rule.schedule;
  return {.table = std::string(kTable),
          .key = {std::string(kPartition), rule.arn},
          .value = std::move(value),
          .expect = storage::Write::Expect::Anything,
          .expected_value = {}};
}

}  // namespace

std::optional<TimePoint> next_due(const events::ScheduleExpression& schedule, TimePoint start, TimePoint after,
                                  const events::TimeZone& zone) {
  const auto from = std::chrono::floor<std::chrono::seconds>(after);
  if (const auto* rate = std::get_if<events::Rate>(&schedule))
    return rate->next(std::chrono::floor<std::chrono::seconds>(start), from);
  std::optional<events::UtcSeconds> next;
  if (const auto* cron = std::get_if<events::Cron>(&schedule)) next = cron->next(from, zone);
  if (const auto* once = std::get_if<events::Once>(&schedule)) {
    next = zone.to_utc(once->time);
    if (next && *next <= from) next.reset();
  }
  return next ? std::optional<TimePoint>(*next) : std::nullopt;
}

ScheduledRules::ScheduledRules(Registry& registry, Dispatcher& dispatcher)
    : registry_(registry),
      dispatcher_(dispatcher),
      timetable_(registry.clock(), [this](const std::string& arn, TimePoint due) { fire(arn, due); }) {
  registry_.on_schedule_change([this](const std::string& arn) { changed(arn); });
}

std::shared_ptr<const Rule> ScheduledRules::find(const std::string& arn) const {
  const std::string base = registry_.rule_arn(Registry::kDefaultBus, "");
  if (!arn.starts_with(base)) return nullptr;
  auto rule = registry_.find_rule(Registry::kDefaultBus, arn.substr(base.size()));
  return rule && rule->timetable && rule->enabled() ? rule : nullptr;
}

Result<void> ScheduledRules::start() {
  for (const auto& rule : registry_.scheduled()) {
    auto kept = registry_.store().get(kTable, {std::string(kPartition), rule->arn});
    if (!kept) return fail(kept);
    if (!*kept || !rule->enabled()) {
      changed(rule->arn);
      continue;
    }
    const std::size_t space = (*kept)->find(' ');
    const bool same = space != std::string::npos && (*kept)->substr(space + 1) == rule->schedule;
    if (same) {
      timetable_.set(rule->arn, TimePoint(std::chrono::seconds(std::stoll(**kept))));
    } else {
      changed(rule->arn);
    }
  }
  timetable_.start();
  return {};
}

void ScheduledRules::changed(const std::string& arn) {
  const auto rule = find(arn);
  const TimePoint now = registry_.clock().now();
  std::optional<TimePoint> due;
  if (rule) {
    // Another target or description leaves the time alone; another schedule, or one switched on again, begins anew.
    const auto kept = registry_.store().get(kTable, {std::string(kPartition), arn});
    if (kept && *kept && (*kept)->ends_with(" " + rule->schedule)) return;
    due = next_due(*rule->timetable, now, now, *events::TimeZone::utc());
  }
  Rule named;
  named.arn = arn;
  if (rule) named.schedule = rule->schedule;
  if (auto written = registry_.store().commit({due_write(named, due)}); !written)
    log::error("events: when rule {} is due could not be kept: {}", arn, written.error().message);
  if (due) {
    timetable_.set(arn, *due);
  } else {
    timetable_.remove(arn);
  }
}

void ScheduledRules::fire(const std::string& arn, TimePoint due) {
  const auto rule = find(arn);
  if (!rule) return;
  const TimePoint now = registry_.clock().now();
  const auto next = next_due(*rule->timetable, due, now, *events::TimeZone::utc());
  Event event{.bus = rule->bus, .id = uuid_v4(), .json = {}, .time = due};
  event.json = event_json(
      {.id = event.id, .detail_type = "Scheduled Event", .source = "aws.events", .time = due, .resources = {rule->arn}},
      registry_.account(), registry_.region(), "{}");
  Result<void> done;
  if (now - due > kOldest) {
    done = registry_.store().commit({due_write(*rule, next)});
  } else {
    done = dispatcher_.deliver(*rule, event, {due_write(*rule, next)});
  }
  if (!done) {
    // The disk is full or gone: the same time once more.
    log::error("events: rule {} could not begin: {}", arn, done.error().message);
    timetable_.set(arn, now + std::chrono::seconds(10));
    return;
  }
  if (next) timetable_.set(arn, *next);
}

}  // namespace likeness::eventbridge
