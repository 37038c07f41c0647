#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "aws/codec.hpp"
#include "domain/queues/errors.hpp"
#include "services/sqs/operations.hpp"

namespace likeness::sqs {
namespace {

using aws::RequestContext;

constexpr std::size_t kMostEntries = 10;
constexpr std::size_t kMostBatchBytes = 1'048'576;
constexpr std::string_view kSystemAttributes[] = {"All",
                                                  "SenderId",
                                                  "SentTimestamp",
                                                  "ApproximateReceiveCount",
                                                  "ApproximateFirstReceiveTimestamp",
                                                  "SequenceNumber",
                                                  "MessageDeduplicationId",
                                                  "MessageGroupId",
                                                  "AWSTraceHeader",
                                                  "DeadLetterQueueSourceArn"};

// -- sending

/// Of attributes and of system attributes, whose shapes differ in name only.
template <class Value>
Result<queues::Attributes> attributes_in(const std::optional<std::map<std::string, Value>>& in) {
  queues::Attributes out;
  if (!in) return out;
  for (const auto& [name, value] : *in) {
    if ((value.string_list_values && !value.string_list_values->empty()) ||
        (value.binary_list_values && !value.binary_list_values->empty()))
      return queues::unsupported("Message attribute list values in SendMessage operation are not supported.");
    queues::Attribute attribute;
    attribute.type = value.data_type.value_or("");
    if (value.string_value && value.binary_value)
      return queues::invalid_parameter(fmt::format("Message attribute '{}' has multiple values.", name.substr(0, 256)));
    if (value.string_value) attribute.value = *value.string_value;
    if (value.binary_value) {
      attribute.value = as_text(*value.binary_value);
      attribute.binary = true;
    }
    // An absent value is told by the type's own check.
    if (!value.string_value && !value.binary_value) attribute.binary = attribute.type.starts_with("Binary");
    out[name] = std::move(attribute);
  }
  return out;
}

/// Of SendMessage and of an entry of its batch.
template <class Input>
Result<queues::Outgoing> outgoing_in(const RequestContext& context, const Input& in) {
  queues::Outgoing out;
  out.body = in.message_body.value_or("");
  out.sender = context.principal.user_id;
  if (in.delay_seconds) out.delay_seconds = *in.delay_seconds;
  out.group = in.message_group_id;
  out.deduplication = in.message_deduplication_id;
  auto attributes = attributes_in(in.message_attributes);
  if (!attributes) return fail(attributes);
  out.attributes = std::move(*attributes);
  auto system = attributes_in(in.message_system_attributes);
  if (!system) return fail(system);
  out.system = std::move(*system);
  return out;
}

/// Into the result of SendMessage or of an entry of its batch.
template <class Output>
void tell(const queues::Sent& sent, Output& out) {
  out.message_id = sent.id;
  out.md5_of_message_body = sent.body_md5;
  if (!sent.attributes_md5.empty()) out.md5_of_message_attributes = sent.attributes_md5;
  if (!sent.system_md5.empty()) out.md5_of_message_system_attributes = sent.system_md5;
  if (!sent.sequence.empty()) out.sequence_number = sent.sequence;
}

Result<shapes::SendMessageResult> send(const Parts& parts, const RequestContext& context,
                                       const shapes::SendMessageRequest& in) {
  auto queue = queue_at(parts, context, in.queue_url);
  if (!queue) return fail(queue);
  auto message = outgoing_in(context, in);
  if (!message) return fail(message);
  std::vector<queues::Outgoing> one;
  one.push_back(std::move(*message));
  auto sent = (*queue)->send(std::move(one));
  if (!sent) return fail(sent);
  if (!sent->front()) return fail(sent->front());
  shapes::SendMessageResult out;
  tell(*sent->front(), out);
  return out;
}

// -- batches

template <class Entry>
Result<void> check_batch(const std::optional<std::vector<Entry>>& entries, std::string_view name) {
  if (!entries || entries->empty())
    return client_error("EmptyBatchRequest", fmt::format("There should be at least one {} in the request.", name));
  if (entries->size() > kMostEntries)
    return client_error(
        "TooManyEntriesInBatchRequest",
        fmt::format("Maximum number of entries per request are 10. You have sent {}.", entries->size()));
  std::set<std::string> ids;
  for (const auto& entry : *entries) {
    const auto id = entry.id.value_or("");
    const bool fine = !id.empty() && id.size() <= 80 && std::ranges::all_of(id, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    if (!fine)
      return client_error("InvalidBatchEntryId",
                          "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can "
                          "be at most 80 letters long.");
    if (!ids.insert(id).second) return client_error("BatchEntryIdsNotDistinct", fmt::format("Id {} repeated.", id));
  }
  return {};
}

/// An entry that failed, under the code that the query protocol has for its error.
shapes::BatchResultErrorEntry failed(const std::optional<std::string>& id, const Error& error) {
  std::string code = error.code;
  for (const auto* shape : shapes::model().shapes)
    if (shape->is_exception && shape->name == error.code) code = shape->error_code;
  if (const auto framework = aws::framework_query_code(error.code); !framework.empty()) code = framework;
  return {.id = id, .sender_fault = error.fault == Error::Fault::Client, .code = code, .message = error.message};
}

Result<shapes::SendMessageBatchResult> send_batch(const Parts& parts, const RequestContext& context,
                                                  const shapes::SendMessageBatchRequest& in) {
  auto queue = queue_at(parts, context, in.queue_url);
  if (!queue) return fail(queue);
  if (auto fine = check_batch(in.entries, "SendMessageBatchRequestEntry"); !fine) return fail(fine);
  std::vector<queues::Outgoing> messages;
  std::size_t size = 0;
  for (const auto& entry : *in.entries) {
    auto message = outgoing_in(context, entry);
    if (!message) return fail(message);
    size += queues::size_of(*message);
    messages.push_back(std::move(*message));
  }
  if (size > kMostBatchBytes)
    return client_error(
        "BatchRequestTooLong",
        fmt::format("Batch requests cannot be longer than {} bytes. You have sent {} bytes.", kMostBatchBytes, size));
  const auto description = (*queue)->describe();
  if (description->settings.fifo) {
    // What a FIFO queue cannot do without is missed for the batch as a whole.
    for (const auto& message : messages) {
      if (!message.group) return queues::missing_parameter("MessageGroupId");
      if (!message.deduplication && !description->settings.content_deduplication)
        return queues::invalid_parameter(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
            "explicitly");
    }
  }
  auto sent = (*queue)->send(std::move(messages));
  if (!sent) return fail(sent);
  shapes::SendMessageBatchResult out;
  for (std::size_t i = 0; i < sent->size(); ++i) {
    const auto& id = (*in.entries)[i].id;
    if (!(*sent)[i]) {
      if (!out.failed) out.failed.emplace();
      out.failed->push_back(failed(id, (*sent)[i].error()));
      continue;
    }
    if (!out.successful) out.successful.emplace();
    shapes::SendMessageBatchResultEntry entry;
    entry.id = id;
    tell(*(*sent)[i], entry);
    out.successful->push_back(std::move(entry));
  }
  return out;
}

/// The answers of a batch whose entries either work or do not.
template <class Output, class Entry, class Entries>
Output outcome_of(const Entries& entries, const std::vector<Result<void>>& done) {
  Output out;
  for (std::size_t i = 0; i < done.size(); ++i) {
    const auto& id = entries[i].id;
    if (done[i]) {
      if (!out.successful) out.successful.emplace();
      out.successful->push_back(Entry{.id = id});
    } else {
      if (!out.failed) out.failed.emplace();
      out.failed->push_back(failed(id, done[i].error()));
    }
  }
  return out;
}

// -- receiving

bool wanted(const std::string& name, const std::optional<std::vector<std::string>>& names) {
  if (!names) return false;
  return std::ranges::any_of(*names, [&](const std::string& one) {
    if (one == "All" || one == ".*" || one == name) return true;
    return one.ends_with(".*") && name.starts_with(std::string_view(one).substr(0, one.size() - 2));
  });
}

std::map<std::string, std::string> system_attributes(const queues::Received& received,
                                                     const std::set<std::string>& names) {
  const auto& message = received.message;
  std::map<std::string, std::string> all;
  all["SenderId"] = message.sender;
  all["SentTimestamp"] = std::to_string(message.sent);
  all["ApproximateReceiveCount"] = std::to_string(received.state.receives);
  all["ApproximateFirstReceiveTimestamp"] = std::to_string(received.state.first_received);
  if (message.group) all["MessageGroupId"] = *message.group;
  if (!message.deduplication.empty()) {
    all["MessageDeduplicationId"] = message.deduplication;
    all["SequenceNumber"] = queues::sequence_number(received.sequence);
  }
  if (const auto trace = message.system.find("AWSTraceHeader"); trace != message.system.end())
    all["AWSTraceHeader"] = trace->second.value;
  if (!message.source_arn.empty()) all["DeadLetterQueueSourceArn"] = message.source_arn;
  if (!names.contains("All")) std::erase_if(all, [&](const auto& one) { return !names.contains(one.first); });
  return all;
}

shapes::Message message_of(queues::Received& received, const shapes::ReceiveMessageRequest& in,
                           const std::set<std::string>& system_names) {
  shapes::Message out;
  auto& message = received.message;
  out.message_id = message.id;
  out.receipt_handle = received.receipt;
  out.md5_of_body = queues::md5_of(message.body);
  if (auto system = system_attributes(received, system_names); !system.empty()) out.attributes = std::move(system);
  queues::Attributes shown;
  for (const auto& [name, attribute] : message.attributes)
    if (wanted(name, in.message_attribute_names)) shown.insert({name, attribute});
  if (!shown.empty()) {
    // Of what the receiver sees: clients check it.
    out.md5_of_message_attributes = queues::md5_of(shown);
    auto& attributes = out.message_attributes.emplace();
    for (auto& [name, attribute] : shown) {
      auto& value = attributes[name];
      value.data_type = attribute.type;
      if (attribute.binary)
        value.binary_value = Bytes(attribute.value.begin(), attribute.value.end());
      else
        value.string_value = std::move(attribute.value);
    }
  }
  out.body = std::move(message.body);
  return out;
}

Result<void> check_range(const std::optional<std::int32_t>& value, std::string_view name, std::int32_t least,
                         std::int32_t most, std::string_view reason) {
  if (!value || (*value >= least && *value <= most)) return {};
  return queues::invalid_value(std::to_string(*value), name, reason);
}

Result<shapes::ReceiveMessageResult> receive(const Parts& parts, const RequestContext& context,
                                             const shapes::ReceiveMessageRequest& in) {
  auto queue = queue_at(parts, context, in.queue_url);
  if (!queue) return fail(queue);
  if (auto fine = check_range(in.max_number_of_messages, "MaxNumberOfMessages", 1, 10,
                              "Must be between 1 and 10, if provided.");
      !fine)
    return fail(fine);
  if (auto fine = check_range(in.wait_time_seconds, "WaitTimeSeconds", 0, 20, "Must be >= 0 and <= 20, if provided.");
      !fine)
    return fail(fine);
  if (auto fine =
          check_range(in.visibility_timeout, "VisibilityTimeout", 0, 43'200, "Must be >= 0 and <= 43200, if provided.");
      !fine)
    return fail(fine);
  std::set<std::string> system_names;
  for (const auto* names : {&in.attribute_names, &in.message_system_attribute_names})
    if (*names)
      for (const auto& name : **names) {
        if (std::ranges::find(kSystemAttributes, name) == std::end(kSystemAttributes))
          return queues::unknown_attribute(name);
        system_names.insert(name);
      }
  const auto description = (*queue)->describe();
  if (in.receive_request_attempt_id && !description->settings.fifo)
    return queues::invalid_value(*in.receive_request_attempt_id, "ReceiveRequestAttemptId",
                                 "The request includes a parameter that is not valid for this queue type.");
  queues::ReceiveRequest request;
  request.limit = static_cast<std::size_t>(in.max_number_of_messages.value_or(1));
  if (in.visibility_timeout) request.visibility = *in.visibility_timeout;
  request.wait = in.wait_time_seconds ? *in.wait_time_seconds : description->settings.wait;
  request.attempt = in.receive_request_attempt_id.value_or("");
  request.gone = context.gone();
  auto received = (*queue)->receive(request);
  if (!received) return fail(received);
  shapes::ReceiveMessageResult out;
  if (received->empty()) return out;
  auto& messages = out.messages.emplace();
  for (auto& one : *received) messages.push_back(message_of(one, in, system_names));
  return out;
}

// -- what was received

Result<aws::Empty> remove(const Parts& parts, const RequestContext& context, const shapes::DeleteMessageRequest& in) {
  auto queue = queue_at(parts, context, in.queue_url);
  if (!queue) return fail(queue);
  if (!in.receipt_handle) return queues::missing_parameter("ReceiptHandle");
  auto done = (*queue)->remove({*in.receipt_handle});
  if (!done) return fail(done);
  if (!done->front()) return fail(done->front());
  return aws::Empty{};
}

Result<shapes::DeleteMessageBatchResult> remove_batch(const Parts& parts, const RequestContext& context,
                                                      const shapes::DeleteMessageBatchRequest& in) {
  auto queue = queue_at(parts, context, in.queue_url);
  if (!queue) return fail(queue);
  if (auto fine = check_batch(in.entries, "DeleteMessageBatchRequestEntry"); !fine) return fail(fine);
  std::vector<std::string> receipts;
  for (const auto& entry : *in.entries) receipts.push_back(entry.receipt_handle.value_or(""));
  auto done = (*queue)->remove(receipts);
  if (!done) return fail(done);
  return outcome_of<shapes::DeleteMessageBatchResult, shapes::DeleteMessageBatchResultEntry>(*in.entries, *done);
}

Result<aws::Empty> change_visibility(const Parts& parts, const RequestContext& context,
                                     const shapes::ChangeMessageVisibilityRequest& in) {
  auto queue = queue_at(parts, context, in.queue_url);
  if (!queue) return fail(queue);
  if (!in.receipt_handle) return queues::missing_parameter("ReceiptHandle");
  if (!in.visibility_timeout) return queues::missing_parameter("VisibilityTimeout");
  auto done = (*queue)->change_visibility({{*in.receipt_handle, *in.visibility_timeout}});
  if (!done) return fail(done);
  if (!done->front()) return fail(done->front());
  return aws::Empty{};
}

Result<shapes::ChangeMessageVisibilityBatchResult> change_visibility_batch(
    const Parts& parts, const RequestContext& context, const shapes::ChangeMessageVisibilityBatchRequest& in) {
  auto queue = queue_at(parts, context, in.queue_url);
  if (!queue) return fail(queue);
  if (auto fine = check_batch(in.entries, "ChangeMessageVisibilityBatchRequestEntry"); !fine) return fail(fine);
  std::vector<queues::Queue::Visibility> changes;
  for (const auto& entry : *in.entries)
    changes.push_back({entry.receipt_handle.value_or(""), entry.visibility_timeout.value_or(0)});
  auto done = (*queue)->change_visibility(changes);
  if (!done) return fail(done);
  return outcome_of<shapes::ChangeMessageVisibilityBatchResult, shapes::ChangeMessageVisibilityBatchResultEntry>(
      *in.entries, *done);
}

template <class Function>
auto with(const std::shared_ptr<const Parts>& parts, Function function) {
  return [parts, function](const RequestContext& context, const auto& in) { return function(*parts, context, in); };
}

}  // namespace

void register_messages(aws::Service& service, const std::shared_ptr<const Parts>& parts) {
  service.on<shapes::SendMessage>(with(parts, send));
  service.on<shapes::SendMessageBatch>(with(parts, send_batch));
  service.on<shapes::ReceiveMessage>(with(parts, receive));
  service.waits<shapes::ReceiveMessage>();
  service.on<shapes::DeleteMessage>(with(parts, remove));
  service.on<shapes::DeleteMessageBatch>(with(parts, remove_batch));
  service.on<shapes::ChangeMessageVisibility>(with(parts, change_visibility));
  service.on<shapes::ChangeMessageVisibilityBatch>(with(parts, change_visibility_batch));
}

}  // namespace likeness::sqs
