#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "states/map_runs.hpp"

namespace likeness::states {

/// One run of a distributed map while it goes on.
struct MapRuns::Run {
  ExecutionInfo info;  // of the execution it belongs to
  std::shared_ptr<const Definition> definition;
  Fiber fiber;
  std::uint32_t attempt = 0;
  Value context;
  std::string label;
  std::function<void()> ended;
  std::size_t max_items = 100'000'000;
  std::size_t batch_items = 0;  // 0: no batches by number
  std::size_t batch_bytes = 0;

  std::mutex mutex;
  MapRunRecord record;
  std::vector<bool> done;
  std::vector<bool> awaits_redrive;
  std::size_t next = 0;
  std::map<std::string, std::uint32_t> children;  // that run, by name
  bool finished = false;

  const State& state() const;
  Value map_input(Engine& engine) const;
  TaskRequest request(const std::string& service, const std::string& action, const Value& input) const;
  std::string child_arn(std::uint32_t index) const;
  std::vector<std::string> running_children() const;  // with the mutex held
  void count(Status status);
  bool hopeless() const;
};

namespace map_tables {
inline constexpr auto kRuns = "sfn.mapruns";
inline constexpr auto kOf = "sfn.mapruns.of";
inline constexpr auto kItems = "sfn.mapruns.items";
inline constexpr auto kResults = "sfn.mapruns.results";
}  // namespace map_tables

}  // namespace likeness::states
