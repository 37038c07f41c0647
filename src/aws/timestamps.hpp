#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace likeness::aws {

/// "2000-01-02T20:34:56Z", with ".123" where there are milliseconds.
std::string iso8601_millis(TimePoint time);
/// RFC 3339: any fraction of a second, "Z" or an offset ("+01:00").
std::optional<TimePoint> parse_iso8601(std::string_view text);

/// "Sun, 02 Jan 2000 20:34:56 GMT".
std::string http_date(TimePoint time);
std::optional<TimePoint> parse_http_date(std::string_view text);

/// "20261121T101530Z".
std::optional<TimePoint> parse_iso8601_basic(std::string_view text);

/// Seconds since 1970, with milliseconds where there are any: "946845296", "946845296.123".
std::string epoch_text(TimePoint time);
/// Nullopt outside the years 1678 to 2261, where the clock of nanoseconds ends.
std::optional<TimePoint> from_epoch_seconds(double seconds);

}  // namespace likeness::aws
