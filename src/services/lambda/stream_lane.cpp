#include "services/lambda/stream_lane.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "aws/json_writer.hpp"
#include "base/log.hpp"

namespace likeness::lambda {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kLongestWait = milliseconds(60'000);  // between attempts

/// What the function hands on to the next run of its window: JSON, "{}" if nothing.
std::string state_in(const std::string& payload) {
  json::error_code failed;
  const auto answer = json::parse(payload, failed);
  if (failed || !answer.is_object()) return "{}";
  const auto* state = answer.as_object().if_contains("state");
  return state == nullptr || state->is_null() ? "{}" : json::serialize(*state);
}

TimePoint at_second(std::int64_t second) { return TimePoint(seconds(second)); }

}  // namespace

std::string record_time(TimePoint time) {
  const auto millis = std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count() % 1000;
  auto text = iso8601(time);
  text.pop_back();
  return fmt::format("{}.{:03}Z", text, millis);
}

std::int64_t StreamLane::window_of(const StreamItem& item) const {
  const auto second = std::chrono::duration_cast<seconds>(item.created.time_since_epoch()).count();
  return second - second % std::max(mapping_.tumbling, 1);
}

void StreamLane::run(std::vector<StreamItem> items) {
  Parts parts;
  parts.push_back({std::move(items), 0});
  while (!parts.empty() && !stopper_.stopped())
    if (!step(parts)) return;
}

/// One attempt at the first part. False if it was stopped.
bool StreamLane::step(Parts& parts) {
  Part& part = parts.front();
  if (!drop_old(part)) return false;
  std::vector<StreamItem> wanted;
  for (const auto& item : part.items)
    if (filter_.passes(item.json)) wanted.push_back(item);
  if (wanted.empty()) {
    if (!part.items.empty() && !advance(part.items)) return false;
    parts.pop_front();
    return true;
  }
  if (mapping_.tumbling > 0 && !window_) window_ = OpenWindow{.start = window_of(wanted.front()), .state = "{}"};
  auto run = run_batch(parts_, mapping_, event_of(wanted, Final::No));
  // Throttled, or not to be run at all now: the batch waits, as on AWS, and does not count as tried.
  if (!run) return sleep_after(++waits_);
  waits_ = 0;
  if (!run->failed() && window_) {
    auto state = state_in(run->outcome.payload);
    const bool too_large = state.size() > StreamProgress::kMaxState;
    if (run->failures) window_->state = std::move(state);
    if (run->failures && run->failures->empty() && too_large) {
      // Its state goes to the last run of the window, not into the store; what is done is stored after that.
      if (!finish_window(Final::Early)) return false;
      if (!advance(part.items)) return false;
      parts.pop_front();
      return true;
    }
    if (too_large) window_->state = "{}";
  }
  if (!run->failures || !run->failures->empty()) return failed(parts, *run);
  if (!advance(part.items)) return false;
  parts.pop_front();
  return true;
}

/// Records beyond the mapping's age are given up, tried or not.
bool StreamLane::drop_old(Part& part) {
  if (mapping_.max_age <= 0) return true;
  const auto oldest = parts_.clock.now() - seconds(mapping_.max_age);
  const auto young = std::ranges::find_if(part.items, [&](const StreamItem& item) { return item.created >= oldest; });
  const auto count = static_cast<std::size_t>(young - part.items.begin());
  if (count == 0) return true;
  const auto old = std::span(part.items).first(count);
  give_up(old, "RecordAgeExceeded", part.attempts, nullptr);
  if (!advance(old)) return false;
  part.items.erase(part.items.begin(), young);
  return true;
}

/// The function failed for the first part, whole or from some record on. False if it was stopped.
bool StreamLane::failed(Parts& parts, const BatchRun& run) {
  Part& part = parts.front();
  ++part.attempts;
  if (run.failures) {
    // From the first that failed on they are tried again.
    const auto first = std::ranges::find_if(part.items, [&](const StreamItem& item) {
      return std::ranges::find(*run.failures, item.sequence) != run.failures->end();
    });
    if (first != part.items.end() && first != part.items.begin()) {
      const auto count = static_cast<std::size_t>(first - part.items.begin());
      if (!advance(std::span(part.items).first(count))) return false;
      part.items.erase(part.items.begin(), first);
      part.attempts = 1;
    }
  }
  // A function that says where it failed has parted its batch itself.
  if (mapping_.bisect && !run.failures && part.items.size() > 1) {
    // In two halves, each with its attempts before it.
    Part second;
    const auto middle = part.items.begin() + static_cast<std::ptrdiff_t>(part.items.size() / 2);
    second.items.assign(std::make_move_iterator(middle), std::make_move_iterator(part.items.end()));
    part.items.erase(middle, part.items.end());
    part.attempts = 0;
    parts.insert(std::next(parts.begin()), std::move(second));
    return true;
  }
  if (mapping_.max_attempts >= 0 && part.attempts > mapping_.max_attempts) {
    give_up(part.items, "RetryAttemptsExhausted", part.attempts, &run);
    if (!advance(part.items)) return false;
    parts.pop_front();
    return true;
  }
  return sleep_after(part.attempts);
}

void StreamLane::finish_window() {
  if (window_ && finish_window(Final::Yes)) advance({});
}

/// The run that ends the window. False if it was stopped.
bool StreamLane::finish_window(Final how) {
  for (int attempts = 0;;) {
    if (stopper_.stopped()) return false;
    const auto run = run_batch(parts_, mapping_, event_of({}, how));
    if (!run) {
      if (!sleep_after(++waits_)) return false;
      continue;
    }
    waits_ = 0;
    ++attempts;
    const bool given_up = mapping_.max_attempts >= 0 && attempts > mapping_.max_attempts;
    if (given_up && run->failed())
      log::warn("event source mapping {}: the end of a window was given up after {} attempts", mapping_.uuid, attempts);
    if (!run->failed() || given_up) {
      window_.reset();
      return true;
    }
    if (!sleep_after(attempts)) return false;
  }
}

std::string StreamLane::event_of(const std::vector<StreamItem>& items, Final final) const {
  std::string out = "{\"Records\":[";
  for (const auto& item : items) {
    if (&item != &items.front()) out += ',';
    out += item.json;
  }
  out += ']';
  if (!window_) return out + '}';
  out +=
      fmt::format(R"(,"window":{{"start":"{}","end":"{}"}},"state":{},"shardId":)", iso8601(at_second(window_->start)),
                  iso8601(at_second(window_->start + mapping_.tumbling)), window_->state);
  aws::write_json_string(shard_, out);
  out += ",\"eventSourceARN\":";
  aws::write_json_string(mapping_.source, out);
  return out + fmt::format(R"(,"isFinalInvokeForWindow":{},"isWindowTerminatedEarly":{}}})", final != Final::No,
                           final == Final::Early);
}

/// Keeps that items are done; until it is kept nothing goes on. False if it was stopped.
bool StreamLane::advance(std::span<const StreamItem> items) {
  while (true) {
    const auto saved = progress_.advance(number_, items, window_);
    if (saved) return true;
    log::warn("event source mapping {}: its position is not kept: {}", mapping_.uuid, saved.error().detail);
    if (!stopper_.sleep(seconds(1))) return false;
  }
}

bool StreamLane::sleep_after(int attempts) const {
  return stopper_.sleep(std::min<milliseconds>(milliseconds(100) * (1 << std::min(attempts, 12)), kLongestWait));
}

void StreamLane::give_up(std::span<const StreamItem> items, const std::string& condition, int attempts,
                         const BatchRun* run) {
  if (mapping_.on_failure.empty()) return;
  json::object record;
  record["requestContext"] = {{"requestId", run != nullptr ? run->request_id : ""},
                              {"functionArn", mapping_.function},
                              {"condition", condition},
                              {"approximateInvokeCount", attempts}};
  if (run != nullptr) {
    json::object response{{"statusCode", 200}, {"executedVersion", run->target.version->version}};
    if (run->failed()) response["functionError"] = run->outcome.function_error;
    record["responseContext"] = std::move(response);
  }
  record["version"] = "1.0";
  record["timestamp"] = record_time(parts_.clock.now());
  record["DDBStreamBatchInfo"] = {{"shardId", shard_},
                                  {"startSequenceNumber", items.front().sequence},
                                  {"endSequenceNumber", items.back().sequence},
                                  {"approximateArrivalOfFirstRecord", record_time(items.front().created)},
                                  {"approximateArrivalOfLastRecord", record_time(items.back().created)},
                                  {"batchSize", items.size()},
                                  {"streamArn", mapping_.source}};
  const auto text = json::serialize(record);
  const auto send = [&]() -> Result<void> {
    auto name = parse_function_name({mapping_.account, mapping_.region}, mapping_.function);
    if (!name) return fail(name);
    auto target = parts_.registry.resolve(*name);
    if (!target) return fail(target);
    auto who = parts_.destinations.caller_of(*target);
    if (!who) return fail(who);
    return parts_.destinations.send_text(*who, mapping_.on_failure, text);
  };
  if (const auto sent = send(); !sent)
    log::warn("event source mapping {}: what was given up could not be sent to {}: {} {}", mapping_.uuid,
              mapping_.on_failure, sent.error().code, sent.error().message);
}

}  // namespace likeness::lambda
