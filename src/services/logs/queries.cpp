#include <algorithm>
#include <chrono>
#include <utility>

#include "aws/exceptions.hpp"
#include "domain/logs/insights/queries.hpp"
#include "domain/logs/insights/row.hpp"
#include "services/logs/common.hpp"

/// Insights: queries and their results.
namespace likeness::logs {
namespace {

using insights::QueryStatus;

shapes::QueryStatus shape_of_state(QueryStatus::State state) {
  switch (state) {
    case QueryStatus::State::Scheduled: return shapes::QueryStatus::Scheduled;
    case QueryStatus::State::Running: return shapes::QueryStatus::Running;
    case QueryStatus::State::Complete: return shapes::QueryStatus::Complete;
    case QueryStatus::State::Failed: return shapes::QueryStatus::Failed;
    case QueryStatus::State::Cancelled: break;
  }
  return shapes::QueryStatus::Cancelled;
}

/// Times of queries are seconds; what is too large for that is milliseconds, which AWS takes too.
Millis millis_of(std::int64_t time) {
  constexpr std::int64_t kSecondsEnd = 100'000'000'000;
  return time < kSecondsEnd ? time * 1000 : time;
}

Result<shapes::StartQueryResponse> start_query(const Parts& parts, const aws::RequestContext& context,
                                               const shapes::StartQueryRequest& in) {
  if (in.query_language && *in.query_language != shapes::QueryLanguage::Cwli)
    return invalid("Only queries in the Logs Insights query language are available.");
  insights::QueryRequest request;
  if (in.log_group_name) request.groups.push_back(*in.log_group_name);
  if (in.log_group_names)
    for (const auto& name : *in.log_group_names) request.groups.push_back(name);
  if (in.log_group_identifiers)
    for (const auto& name : *in.log_group_identifiers) request.groups.push_back(group_of(name));
  if ((in.log_group_name ? 1 : 0) + (in.log_group_names ? 1 : 0) + (in.log_group_identifiers ? 1 : 0) != 1)
    return invalid("Exactly one of logGroupName, logGroupNames and logGroupIdentifiers has to be given.");
  if (request.groups.empty() || request.groups.size() > 50) return invalid("A query is of 1 to 50 log groups.");
  std::ranges::sort(request.groups);
  request.groups.erase(std::unique(request.groups.begin(), request.groups.end()), request.groups.end());
  request.text = *in.query_string;
  request.from = millis_of(*in.start_time);
  request.to = millis_of(*in.end_time);
  if (request.from > request.to) return invalid("Query's start time has to be before its end time.");
  // The second that is named last is included whole.
  if (request.to == *in.end_time * 1000) request.to += 999;
  request.limit = static_cast<std::size_t>(in.limit.value_or(0));
  request.caller = context.caller_arn;
  insights::QueryError where;
  auto id = parts.queries.start(std::move(request), where);
  if (id) return shapes::StartQueryResponse{.query_id = *id};
  if (id.error().code != "MalformedQueryException") return fail(id);
  shapes::MalformedQueryException error;
  error.query_compile_error = shapes::QueryCompileError{
      .location = shapes::QueryCompileErrorLocation{.start_char_offset = static_cast<std::int32_t>(where.begin),
                                                    .end_char_offset = static_cast<std::int32_t>(where.end)},
      .message = where.message};
  return aws::exception(std::move(error), where.message);
}

Result<shapes::GetQueryResultsResponse> get_query_results(const Parts& parts, const aws::RequestContext&,
                                                          const shapes::GetQueryResultsRequest& in) {
  auto from = page_position(in.next_token);
  if (!from) return fail(from);
  const auto status = parts.queries.find(*in.query_id);
  if (!status) return not_found("Query does not exist: " + *in.query_id);
  shapes::GetQueryResultsResponse out;
  out.query_language = shapes::QueryLanguage::Cwli;
  out.status = shape_of_state(status->state);
  auto& rows = out.results.emplace();
  shapes::QueryStatistics statistics{.records_matched = 0.0, .records_scanned = 0.0, .bytes_scanned = 0.0};
  if (status->result != nullptr) {
    statistics.records_matched = status->result->statistics.matched;
    statistics.records_scanned = status->result->statistics.scanned;
    statistics.bytes_scanned = status->result->statistics.bytes;
    const auto& all = status->result->rows;
    std::size_t at = from->empty() ? 0 : std::strtoull(from->c_str(), nullptr, 10);
    const auto most = static_cast<std::size_t>(in.max_items.value_or(10'000));
    for (; at < all.size() && rows.size() < std::max<std::size_t>(most, 1); ++at) {
      std::vector<shapes::ResultField> row;
      row.reserve(all[at].size());
      for (const auto& [name, value] : all[at]) row.push_back({.field = name, .value = value});
      rows.push_back(std::move(row));
    }
    if (at < all.size()) out.next_token = page_token(std::to_string(at));
  }
  out.statistics = statistics;
  return out;
}

Result<shapes::StopQueryResponse> stop_query(const Parts& parts, const aws::RequestContext&,
                                             const shapes::StopQueryRequest& in) {
  auto stopped = parts.queries.cancel(*in.query_id);
  if (!stopped) return fail(stopped);
  return shapes::StopQueryResponse{.success = *stopped};
}

Result<shapes::DescribeQueriesResponse> describe_queries(const Parts& parts, const aws::RequestContext&,
                                                         const shapes::DescribeQueriesRequest& in) {
  auto from = page_position(in.next_token);
  if (!from) return fail(from);
  shapes::DescribeQueriesResponse out;
  auto& list = out.queries.emplace();
  const auto most = static_cast<std::size_t>(in.max_results.value_or(1000));
  bool found = from->empty();
  parts.queries.list([&](const QueryStatus& status) {
    found = found || status.id == *from;
    if (!found) return true;
    const auto& groups = status.request.groups;
    if (in.log_group_name && std::ranges::find(groups, *in.log_group_name) == groups.end()) return true;
    if (in.status && shape_of_state(status.state) != *in.status) return true;
    if (list.size() == most) {
      out.next_token = page_token(status.id);
      return false;
    }
    shapes::QueryInfo one;
    one.query_language = shapes::QueryLanguage::Cwli;
    one.query_id = status.id;
    one.query_string = status.request.text;
    one.status = shape_of_state(status.state);
    one.create_time = status.created;
    if (groups.size() == 1) one.log_group_name = groups.front();
    one.query_duration = status.took;
    if (status.result != nullptr) one.bytes_scanned = status.result->statistics.bytes;
    one.user_identity = status.request.caller;
    list.push_back(std::move(one));
    return true;
  });
  return out;
}

/// The fields of one event, as "@ptr" of a result names it.
Result<shapes::GetLogRecordResponse> get_log_record(const Parts& parts, const aws::RequestContext&,
                                                    const shapes::GetLogRecordRequest& in) {
  insights::Pointer pointer;
  if (!insights::read_pointer(*in.log_record_pointer, pointer)) return invalid("The logRecordPointer is invalid.");
  auto group = parts.logs.group(pointer.log.substr(std::min(pointer.log.find(':') + 1, pointer.log.size())));
  if (!group) return fail(group);
  auto stream = parts.logs.stream(**group, pointer.stream);
  if (!stream) return fail(stream);
  EventRange range;
  range.first = pointer.id;
  range.last = {pointer.id.time, pointer.id.chunk, pointer.id.index + 1};
  Cursor events = parts.logs.cursor(**group, *stream, range, false);
  auto more = events.next();
  if (!more) return from_store(more);
  if (!*more) return not_found("The log record does not exist.");
  const insights::Row row(events.event(), pointer.log, pointer.stream);
  auto fields = row.discovered();
  for (const auto* name : {"@message", "@timestamp", "@ingestionTime", "@logStream", "@log", "@ptr", "@requestId",
                           "@type", "@duration", "@billedDuration", "@memorySize", "@maxMemoryUsed", "@initDuration"}) {
    const auto value = row.get(name);
    if (!value.is_nothing()) fields[name] = insights::to_text(value);
  }
  // Times as numbers here.
  fields["@timestamp"] = std::to_string(row.id().time);
  fields["@ingestionTime"] = std::to_string(row.id().ingested());
  return shapes::GetLogRecordResponse{.log_record = std::move(fields)};
}

/// Which fields the group's latest events have, and how many of a hundred.
Result<shapes::GetLogGroupFieldsResponse> get_log_group_fields(const Parts& parts, const aws::RequestContext&,
                                                               const shapes::GetLogGroupFieldsRequest& in) {
  constexpr std::size_t kLookedAt = 1000;
  constexpr Millis kBefore = 8 * 60 * 1000;  // on either side of the time that is asked for
  auto name = group_of(in.log_group_name, in.log_group_identifier);
  if (!name) return fail(name);
  auto group = parts.logs.group(*name);
  if (!group) return fail(group);
  auto streams = parts.logs.all_streams(**group);
  if (!streams) return fail(streams);
  std::vector<GroupCursor::Source> sources;
  sources.reserve(streams->size());
  for (auto& stream : *streams) sources.push_back({*group, std::move(stream)});
  EventRange range;
  if (in.time) {
    range.first.time = std::max<Millis>(0, millis_of(*in.time) - kBefore);
    range.last = std::min(range.last, EventId{.time = millis_of(*in.time) + kBefore});
  }
  GroupCursor events(parts.logs, std::move(sources), range, true);
  std::map<std::string, std::size_t> counts;
  std::size_t count = 0;
  while (count < kLookedAt) {
    auto more = events.next();
    if (!more) return from_store(more);
    if (!*more) break;
    ++count;
    const insights::Row row(events.event(), {}, {});
    for (const auto& [field, value] : row.discovered()) ++counts[field];
    for (const auto* own : {"@message", "@timestamp", "@ingestionTime", "@logStream", "@log"}) ++counts[own];
    for (const auto* own : {"@requestId", "@type", "@duration"})
      if (!row.get(own).is_nothing()) ++counts[own];
  }
  shapes::GetLogGroupFieldsResponse out;
  auto& list = out.log_group_fields.emplace();
  for (const auto& [field, times] : counts)
    list.push_back({.name = field, .percent = static_cast<std::int32_t>(times * 100 / count)});
  std::ranges::sort(list, [](const auto& a, const auto& b) { return a.percent > b.percent; });
  if (list.size() > 20) list.resize(20);
  return out;
}

}  // namespace

void add_queries(aws::Service& service, const Parts& parts) {
  service.on<shapes::StartQuery>(
      with(parts, start_query),
      "Commands fields, display, filter, stats, sort, limit, parse and dedup; results are in "
      "memory until 200 later queries or a restart.");
  service.on<shapes::GetQueryResults>(with(parts, get_query_results));
  service.on<shapes::StopQuery>(with(parts, stop_query));
  service.on<shapes::DescribeQueries>(with(parts, describe_queries));
  service.on<shapes::GetLogRecord>(with(parts, get_log_record));
  service.on<shapes::GetLogGroupFields>(with(parts, get_log_group_fields));
}

}  // namespace likeness::logs
