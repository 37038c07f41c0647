#include "services/events/dispatcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "aws/gen/sqs.hpp"
#include "base/log.hpp"
#include "domain/record.hpp"
#include "events/json_tokens.hpp"
#include "services/events/archives.hpp"
#include "services/events/records.hpp"

namespace likeness::eventbridge {

namespace {

using std::chrono::seconds;

constexpr std::string_view kService = "events.amazonaws.com";
constexpr std::uint8_t kRuleArn = 1, kRuleName = 2, kTarget = 3, kEvent = 4, kIngested = 5, kHops = 6, kEventId = 7,
                       kErrorCode = 8, kErrorMessage = 9, kCondition = 10, kAttempts = 11, kEventTime = 12;
constexpr int kDefaultAttempts = 185;
constexpr seconds kDefaultAge{86'400};
constexpr seconds kFirstPause{1};
constexpr seconds kLongestPause{600};

/// AWS's back-off with jitter: longer after every attempt.
std::chrono::milliseconds pause_after(int attempts) {
  thread_local std::minstd_rand chance{std::random_device{}()};
  const auto longest = std::min<std::chrono::milliseconds>(kFirstPause * (1 << std::min(attempts, 12)), kLongestPause);
  return std::chrono::milliseconds(
      std::uniform_int_distribution<std::int64_t>(longest.count() / 2, longest.count())(chance));
}

aws::sqs::MessageAttributeValue text_attribute(const std::string& text) {
  return {.string_value = text, .data_type = "String"};
}

}  // namespace

/// What a delivery holds: an event for a target, or a dead letter that has not found its queue yet.
struct Dispatcher::Parcel {
  std::string rule_arn, rule_name;
  shapes::Target target = {};
  std::string event, event_id;
  TimePoint event_time{};
  std::string ingested;
  int hops = 0;
  // Of dead letters.
  std::string error_code = {}, error_message = {}, condition = {};
  int attempts = 0;

  std::string write() const {
    domain::RecordWriter writer;
    writer.text(kRuleArn, rule_arn);
    writer.text(kRuleName, rule_name);
    writer.text(kTarget, write_target(target));
    writer.text(kEvent, event);
    writer.text(kEventId, event_id);
    writer.number(kEventTime, static_cast<std::uint64_t>(
                                  std::chrono::duration_cast<seconds>(event_time.time_since_epoch()).count()));
    writer.text(kIngested, ingested);
    writer.number(kHops, static_cast<std::uint64_t>(hops));
    if (!error_code.empty()) {
      writer.text(kErrorCode, error_code);
      writer.text(kErrorMessage, error_message);
      writer.text(kCondition, condition);
      writer.number(kAttempts, static_cast<std::uint64_t>(attempts));
    }
    return writer.take();
  }

  static Result<Parcel> read(std::string_view bytes) {
    Parcel parcel;
    domain::RecordReader reader(bytes);
    while (reader.next()) {
      switch (reader.field()) {
        case kRuleArn: parcel.rule_arn = reader.text(); break;
        case kRuleName: parcel.rule_name = reader.text(); break;
        case kTarget: {
          auto target = read_target(reader.text());
          if (!target) return fail(target);
          parcel.target = std::move(*target);
          break;
        }
        case kEvent: parcel.event = reader.text(); break;
        case kEventId: parcel.event_id = reader.text(); break;
        case kEventTime: parcel.event_time = TimePoint(seconds(static_cast<std::int64_t>(reader.number()))); break;
        case kIngested: parcel.ingested = reader.text(); break;
        case kHops: parcel.hops = static_cast<int>(reader.number()); break;
        case kErrorCode: parcel.error_code = reader.text(); break;
        case kErrorMessage: parcel.error_message = reader.text(); break;
        case kCondition: parcel.condition = reader.text(); break;
        case kAttempts: parcel.attempts = static_cast<int>(reader.number()); break;
        default: break;
      }
    }
    if (!reader.ok()) return server_error("InternalException", "Internal error.", "a delivery of an event is damaged");
    return parcel;
  }

  /// What the target gets of the event; nullopt if its template makes no JSON of it.
  std::optional<std::string> input() const {
    if (target.input) return target.input;
    if (target.input_path && !target.input_path->empty()) {
      const auto path = events::JsonPath::parse(*target.input_path);
      return path ? path->find(event).value_or("null") : event;
    }
    if (!target.input_transformer) return event;
    const auto& given = *target.input_transformer;
    const auto transformer =
        events::InputTransformer::parse(given.input_paths_map.value_or(std::map<std::string, std::string>()),
                                        given.input_template.value_or(""), target.id.value_or(""));
    if (!transformer) return std::nullopt;
    return transformer->apply(event, {rule_arn, rule_name, ingested});
  }
};

std::string event_json(const EventFacts& facts, std::string_view account, std::string_view region,
                       std::string_view detail) {
  std::string resources;
  for (const auto& resource : facts.resources) {
    if (!resources.empty()) resources += ',';
    resources += events::json_string(resource);
  }
  return fmt::format(
      R"({{"version":"0","id":"{}","detail-type":{},"source":{},"account":"{}","time":"{}","region":"{}",)"
      R"("resources":[{}],"detail":{}}})",
      facts.id, events::json_string(facts.detail_type), events::json_string(facts.source), account, iso8601(facts.time),
      region, resources, detail);
}

Result<std::unique_ptr<Dispatcher>> Dispatcher::open(const Parts& parts) {
  auto dispatcher = std::unique_ptr<Dispatcher>(new Dispatcher(parts));
  auto queue = domain::DeliveryQueue::open(
      parts.registry.store(), "events", parts.registry.clock(), {},
      [self = dispatcher.get()](const domain::Delivery& delivery) { return self->attempt(delivery); });
  if (!queue) return fail(queue);
  dispatcher->queue_ = std::move(*queue);
  return dispatcher;
}

Dispatcher::~Dispatcher() { stop(); }

bool Dispatcher::anyone(std::string_view bus) const {
  return !parts_.registry.rules(bus, {}).empty() || !parts_.registry.archives_of(bus).empty();
}

void Dispatcher::start() { queue_->start(); }

void Dispatcher::stop() {
  if (queue_) queue_->stop();
}

void Dispatcher::count(std::string_view name, const std::string& rule) const {
  if (parts_.metrics == nullptr) return;
  parts_.metrics->record("AWS/Events", name, {{"RuleName", rule}}, 1, metrics::Unit::Count);
}

void Dispatcher::add(const Rule& rule, const Event& event, std::vector<domain::DeliveryQueue::Ticket>& tickets) {
  for (const Target& target : rule.targets) {
    const Parcel parcel{.rule_arn = rule.arn,
                        .rule_name = rule.name,
                        .target = target.shape,
                        .event = event.json,
                        .event_id = event.id,
                        .event_time = event.time,
                        .ingested = iso8601(parts_.registry.clock().now()),
                        .hops = event.hops};
    tickets.push_back(queue_->begin({.lane = target.shape.arn.value_or(""), .body = parcel.write()}));
  }
}

void Dispatcher::route(const Event& event, std::vector<domain::DeliveryQueue::Ticket>& tickets,
                       std::vector<storage::Write>& archived) {
  for (const auto& rule : parts_.registry.matching(event.bus, event.json)) {
    if (event.only && !event.only->contains(rule->arn)) continue;
    count("MatchedEvents", rule->name);
    count("TriggeredRules", rule->name);
    add(*rule, event, tickets);
  }
  if (event.replayed) return;
  for (const auto& archive : parts_.registry.archives_of(event.bus))
    if (!archive->compiled || archive->compiled->matches(event.json))
      archived.push_back(archived_write(*archive, event));
}

Result<void> Dispatcher::commit(std::vector<domain::DeliveryQueue::Ticket> tickets, std::vector<storage::Write> others,
                                std::vector<storage::Write> also) {
  storage::Store& store = parts_.registry.store();
  const std::size_t most = store.max_writes();
  std::vector<storage::Write> writes;
  std::size_t committed = 0;
  std::size_t taken = 0;
  const auto flush = [&]() -> Result<void> {
    if (writes.empty()) return {};
    if (auto done = store.commit(std::exchange(writes, {})); !done) return done;
    for (; committed < taken; ++committed) tickets[committed].committed();
    return {};
  };
  for (auto& write : others) {
    if (writes.size() == most)
      if (auto done = flush(); !done) return done;
    writes.push_back(std::move(write));
  }
  for (const auto& ticket : tickets) {
    if (writes.size() == most)
      if (auto done = flush(); !done) return done;
    writes.push_back(ticket.write());
    ++taken;
  }
  if (writes.size() + also.size() > most)
    if (auto done = flush(); !done) return done;
  for (auto& write : also) writes.push_back(std::move(write));
  return flush();
}

Result<void> Dispatcher::publish(const std::vector<Event>& events, std::vector<storage::Write> also) {
  std::vector<domain::DeliveryQueue::Ticket> tickets;
  std::vector<storage::Write> archived;
  for (const Event& event : events) route(event, tickets, archived);
  return commit(std::move(tickets), std::move(archived), std::move(also));
}

Result<void> Dispatcher::deliver(const Rule& rule, const Event& event, std::vector<storage::Write> also) {
  std::vector<domain::DeliveryQueue::Ticket> tickets;
  count("TriggeredRules", rule.name);
  add(rule, event, tickets);
  return commit(std::move(tickets), {}, std::move(also));
}

Result<aws::LocalCaller> Dispatcher::caller(const shapes::Target& target, const std::string& rule_arn) const {
  if (!target.role_arn || target.role_arn->empty())
    return aws::service_caller(std::string(kService), rule_arn, parts_.registry.account());
  auto session = parts_.roles.assume(*target.role_arn, std::string(kService), "events", rule_arn);
  if (!session) return fail(session);
  return aws::LocalCaller{.principal = std::move(session->principal)};
}

Result<void> Dispatcher::hand_over(const Parcel& parcel, const std::string& input) {
  const std::string arn = parcel.target.arn.value_or("");
  const std::string buses = parts_.registry.bus_arn("");
  if (arn.starts_with(buses)) {
    const std::string bus = arn.substr(buses.size());
    if (auto there = parts_.registry.bus(bus); !there) return fail(there);
    if (parcel.hops + 1 > kMostHops) {
      log::warn("events: an event came over {} buses; rule {} does not pass it on", parcel.hops, parcel.rule_arn);
      return client_error("TooManyHops", fmt::format("The event came over {} buses.", parcel.hops));
    }
    return publish({{.bus = bus,
                     .id = parcel.event_id,
                     .json = parcel.event,
                     .time = parcel.event_time,
                     .hops = parcel.hops + 1}});
  }
  auto who = caller(parcel.target, parcel.rule_arn);
  if (!who) return fail(who);
  TargetCall call{.arn = arn, .input = input, .event_id = parcel.event_id};
  if (parcel.target.sqs_parameters) call.message_group = parcel.target.sqs_parameters->message_group_id.value_or("");
  return call_target(parts_.calls, *who, call, parts_.registry.clock());
}

domain::Verdict Dispatcher::attempt(const domain::Delivery& delivery) {
  auto parcel = Parcel::read(delivery.body);
  if (!parcel) {
    log::error("events: {}", parcel.error().detail);
    return domain::Verdict::done();
  }
  const TimePoint now = parts_.registry.clock().now();
  if (!parcel->error_code.empty()) {
    const auto sent = to_dead_letters(*parcel);
    if (sent) return domain::Verdict::done();
    if (!is_permanent(sent.error()) && now - delivery.created < 2 * kDefaultAge)
      return domain::Verdict::retry(now + pause_after(delivery.attempts));
    count("InvocationsFailedToBeSentToDlq", parcel->rule_name);
    log::warn("events: no dead letter of rule {}: {}: {}", parcel->rule_arn, sent.error().code, sent.error().message);
    return domain::Verdict::done();
  }

  const auto input = parcel->input();
  if (!input)
    return give_up(std::move(*parcel), {"INVALID_JSON", "The input transformer makes no JSON of this event."}, "",
                   delivery.attempts);
  const auto handed = hand_over(*parcel, *input);
  if (handed) {
    count("Invocations", parcel->rule_name);
    if (delivery.attempts == 0) count("SuccessfulInvocationAttempts", parcel->rule_name);
    return domain::Verdict::done();
  }
  const Error& error = handed.error();
  const auto& policy = parcel->target.retry_policy;
  const int most = policy && policy->maximum_retry_attempts ? *policy->maximum_retry_attempts : kDefaultAttempts;
  const seconds oldest =
      policy && policy->maximum_event_age_in_seconds ? seconds(*policy->maximum_event_age_in_seconds) : kDefaultAge;
  if (is_permanent(error)) return give_up(std::move(*parcel), error, "", delivery.attempts);
  if (delivery.attempts >= most) return give_up(std::move(*parcel), error, "MaximumRetryAttempts", delivery.attempts);
  const TimePoint due = now + pause_after(delivery.attempts);
  if (due - delivery.created > oldest)
    return give_up(std::move(*parcel), error, "MaximumEventAgeInSeconds", delivery.attempts);
  count("RetryInvocationAttempts", parcel->rule_name);
  return domain::Verdict::retry(due);
}

domain::Verdict Dispatcher::give_up(Parcel parcel, const Error& error, const std::string& condition, int attempts) {
  count("FailedInvocations", parcel.rule_name);
  log::info("events: rule {} could not reach {}: {}: {}", parcel.rule_arn, parcel.target.arn.value_or(""), error.code,
            error.message);
  if (!parcel.target.dead_letter_config || !parcel.target.dead_letter_config->arn) return domain::Verdict::done();
  parcel.error_code = error.code;
  parcel.error_message = error.message;
  parcel.condition = condition;
  parcel.attempts = attempts;
  const auto sent = to_dead_letters(parcel);
  if (sent) return domain::Verdict::done();
  // From now on it is the dead letter that is kept.
  auto verdict = domain::Verdict::retry(parts_.registry.clock().now() + kFirstPause);
  verdict.body = parcel.write();
  return verdict;
}

Result<void> Dispatcher::to_dead_letters(const Parcel& parcel) {
  aws::sqs::SendMessageRequest message{.queue_url = queue_url(*parcel.target.dead_letter_config->arn),
                                       .message_body = parcel.event};
  auto& attributes = message.message_attributes.emplace();
  attributes["RULE_ARN"] = text_attribute(parcel.rule_arn);
  attributes["TARGET_ARN"] = text_attribute(parcel.target.arn.value_or(""));
  // The rules of EventBridge have a word of their own for what a policy forbids.
  const bool denied = parcel.error_code.starts_with("AccessDenied");
  attributes["ERROR_CODE"] = text_attribute(denied ? "NO_PERMISSIONS" : parcel.error_code);
  attributes["ERROR_MESSAGE"] = text_attribute(parcel.error_message.empty() ? parcel.error_code : parcel.error_message);
  if (!parcel.condition.empty()) attributes["EXHAUSTED_RETRY_CONDITION"] = text_attribute(parcel.condition);
  attributes["RETRY_ATTEMPTS"] = {.string_value = std::to_string(parcel.attempts), .data_type = "Number"};
  auto sent = parts_.calls.call<aws::sqs::SendMessage>(
      aws::service_caller(std::string(kService), parcel.rule_arn, parts_.registry.account()), message);
  if (!sent) return fail(sent);
  count("InvocationsSentToDlq", parcel.rule_name);
  return {};
}

}  // namespace likeness::eventbridge
