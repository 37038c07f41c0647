#pragma once

#include <chrono>
#include <vector>

#include "base/upkeep.hpp"
#include "domain/logs/logs.hpp"

namespace likeness::logs {

/// Erases what was deleted (within a second or two) and what is past its retention (every `interval`). Borrows `logs`.
std::vector<Chore> chores(Logs& logs, std::chrono::seconds interval = std::chrono::minutes(10));

}  // namespace likeness::logs
