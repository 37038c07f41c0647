#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "domain/logs/group_cursor.hpp"
#include "domain/logs/insights/query.hpp"

namespace likeness::logs::insights {

using ResultRow = std::vector<std::pair<std::string, std::string>>;  // name and value, as results show them

struct RunStatistics {
  double matched = 0, scanned = 0, bytes = 0;
};

struct RunResult {
  std::vector<ResultRow> rows;
  RunStatistics statistics;
};

/// Runs a query over streams. Blocks for as long as that takes; memory is bounded: what sort and stats hold has a
/// limit, beyond which rows are left out. `cancelled` ends it early, with what there is.
Result<RunResult> run(const Logs& logs, const Query& query, std::vector<GroupCursor::Source> sources,
                      const EventRange& range, std::size_t limit, const std::string& account,
                      const std::atomic<bool>& cancelled);

}  // namespace likeness::logs::insights
