#include "services/events/archives.hpp"

#include <fmt/format.h>

#include <utility>

#include "events/json_tokens.hpp"

namespace likeness::eventbridge {

namespace {

constexpr std::string_view kTable = "archived_events";

std::int64_t milliseconds(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

/// One that is made again under its old name has nothing of the old one.
std::string partition_of(const Archive& archive) {
  return fmt::format("{}/{:013}", archive.name, milliseconds(archive.created));
}

std::string sort_of(TimePoint time) { return fmt::format("{:013}/", std::max<std::int64_t>(0, milliseconds(time))); }

}  // namespace

storage::Write archived_write(const Archive& archive, const Event& event) {
  return {.table = std::string(kTable),
          .key = {partition_of(archive), sort_of(event.time) + event.id},
          .value = event.json,
          .expect = storage::Write::Expect::Anything,
          .expected_value = {}};
}

Result<std::vector<ArchivedEvent>> read_archived(const storage::Store& store, const Archive& archive, TimePoint from,
                                                 TimePoint to, const std::string& behind, std::size_t limit) {
  auto page = store.range(
      kTable, partition_of(archive),
      {.first = behind.empty() ? sort_of(from) : behind + '\0', .last = sort_of(to), .limit = limit, .reverse = false});
  if (!page) return fail(page);
  std::vector<ArchivedEvent> out;
  for (auto& item : page->items) {
    const std::int64_t time = std::stoll(item.key.sort.substr(0, 13));
    out.push_back({.place = item.key.sort,
                   .time = TimePoint(std::chrono::milliseconds(time)),
                   .id = item.key.sort.substr(14),
                   .json = std::move(item.value)});
  }
  return out;
}

Result<ArchiveSize> archive_size(const storage::Store& store, const Archive& archive) {
  ArchiveSize size;
  auto done = store.scan(kTable, partition_of(archive), [&](std::string_view, std::string_view value) {
    ++size.events;
    size.bytes += static_cast<std::int64_t>(value.size());
    return true;
  });
  if (!done) return fail(done);
  return size;
}

Result<void> forget_archived(storage::Store& store, const Archive& archive, TimePoint before) {
  const std::string partition = partition_of(archive);
  std::optional<std::string> last;
  if (before != TimePoint::max()) last = sort_of(before);
  while (true) {
    auto page = store.range(kTable, partition,
                            {.first = {}, .last = last, .limit = storage::kMaxWritesInCommit, .reverse = false});
    if (!page) return fail(page);
    if (page->items.empty()) return {};
    std::vector<storage::Write> writes;
    writes.reserve(page->items.size());
    for (auto& item : page->items)
      writes.push_back({.table = std::string(kTable),
                        .key = std::move(item.key),
                        .value = std::nullopt,
                        .expect = storage::Write::Expect::Anything,
                        .expected_value = {}});
    if (auto done = store.commit(std::move(writes)); !done) return done;
  }
}

}  // namespace likeness::eventbridge
