#include <fmt/format.h>

#include <utility>

#include "services/events/archives.hpp"
#include "services/events/common.hpp"

namespace likeness::eventbridge {
namespace {

using State = shapes::ArchiveState;

Result<shapes::CreateArchiveResponse> create_archive(const Parts& parts, const shapes::CreateArchiveRequest& in) {
  const std::string bus = parts.registry.bus_name(in.event_source_arn);
  if (auto there = parts.registry.bus(bus); !there) return fail(there);
  Archive archive{.name = *in.archive_name,
                  .arn = {},
                  .bus_arn = parts.registry.bus_arn(bus),
                  .description = in.description,
                  .pattern = in.event_pattern.value_or(""),
                  .retention_days = in.retention_days.value_or(0)};
  if (auto done = parts.registry.put_archive(archive, true); !done) return fail(done);
  auto made = parts.registry.archive(*in.archive_name);
  if (!made) return fail(made);
  return shapes::CreateArchiveResponse{
      .archive_arn = (*made)->arn, .state = State::Enabled, .creation_time = (*made)->created};
}

Result<shapes::UpdateArchiveResponse> update_archive(const Parts& parts, const shapes::UpdateArchiveRequest& in) {
  if (!in.description && !in.event_pattern && !in.retention_days)
    return invalid("At least one of EventPattern, RetentionDays or Description must be provided.");
  auto before = parts.registry.archive(*in.archive_name);
  if (!before) return fail(before);
  Archive changed = **before;
  if (in.description) changed.description = in.description;
  if (in.event_pattern) changed.pattern = *in.event_pattern;
  if (in.retention_days) changed.retention_days = *in.retention_days;
  if (auto done = parts.registry.put_archive(changed, false); !done) return fail(done);
  return shapes::UpdateArchiveResponse{
      .archive_arn = changed.arn, .state = State::Enabled, .creation_time = changed.created};
}

Result<shapes::DescribeArchiveResponse> describe_archive(const Parts& parts, const shapes::DescribeArchiveRequest& in) {
  auto found = parts.registry.archive(*in.archive_name);
  if (!found) return fail(found);
  const Archive& archive = **found;
  auto size = archive_size(parts.registry.store(), archive);
  if (!size) return fail(size);
  shapes::DescribeArchiveResponse out{.archive_arn = archive.arn,
                                      .archive_name = archive.name,
                                      .event_source_arn = archive.bus_arn,
                                      .description = archive.description,
                                      .state = State::Enabled,
                                      .retention_days = archive.retention_days,
                                      .size_bytes = size->bytes,
                                      .event_count = size->events,
                                      .creation_time = archive.created};
  if (!archive.pattern.empty()) out.event_pattern = archive.pattern;
  return out;
}

Result<shapes::ListArchivesResponse> list_archives(const Parts& parts, const shapes::ListArchivesRequest& in) {
  auto all = parts.registry.archives(in.name_prefix.value_or(""));
  std::erase_if(all, [&in](const auto& archive) {
    return (in.event_source_arn && archive->bus_arn != *in.event_source_arn) ||
           (in.state && *in.state != State::Enabled);
  });
  auto page = page_of(std::move(all), in, [](const auto& archive) -> const std::string& { return archive->name; });
  if (!page) return fail(page);
  shapes::ListArchivesResponse out{.next_token = page->second};
  auto& listed = out.archives.emplace();
  for (const auto& archive : page->first) {
    auto size = archive_size(parts.registry.store(), *archive);
    if (!size) return fail(size);
    listed.push_back({.archive_name = archive->name,
                      .event_source_arn = archive->bus_arn,
                      .state = State::Enabled,
                      .retention_days = archive->retention_days,
                      .size_bytes = size->bytes,
                      .event_count = size->events,
                      .creation_time = archive->created});
  }
  return out;
}

Result<shapes::DeleteArchiveResponse> delete_archive(const Parts& parts, const shapes::DeleteArchiveRequest& in) {
  auto found = parts.registry.archive(*in.archive_name);
  if (!found) return fail(found);
  if (auto removed = parts.registry.remove_archive(*in.archive_name); !removed) return fail(removed);
  if (auto forgotten = forget_archived(parts.registry.store(), **found, TimePoint::max()); !forgotten)
    return fail(forgotten);
  return shapes::DeleteArchiveResponse{};
}

Result<shapes::StartReplayResponse> start_replay(const Parts& parts, const shapes::StartReplayRequest& in) {
  const std::string base = parts.registry.archive_arn("");
  const std::string name =
      in.event_source_arn->starts_with(base) ? in.event_source_arn->substr(base.size()) : *in.event_source_arn;
  const auto archive = parts.registry.archive(name);
  if (!archive)
    return invalid(fmt::format("Parameter EventSourceArn is not valid. Reason: Archive {} does not exist.", name));
  if (in.destination->arn != (*archive)->bus_arn)
    return invalid("Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.");
  if (*in.event_start_time >= *in.event_end_time)
    return invalid("Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.");
  Replay replay{.name = *in.replay_name,
                .arn = {},
                .description = in.description,
                .archive = name,
                .bus = parts.registry.bus_name((*archive)->bus_arn),
                .only = in.destination->filter_arns.value_or(std::vector<std::string>()),
                .from = *in.event_start_time,
                .to = *in.event_end_time};
  auto begun = parts.replays.begin(std::move(replay));
  if (!begun) return fail(begun);
  return shapes::StartReplayResponse{
      .replay_arn = begun->arn, .state = begun->state, .replay_start_time = begun->started};
}

Result<shapes::DescribeReplayResponse> describe_replay(const Parts& parts, const shapes::DescribeReplayRequest& in) {
  auto found = parts.replays.find(*in.replay_name);
  if (!found) return fail(found);
  const Replay& replay = *found;
  shapes::ReplayDestination destination{.arn = parts.registry.bus_arn(replay.bus)};
  if (!replay.only.empty()) destination.filter_arns = replay.only;
  return shapes::DescribeReplayResponse{.replay_name = replay.name,
                                        .replay_arn = replay.arn,
                                        .description = replay.description,
                                        .state = replay.state,
                                        .event_source_arn = parts.registry.archive_arn(replay.archive),
                                        .destination = std::move(destination),
                                        .event_start_time = replay.from,
                                        .event_end_time = replay.to,
                                        .event_last_replayed_time = replay.last_event,
                                        .replay_start_time = replay.started,
                                        .replay_end_time = replay.ended};
}

Result<shapes::ListReplaysResponse> list_replays(const Parts& parts, const shapes::ListReplaysRequest& in) {
  auto all = parts.replays.list(in.name_prefix.value_or(""));
  std::erase_if(all, [&](const Replay& replay) {
    return (in.state && *in.state != replay.state) ||
           (in.event_source_arn && *in.event_source_arn != parts.registry.archive_arn(replay.archive));
  });
  auto page = page_of(std::move(all), in, [](const Replay& replay) -> const std::string& { return replay.name; });
  if (!page) return fail(page);
  shapes::ListReplaysResponse out{.next_token = page->second};
  auto& listed = out.replays.emplace();
  for (const auto& replay : page->first)
    listed.push_back({.replay_name = replay.name,
                      .event_source_arn = parts.registry.archive_arn(replay.archive),
                      .state = replay.state,
                      .event_start_time = replay.from,
                      .event_end_time = replay.to,
                      .event_last_replayed_time = replay.last_event,
                      .replay_start_time = replay.started,
                      .replay_end_time = replay.ended});
  return out;
}

}  // namespace

void register_archives(aws::Service& service, const Parts& parts) {
  const auto on_archive = [&registry = parts.registry](const aws::RequestContext&, const auto& in) {
    return registry.archive_arn(in.archive_name.value_or("*"));
  };
  const auto on_replay = [&registry = parts.registry](const aws::RequestContext&, const auto& in) {
    return registry.replay_arn(in.replay_name.value_or("*"));
  };
  service.on<shapes::CreateArchive>(
      [parts](const aws::RequestContext&, const auto& in) { return create_archive(parts, in); },
      "Archives keep events without a managed rule on the bus, at once.");
  needs<shapes::CreateArchive>(service, on_archive);
  service.on<shapes::UpdateArchive>(
      [parts](const aws::RequestContext&, const auto& in) { return update_archive(parts, in); });
  needs<shapes::UpdateArchive>(service, on_archive);
  service.on<shapes::DescribeArchive>(
      [parts](const aws::RequestContext&, const auto& in) { return describe_archive(parts, in); });
  needs<shapes::DescribeArchive>(service, on_archive);
  service.on<shapes::ListArchives>(
      [parts](const aws::RequestContext&, const auto& in) { return list_archives(parts, in); });
  service.on<shapes::DeleteArchive>(
      [parts](const aws::RequestContext&, const auto& in) { return delete_archive(parts, in); });
  needs<shapes::DeleteArchive>(service, on_archive);
  service.on<shapes::StartReplay>(
      [parts](const aws::RequestContext&, const auto& in) { return start_replay(parts, in); });
  needs<shapes::StartReplay>(service, on_replay);
  service.on<shapes::DescribeReplay>(
      [parts](const aws::RequestContext&, const auto& in) { return describe_replay(parts, in); });
  needs<shapes::DescribeReplay>(service, on_replay);
  service.on<shapes::ListReplays>(
      [parts](const aws::RequestContext&, const auto& in) { return list_replays(parts, in); });
  service.on<shapes::CancelReplay>(
      [parts](const aws::RequestContext&,
              const shapes::CancelReplayRequest& in) -> Result<shapes::CancelReplayResponse> {
        auto cancelled = parts.replays.cancel(*in.replay_name);
        if (!cancelled) return fail(cancelled);
        return shapes::CancelReplayResponse{.replay_arn = cancelled->arn, .state = cancelled->state};
      });
  needs<shapes::CancelReplay>(service, on_replay);
}

}  // namespace likeness::eventbridge
