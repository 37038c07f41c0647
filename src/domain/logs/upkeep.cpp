#include "domain/logs/upkeep.hpp"

namespace likeness::logs {

std::vector<Chore> chores(Logs& logs, std::chrono::seconds interval) {
  const auto erase = [&logs, interval,
                      due = std::chrono::steady_clock::time_point()](const Chore::GoOn&) mutable -> Result<void> {
    const auto now = std::chrono::steady_clock::now();
    if (now < due && !logs.has_erasures()) return {};
    due = now + interval;
    if (auto swept = logs.sweep(); !swept) return fail(swept);
    return {};
  };
  return {
      {.interval = std::chrono::seconds(1), .run = erase, .trouble = "log events cannot be erased", .at_once = true}};
}

}  // namespace likeness::logs
