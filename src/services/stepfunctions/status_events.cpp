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

constexpr auto kTable = "sfn.told";
constexpr std::size_t kChangesAtOnce = 100;
constexpr std::size_t kBytesAtOnce = 2u << 20;
constexpr std::size_t kMostData = 248u << 10;  // of input and output, as they stand in the event
constexpr std::chrono::milliseconds kLongestWait{200};
constexpr std::chrono::seconds kKeepEvery{1};

storage::Write position_write(std::uint64_t position) {
  return {.table = kTable,
          .key = {"events", "position"},
          .value = std::to_string(position),
          .expect = storage::Write::Expect::Anything,
          .expected_value = {}};
}

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
  auto made = std::unique_ptr<StatusEvents>(new StatusEvents(store, clock));
  auto feed = domain::ChangeFeed::open(store, "states", clock);
  if (!feed) return fail(feed);
  made->feed_ = std::move(*feed);
  auto kept = store.get(kTable, {"events", "position"});
  if (!kept) return fail(kept);
  made->position_ = made->kept_ = *kept ? std::stoull(**kept) : made->feed_->end();
  if (!*kept)
    if (auto written = store.commit({position_write(made->position_)}); !written) return fail(written);
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
  thread_ = std::thread([this] { run(); });
}

void StatusEvents::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void StatusEvents::run() {
  while (!stopping_) {
    const bool more = feed_->wait(position_, kLongestWait);
    if (stopping_) break;
    Result<void> done;
    if (more) {
      auto page = feed_->read(position_, kChangesAtOnce);
      done = page ? tell(page->changes, page->next) : Result<void>(fail(page));
    }
    if (done) done = keep_position();
    if (!done) {
      log::error("states: changes of status wait: {} {}", done.error().message, done.error().detail);
      std::this_thread::sleep_for(kLongestWait);
    }
  }
  if (auto done = keep_position(); !done) log::warn("states: {}", done.error().message);
}

/// How far was read without anybody to tell is kept now and then: nothing is lost if it is not.
Result<void> StatusEvents::keep_position() {
  const TimePoint now = clock_.now();
  if (position_ == kept_ || (now - last_kept_ < kKeepEvery && !stopping_)) return {};
  if (auto done = store_.commit({position_write(position_)}); !done) return done;
  kept_ = position_;
  last_kept_ = now;
  if (auto trimmed = feed_->trim(kept_); !trimmed) return fail(trimmed);
  return {};
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
  if (!dispatcher_->anyone("default")) {
    position_ = next;
    return {};
  }
  std::vector<eventbridge::Event> events;
  std::size_t bytes = 0;
  const auto flush = [&](std::uint64_t position) -> Result<void> {
    if (auto done = dispatcher_->publish(events, {position_write(position)}); !done) return done;
    events.clear();
    bytes = 0;
    position_ = kept_ = position;
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
