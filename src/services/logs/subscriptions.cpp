#include "services/logs/subscriptions.hpp"

#include <zlib.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <utility>

#include "aws/gen/lambda.hpp"
#include "base/bytes.hpp"
#include "domain/logs/errors.hpp"
#include "domain/metrics/metric_store.hpp"
#include "domain/record.hpp"

namespace likeness::logs {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostPatterns = 1000;
constexpr std::size_t kEventBytes = 200u << 10;  // of messages in one invocation
constexpr auto kTriedFor = std::chrono::hours(24);

std::string gzip(const std::string& text) {
  constexpr int kGzip = 15 + 16;
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // NOLINT: zlib's interface
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::optional<metrics::Unit> unit_of(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(metrics::Unit::None); ++i)
    if (metrics::to_text(static_cast<metrics::Unit>(i)) == text) return static_cast<metrics::Unit>(i);
  return std::nullopt;
}

std::optional<double> number_of(std::string_view text) {
  double out = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return out;
}

}  // namespace

std::optional<FilterPattern> Patterns::get(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (const auto at = patterns_.find(text); at != patterns_.end()) return at->second;
  auto parsed = FilterPattern::parse(text);
  if (!parsed) return std::nullopt;
  if (patterns_.size() >= kMostPatterns) patterns_.clear();
  return patterns_.emplace(text, std::move(*parsed)).first->second;
}

std::string subscription_event(const std::string& account, const std::string& group, const std::string& stream,
                               const std::string& filter, const std::vector<const EventView*>& events) {
  json::array list;
  for (const auto* event : events) {
    json::object one;
    one["id"] = event->id.text();
    one["timestamp"] = event->id.time;
    one["message"] = json::string(event->message.data(), event->message.size());
    list.emplace_back(std::move(one));
  }
  json::array filters;
  filters.emplace_back(filter);
  json::object message;
  message["messageType"] = "DATA_MESSAGE";
  message["owner"] = account;
  message["logGroup"] = group;
  message["logStream"] = stream;
  message["subscriptionFilters"] = std::move(filters);
  message["logEvents"] = std::move(list);
  const auto packed = gzip(json::serialize(message));
  return R"({"awslogs":{"data":")" + to_base64(as_bytes(packed)) + R"("}})";
}

Result<std::unique_ptr<Subscriptions>> Subscriptions::open(storage::Store& store, const Clock& clock,
                                                           const aws::LocalCalls& calls, std::string account,
                                                           std::string region) {
  std::unique_ptr<Subscriptions> out(new Subscriptions(clock, calls, std::move(account), std::move(region)));
  auto* self = out.get();
  auto queue = domain::DeliveryQueue::open(store, "log_subscriptions", clock, {.threads = 16, .per_lane = 4},
                                           [self](const domain::Delivery& one) { return self->deliver(one); });
  if (!queue) return fail(queue);
  out->queue_ = std::move(*queue);
  return out;
}

aws::LocalCaller Subscriptions::caller(const std::string& group) const {
  return aws::service_caller("logs.amazonaws.com",
                             "arn:aws:logs:" + region_ + ":" + account_ + ":log-group:" + group + ":*", account_);
}

Result<void> Subscriptions::check(const std::string& group, const std::string& function) const {
  aws::lambda::InvocationRequest input;
  input.function_name = function;
  input.invocation_type = aws::lambda::InvocationType::DryRun;
  auto tried = calls_.call<aws::lambda::Invoke>(caller(group), input);
  if (tried) return {};
  return invalid(
      "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your "
      "function.");
}

std::shared_ptr<void> Subscriptions::prepare(const Arrival& arrival, std::vector<storage::Write>& writes) {
  if (arrival.group.subscription_filters.empty()) return nullptr;
  auto tickets = std::make_shared<std::vector<domain::DeliveryQueue::Ticket>>();
  for (const auto& filter : arrival.group.subscription_filters) {
    const auto pattern = patterns_.get(filter.pattern);
    if (!pattern) continue;
    std::vector<const EventView*> part;
    std::size_t bytes = 0;
    const auto send = [&] {
      domain::RecordWriter body;
      body.text(1, filter.destination_arn);
      body.text(2, arrival.group.name);
      body.text(3, subscription_event(account_, arrival.group.name, arrival.stream, filter.name, part));
      tickets->push_back(queue_->begin({.lane = filter.destination_arn, .body = body.take()}));
      writes.push_back(tickets->back().write());
      part.clear();
      bytes = 0;
    };
    for (const auto& event : arrival.events) {
      if (!pattern->matches(event.message)) continue;
      if (!part.empty() && bytes + event.message.size() > kEventBytes) send();
      part.push_back(&event);
      bytes += event.message.size();
    }
    if (!part.empty()) send();
  }
  return tickets;
}

void Subscriptions::done(const Arrival&, const std::shared_ptr<void>& prepared) {
  if (prepared == nullptr) return;
  for (auto& ticket : *std::static_pointer_cast<std::vector<domain::DeliveryQueue::Ticket>>(prepared))
    ticket.committed();
}

domain::Verdict Subscriptions::deliver(const domain::Delivery& delivery) const {
  aws::lambda::InvocationRequest input;
  input.invocation_type = aws::lambda::InvocationType::Event;
  std::string group;
  domain::RecordReader in(delivery.body);
  while (in.next()) {
    if (in.field() == 1) input.function_name = in.text();
    if (in.field() == 2) group = in.text();
    if (in.field() == 3) input.payload = Bytes(in.text().begin(), in.text().end());
  }
  if (!in.ok()) return domain::Verdict::done();
  if (calls_.call<aws::lambda::Invoke>(caller(group), input)) return domain::Verdict::done();
  const auto now = clock_.now();
  if (now - delivery.created > kTriedFor) return domain::Verdict::done();
  return domain::Verdict::retry(now + std::chrono::seconds(std::min(1 << std::min(delivery.attempts, 12), 3600)));
}

void MetricFilters::done(const Arrival& arrival, const std::shared_ptr<void>&) {
  for (const auto& filter : arrival.group.metric_filters) {
    const auto pattern = patterns_.get(filter.pattern);
    if (!pattern) continue;
    for (const auto& transformation : filter.transformations) {
      const auto unit = unit_of(transformation.unit).value_or(metrics::Unit::None);
      const auto fixed = number_of(transformation.value);
      std::optional<Millis> missed;  // the latest event that does not match
      bool matched = false;
      for (const auto& event : arrival.events) {
        if (!pattern->matches(event.message)) {
          missed = event.id.time;
          continue;
        }
        auto value = fixed;
        if (!value) {
          const auto text = pattern->value(event.message, transformation.value);
          value = text ? number_of(*text) : std::nullopt;
        }
        if (!value) continue;
        matched = true;
        std::vector<metrics::Dimension> dimensions;
        for (const auto& [name, selector] : transformation.dimensions)
          if (auto text = pattern->value(event.message, selector); text && !text->empty())
            dimensions.push_back({name, std::move(*text)});
        // As on AWS: without one of its dimensions there is no value.
        if (dimensions.size() != transformation.dimensions.size()) continue;
        recorder_.record_at(event.id.time / 1000, transformation.name_space, transformation.name, dimensions, *value,
                            unit);
      }
      if (!matched && missed && transformation.default_value)
        recorder_.record_at(*missed / 1000, transformation.name_space, transformation.name, {},
                            *transformation.default_value, unit);
    }
  }
}

}  // namespace likeness::logs
