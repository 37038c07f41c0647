#include "domain/logs/records.hpp"

#include <bit>

#include "domain/record.hpp"

namespace likeness::logs {
namespace {

using domain::decode_map;
using domain::encode_map;
using domain::RecordReader;
using domain::RecordWriter;

// Small structs inside of a record are records themselves.

std::string encode(const MetricTransformation& transformation) {
  RecordWriter out;
  out.text(1, transformation.name);
  out.text(2, transformation.name_space);
  out.text(3, transformation.value);
  if (transformation.default_value) out.number(4, std::bit_cast<std::uint64_t>(*transformation.default_value));
  out.text(5, encode_map(transformation.dimensions));
  out.text(6, transformation.unit);
  return out.take();
}

MetricTransformation decode_transformation(std::string_view bytes) {
  MetricTransformation out;
  RecordReader in(bytes);
  while (in.next()) {
    switch (in.field()) {
      case 1: out.name = in.text(); break;
      case 2: out.name_space = in.text(); break;
      case 3: out.value = in.text(); break;
      case 4: out.default_value = std::bit_cast<double>(in.number()); break;
      case 5: out.dimensions = decode_map(in.text()); break;
      case 6: out.unit = in.text(); break;
      default: break;
    }
  }
  return out;
}

std::string encode(const MetricFilter& filter) {
  RecordWriter out;
  out.text(1, filter.name);
  out.text(2, filter.pattern);
  out.number(3, static_cast<std::uint64_t>(filter.created));
  for (const auto& transformation : filter.transformations) out.text(4, encode(transformation));
  return out.take();
}

MetricFilter decode_metric_filter(std::string_view bytes) {
  MetricFilter out;
  RecordReader in(bytes);
  while (in.next()) {
    switch (in.field()) {
      case 1: out.name = in.text(); break;
      case 2: out.pattern = in.text(); break;
      case 3: out.created = static_cast<Millis>(in.number()); break;
      case 4: out.transformations.push_back(decode_transformation(in.text())); break;
      default: break;
    }
  }
  return out;
}

std::string encode(const SubscriptionFilter& filter) {
  RecordWriter out;
  out.text(1, filter.name);
  out.text(2, filter.pattern);
  out.number(3, static_cast<std::uint64_t>(filter.created));
  out.text(4, filter.destination_arn);
  out.text(5, filter.role_arn);
  out.text(6, filter.distribution);
  return out.take();
}

SubscriptionFilter decode_subscription_filter(std::string_view bytes) {
  SubscriptionFilter out;
  RecordReader in(bytes);
  while (in.next()) {
    switch (in.field()) {
      case 1: out.name = in.text(); break;
      case 2: out.pattern = in.text(); break;
      case 3: out.created = static_cast<Millis>(in.number()); break;
      case 4: out.destination_arn = in.text(); break;
      case 5: out.role_arn = in.text(); break;
      case 6: out.distribution = in.text(); break;
      default: break;
    }
  }
  return out;
}

Failure damaged(std::string_view name) {
  return server_error("StorageFailure", "The record of a log group or stream cannot be read.", std::string(name));
}

}  // namespace

std::string encode(const Group& group) {
  RecordWriter out;
  out.text(1, group.uid);
  out.number(2, static_cast<std::uint64_t>(group.created));
  if (group.retention_days > 0) out.number(3, static_cast<std::uint64_t>(group.retention_days));
  out.text(4, group.group_class);
  if (!group.kms_key.empty()) out.text(5, group.kms_key);
  if (group.deletion_protected) out.number(6, 1);
  if (!group.tags.empty()) out.text(7, encode_map(group.tags));
  for (const auto& filter : group.metric_filters) out.text(8, encode(filter));
  for (const auto& filter : group.subscription_filters) out.text(9, encode(filter));
  return out.take();
}

Result<Group> decode_group(std::string_view name, std::string_view bytes) {
  Group out;
  out.name = name;
  RecordReader in(bytes);
  while (in.next()) {
    switch (in.field()) {
      case 1: out.uid = in.text(); break;
      case 2: out.created = static_cast<Millis>(in.number()); break;
      case 3: out.retention_days = static_cast<int>(in.number()); break;
      case 4: out.group_class = in.text(); break;
      case 5: out.kms_key = in.text(); break;
      case 6: out.deletion_protected = in.number() != 0; break;
      case 7: out.tags = decode_map(in.text()); break;
      case 8: out.metric_filters.push_back(decode_metric_filter(in.text())); break;
      case 9: out.subscription_filters.push_back(decode_subscription_filter(in.text())); break;
      default: break;
    }
  }
  if (!in.ok() || out.uid.empty()) return damaged(name);
  return out;
}

std::string encode(const Stream& stream) {
  RecordWriter out;
  out.text(1, stream.uid);
  out.number(2, static_cast<std::uint64_t>(stream.created));
  if (stream.first_event) out.number(3, static_cast<std::uint64_t>(*stream.first_event));
  if (stream.last_event) out.number(4, static_cast<std::uint64_t>(*stream.last_event));
  if (stream.last_ingestion) out.number(5, static_cast<std::uint64_t>(*stream.last_ingestion));
  out.number(6, stream.last_chunk);
  out.number(7, static_cast<std::uint64_t>(stream.span));
  return out.take();
}

Result<Stream> decode_stream(std::string_view name, std::string_view bytes) {
  Stream out;
  out.name = name;
  RecordReader in(bytes);
  while (in.next()) {
    switch (in.field()) {
      case 1: out.uid = in.text(); break;
      case 2: out.created = static_cast<Millis>(in.number()); break;
      case 3: out.first_event = static_cast<Millis>(in.number()); break;
      case 4: out.last_event = static_cast<Millis>(in.number()); break;
      case 5: out.last_ingestion = static_cast<Millis>(in.number()); break;
      case 6: out.last_chunk = in.number(); break;
      case 7: out.span = static_cast<Millis>(in.number()); break;
      default: break;
    }
  }
  if (!in.ok() || out.uid.empty()) return damaged(name);
  return out;
}

}  // namespace likeness::logs
