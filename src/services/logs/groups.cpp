#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "services/logs/common.hpp"

/// Groups and streams.
namespace likeness::logs {
namespace {

constexpr std::array kRetentions = {1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                    365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};
constexpr std::size_t kTagsOfResource = 50;

shapes::LogGroupClass class_of(const Group& group) {
  for (const auto one :
       {shapes::LogGroupClass::InfrequentAccess, shapes::LogGroupClass::Delivery, shapes::LogGroupClass::Essentials})
    if (to_text(one) == group.group_class) return one;
  return shapes::LogGroupClass::Standard;
}

Result<aws::Empty> create_log_group(const Parts& parts, const aws::RequestContext&,
                                    const shapes::CreateLogGroupRequest& in) {
  if (in.log_group_name->starts_with("aws/")) return invalid("Log groups starting with AWS/ are reserved for AWS.");
  Group group;
  group.name = *in.log_group_name;
  group.kms_key = in.kms_key_id.value_or("");
  if (in.tags) group.tags = {in.tags->begin(), in.tags->end()};
  if (group.tags.size() > kTagsOfResource) return invalid("A resource can have at most 50 tags.");
  if (in.log_group_class) group.group_class = to_text(*in.log_group_class);
  group.deletion_protected = in.deletion_protection_enabled.value_or(false);
  if (auto created = parts.logs.create_group(std::move(group)); !created) return fail(created);
  return aws::Empty{};
}

Result<aws::Empty> delete_log_group(const Parts& parts, const aws::RequestContext&,
                                    const shapes::DeleteLogGroupRequest& in) {
  if (auto deleted = parts.logs.delete_group(*in.log_group_name); !deleted) return fail(deleted);
  return aws::Empty{};
}

shapes::LogGroup describe(const aws::RequestContext& context, const Group& group) {
  shapes::LogGroup out;
  out.log_group_name = group.name;
  out.creation_time = group.created;
  if (group.retention_days > 0) out.retention_in_days = group.retention_days;
  out.metric_filter_count = static_cast<std::int32_t>(group.metric_filters.size());
  out.log_group_arn = group_arn(context, group.name);
  out.arn = *out.log_group_arn + ":*";
  out.stored_bytes = 0;
  if (!group.kms_key.empty()) out.kms_key_id = group.kms_key;
  out.log_group_class = class_of(group);
  out.deletion_protection_enabled = group.deletion_protected;
  return out;
}

Result<shapes::DescribeLogGroupsResponse> describe_log_groups(const Parts& parts, const aws::RequestContext& context,
                                                              const shapes::DescribeLogGroupsRequest& in) {
  if (in.log_group_name_prefix && in.log_group_name_pattern)
    return invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
  auto from = page_position(in.next_token);
  if (!from) return fail(from);
  const std::string prefix = in.log_group_name_prefix.value_or("");
  const std::string pattern = in.log_group_name_pattern.value_or("");
  const auto limit = static_cast<std::size_t>(in.limit.value_or(50));
  shapes::DescribeLogGroupsResponse out;
  auto& list = out.log_groups.emplace();
  std::vector<std::string> wanted;
  for (const auto& identifier : in.log_group_identifiers.value_or(std::vector<std::string>()))
    wanted.push_back(group_of(identifier));
  parts.logs.groups(std::max(*from, prefix), [&](const Group& group) {
    if (!group.name.starts_with(prefix)) return false;
    if (group.name.find(pattern) == std::string::npos) return true;
    if (!wanted.empty() && std::ranges::find(wanted, group.name) == wanted.end()) return true;
    if (in.log_group_class && class_of(group) != *in.log_group_class) return true;
    if (list.size() == limit) {
      out.next_token = page_token(group.name);
      return false;
    }
    list.push_back(describe(context, group));
    return true;
  });
  return out;
}

/// "abc|^def": names that contain, or begin with, one of them.
bool name_matches(std::string_view name, std::string_view pattern) {
  while (true) {
    const auto end = pattern.find('|');
    auto part = pattern.substr(0, end);
    if (part.starts_with('^') ? name.starts_with(part.substr(1)) : name.find(part) != std::string_view::npos)
      return true;
    if (end == std::string_view::npos) return false;
    pattern.remove_prefix(end + 1);
  }
}

Result<shapes::ListLogGroupsResponse> list_log_groups(const Parts& parts, const aws::RequestContext& context,
                                                      const shapes::ListLogGroupsRequest& in) {
  if (in.data_sources || in.field_index_names) return invalid("Data sources and field indexes are not available.");
  auto from = page_position(in.next_token);
  if (!from) return fail(from);
  const auto limit = static_cast<std::size_t>(in.limit.value_or(50));
  shapes::ListLogGroupsResponse out;
  auto& list = out.log_groups.emplace();
  parts.logs.groups(*from, [&](const Group& group) {
    if (in.log_group_name_pattern && !name_matches(group.name, *in.log_group_name_pattern)) return true;
    if (in.log_group_class && class_of(group) != *in.log_group_class) return true;
    if (list.size() == limit) {
      out.next_token = page_token(group.name);
      return false;
    }
    list.push_back({.log_group_name = group.name,
                    .log_group_arn = group_arn(context, group.name),
                    .log_group_class = class_of(group)});
    return true;
  });
  return out;
}

Result<aws::Empty> put_retention_policy(const Parts& parts, const aws::RequestContext&,
                                        const shapes::PutRetentionPolicyRequest& in) {
  const int days = *in.retention_in_days;
  if (std::ranges::find(kRetentions, days) == kRetentions.end())
    return invalid(fmt::format(
        "1 validation error detected: Value '{}' at 'retentionInDays' failed to satisfy constraint: Member must "
        "satisfy enum value set: [{}]",
        days, fmt::join(kRetentions, ", ")));
  auto changed = parts.logs.change_group(*in.log_group_name, [&](Group& group) -> Result<void> {
    group.retention_days = days;
    return {};
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

Result<aws::Empty> delete_retention_policy(const Parts& parts, const aws::RequestContext&,
                                           const shapes::DeleteRetentionPolicyRequest& in) {
  auto changed = parts.logs.change_group(*in.log_group_name, [&](Group& group) -> Result<void> {
    group.retention_days = 0;
    return {};
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

Result<aws::Empty> put_deletion_protection(const Parts& parts, const aws::RequestContext&,
                                           const shapes::PutLogGroupDeletionProtectionRequest& in) {
  auto changed = parts.logs.change_group(group_of(*in.log_group_identifier), [&](Group& group) -> Result<void> {
    group.deletion_protected = in.deletion_protection_enabled.value_or(false);
    return {};
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

// -- streams

Result<aws::Empty> create_log_stream(const Parts& parts, const aws::RequestContext&,
                                     const shapes::CreateLogStreamRequest& in) {
  if (auto created = parts.logs.create_stream(*in.log_group_name, *in.log_stream_name); !created) return fail(created);
  return aws::Empty{};
}

Result<aws::Empty> delete_log_stream(const Parts& parts, const aws::RequestContext&,
                                     const shapes::DeleteLogStreamRequest& in) {
  if (auto deleted = parts.logs.delete_stream(*in.log_group_name, *in.log_stream_name); !deleted) return fail(deleted);
  return aws::Empty{};
}

shapes::LogStream describe(const aws::RequestContext& context, const Group& group, const Stream& stream) {
  shapes::LogStream out;
  out.log_stream_name = stream.name;
  out.creation_time = stream.created;
  out.first_event_timestamp = stream.first_event;
  out.last_event_timestamp = stream.last_event;
  out.last_ingestion_time = stream.last_ingestion;
  out.upload_sequence_token = EventId{.time = stream.last_ingestion.value_or(0), .chunk = stream.last_chunk}.text();
  out.arn = group_arn(context, group.name) + ":log-stream:" + stream.name;
  out.stored_bytes = 0;
  return out;
}

/// By the time of their last events, those of the same time by name.
Result<shapes::DescribeLogStreamsResponse> streams_by_time(const Parts& parts, const aws::RequestContext& context,
                                                           const Group& group, bool descending, const std::string& from,
                                                           std::size_t limit) {
  auto streams = parts.logs.all_streams(group);
  if (!streams) return fail(streams);
  const auto order = [](const Stream& stream) {
    return fmt::format("{:019}{}", stream.last_event.value_or(0), stream.name);
  };
  std::vector<std::pair<std::string, const Stream*>> sorted;
  sorted.reserve(streams->size());
  for (const auto& stream : *streams) {
    auto key = order(stream);
    if (!from.empty() && (descending ? key > from : key < from)) continue;
    sorted.emplace_back(std::move(key), &stream);
  }
  const auto wanted = std::min(limit + 1, sorted.size());
  std::ranges::partial_sort(sorted, sorted.begin() + static_cast<std::ptrdiff_t>(wanted),
                            [&](const auto& a, const auto& b) { return descending ? a > b : a < b; });
  shapes::DescribeLogStreamsResponse out;
  auto& list = out.log_streams.emplace();
  for (std::size_t i = 0; i < std::min(limit, wanted); ++i) list.push_back(describe(context, group, *sorted[i].second));
  if (wanted > limit) out.next_token = page_token(sorted[limit].first);
  return out;
}

Result<shapes::DescribeLogStreamsResponse> describe_log_streams(const Parts& parts, const aws::RequestContext& context,
                                                                const shapes::DescribeLogStreamsRequest& in) {
  auto name = group_of(in.log_group_name, in.log_group_identifier);
  if (!name) return fail(name);
  const bool by_time = in.order_by == shapes::OrderBy::LastEventTime;
  if (by_time && in.log_stream_name_prefix) return invalid("Cannot order by LastEventTime with a logStreamNamePrefix.");
  auto from = page_position(in.next_token);
  if (!from) return fail(from);
  auto group = parts.logs.group(*name);
  if (!group) return fail(group);
  const auto limit = static_cast<std::size_t>(in.limit.value_or(50));
  const bool descending = in.descending.value_or(false);
  if (by_time) return streams_by_time(parts, context, **group, descending, *from, limit);
  auto page = parts.logs.streams_by_name(**group, in.log_stream_name_prefix.value_or(""), *from, descending, limit + 1);
  if (!page) return fail(page);
  shapes::DescribeLogStreamsResponse out;
  auto& list = out.log_streams.emplace();
  for (const auto& stream : page->streams) {
    if (list.size() == limit) {
      out.next_token = page_token(stream.name);
      break;
    }
    list.push_back(describe(context, **group, stream));
  }
  return out;
}

}  // namespace

void add_groups(aws::Service& service, const Parts& parts) {
  constexpr const char* kNoKey = "Events are not encrypted: the key is only kept.";
  service.on<shapes::CreateLogGroup>(with(parts, create_log_group), kNoKey);
  service.on<shapes::DeleteLogGroup>(with(parts, delete_log_group));
  service.on<shapes::DescribeLogGroups>(with(parts, describe_log_groups),
                                        "Of one account; storedBytes is 0: what groups take is not counted.");
  service.on<shapes::ListLogGroups>(with(parts, list_log_groups),
                                    "Of one account; data sources, field indexes and tags cannot be asked for.");
  service.on<shapes::PutRetentionPolicy>(with(parts, put_retention_policy));
  service.on<shapes::DeleteRetentionPolicy>(with(parts, delete_retention_policy));
  service.on<shapes::PutLogGroupDeletionProtection>(with(parts, put_deletion_protection));
  service.on<shapes::CreateLogStream>(with(parts, create_log_stream));
  service.on<shapes::DeleteLogStream>(with(parts, delete_log_stream));
  service.on<shapes::DescribeLogStreams>(with(parts, describe_log_streams),
                                         "Times of events are there at once, not after a while.");
}

}  // namespace likeness::logs
