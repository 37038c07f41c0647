#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "states/engine.hpp"

namespace likeness::states {

/// What is known of the run of a distributed map.
struct MapRunRecord {
  std::string arn;
  std::string execution_arn;
  std::string machine_arn;
  std::string status = "RUNNING";  // SUCCEEDED, FAILED, ABORTED
  TimePoint started;
  TimePoint stopped{};
  std::int64_t max_concurrency = 0;
  std::int64_t tolerated_count = 0;
  double tolerated_percentage = 0;
  std::int64_t total = 0;        // child executions
  std::int64_t total_items = 0;  // of all of them
  std::int64_t running = 0;
  std::int64_t succeeded = 0, failed = 0, timed_out = 0, aborted = 0, results_written = 0;
  std::int64_t succeeded_items = 0, failed_items = 0;
  std::uint32_t redrive_count = 0;
  TimePoint redriven{};
  std::int64_t pending_redrive = 0;          // children that wait for it
  std::int64_t failures_not_redrivable = 0;  // and those that it cannot repeat
};

struct ItemFiles;

/// Distributed maps: reads the items (a list, an S3 listing, an S3 object), runs a child execution for each item or
/// batch, counts failures, puts the results together or writes them to S3. Items and results are in the store, so a
/// start of the server goes on with what is missing. Thread-safe.
class MapRuns {
 public:
  explicit MapRuns(Engine& engine) : engine_(engine) {}

  /// Begins or goes on; `ended` is called once the run needs its execution in memory no longer.
  void begin(const Execution& execution, std::uint64_t fiber, std::uint32_t attempt, std::function<void()> ended);
  void child_ended(const ExecutionInfo& info, const Ending& ending);
  void stop();
  /// Its execution waits for it no longer: what runs of it is stopped. Blocks.
  void abandon(const std::string& arn);
  /// Removes the runs of an execution that is over.
  Result<void> forget(const std::string& execution_arn);

  Result<std::optional<MapRunRecord>> find(const std::string& arn) const;
  Result<std::vector<MapRunRecord>> list(const std::string& execution_arn) const;
  /// Error: "NotFound".
  Result<void> update(const std::string& arn, std::optional<std::int64_t> max_concurrency,
                      std::optional<std::int64_t> tolerated_count, std::optional<double> tolerated_percentage);

 private:
  struct Run;
  using RunPtr = std::shared_ptr<Run>;

  void work(const RunPtr& run);
  Outcome<void> prepare(Run& run);
  Outcome<std::vector<Value>> read_items(Run& run);
  Outcome<std::vector<Value>> list_objects(Run& run, const Value& parameters, std::size_t limit);
  Outcome<std::string> read_object(Run& run, const Value& parameters, std::size_t& held);
  Outcome<std::vector<Value>> read_all(Run& run, const ItemFiles& files);
  Outcome<std::vector<Value>> batches(Run& run, std::vector<Value> items);
  Outcome<void> store_items(Run& run, const std::vector<Value>& inputs);
  Result<void> recall(Run& run);
  Result<void> take_up(Run& run);
  void start_more(const RunPtr& run);
  void start_child(const RunPtr& run, std::uint32_t index);
  void note(const RunPtr& run, std::uint32_t index, const std::string& child_arn, const Ending& ending);
  void finish(const RunPtr& run);
  void stop_children(const std::vector<std::string>& arns);
  Outcome<Value> collect(Run& run);
  Outcome<Value> write_results(Run& run, const ResultWriter& writer, const std::vector<std::string>& results);
  Outcome<Value> call(const Run& run, const std::string& service, const std::string& action, const Value& input);
  void report(const RunPtr& run, Outcome<Value> result);
  Result<void> save(Run& run);
  Result<void> save(const MapRunRecord& record);

  Engine& engine_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, RunPtr> runs_;  // by ARN
  bool stopping_ = false;
};

/// What may still be read of items.
struct ItemBudget {
  std::size_t items = 0;
  std::size_t bytes =
      std::size_t{2} << 30;  // of memory: a row of CSV has a value for each header, even where it is short
};

/// What an ItemReader makes of an object's text; takes it off the budget. No more than its items are read, and what
/// takes more than its bytes is refused.
Outcome<std::vector<Value>> parse_items(const ItemReader& reader, std::string_view text, ItemBudget& budget);

/// The objects that a manifest names, as parameters of GetObject, and how their items are to be read.
struct ItemFiles {
  ItemReader reader;
  std::vector<Value> places;
};
/// Of an S3 inventory: JSON that names the columns, and the files that have the rows.
Outcome<ItemFiles> parse_inventory(const ItemReader& reader, std::string_view text);
/// What UNLOAD of Athena leaves: a line for each object.
Outcome<ItemFiles> parse_unloaded(const ItemReader& reader, std::string_view text);

}  // namespace likeness::states
