#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "domain/topics/endpoints.hpp"
#include "domain/topics/errors.hpp"
#include "services/sns/operations.hpp"

namespace likeness::sns {
namespace {

using aws::RequestContext;

constexpr std::size_t kMostEntries = 10;
constexpr std::size_t kMostBatchBytes = 262'144;

/// Of Publish and of an entry of its batch.
template <class Input>
Result<topics::Publication> publication_in(const Input& in) {
  topics::Publication out;
  out.message = in.message.value_or("");
  out.subject = in.subject;
  out.group = in.message_group_id;
  out.deduplication = in.message_deduplication_id;
  if (in.message_attributes)
    for (const auto& [name, value] : *in.message_attributes) {
      queues::Attribute attribute;
      attribute.type = value.data_type.value_or("");
      if (value.binary_value) {
        attribute.value = as_text(*value.binary_value);
        attribute.binary = true;
      } else if (value.string_value) {
        attribute.value = *value.string_value;
      } else {
        attribute.binary = attribute.type.starts_with("Binary");
      }
      out.attributes[name] = std::move(attribute);
    }
  if (in.message_structure && !in.message_structure->empty()) {
    if (*in.message_structure != "json")
      return topics::invalid_parameter("MessageStructure Reason: Invalid value: " +
                                       in.message_structure->substr(0, 64));
    if (auto read = topics::read_structure(out); !read) return fail(read);
  }
  return out;
}

Result<shapes::PublishResponse> publish(const Parts& parts, const RequestContext&, const shapes::PublishInput& in) {
  const int targets = (in.topic_arn ? 1 : 0) + (in.target_arn ? 1 : 0) + (in.phone_number ? 1 : 0);
  if (targets == 0) return topics::invalid_parameter("TopicArn or TargetArn Reason: no value for required parameter");
  if (targets > 1) return topics::invalid_parameter("Only one of TopicArn, TargetArn and PhoneNumber can be given");
  auto publication = publication_in(in);
  if (!publication) return fail(publication);
  Result<Published> published;
  if (in.phone_number) {
    published = parts.publisher.publish_to_phone(*in.phone_number, std::move(*publication));
  } else {
    auto topic = topic_at(parts, in.topic_arn ? in.topic_arn : in.target_arn, in.topic_arn ? "TopicArn" : "TargetArn");
    if (!topic) return fail(topic);
    published = parts.publisher.publish(**topic, std::move(*publication));
  }
  if (!published) return fail(published);
  shapes::PublishResponse out;
  out.message_id = published->id;
  if (!published->sequence.empty()) out.sequence_number = published->sequence;
  return out;
}

Result<void> check_batch(const shapes::PublishBatchInput& in) {
  const auto& entries = *in.publish_batch_request_entries;
  if (entries.empty())
    return client_error("EmptyBatchRequestException", "The batch request doesn't contain any entries.");
  if (entries.size() > kMostEntries)
    return client_error("TooManyEntriesInBatchRequestException",
                        "The batch request contains more entries than permissible.");
  std::set<std::string> ids;
  std::size_t size = 0;
  for (const auto& entry : entries) {
    const auto id = entry.id.value_or("");
    const bool fine = !id.empty() && id.size() <= 80 && std::ranges::all_of(id, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    if (!fine)
      return client_error("InvalidBatchEntryIdException",
                          "The Id of a batch entry in a batch request doesn't abide by the specification.");
    if (!ids.insert(id).second)
      return client_error("BatchEntryIdsNotDistinctException",
                          "Two or more batch entries in the request have the same Id.");
    size += entry.message.value_or("").size();
    if (entry.message_attributes)
      for (const auto& [name, value] : *entry.message_attributes)
        size += name.size() + value.data_type.value_or("").size() + value.string_value.value_or("").size() +
                (value.binary_value ? value.binary_value->size() : 0);
  }
  if (size > kMostBatchBytes)
    return client_error("BatchRequestTooLongException",
                        "The length of all the messages put together is more than the limit.");
  return {};
}

Result<shapes::PublishBatchResponse> publish_batch(const Parts& parts, const RequestContext&,
                                                   const shapes::PublishBatchInput& in) {
  auto topic = topic_at(parts, in.topic_arn);
  if (!topic) return fail(topic);
  if (auto fine = check_batch(in); !fine) return fail(fine);
  shapes::PublishBatchResponse out;
  auto& successful = out.successful.emplace();
  auto& failed = out.failed.emplace();
  for (const auto& entry : *in.publish_batch_request_entries) {
    auto publication = publication_in(entry);
    auto published =
        publication ? parts.publisher.publish(**topic, std::move(*publication)) : Result<Published>(fail(publication));
    if (!published) {
      const auto& error = published.error();
      if (error.fault == Error::Fault::Server) return fail(published);
      std::string code = error.code;
      for (const auto* shape : shapes::model().shapes)
        if (shape->is_exception && shape->name == error.code) code = shape->error_code;
      failed.push_back({.id = entry.id, .code = code, .message = error.message, .sender_fault = true});
      continue;
    }
    shapes::PublishBatchResultEntry one;
    one.id = entry.id;
    one.message_id = published->id;
    if (!published->sequence.empty()) one.sequence_number = published->sequence;
    successful.push_back(std::move(one));
  }
  return out;
}

}  // namespace

void register_publishing(aws::Service& service, const Parts& parts) {
  service.on<shapes::Publish>(with(parts, publish),
                              "Text messages to phone numbers are kept in the outbox; there are no endpoints of mobile "
                              "applications.");
  service.on<shapes::PublishBatch>(with(parts, publish_batch));
}

}  // namespace likeness::sns
