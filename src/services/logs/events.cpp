#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "domain/logs/filter_pattern.hpp"
#include "domain/logs/group_cursor.hpp"
#include "services/logs/common.hpp"

/// Events in and out.
namespace likeness::logs {
namespace {

constexpr std::size_t kPageBytes = 1 << 20;
constexpr std::size_t kEventBytes = 26;
/// A page of FilterLogEvents ends after that much work, with a token to go on.
constexpr std::size_t kScannedBytes = 64u << 20;
constexpr auto kScanTime = std::chrono::seconds(5);

Result<shapes::PutLogEventsResponse> put_log_events(const Parts& parts, const aws::RequestContext&,
                                                    const shapes::PutLogEventsRequest& in) {
  std::vector<TimedMessage> events;
  events.reserve(in.log_events->size());
  for (const auto& event : *in.log_events) events.push_back({*event.timestamp, *event.message});
  auto put = parts.logs.put(*in.log_group_name, *in.log_stream_name, events);
  if (!put) return fail(put);
  shapes::PutLogEventsResponse out;
  out.next_sequence_token =
      EventId{.time = static_cast<Millis>(put->last_chunk / 1000), .chunk = put->last_chunk}.text();
  if (put->too_new_from || put->too_old_until || put->expired_until)
    out.rejected_log_events_info = shapes::RejectedLogEventsInfo{.too_new_log_event_start_index = put->too_new_from,
                                                                 .too_old_log_event_end_index = put->too_old_until,
                                                                 .expired_log_event_end_index = put->expired_until};
  return out;
}

Result<shapes::GetLogEventsResponse> get_log_events(const Parts& parts, const aws::RequestContext&,
                                                    const shapes::GetLogEventsRequest& in) {
  auto name = group_of(in.log_group_name, in.log_group_identifier);
  if (!name) return fail(name);
  auto page = parts.logs.get(*name, *in.log_stream_name,
                             {.start = in.start_time,
                              .end = in.end_time,
                              .token = in.next_token.value_or(""),
                              .limit = static_cast<std::size_t>(in.limit.value_or(10000)),
                              .from_head = in.start_from_head.value_or(false)});
  if (!page) return fail(page);
  shapes::GetLogEventsResponse out;
  auto& list = out.events.emplace();
  list.reserve(page->events.size());
  for (auto& event : page->events)
    list.push_back(
        {.timestamp = event.id.time, .message = std::move(event.message), .ingestion_time = event.id.ingested()});
  out.next_forward_token = std::move(page->forward);
  out.next_backward_token = std::move(page->backward);
  return out;
}

Result<std::vector<GroupCursor::Source>> sources_of(const Parts& parts, const std::shared_ptr<const Group>& group,
                                                    const shapes::FilterLogEventsRequest& in) {
  std::vector<GroupCursor::Source> out;
  if (in.log_stream_names) {
    std::set<std::string> names(in.log_stream_names->begin(), in.log_stream_names->end());
    for (const auto& name : names) {
      auto stream = parts.logs.stream(*group, name);
      if (!stream) return fail(stream);
      out.push_back({group, std::move(*stream)});
    }
    return out;
  }
  auto streams = parts.logs.all_streams(*group, in.log_stream_name_prefix.value_or(""));
  if (!streams) return fail(streams);
  for (auto& stream : *streams) out.push_back({group, std::move(stream)});
  return out;
}

Result<shapes::FilterLogEventsResponse> filter_log_events(const Parts& parts, const aws::RequestContext&,
                                                          const shapes::FilterLogEventsRequest& in) {
  auto name = group_of(in.log_group_name, in.log_group_identifier);
  if (!name) return fail(name);
  if (in.log_stream_names && in.log_stream_name_prefix)
    return invalid("LogStreamNames and LogStreamNamePrefix are mutually exclusive parameters.");
  if (in.start_time && in.end_time && *in.start_time > *in.end_time)
    return invalid("startTime has to be before endTime.");
  auto pattern = FilterPattern::parse(in.filter_pattern.value_or(""));
  if (!pattern) return fail(pattern);
  auto position = page_position(in.next_token);
  if (!position) return fail(position);
  EventRange range;
  if (in.start_time) range.first.time = *in.start_time;
  if (in.end_time) range.last = std::min(range.last, EventId{.time = *in.end_time + 1});
  // Backwards where the newest are wanted first.
  const bool backward = in.start_from_head.has_value() && !*in.start_from_head;
  if (!position->empty()) {
    const auto id = EventId::parse(*position);
    if (!id) return invalid("The specified nextToken is invalid.");
    if (backward)
      range.last = std::min(range.last, *id);
    else
      range.first = std::max(range.first, EventId{id->time, id->chunk, id->index + 1});
  }
  auto group = parts.logs.group(*name);
  if (!group) return fail(group);
  auto sources = sources_of(parts, *group, in);
  if (!sources) return fail(sources);

  GroupCursor events(parts.logs, std::move(*sources), range, backward);
  const auto limit = static_cast<std::size_t>(in.limit.value_or(10000));
  const auto until = std::chrono::steady_clock::now() + kScanTime;
  shapes::FilterLogEventsResponse out;
  auto& list = out.events.emplace();
  out.searched_log_streams.emplace();
  std::size_t bytes = 0;
  std::size_t scanned = 0;
  std::size_t count = 0;
  std::optional<EventId> last;  // that was looked at
  while (true) {
    auto more = events.next();
    if (!more) return from_store(more);
    if (!*more) return out;
    const auto& event = events.event();
    const bool wanted = pattern->matches(event.message);
    const bool full = list.size() == limit || (wanted && !list.empty() && bytes + event.message.size() > kPageBytes);
    const bool tired = scanned > kScannedBytes || (++count % 1024 == 0 && std::chrono::steady_clock::now() > until);
    if (last && (full || tired)) {
      out.next_token = page_token(last->text());
      return out;
    }
    last = event.id;
    scanned += event.message.size() + kEventBytes;
    if (!wanted) continue;
    bytes += event.message.size() + kEventBytes;
    list.push_back({.log_stream_name = events.source().stream.name,
                    .timestamp = event.id.time,
                    .message = std::string(event.message),
                    .ingestion_time = event.id.ingested(),
                    .event_id = event.id.text()});
  }
}

Result<shapes::StartLiveTailResponse> start_live_tail(const Parts& parts, const aws::RequestContext& context,
                                                      const shapes::StartLiveTailRequest& in) {
  TailRequest request{.request_id = context.request_id, .account = context.account};
  for (const auto& identifier : *in.log_group_identifiers) {
    if (!identifier.starts_with("arn:")) return invalid("Log groups of a live tail are named by their ARNs.");
    auto group = parts.logs.group(group_of(identifier));
    if (!group) return fail(group);
    request.groups.insert((*group)->name);
    request.identifiers.push_back(identifier);
  }
  if (in.log_stream_names && in.log_stream_name_prefixes)
    return invalid("logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.");
  if (in.log_stream_names) request.streams.insert(in.log_stream_names->begin(), in.log_stream_names->end());
  if (in.log_stream_name_prefixes) request.prefixes = *in.log_stream_name_prefixes;
  if (request.groups.size() > 1 && (!request.streams.empty() || !request.prefixes.empty()))
    return invalid("Streams can be chosen of one log group only.");
  request.pattern = in.log_event_filter_pattern.value_or("");
  auto reader = parts.live_tail.start(std::move(request));
  if (!reader) return fail(reader);
  return shapes::StartLiveTailResponse{.response_stream = aws::Stream{.reader = std::move(*reader), .length = {}}};
}

}  // namespace

void add_events(aws::Service& service, const Parts& parts) {
  service.on<shapes::PutLogEvents>(with(parts, put_log_events), "Entities are not kept.");
  service.on<shapes::StartLiveTail>(with(parts, start_live_tail));
  service.waits<shapes::StartLiveTail>();
  service.on<shapes::GetLogEvents>(with(parts, get_log_events));
  service.on<shapes::FilterLogEvents>(
      with(parts, filter_log_events),
      "A term matches inside of words, too. A page may be empty and still have a token.");
}

}  // namespace likeness::logs
