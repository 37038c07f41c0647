#include "services/dynamodbstreams/provider.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aws/gen/dynamodbstreams.hpp"
#include "base/bytes.hpp"
#include "domain/dynamodb/errors.hpp"

namespace likeness::dynamodbstreams {

namespace {

namespace shapes = aws::dynamodbstreams;
using dynamodb::Attributes;
using dynamodb::ItemChange;
using dynamodb::StreamInfo;
using dynamodb::Streams;
using dynamodb::StreamView;
using dynamodb::Value;

constexpr std::int32_t kMaxStreams = 100;
constexpr std::int32_t kMaxRecords = 1000;
constexpr std::chrono::minutes kIteratorLives{15};

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

std::map<std::string, shapes::AttributeValue> to_wire(Attributes item);

shapes::AttributeValue to_wire(Value value) {
  shapes::AttributeValue wire;
  if (auto* text = value.as<std::string>()) wire.s = std::move(*text);
  if (const auto* number = value.as<dynamodb::Number>()) wire.n = number->text();
  if (const auto* binary = value.as<dynamodb::Binary>()) wire.b = bytes_of(binary->bytes);
  if (const auto* truth = value.as<bool>()) wire.bool_ = *truth;
  if (value.as<dynamodb::Null>() != nullptr) wire.null = true;
  if (auto* map = value.as<Attributes>()) wire.m = to_wire(std::move(*map));
  if (auto* list = value.as<dynamodb::List>()) {
    auto& out = wire.l.emplace();
    out.reserve(list->size());
    for (Value& one : *list) out.push_back(to_wire(std::move(one)));
  }
  if (auto* set = value.as<dynamodb::StringSet>()) wire.ss = std::move(set->values);
  if (const auto* set = value.as<dynamodb::NumberSet>()) {
    auto& out = wire.ns.emplace();
    out.reserve(set->values.size());
    for (const auto& number : set->values) out.push_back(number.text());
  }
  if (const auto* set = value.as<dynamodb::BinarySet>()) {
    auto& out = wire.bs.emplace();
    out.reserve(set->values.size());
    for (const auto& one : set->values) out.push_back(bytes_of(one));
  }
  return wire;
}

std::map<std::string, shapes::AttributeValue> to_wire(Attributes item) {
  std::map<std::string, shapes::AttributeValue> out;
  for (auto& attribute : item) out.emplace_hint(out.end(), attribute.name, to_wire(std::move(attribute.value)));
  return out;
}

shapes::StreamViewType view_of(StreamView view) {
  switch (view) {
    case StreamView::KeysOnly: return shapes::StreamViewType::KeysOnly;
    case StreamView::NewImage: return shapes::StreamViewType::NewImage;
    case StreamView::OldImage: return shapes::StreamViewType::OldImage;
    case StreamView::NewAndOldImages: return shapes::StreamViewType::NewAndOldImages;
  }
  return shapes::StreamViewType::NewAndOldImages;
}

shapes::OperationType name_of(ItemChange::Kind kind) {
  switch (kind) {
    case ItemChange::Kind::Insert: return shapes::OperationType::Insert;
    case ItemChange::Kind::Modify: return shapes::OperationType::Modify;
    case ItemChange::Kind::Remove: return shapes::OperationType::Remove;
  }
  return shapes::OperationType::Modify;
}

Failure not_found(const std::string& arn) {
  return client_error("ResourceNotFoundException", "Requested resource not found: Stream: " + arn + " not found");
}

std::int64_t milliseconds(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

/// What a shard iterator says: which stream, from where, and when it was given out.
struct Iterator {
  std::string arn;
  std::string shard;
  std::uint64_t position = 0;
  std::int64_t given = 0;  // milliseconds since 1970
};

/// "ARN|1|..." as AWS's are.
std::string encode(const Iterator& iterator) {
  const std::string inner = fmt::format("{}|{}|{}", iterator.shard, iterator.position, iterator.given);
  return fmt::format("{}|1|{}", iterator.arn, to_base64(as_bytes(inner)));
}

template <class Number>
bool parse(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<Iterator> decode(std::string_view text) {
  const auto first = text.find('|');
  const auto second = first == std::string_view::npos ? first : text.find('|', first + 1);
  if (second == std::string_view::npos || text.substr(first, second - first) != "|1") return std::nullopt;
  const auto bytes = from_base64(text.substr(second + 1));
  if (!bytes) return std::nullopt;
  const std::string_view inner = as_text(*bytes);
  const auto position = inner.find('|');
  const auto given = position == std::string_view::npos ? position : inner.find('|', position + 1);
  if (given == std::string_view::npos) return std::nullopt;
  Iterator iterator;
  iterator.arn = text.substr(0, first);
  iterator.shard = inner.substr(0, position);
  if (!parse(inner.substr(position + 1, given - position - 1), iterator.position) ||
      !parse(inner.substr(given + 1), iterator.given))
    return std::nullopt;
  return iterator;
}

class Provider {
 public:
  Provider(Streams& streams, const Clock& clock) : streams_(streams), clock_(clock) {}

  Result<shapes::ListStreamsOutput> list(const aws::RequestContext& context, const shapes::ListStreamsInput& in) const {
    if (in.limit.value_or(1) > kMaxStreams)
      return dynamodb::invalid_parameter("Limit cannot be greater than the maximum allowed size: 100");
    const auto limit = static_cast<std::size_t>(in.limit.value_or(kMaxStreams));
    const domain::Caller caller{context.account, context.region, context.caller_arn};
    std::string table = in.table_name.value_or("");
    if (const auto at = table.find(":table/"); at != std::string::npos) table.erase(0, at + 7);
    // One more than asked for tells whether there are more.
    auto found = streams_.list(caller, table, in.exclusive_start_stream_arn.value_or(""), limit + 1);
    if (!found) return fail(found);
    shapes::ListStreamsOutput out;
    auto& streams = out.streams.emplace();
    for (const StreamInfo& stream : *found) {
      if (streams.size() == limit) {
        out.last_evaluated_stream_arn = streams.back().stream_arn;
        break;
      }
      shapes::Stream_ one;
      one.stream_arn = stream.arn();
      one.table_name = stream.table;
      one.stream_label = stream.label;
      streams.push_back(std::move(one));
    }
    return out;
  }

  Result<shapes::DescribeStreamOutput> describe(const aws::RequestContext& context,
                                                const shapes::DescribeStreamInput& in) const {
    auto stream = find(context, *in.stream_arn);
    if (!stream) return fail(stream);
    auto bounds = streams_.bounds(*stream);
    if (!bounds) return fail(bounds);
    shapes::DescribeStreamOutput out;
    auto& description = out.stream_description.emplace();
    description.stream_arn = stream->arn();
    description.stream_label = stream->label;
    description.stream_status = stream->enabled ? shapes::StreamStatus::Enabled : shapes::StreamStatus::Disabled;
    description.stream_view_type = view_of(stream->view);
    description.creation_request_date_time = stream->created;
    description.table_name = stream->table;
    auto& keys = description.key_schema.emplace();
    keys.push_back({stream->keys.partition.name, shapes::KeyType::Hash});
    if (stream->keys.sort) keys.push_back({stream->keys.sort->name, shapes::KeyType::Range});
    auto& shards = description.shards.emplace();
    const bool children = in.shard_filter && in.shard_filter->type == shapes::ShardFilterType::ChildShards;
    if (children || (in.exclusive_start_shard_id && *in.exclusive_start_shard_id >= stream->shard())) return out;
    shapes::Shard shard;
    shard.shard_id = stream->shard();
    auto& range = shard.sequence_number_range.emplace();
    range.starting_sequence_number = Streams::sequence_number(*stream, bounds->first);
    if (!stream->enabled)
      range.ending_sequence_number =
          Streams::sequence_number(*stream, bounds->second > bounds->first ? bounds->second - 1 : bounds->first);
    shards.push_back(std::move(shard));
    return out;
  }

  Result<shapes::GetShardIteratorOutput> shard_iterator(const aws::RequestContext& context,
                                                        const shapes::GetShardIteratorInput& in) const {
    using Type = shapes::ShardIteratorType;
    const Type type = *in.shard_iterator_type;
    const bool at_number = type == Type::AtSequenceNumber || type == Type::AfterSequenceNumber;
    if (at_number && !in.sequence_number) return dynamodb::invalid_parameter("Invalid SequenceNumber");
    if (!at_number && in.sequence_number)
      return dynamodb::invalid_parameter("SequenceNumber should not be passed for this iterator type");
    auto stream = find(context, *in.stream_arn);
    if (!stream) return fail(stream);
    if (*in.shard_id != stream->shard())
      return client_error("ResourceNotFoundException", "Requested resource not found: Shard does not exist");
    auto bounds = streams_.bounds(*stream);
    if (!bounds) return fail(bounds);
    Iterator iterator;
    iterator.arn = stream->arn();
    iterator.shard = stream->shard();
    iterator.given = milliseconds(clock_.now());
    switch (type) {
      case Type::TrimHorizon: iterator.position = bounds->first; break;
      case Type::Latest: iterator.position = bounds->second; break;
      case Type::AtTimestamp: {
        auto position = position_at(*stream, in.timestamp.value_or(TimePoint()), bounds->first);
        if (!position) return fail(position);
        iterator.position = *position;
        break;
      }
      case Type::AtSequenceNumber:
      case Type::AfterSequenceNumber: {
        const auto position = Streams::position_of(*stream, *in.sequence_number);
        if (!position) return dynamodb::invalid_parameter("Invalid SequenceNumber");
        if (*position < bounds->first)
          return client_error("TrimmedDataAccessException",
                              "The operation attempted to read past the oldest stream record in a shard");
        if (*position > bounds->second) return dynamodb::invalid_parameter("Invalid SequenceNumber");
        iterator.position = *position + (type == Type::AfterSequenceNumber ? 1 : 0);
        break;
      }
    }
    shapes::GetShardIteratorOutput out;
    out.shard_iterator = encode(iterator);
    return out;
  }

  Result<shapes::GetRecordsOutput> records(const aws::RequestContext& context,
                                           const shapes::GetRecordsInput& in) const {
    if (in.limit.value_or(1) > kMaxRecords)
      return dynamodb::invalid_parameter("Limit should be less than or equal to 1000");
    auto iterator = decode(*in.shard_iterator);
    if (!iterator) return dynamodb::validation("Invalid ShardIterator");
    const std::int64_t now = milliseconds(clock_.now());
    if (now - iterator->given > std::chrono::milliseconds(kIteratorLives).count())
      return client_error("ExpiredIteratorException", "The provided iterator exceeds the maximum age allowed");
    auto stream = find(context, iterator->arn);
    if (!stream) return fail(stream);
    if (iterator->shard != stream->shard()) return dynamodb::validation("Invalid ShardIterator");
    auto bounds = streams_.bounds(*stream);
    if (!bounds) return fail(bounds);
    if (iterator->position < bounds->first)
      return client_error("TrimmedDataAccessException",
                          "The operation attempted to read past the oldest stream record in a shard");
    auto page = streams_.read(*stream, iterator->position, static_cast<std::size_t>(in.limit.value_or(kMaxRecords)));
    if (!page) return fail(page);
    shapes::GetRecordsOutput out;
    auto& records = out.records.emplace();
    records.reserve(page->records.size());
    for (dynamodb::StreamRecord& record : page->records) records.push_back(to_wire(*stream, std::move(record)));
    if (!page->ended) {
      iterator->position = page->next;
      iterator->given = now;
      out.next_shard_iterator = encode(*iterator);
    }
    return out;
  }

 private:
  Result<StreamInfo> find(const aws::RequestContext& context, const std::string& arn) const {
    auto stream = streams_.find(arn);
    if (!stream) return fail(stream);
    if (!*stream || (*stream)->account != context.account || (*stream)->region != context.region) return not_found(arn);
    return std::move(**stream);
  }

  /// The first record of that time or later.
  Result<std::uint64_t> position_at(const StreamInfo& stream, TimePoint time, std::uint64_t first) const {
    std::uint64_t position = first;
    while (true) {
      auto page = streams_.read(stream, position, 100);
      if (!page) return fail(page);
      for (const auto& record : page->records)
        if (record.time >= time) return record.position;
      position = page->next;
      if (page->records.empty()) return position;
    }
  }

  static shapes::Record to_wire(const StreamInfo& stream, dynamodb::StreamRecord record) {
    shapes::Record out;
    out.event_id = std::move(record.id);
    out.event_name = name_of(record.kind);
    out.event_version = "1.1";
    out.event_source = "aws:dynamodb";
    out.aws_region = stream.region;
    auto& inner = out.dynamodb.emplace();
    inner.approximate_creation_date_time = std::chrono::floor<std::chrono::seconds>(record.time);
    inner.keys = dynamodbstreams::to_wire(std::move(record.keys));
    if (record.new_item) inner.new_image = dynamodbstreams::to_wire(std::move(*record.new_item));
    if (record.old_item) inner.old_image = dynamodbstreams::to_wire(std::move(*record.old_item));
    inner.sequence_number = std::move(record.sequence_number);
    inner.size_bytes = static_cast<std::int64_t>(record.size);
    inner.stream_view_type = view_of(stream.view);
    if (record.expired) {
      auto& identity = out.user_identity.emplace();
      identity.principal_id = "dynamodb.amazonaws.com";
      identity.type = "Service";
    }
    return out;
  }

  Streams& streams_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<aws::Service> make_dynamodbstreams(Streams& streams, const Clock& clock) {
  auto service = std::make_unique<aws::Service>(shapes::model());
  const Provider provider(streams, clock);
  service->on<shapes::ListStreams>([provider](const aws::RequestContext& context, const shapes::ListStreamsInput& in) {
    return provider.list(context, in);
  });
  service->on<shapes::DescribeStream>(
      [provider](const aws::RequestContext& context, const shapes::DescribeStreamInput& in) {
        return provider.describe(context, in);
      });
  service->on<shapes::GetShardIterator>(
      [provider](const aws::RequestContext& context, const shapes::GetShardIteratorInput& in) {
        return provider.shard_iterator(context, in);
      });
  service->on<shapes::GetRecords>([provider](const aws::RequestContext& context, const shapes::GetRecordsInput& in) {
    return provider.records(context, in);
  });

  const auto needs = [&streams](const char* action, std::string resource) {
    policy::Permission permission{.action = action, .resource = std::move(resource)};
    permission.resource_policy = streams.policy(permission.resource);
    return std::vector{std::move(permission)};
  };
  service->permissions<shapes::ListStreams>([needs](const aws::RequestContext&, const shapes::ListStreamsInput&) {
    return needs("dynamodb:ListStreams", "*");
  });
  service->permissions<shapes::DescribeStream>(
      [needs](const aws::RequestContext&, const shapes::DescribeStreamInput& in) {
        return needs("dynamodb:DescribeStream", in.stream_arn.value_or("*"));
      });
  service->permissions<shapes::GetShardIterator>(
      [needs](const aws::RequestContext&, const shapes::GetShardIteratorInput& in) {
        return needs("dynamodb:GetShardIterator", in.stream_arn.value_or("*"));
      });
  service->permissions<shapes::GetRecords>([needs](const aws::RequestContext&, const shapes::GetRecordsInput& in) {
    const std::string iterator = in.shard_iterator.value_or("*");
    return needs("dynamodb:GetRecords", iterator.substr(0, iterator.find('|')));
  });
  return service;
}

}  // namespace likeness::dynamodbstreams
