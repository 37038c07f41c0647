#include "states/map_runs.hpp"

#include <algorithm>

#include "services/stepfunctions/common.hpp"

namespace likeness::stepfunctions {
namespace {

using aws::RequestContext;

shapes::MapRunStatus map_run_status(const std::string& status) {
  if (status == "SUCCEEDED") return shapes::MapRunStatus::Succeeded;
  if (status == "FAILED") return shapes::MapRunStatus::Failed;
  if (status == "ABORTED") return shapes::MapRunStatus::Aborted;
  return shapes::MapRunStatus::Running;
}

Result<shapes::DescribeMapRunOutput> describe_map_run(const Parts& parts, const RequestContext&,
                                                      const shapes::DescribeMapRunInput& in) {
  auto found = parts.engine.map_runs().find(*in.map_run_arn);
  if (!found) return api_error(found);
  if (!*found) return client_error("ResourceNotFound", fmt::format("Resource not found: '{}'", *in.map_run_arn));
  const auto& run = **found;
  shapes::DescribeMapRunOutput out;
  out.map_run_arn = run.arn;
  out.execution_arn = run.execution_arn;
  out.status = map_run_status(run.status);
  out.start_date = run.started;
  if (run.status != "RUNNING") out.stop_date = run.stopped;
  out.max_concurrency = static_cast<std::int32_t>(run.max_concurrency);
  out.tolerated_failure_percentage = static_cast<float>(run.tolerated_percentage);
  out.tolerated_failure_count = run.tolerated_count;
  const auto over = run.succeeded + run.failed + run.timed_out + run.aborted;
  shapes::MapRunExecutionCounts counts;
  counts.total = run.total;
  counts.running = run.running;
  counts.pending = std::max<std::int64_t>(0, run.total - over - run.running);
  counts.succeeded = run.succeeded;
  counts.failed = run.failed;
  counts.timed_out = run.timed_out;
  counts.aborted = run.aborted;
  counts.results_written = run.results_written;
  counts.pending_redrive = run.pending_redrive;
  counts.failures_not_redrivable = run.failures_not_redrivable;
  out.execution_counts = counts;
  shapes::MapRunItemCounts items;
  items.total = run.total_items;
  // Without batches an item is an execution.
  const bool batched = run.total != run.total_items;
  const auto scale = [&](std::int64_t executions) {
    return !batched ? executions : run.total == 0 ? 0 : executions * run.total_items / run.total;
  };
  items.succeeded = scale(run.succeeded);
  items.failed = scale(run.failed);
  items.timed_out = scale(run.timed_out);
  items.aborted = scale(run.aborted);
  items.running = scale(run.running);
  items.pending = std::max<std::int64_t>(
      0, run.total_items - *items.succeeded - *items.failed - *items.timed_out - *items.aborted - *items.running);
  items.results_written = scale(run.results_written);
  items.pending_redrive = scale(run.pending_redrive);
  items.failures_not_redrivable = scale(run.failures_not_redrivable);
  out.item_counts = items;
  out.redrive_count = static_cast<std::int32_t>(run.redrive_count);
  if (run.redrive_count > 0) out.redrive_date = run.redriven;
  return out;
}

Result<shapes::ListMapRunsOutput> list_map_runs(const Parts& parts, const RequestContext&,
                                                const shapes::ListMapRunsInput& in) {
  auto record = record_of(parts, *in.execution_arn);
  if (!record) return fail(record);
  auto runs = parts.engine.map_runs().list(*in.execution_arn);
  if (!runs) return api_error(runs);
  const auto listing = "ListMapRuns " + *in.execution_arn;
  auto from = from_token(parts, listing, in.next_token);
  if (!from) return fail(from);
  const auto limit = page_size(in.max_results);
  const std::size_t first = from->empty() ? 0 : std::stoull(*from);
  shapes::ListMapRunsOutput out;
  out.map_runs.emplace();
  for (std::size_t i = first; i < runs->size(); ++i) {
    if (out.map_runs->size() == limit) {
      out.next_token = token_for(parts, listing, std::to_string(i));
      break;
    }
    const auto& run = (*runs)[i];
    shapes::MapRunListItem item;
    item.execution_arn = run.execution_arn;
    item.map_run_arn = run.arn;
    const auto slash = run.arn.rfind('/');
    const auto colon = run.arn.rfind(':');
    item.state_machine_arn = run.machine_arn + run.arn.substr(slash, colon - slash);
    item.start_date = run.started;
    if (run.status != "RUNNING") item.stop_date = run.stopped;
    out.map_runs->push_back(std::move(item));
  }
  return out;
}

Result<shapes::UpdateMapRunOutput> update_map_run(const Parts& parts, const RequestContext&,
                                                  const shapes::UpdateMapRunInput& in) {
  std::optional<double> percentage;
  if (in.tolerated_failure_percentage) percentage = *in.tolerated_failure_percentage;
  std::optional<std::int64_t> concurrency;
  if (in.max_concurrency) concurrency = *in.max_concurrency;
  auto updated = parts.engine.map_runs().update(*in.map_run_arn, concurrency, in.tolerated_failure_count, percentage);
  if (!updated) return api_error(updated);
  return shapes::UpdateMapRunOutput{};
}

}  // namespace

void add_map_runs(aws::Service& service, const Parts& parts) {
  const auto with = [&parts](auto function) {
    return [&parts, function](const auto& context, const auto& in) { return function(parts, context, in); };
  };
  service.on<shapes::DescribeMapRun>(with(describe_map_run),
                                     "With batches itemCounts are estimated from the executions.");
  service.on<shapes::ListMapRuns>(with(list_map_runs));
  service.on<shapes::UpdateMapRun>(with(update_map_run));
}

}  // namespace likeness::stepfunctions
