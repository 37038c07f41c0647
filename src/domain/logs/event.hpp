#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace likeness::logs {

/// Milliseconds since 1970, as all of the API has them.
using Millis = std::int64_t;

/// The place of an event among all events: by time, then in the order in which they came. `chunk` counts microseconds
/// and never repeats, so that it tells the time of ingestion, too.
struct EventId {
  Millis time = 0;
  std::uint64_t chunk = 0;
  std::uint32_t index = 0;
  auto operator<=>(const EventId&) const = default;

  Millis ingested() const { return static_cast<Millis>(chunk / 1000); }
  /// 56 digits that sort as the ids do.
  std::string text() const;
  static std::optional<EventId> parse(std::string_view text);
};

/// An event as it lies in the store; `message` is valid until the cursor moves.
struct EventView {
  EventId id;
  std::string_view message;
};

}  // namespace likeness::logs
