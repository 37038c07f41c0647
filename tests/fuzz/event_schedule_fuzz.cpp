#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "events/schedule.hpp"
#include "events/time_zone.hpp"

/// A schedule expression, or a file of the time zone database when the first byte says so: whatever is read must answer
/// when it is next due, and later than asked.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace likeness::events;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const UtcSeconds now(std::chrono::seconds(1'795'291'200));
  if (data[0] == 'Z') {
    if (const auto zone = TimeZone::read(text)) {
      for (const int years : {0, 20, 80}) (*zone)->to_utc((*zone)->local(now + std::chrono::days(365 * years)));
    }
    return 0;
  }
  const auto schedule = parse_schedule(text);
  if (!schedule) return 0;
  if (const auto* cron = std::get_if<Cron>(&*schedule)) {
    if (const auto next = cron->next(now, *TimeZone::utc()); next && *next <= now) std::abort();
  } else if (const auto* rate = std::get_if<Rate>(&*schedule)) {
    if (rate->next(now - std::chrono::days(3), now) <= now) std::abort();
  }
  return 0;
}
