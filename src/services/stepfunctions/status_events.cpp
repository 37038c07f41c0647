#include "services/stepfunctions/status_events.hpp"

#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "services/stepfunctions/common.hpp"

namespace likeness::stepfunctions {
namespace {

using states::Object;
using states::Status;
using states::Value;

constexpr std::size_t kBytesAtOnce = 2u << 20;
constexpr std::size_t kMostData = 248u << 10;  // of input and output, as they stand in the event

struct FeedEntry : states::StatusFeed::Entry {
  explicit FeedEntry(domain::ChangeFeed::Entry begun) : held(std::move(begun)) { write = held.write(); }
  domain::ChangeFeed::Entry held;
};

Value milliseconds(TimePoint time) {
  return Value(static_cast<std::int64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count()));
}

Value text_or_null(const std::string& text) { return text.empty() ? Value() : Value(text); }

}  // namespace

std::string status_detail(const states::ExecutionRecord& record, const std::string& input, const std::string& output,
                          const std::string& redrive_status, const std::optional<std::string>& reason) {
  const auto& info = record.info;
  const auto& ending = record.ending;
  const auto escaped = [](const std::string& text) {
    std::string out;
    states::write_json_string(text, out);
    return out.size();
  };
  const bool over = ending.status != Status::Running;
  const bool has_output = ending.status == Status::Succeeded;
  const auto output_bytes = has_output ? escaped(output) : 0;
  const bool with_output = has_output && output_bytes <= kMostData;
  const bool with_input = escaped(input) + output_bytes <= kMostData;
  const auto included = [](bool is) { return Value(Object{{"included", Value(is)}}); };
  Object out;
  out.add("executionArn", Value(info.arn));
  out.add("stateMachineArn", Value(info.machine_arn));
  out.add("name", Value(info.name));
  out.add("status", Value(states::name_of(ending.status)));
  out.add("startDate", milliseconds(info.started));
  out.add("stopDate", over ? milliseconds(ending.stopped) : Value());
  out.add("input", with_input ? Value(input) : Value());
  out.add("output", with_output ? Value(output) : Value());
  out.add("stateMachineVersionArn", text_or_null(info.version_arn));
  out.add("stateMachineAliasArn", text_or_null(info.alias_arn));
  out.add("redriveCount", Value(static_cast<std::int64_t>(record.redrive_count)));
  out.add("redriveDate", record.redrive_count > 0 ? milliseconds(record.redriven) : Value());
  out.add("redriveStatus", Value(redrive_status));
  out.add("redriveStatusReason", reason ? Value(*reason) : Value());
  out.add("inputDetails", included(with_input));
  out.add("outputDetails", has_output ? included(with_output) : Value());
  out.add("error", ending.error ? Value(*ending.error) : Value());
  out.add("cause", ending.cause ? Value(*ending.cause) : Value());
  return states::write_json(Value(std::move(out)));
}

Result<std::unique_ptr<StatusEvents>> StatusEvents::open(storage::Store& store, const Clock& clock) {
  auto made = std::unique_ptr<StatusEvents>(new StatusEvents());
  auto feed = domain::ChangeFeed::open(store, "states", clock);
  if (!feed) return fail(feed);
  made->feed_ = std::move(*feed);
  auto follower =
      domain::ChangeFollower::open({store, *made->feed_, "sfn.told", "events", "states: changes of status wait"});
  if (!follower) return fail(follower);
  made->follower_ = std::move(*follower);
  return made;
}

std::unique_ptr<states::StatusFeed::Entry> StatusEvents::changed(const states::ExecutionRecord& record) {
  auto told = record;
  // The record has them, for as long as it is kept.
  told.info.input.clear();
  told.ending.output.clear();
  return std::make_unique<FeedEntry>(
      feed_->begin(std::string(states::name_of(record.ending.status)), record.info.arn, states::encode(told)));
}

void StatusEvents::start(const Parts& parts, eventbridge::Dispatcher& dispatcher, const std::string& account,
                         const std::string& region) {
  parts_ = &parts;
  dispatcher_ = &dispatcher;
  account_ = account;
  region_ = region;
  follower_->start([this](const auto& changes, auto next) { return tell(changes, next); });
}

std::optional<eventbridge::Event> StatusEvents::event_of(const domain::Change& change) const {
  auto record = states::decode_execution(change.body);
  if (!record) {
    log::error("states: a change of status is damaged");
    return std::nullopt;
  }
  std::string input, output;
  if (auto whole = parts_->engine.find(record->info.arn); whole && *whole) {
    input = std::move((*whole)->info.input);
    output = std::move((*whole)->ending.output);
  }
  const auto redrive = redrive_status(*parts_, *record);
  const auto shown = redrive.status == shapes::ExecutionRedriveStatus::Redrivable      ? "REDRIVABLE"
                     : redrive.status == shapes::ExecutionRedriveStatus::NotRedrivable ? "NOT_REDRIVABLE"
                                                                                       : "REDRIVABLE_BY_MAP_RUN";
  eventbridge::Event event{.bus = "default", .id = uuid_v4(), .json = {}, .time = change.time};
  event.json = eventbridge::event_json({.id = event.id,
                                        .detail_type = "Step Functions Execution Status Change",
                                        .source = "aws.states",
                                        .time = change.time,
                                        .resources = {record->info.arn}},
                                       account_, region_, status_detail(*record, input, output, shown, redrive.reason));
  return event;
}

Result<void> StatusEvents::tell(const std::vector<domain::Change>& changes, std::uint64_t next) {
  if (!dispatcher_->anyone("default")) return {};
  std::vector<eventbridge::Event> events;
  std::size_t bytes = 0;
  const auto flush = [&](std::uint64_t position) -> Result<void> {
    if (auto done = dispatcher_->publish(events, {follower_->write_of(position)}); !done) return done;
    events.clear();
    bytes = 0;
    follower_->committed(position);
    return {};
  };
  for (const auto& change : changes) {
    auto event = event_of(change);
    if (!event) continue;
    bytes += event->json.size();
    events.push_back(std::move(*event));
    if (bytes > kBytesAtOnce)
      if (auto done = flush(change.position + 1); !done) return done;
  }
  return flush(next);
}

}  // namespace likeness::stepfunctions
