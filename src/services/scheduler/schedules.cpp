#include "services/scheduler/schedules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "aws/json_reader.hpp"
#include "aws/json_writer.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "domain/record.hpp"
#include "services/events/dispatcher.hpp"
#include "services/events/scheduled_rules.hpp"
#include "services/scheduler/invocation.hpp"

namespace likeness::scheduler {

namespace {

constexpr std::string_view kTable = "scheduler";
constexpr std::string_view kGroups = "groups", kSchedules = "schedules", kDue = "due";
constexpr std::string_view kService = "scheduler.amazonaws.com";
constexpr std::uint8_t kName = 1, kCreated = 2, kModified = 3, kTag = 4, kWanted = 5;

storage::Write write_of(std::string_view partition, const std::string& key, std::optional<std::string> value) {
  return {.table = std::string(kTable),
          .key = {std::string(partition), key},
          .value = std::move(value),
          .expect = storage::Write::Expect::Anything,
          .expected_value = {}};
}

std::uint64_t number(TimePoint time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}
TimePoint time_of(std::uint64_t value) {
  return TimePoint(std::chrono::milliseconds(static_cast<std::int64_t>(value)));
}

std::string due_text(TimePoint due) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(due.time_since_epoch()).count());
}

std::string encode(const Group& group) {
  domain::RecordWriter writer;
  writer.text(kName, group.name);
  writer.number(kCreated, number(group.created));
  writer.number(kModified, number(group.modified));
  for (const auto& [key, value] : group.tags) writer.text(kTag, fmt::format("{}{}{}", key, '\0', value));
  return writer.take();
}

Group decode_group(std::string_view bytes) {
  Group group;
  domain::RecordReader reader(bytes);
  while (reader.next()) {
    switch (reader.field()) {
      case kName: group.name = reader.text(); break;
      case kCreated: group.created = time_of(reader.number()); break;
      case kModified: group.modified = time_of(reader.number()); break;
      case kTag: {
        const std::string_view text = reader.text();
        const std::size_t zero = text.find('\0');
        group.tags.emplace(text.substr(0, zero), text.substr(zero + 1));
        break;
      }
      default: break;
    }
  }
  return group;
}

std::string encode(const Schedule& schedule) {
  domain::RecordWriter writer;
  std::string json;
  aws::write_json(shape_named("CreateScheduleInput"), &schedule.wanted, json);
  // The name travels in the path and so is not in the JSON.
  writer.text(kName, schedule.name);
  writer.text(kWanted, json);
  writer.number(kCreated, number(schedule.created));
  writer.number(kModified, number(schedule.modified));
  return writer.take();
}

Result<Schedule> decode_schedule(std::string_view bytes) {
  Schedule schedule;
  domain::RecordReader reader(bytes);
  while (reader.next()) {
    switch (reader.field()) {
      case kName: schedule.name = reader.text(); break;
      case kWanted:
        if (auto read =
                aws::read_json(reader.text(), shape_named("CreateScheduleInput"), &schedule.wanted, {.lenient = true});
            !read)
          return fail(read);
        break;
      case kCreated: schedule.created = time_of(reader.number()); break;
      case kModified: schedule.modified = time_of(reader.number()); break;
      default: break;
    }
  }
  if (!reader.ok()) return server_error("InternalServerException", "Internal error.", "a schedule is damaged");
  schedule.wanted.name = schedule.name;
  schedule.group = schedule.wanted.group_name.value_or(std::string(Schedules::kDefaultGroup));
  return schedule;
}

Failure invalid(std::string message) { return client_error("ValidationException", std::move(message)); }

Failure no_schedule(std::string_view name) {
  return client_error("ResourceNotFoundException", fmt::format("Schedule {} does not exist.", name));
}

Failure no_group(std::string_view name) {
  return client_error("ResourceNotFoundException", fmt::format("Schedule group {} does not exist.", name));
}

std::string key_of(std::string_view group, std::string_view name) { return fmt::format("{}/{}", group, name); }

}  // namespace

std::optional<TimePoint> Schedule::next(TimePoint after) const {
  TimePoint from = after;
  const TimePoint start = wanted.start_date.value_or(created);
  // A rate begins at its start; the others may be due at the very second of it.
  if (wanted.start_date && from < *wanted.start_date) from = *wanted.start_date - std::chrono::seconds(1);
  auto due = eventbridge::next_due(expression, start, from, *zone);
  if (due && wanted.end_date && *due > *wanted.end_date) due.reset();
  return due;
}

Schedules::Schedules(const Parts& parts)
    : parts_(parts), timetable_(parts.clock, [this](const std::string& key, TimePoint due) { fire(key, due); }) {}

Result<std::unique_ptr<Schedules>> Schedules::open(const Parts& parts) {
  auto made = std::unique_ptr<Schedules>(new Schedules(parts));
  auto queue = domain::DeliveryQueue::open(
      parts.store, "scheduler", parts.clock, {},
      [self = made.get()](const domain::Delivery& delivery) { return self->attempt(delivery); });
  if (!queue) return fail(queue);
  made->queue_ = std::move(*queue);
  if (auto loaded = made->load(); !loaded) return fail(loaded);
  return made;
}

Result<void> Schedules::load() {
  auto done = parts_.store.scan(kTable, kGroups, [&](std::string_view, std::string_view value) {
    Group group = decode_group(value);
    const std::string name = group.name;
    groups_.emplace(name, std::move(group));
    return true;
  });
  if (!done) return fail(done);
  if (!groups_.contains(kDefaultGroup)) {
    const TimePoint now = parts_.clock.now();
    const Group standard{.name = std::string(kDefaultGroup), .created = now, .modified = now};
    if (auto kept = parts_.store.commit({write_of(kGroups, standard.name, encode(standard))}); !kept) return kept;
    groups_.emplace(standard.name, standard);
  }
  Result<void> outcome;
  done = parts_.store.scan(kTable, kSchedules, [&](std::string_view key, std::string_view value) {
    auto schedule = decode_schedule(value);
    if (!schedule) {
      outcome = fail(schedule);
      return false;
    }
    if (auto good = prepare(*schedule); !good) {
      log::warn("scheduler: schedule {} rests: {}", key, good.error().message);
      return true;
    }
    schedules_.emplace(key, std::make_shared<const Schedule>(std::move(*schedule)));
    return true;
  });
  if (!done) return fail(done);
  if (!outcome) return outcome;
  return parts_.store.scan(kTable, kDue, [&](std::string_view key, std::string_view value) {
    timetable_.set(std::string(key), TimePoint(std::chrono::seconds(std::stoll(std::string(value)))));
    return true;
  });
}

void Schedules::start() {
  queue_->start();
  timetable_.start();
}

void Schedules::stop() {
  timetable_.stop();
  if (queue_) queue_->stop();
}

std::string Schedules::schedule_arn(std::string_view group, std::string_view name) const {
  return fmt::format("arn:aws:scheduler:{}:{}:schedule/{}/{}", parts_.region, parts_.account, group, name);
}

std::string Schedules::group_arn(std::string_view name) const {
  return fmt::format("arn:aws:scheduler:{}:{}:schedule-group/{}", parts_.region, parts_.account, name);
}

/// Parses what was asked for.
Result<void> Schedules::prepare(Schedule& schedule) const {
  const auto& wanted = schedule.wanted;
  const std::string text = wanted.schedule_expression.value_or("");
  auto expression = events::parse_schedule(text, true);
  if (!expression) return invalid(fmt::format("Invalid Schedule Expression {}.", text));
  schedule.expression = std::move(*expression);
  auto zone = events::TimeZone::find(wanted.schedule_expression_timezone.value_or("UTC"));
  if (!zone)
    return invalid(
        fmt::format("Invalid Schedule Expression Timezone {}.", wanted.schedule_expression_timezone.value_or("")));
  schedule.zone = std::move(*zone);
  schedule.arn = schedule_arn(schedule.group, schedule.name);

  const auto& window = wanted.flexible_time_window;
  const bool flexible = window && window->mode == shapes::FlexibleTimeWindowMode::Flexible;
  if (flexible && !window->maximum_window_in_minutes)
    return invalid("MaximumWindowInMinutes must be provided if Mode is FLEXIBLE.");
  if (!flexible && window && window->maximum_window_in_minutes)
    return invalid("MaximumWindowInMinutes must not be provided if Mode is OFF.");
  if (wanted.start_date && wanted.end_date && *wanted.start_date >= *wanted.end_date)
    return invalid("The StartDate you specify must come before the EndDate.");

  const auto& target = *wanted.target;
  const std::string arn = target.arn.value_or("");
  std::string model;
  std::string operation;
  if (read_universal(arn, model, operation)) {
    if (parts_.calls.find(model, operation) == nullptr)
      return invalid(
          fmt::format("Provided Arn {} is not supported: this server has no such service or operation.", arn));
    return {};
  }
  if (!eventbridge::can_call(arn))
    return invalid(
        fmt::format("Provided Arn {} is not supported: targets are functions, queues, topics, state machines, "
                    "log groups and event buses of this server, and aws-sdk calls.",
                    arn));
  if (eventbridge::arn_part(arn, 2) == "events" && !target.event_bridge_parameters)
    return invalid("EventBridgeParameters must be provided for an event bus as target.");
  if (arn.ends_with(".fifo") && !(target.sqs_parameters && target.sqs_parameters->message_group_id))
    return invalid("MessageGroupId must be provided for a FIFO queue as target.");
  return {};
}

void Schedules::set_due(const Schedule& schedule, std::optional<TimePoint> due) {
  const std::string key = key_of(schedule.group, schedule.name);
  if (!due) {
    timetable_.remove(key);
    return;
  }
  const auto& window = schedule.wanted.flexible_time_window;
  if (window && window->mode == shapes::FlexibleTimeWindowMode::Flexible) {
    thread_local std::minstd_rand chance{std::random_device{}()};
    const int seconds = window->maximum_window_in_minutes.value_or(1) * 60;
    *due += std::chrono::seconds(std::uniform_int_distribution<int>(0, seconds - 1)(chance));
  }
  timetable_.set(key, *due);
}

Result<std::shared_ptr<const Schedule>> Schedules::put(Schedule schedule, TimePoint after) {
  const std::string key = key_of(schedule.group, schedule.name);
  auto made = std::make_shared<const Schedule>(std::move(schedule));
  const auto due = made->enabled() ? made->next(after) : std::nullopt;
  auto done = parts_.store.commit({write_of(kSchedules, key, encode(*made)),
                                   write_of(kDue, key, due ? std::optional(due_text(*due)) : std::nullopt)});
  if (!done) return fail(done);
  {
    const std::lock_guard lock(mutex_);
    schedules_.insert_or_assign(key, made);
  }
  set_due(*made, due);
  return made;
}

Result<std::shared_ptr<const Schedule>> Schedules::create(const shapes::CreateScheduleInput& wanted) {
  const TimePoint now = parts_.clock.now();
  Schedule schedule{.group = wanted.group_name.value_or(std::string(kDefaultGroup)),
                    .name = *wanted.name,
                    .arn = {},
                    .wanted = wanted,
                    .created = now,
                    .modified = now};
  const auto held = changing_.acquire({key_of(schedule.group, schedule.name)});
  if (auto group = find_group(schedule.group); !group) return fail(group);
  if (find(schedule.group, schedule.name))
    return client_error("ConflictException", fmt::format("Schedule {} already exists.", schedule.name));
  if (auto good = prepare(schedule); !good) return fail(good);
  if (!parts_.roles.assume(wanted.target->role_arn.value_or(""), std::string(kService), "validation", schedule.arn))
    return invalid("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.");
  // A rate without a start begins now.
  return put(std::move(schedule), now - std::chrono::seconds(1));
}

Result<std::shared_ptr<const Schedule>> Schedules::update(const shapes::CreateScheduleInput& wanted) {
  const std::string group = wanted.group_name.value_or(std::string(kDefaultGroup));
  const auto held = changing_.acquire({key_of(group, *wanted.name)});
  auto before = find(group, *wanted.name);
  if (!before) return before;
  const TimePoint now = parts_.clock.now();
  Schedule schedule{.group = group,
                    .name = *wanted.name,
                    .arn = {},
                    .wanted = wanted,
                    .created = (*before)->created,
                    .modified = now};
  if (auto good = prepare(schedule); !good) return fail(good);
  if (!parts_.roles.assume(wanted.target->role_arn.value_or(""), std::string(kService), "validation", schedule.arn))
    return invalid("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.");
  return put(std::move(schedule), now);
}

Result<std::shared_ptr<const Schedule>> Schedules::find(std::string_view group, std::string_view name) const {
  const std::lock_guard lock(mutex_);
  if (!groups_.contains(group)) return no_group(group);
  const auto found = schedules_.find(key_of(group, name));
  if (found == schedules_.end()) return no_schedule(name);
  return found->second;
}

Result<void> Schedules::remove(std::string_view group, std::string_view name) {
  const std::string key = key_of(group, name);
  const auto held = changing_.acquire({key});
  if (auto found = find(group, name); !found) return fail(found);
  auto done = parts_.store.commit({write_of(kSchedules, key, std::nullopt), write_of(kDue, key, std::nullopt)});
  if (!done) return done;
  timetable_.remove(key);
  const std::lock_guard lock(mutex_);
  schedules_.erase(key);
  return {};
}

std::vector<std::shared_ptr<const Schedule>> Schedules::list(const std::optional<std::string>& group) const {
  std::vector<std::shared_ptr<const Schedule>> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, schedule] : schedules_)
    if (!group || schedule->group == *group) out.push_back(schedule);
  return out;
}

Result<Group> Schedules::create_group(Group group) {
  const auto held = changing_.acquire({"group " + group.name});
  if (find_group(group.name))
    return client_error("ConflictException", fmt::format("Schedule group {} already exists.", group.name));
  group.created = group.modified = parts_.clock.now();
  if (auto done = parts_.store.commit({write_of(kGroups, group.name, encode(group))}); !done) return fail(done);
  const std::lock_guard lock(mutex_);
  groups_.emplace(group.name, group);
  return group;
}

Result<Group> Schedules::find_group(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = groups_.find(name);
  if (found == groups_.end()) return no_group(name);
  return found->second;
}

Result<void> Schedules::change_group(std::string_view name, const std::function<void(Group&)>& change) {
  const auto held = changing_.acquire({"group " + std::string(name)});
  auto group = find_group(name);
  if (!group) return fail(group);
  change(*group);
  group->modified = parts_.clock.now();
  if (auto done = parts_.store.commit({write_of(kGroups, group->name, encode(*group))}); !done) return done;
  const std::lock_guard lock(mutex_);
  groups_.insert_or_assign(group->name, *group);
  return {};
}

Result<void> Schedules::remove_group(std::string_view name) {
  if (name == kDefaultGroup) return invalid("The default schedule group cannot be deleted.");
  const auto held = changing_.acquire({"group " + std::string(name)});
  if (auto group = find_group(name); !group) return fail(group);
  for (const auto& schedule : list(std::string(name)))
    if (auto removed = remove(name, schedule->name); !removed && removed.error().fault == Error::Fault::Server)
      return removed;
  if (auto done = parts_.store.commit({write_of(kGroups, std::string(name), std::nullopt)}); !done) return done;
  const std::lock_guard lock(mutex_);
  groups_.erase(groups_.find(name));
  return {};
}

std::vector<Group> Schedules::groups(std::string_view prefix) const {
  std::vector<Group> out;
  const std::lock_guard lock(mutex_);
  for (auto at = groups_.lower_bound(prefix); at != groups_.end() && at->first.starts_with(prefix); ++at)
    out.push_back(at->second);
  return out;
}

void Schedules::fire(const std::string& key, TimePoint due) {
  const auto held = changing_.acquire({key});
  std::shared_ptr<const Schedule> schedule;
  {
    const std::lock_guard lock(mutex_);
    const auto found = schedules_.find(key);
    if (found == schedules_.end() || !found->second->enabled()) return;
    schedule = found->second;
  }
  const TimePoint now = parts_.clock.now();
  const auto next = schedule->next(now);
  const bool over = !next && schedule->wanted.action_after_completion == shapes::ActionAfterCompletion::Delete;
  const Invocation invocation{.schedule_arn = schedule->arn,
                              .group = schedule->group,
                              .target = *schedule->wanted.target,
                              .id = uuid_v4(),
                              .scheduled = due};
  std::vector<storage::Write> writes;
  std::optional<domain::DeliveryQueue::Ticket> ticket;
  const auto& policy = schedule->wanted.target->retry_policy;
  const std::chrono::seconds oldest(policy ? policy->maximum_event_age_in_seconds.value_or(86'400) : 86'400);
  if (now - due <= oldest) {
    ticket.emplace(queue_->begin({.lane = invocation.target.arn.value_or(""), .body = invocation.write()}));
    writes.push_back(ticket->write());
  }
  writes.push_back(write_of(kDue, key, next ? std::optional(due_text(*next)) : std::nullopt));
  if (over) writes.push_back(write_of(kSchedules, key, std::nullopt));
  if (auto done = parts_.store.commit(std::move(writes)); !done) {
    log::error("scheduler: {} could not begin: {}", schedule->arn, done.error().message);
    timetable_.set(key, now + std::chrono::seconds(10));
    return;
  }
  if (ticket) ticket->committed();
  if (over) {
    const std::lock_guard lock(mutex_);
    schedules_.erase(key);
  }
  set_due(*schedule, over ? std::nullopt : next);
}

}  // namespace likeness::scheduler
