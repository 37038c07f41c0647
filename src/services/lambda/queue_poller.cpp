#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <set>
#include <utility>

#include "aws/gen/sqs.hpp"
#include "base/bytes.hpp"
#include "base/elastic_pool.hpp"
#include "base/log.hpp"
#include "services/lambda/pollers.hpp"

namespace likeness::lambda {
namespace {

namespace json = boost::json;
namespace sqs = aws::sqs;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::size_t kAtOnce = 10;       // what SQS gives and takes in one call
constexpr std::size_t kConcurrency = 20;  // batches that run at once where the mapping does not say
constexpr std::size_t kMaxEvent = 6u << 20;

json::object attributes_of(const std::map<std::string, sqs::MessageAttributeValue>& attributes) {
  json::object out;
  for (const auto& [name, attribute] : attributes) {
    json::object value;
    if (attribute.string_value) value["stringValue"] = *attribute.string_value;
    if (attribute.binary_value) value["binaryValue"] = to_base64(*attribute.binary_value);
    value["stringListValues"] = json::array();
    value["binaryListValues"] = json::array();
    value["dataType"] = attribute.data_type.value_or("String");
    out[name] = std::move(value);
  }
  return out;
}

/// A message as functions see it.
json::object record_of(const sqs::Message& message, const Mapping& mapping) {
  json::object out;
  out["messageId"] = message.message_id.value_or("");
  out["receiptHandle"] = message.receipt_handle.value_or("");
  out["body"] = message.body.value_or("");
  json::object attributes;
  if (message.attributes)
    for (const auto& [name, value] : *message.attributes) attributes[name] = value;
  out["attributes"] = std::move(attributes);
  out["messageAttributes"] = message.message_attributes ? attributes_of(*message.message_attributes) : json::object();
  out["md5OfBody"] = message.md5_of_body.value_or("");
  out["eventSource"] = "aws:sqs";
  out["eventSourceARN"] = mapping.source;
  out["awsRegion"] = mapping.region;
  return out;
}

/// Reads in one thread, runs batches in others.
class QueuePoller final : public Poller {
 public:
  QueuePoller(const PollerParts& parts, MappingPtr mapping)
      : parts_(parts),
        mapping_(std::move(mapping)),
        url_(queue_url(mapping_->source)),
        concurrency_(mapping_->max_concurrency ? static_cast<std::size_t>(*mapping_->max_concurrency) : kConcurrency),
        pool_("lambda-sqs", concurrency_) {
    if (auto filter = BatchFilter::make(mapping_->filters)) filter_ = std::move(*filter);
    thread_ = std::thread([this] { run(); });
  }
  ~QueuePoller() override {
    stopper_.stop();
    thread_.join();
    pool_.stop();
  }
  void stop() override { stopper_.stop(); }

 private:
  struct Batch {
    std::vector<sqs::Message> messages;
    steady_clock::time_point received = steady_clock::now();
  };

  Result<aws::LocalCaller> caller() const {
    auto name = parse_function_name({mapping_->account, mapping_->region}, mapping_->function);
    if (!name) return fail(name);
    auto target = parts_.registry.resolve(*name);
    if (!target) return fail(target);
    return parts_.destinations.caller_of(*target);
  }

  void run() {
    auto wait = milliseconds(100);
    Batch batch;
    while (!stopper_.stopped()) {
      auto more = receive(batch);
      if (!more) {
        if (more.error().code != last_error_)
          log::warn("event source mapping {}: {} cannot be read: {} {}", mapping_->uuid, mapping_->source,
                    more.error().code, more.error().message);
        last_error_ = more.error().code;
        if (!stopper_.sleep(wait)) break;
        wait = std::min(wait * 2, milliseconds(10'000));
        continue;
      }
      last_error_.clear();
      wait = milliseconds(100);
      if (batch.messages.empty()) continue;
      const auto full = static_cast<std::size_t>(mapping_->batch_size);
      const bool is_over = steady_clock::now() >= batch.received + seconds(mapping_->window);
      if (batch.messages.size() < full && !is_over && bytes_of(batch) < kMaxEvent / 2) continue;
      auto shared = std::make_shared<Batch>(std::exchange(batch, {}));
      // The pool has as many threads as batches may run; with all busy nothing more is read.
      while (!pool_.submit([this, shared] { process(*shared); }))
        if (!stopper_.sleep(milliseconds(5))) return;
    }
  }

  static std::size_t bytes_of(const Batch& batch) {
    std::size_t total = 0;
    for (const auto& message : batch.messages) total += message.body ? message.body->size() : 0;
    return total;
  }

  /// Adds what the queue has. Waits no longer than the window of the batch, or a second.
  Result<void> receive(Batch& batch) {
    auto who = caller();
    if (!who) return fail(who);
    sqs::ReceiveMessageRequest in;
    in.queue_url = url_;
    in.max_number_of_messages = static_cast<std::int32_t>(
        std::min(kAtOnce, static_cast<std::size_t>(mapping_->batch_size) - batch.messages.size()));
    in.wait_time_seconds = 1;
    in.attribute_names = {"All"};
    in.message_attribute_names = {"All"};
    auto out = parts_.calls.call<sqs::ReceiveMessage>(*who, in);
    if (!out) return fail(out);
    if (!out->messages || out->messages->empty()) return {};
    if (batch.messages.empty()) batch.received = steady_clock::now();
    for (auto& message : *out->messages) batch.messages.push_back(std::move(message));
    return {};
  }

  /// What filters look at: a body that is JSON is looked into.
  bool passes(const json::object& record) const {
    if (filter_.empty()) return true;
    json::object looked_at = record;
    json::error_code failed;
    auto body = json::parse(record.at("body").as_string(), failed);
    if (!failed && body.is_object()) looked_at["body"] = std::move(body);
    return filter_.passes(json::serialize(looked_at));
  }

  void process(const Batch& batch) {
    json::array records;
    std::vector<const sqs::Message*> wanted, done;
    for (const auto& message : batch.messages) {
      auto record = record_of(message, *mapping_);
      if (!passes(record)) {
        done.push_back(&message);  // AWS takes what no filter wants out of the queue
        continue;
      }
      records.push_back(std::move(record));
      wanted.push_back(&message);
    }
    if (!wanted.empty()) {
      const std::string event = json::serialize(json::object{{"Records", std::move(records)}});
      auto run = run_patiently(event, batch.received);
      if (run && run->failures) {
        const std::set<std::string> failures(run->failures->begin(), run->failures->end());
        for (const auto* message : wanted)
          if (!failures.contains(message->message_id.value_or(""))) done.push_back(message);
      }
    }
    forget(done);
  }

  /// Throttled, it tries again for a while; then the messages come back by themselves.
  Result<BatchRun> run_patiently(const std::string& event, steady_clock::time_point received) {
    auto wait = milliseconds(50);
    while (true) {
      auto run = run_batch(parts_, *mapping_, event);
      if (run || run.error().code != "TooManyRequestsException") return run;
      if (steady_clock::now() > received + seconds(10) || !stopper_.sleep(wait)) return run;
      wait = std::min(wait * 2, milliseconds(1000));
    }
  }

  void forget(const std::vector<const sqs::Message*>& messages) {
    auto who = caller();
    if (!who) return;
    for (std::size_t first = 0; first < messages.size(); first += kAtOnce) {
      sqs::DeleteMessageBatchRequest in;
      in.queue_url = url_;
      in.entries.emplace();
      for (std::size_t i = first; i < std::min(messages.size(), first + kAtOnce); ++i) {
        sqs::DeleteMessageBatchRequestEntry entry;
        entry.id = std::to_string(i);
        entry.receipt_handle = messages[i]->receipt_handle;
        in.entries->push_back(std::move(entry));
      }
      if (auto out = parts_.calls.call<sqs::DeleteMessageBatch>(*who, in); !out)
        log::warn("event source mapping {}: messages could not be deleted, they will come again: {} {}", mapping_->uuid,
                  out.error().code, out.error().message);
    }
  }

  const PollerParts parts_;
  const MappingPtr mapping_;
  const std::string url_;
  const std::size_t concurrency_;
  BatchFilter filter_;
  Stopper stopper_;
  std::string last_error_;
  ElasticPool pool_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Poller> make_queue_poller(const PollerParts& parts, MappingPtr mapping) {
  return std::make_unique<QueuePoller>(parts, std::move(mapping));
}

}  // namespace likeness::lambda
