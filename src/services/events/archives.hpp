#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "services/events/dispatcher.hpp"
#include "services/events/registry.hpp"
#include "storage/store.hpp"

/// The events that archives keep: ordered by their time.
namespace likeness::eventbridge {

/// To go into the commit that accepts the event.
storage::Write archived_write(const Archive& archive, const Event& event);

struct ArchivedEvent {
  std::string place;  // what `from` goes on behind
  TimePoint time{};
  std::string id;
  std::string json;
};
/// Up to `limit` of them from `from` to `to` exclusive; `behind` is the place of the last one seen, or empty.
Result<std::vector<ArchivedEvent>> read_archived(const storage::Store& store, const Archive& archive, TimePoint from,
                                                 TimePoint to, const std::string& behind, std::size_t limit);

struct ArchiveSize {
  std::int64_t events = 0;
  std::int64_t bytes = 0;
};
Result<ArchiveSize> archive_size(const storage::Store& store, const Archive& archive);

/// Forgets what is older than `before`; everything with TimePoint::max().
Result<void> forget_archived(storage::Store& store, const Archive& archive, TimePoint before);

}  // namespace likeness::eventbridge
