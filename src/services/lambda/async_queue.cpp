#include "services/lambda/async_queue.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "domain/kept_blobs.hpp"
#include "domain/lambda/errors.hpp"

namespace likeness::lambda {

namespace json = boost::json;
using domain::Delivery;
using domain::Verdict;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// Larger events are blobs: an item of the store holds a megabyte.
constexpr std::size_t kMaxInline = 512u << 10;
constexpr std::int32_t kMaxAge = 21'600;  // six hours
constexpr int kMaxDeliveries = 6;         // of a record to a destination that does not answer

std::int64_t to_millis(TimePoint time) {
  return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
}

/// errorMessage of an error's payload.
std::string message_of(const std::string& payload) {
  json::error_code failed;
  const auto parsed = json::parse(payload, failed);
  if (failed || !parsed.is_object()) return payload;
  const auto* message = parsed.as_object().if_contains("errorMessage");
  return message != nullptr && message->is_string() ? std::string(message->as_string()) : payload;
}

Result<std::string> read_blob(storage::Blobs& blobs, const std::string& id) {
  auto reader = blobs.open(id);
  if (!reader) return fail(reader);
  std::string out;
  Bytes piece(256u << 10);
  while (true) {
    auto got = (*reader)->read(piece);
    if (!got) return fail(got);
    if (*got == 0) return out;
    out += as_text(BytesView(piece).first(*got));
  }
}

}  // namespace

/// An event with what has become of it so far.
struct AsyncQueue::Waiting {
  AsyncEvent event;
  std::string blob;   // of the payload; empty: it is inline
  int runs = 0;       // of the function
  int throttled = 0;  // attempts without a run
  // Once the function is done with it: what is left to be sent.
  std::string destination, record;
  bool success = false;
  int deliveries = 0;
};

// A line of JSON, then the payload as it is.
std::string AsyncQueue::encode(const Waiting& waiting) const {
  const auto& event = waiting.event;
  json::object head{{"account", event.function.account},
                    {"region", event.function.region},
                    {"name", event.function.name},
                    {"qualifier", event.function.qualifier},
                    {"id", event.function_id},
                    {"request", event.request_id},
                    {"accepted", to_millis(event.accepted)},
                    {"runs", waiting.runs},
                    {"throttled", waiting.throttled}};
  if (!waiting.blob.empty()) head["blob"] = waiting.blob;
  if (!waiting.destination.empty()) {
    head["destination"] = waiting.destination;
    head["success"] = waiting.success;
    head["deliveries"] = waiting.deliveries;
    head["has_record"] = true;
  }
  if (!event.payload) head["no_payload"] = true;
  std::string out = json::serialize(head);
  out += '\n';
  if (!waiting.destination.empty())
    out += waiting.record;
  else if (waiting.blob.empty() && event.payload)
    out += *event.payload;
  return out;
}

Result<AsyncQueue::Waiting> AsyncQueue::decode(const std::string& body) const {
  const auto damaged = [](const char* why) { return server_error("ServiceException", "", why); };
  const auto end = body.find('\n');
  json::error_code failed;
  const auto parsed = json::parse(json::string_view(body.data(), std::min(end, body.size())), failed);
  if (failed || end == std::string::npos || !parsed.is_object()) return damaged("an event is damaged");
  const auto& head = parsed.as_object();
  const auto text = [&](const char* name) {
    const auto* value = head.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
  };
  const auto number = [&](const char* name) {
    const auto* value = head.if_contains(name);
    return value != nullptr && value->is_int64() ? value->as_int64() : 0;
  };
  Waiting out;
  out.event.function = {text("account"), text("region"), text("name"), text("qualifier")};
  out.event.function_id = text("id");
  out.event.request_id = text("request");
  out.event.accepted = TimePoint(milliseconds(number("accepted")));
  out.runs = static_cast<int>(number("runs"));
  out.throttled = static_cast<int>(number("throttled"));
  out.blob = text("blob");
  auto rest = body.substr(end + 1);
  if (head.contains("has_record")) {
    out.destination = text("destination");
    out.record = std::move(rest);
    out.success = head.contains("success") && head.at("success") == json::value(true);
    out.deliveries = static_cast<int>(number("deliveries"));
    return out;
  }
  if (!out.blob.empty()) {
    auto payload = read_blob(blobs_, out.blob);
    if (!payload) return fail(payload);
    rest = std::move(*payload);
  }
  if (!head.contains("no_payload")) out.event.payload = std::make_shared<const std::string>(std::move(rest));
  return out;
}

Result<std::unique_ptr<AsyncQueue>> AsyncQueue::open(storage::Store& store, storage::Blobs& blobs, const Clock& clock,
                                                     Registry& registry, Invoker& invoker,
                                                     const Destinations& destinations, AsyncOptions options) {
  std::unique_ptr<AsyncQueue> out(new AsyncQueue(store, blobs, clock, registry, invoker, destinations, options));
  domain::DeliveryQueue::Options lanes;
  lanes.threads = options.threads;
  lanes.per_lane = options.per_function;
  auto queue = domain::DeliveryQueue::open(
      store, "lambda", clock, lanes, [raw = out.get()](const Delivery& delivery) { return raw->attempt(delivery); });
  if (!queue) return fail(queue);
  out->queue_ = std::move(*queue);
  return out;
}

Result<void> AsyncQueue::submit(AsyncEvent event) {
  Waiting waiting;
  waiting.event = std::move(event);
  std::vector<storage::Write> writes;
  if (waiting.event.payload && waiting.event.payload->size() > kMaxInline) {
    auto writer = blobs_.create(waiting.event.payload->size());
    if (!writer) return internal(writer.error());
    if (auto written = (*writer)->write(as_bytes(*waiting.event.payload)); !written) return internal(written.error());
    auto info = (*writer)->commit();
    if (!info) return internal(info.error());
    waiting.blob = info->id;
    writes.push_back(domain::keep_blob(info->id, "lambda-event"));
  }
  Delivery delivery;
  delivery.lane = waiting.event.function_id;
  delivery.body = encode(waiting);
  auto ticket = queue_->begin(std::move(delivery));
  writes.push_back(ticket.write());
  if (auto done = store_.commit(std::move(writes)); !done) return internal(done.error());
  ticket.committed();
  return {};
}

Verdict AsyncQueue::done(const Waiting& waiting) {
  if (!waiting.blob.empty()) {
    (void)store_.commit({domain::release_blob(waiting.blob)});  // what fails here is swept at the next start
    (void)blobs_.remove(waiting.blob);
  }
  return Verdict::done();
}

/// One attempt, in a thread of the queue.
Verdict AsyncQueue::attempt(const Delivery& delivery) {
  auto decoded = decode(delivery.body);
  if (!decoded) {
    log::error("an event for a function is lost: {} {}", decoded.error().code, decoded.error().detail);
    return Verdict::done();
  }
  Waiting& waiting = *decoded;
  const AsyncEvent& event = waiting.event;
  auto target = registry_.resolve(event.function);
  // AWS too drops the events of a function that is deleted.
  if (!target || target->function->id != event.function_id) return done(waiting);
  if (!waiting.destination.empty()) return deliver(waiting, *target);

  EventInvokeConfig config;
  if (const auto at = target->function->event_invokes.find(target->event_invoke_key());
      at != target->function->event_invokes.end())
    config = at->second;
  const auto now = clock_.now();
  const auto last = event.accepted + seconds(config.max_age.value_or(kMaxAge));
  if (delivery.attempts == 0 && waiting.runs == 0 && waiting.throttled == 0)
    invoker_.record(*target, "AsyncEventsReceived", 1);
  if (now >= last && (waiting.runs > 0 || waiting.throttled > 0))
    return finish(waiting, *target, config, {.condition = "EventAgeExceeded", .invokes = waiting.runs});
  if (target->function->reserved == 0)
    return finish(waiting, *target, config, {.condition = "ZeroReservedConcurrency", .invokes = waiting.runs});

  functions::Invocation invocation;
  invocation.request_id = event.request_id;
  invocation.payload = event.payload;
  invoker_.record(*target, "AsyncEventAge", static_cast<double>(to_millis(now) - to_millis(event.accepted)),
                  metrics::Unit::Milliseconds);
  auto outcome = invoker_.run(*target, std::move(invocation));
  if (!outcome) {
    // Throttled, or our own fault: again, from a second on up to five minutes, until the event is too old.
    const auto wait = std::min<milliseconds>(seconds(1) * (1 << std::min(waiting.throttled, 9)), seconds(300));
    ++waiting.throttled;
    auto verdict = Verdict::retry(std::min(clock_.now() + wait, last));
    verdict.body = encode(waiting);
    return verdict;
  }
  ++waiting.runs;
  AsyncResult result{.condition = "Success", .invokes = waiting.runs, .outcome = &*outcome};
  if (outcome->function_error.empty()) return finish(waiting, *target, config, result);
  if (waiting.runs > config.retries.value_or(2)) {
    result.condition = "RetriesExhausted";
    return finish(waiting, *target, config, result);
  }
  const auto due = clock_.now() + options_.retry_wait * waiting.runs;
  if (due >= last) {
    result.condition = "EventAgeExceeded";
    return finish(waiting, *target, config, result);
  }
  auto verdict = Verdict::retry(due);
  verdict.body = encode(waiting);
  return verdict;
}

Verdict AsyncQueue::finish(Waiting& waiting, const Target& target, const EventInvokeConfig& config,
                           const AsyncResult& result) {
  const std::string payload = waiting.event.payload ? *waiting.event.payload : "{}";
  if (!result.success()) {
    invoker_.record(target, "AsyncEventsDropped", 1);
    if (const auto& dead_letter = target.version->dead_letter; !dead_letter.empty()) {
      const auto error = result.outcome != nullptr ? message_of(result.outcome->payload) : std::string();
      auto sent = destinations_.send_dead_letter(target, dead_letter, waiting.event.request_id, payload, error);
      if (!sent) {
        invoker_.record(target, "DeadLetterErrors", 1);
        log::warn("an event of {} could not be sent to its dead-letter queue {}: {} {}", target.arn(), dead_letter,
                  sent.error().code, sent.error().message);
      }
    }
  }
  waiting.destination = result.success() ? config.on_success : config.on_failure;
  if (waiting.destination.empty()) return done(waiting);
  waiting.success = result.success();
  waiting.record = Destinations::record(target, waiting.event.request_id, payload, result, clock_.now());
  return deliver(waiting, target);
}

/// The function has had its turn; only the record is still to be sent.
Verdict AsyncQueue::deliver(Waiting& waiting, const Target& target) {
  auto sent = destinations_.send(target, waiting.destination, waiting.record, waiting.success);
  if (sent) return done(waiting);
  // What the caller may not, or what is not there, will be no better later.
  if (sent.error().fault == Error::Fault::Server && ++waiting.deliveries < kMaxDeliveries) {
    auto verdict = Verdict::retry(clock_.now() + seconds(1) * (1 << waiting.deliveries));
    verdict.body = encode(waiting);
    return verdict;
  }
  invoker_.record(target, "DestinationDeliveryFailures", 1);
  log::warn("what became of an event of {} could not be sent to {}: {} {}", target.arn(), waiting.destination,
            sent.error().code, sent.error().message);
  return done(waiting);
}

}  // namespace likeness::lambda
