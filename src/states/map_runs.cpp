#include "states/map_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "states/engine_live.hpp"
#include "states/map_run.hpp"
#include "states/record.hpp"

namespace likeness::states {
namespace {

constexpr std::int64_t kMostAtOnce = 1000;  // children in memory; AWS allows ten times that
constexpr auto kThreshold = "States.ExceedToleratedFailureThreshold";

std::string encode(const MapRunRecord& record) {
  FieldWriter out(1);
  out.text(1, record.arn);
  out.text(2, record.execution_arn);
  out.text(3, record.machine_arn);
  out.text(4, record.status);
  out.time(5, record.started);
  out.time(6, record.stopped);
  const auto number = [&](std::uint8_t field, std::int64_t value) {
    out.number(field, static_cast<std::uint64_t>(value));
  };
  number(7, record.max_concurrency);
  number(8, record.tolerated_count);
  out.text(9, write_number(record.tolerated_percentage));
  number(10, record.total);
  number(11, record.total_items);
  number(12, record.succeeded);
  number(13, record.failed);
  number(14, record.timed_out);
  number(15, record.aborted);
  number(16, record.results_written);
  number(17, record.succeeded_items);
  number(18, record.failed_items);
  if (record.redrive_count != 0) {
    out.number(19, record.redrive_count);
    out.time(20, record.redriven);
    number(21, record.pending_redrive);
    number(22, record.failures_not_redrivable);
  }
  return out.take();
}

Result<MapRunRecord> decode(std::string_view bytes) {
  MapRunRecord out;
  FieldReader in(bytes);
  const auto number = [&] { return static_cast<std::int64_t>(in.number()); };
  while (in.next()) switch (in.field()) {
      case 1: out.arn = in.text(); break;
      case 2: out.execution_arn = in.text(); break;
      case 3: out.machine_arn = in.text(); break;
      case 4: out.status = in.text(); break;
      case 5: out.started = in.time(); break;
      case 6: out.stopped = in.time(); break;
      case 7: out.max_concurrency = number(); break;
      case 8: out.tolerated_count = number(); break;
      case 9:
        if (auto value = parse_json(in.view()); value && value->is_number())
          out.tolerated_percentage = value->as_double();
        break;
      case 10: out.total = number(); break;
      case 11: out.total_items = number(); break;
      case 12: out.succeeded = number(); break;
      case 13: out.failed = number(); break;
      case 14: out.timed_out = number(); break;
      case 15: out.aborted = number(); break;
      case 16: out.results_written = number(); break;
      case 17: out.succeeded_items = number(); break;
      case 18: out.failed_items = number(); break;
      case 19: out.redrive_count = in.small(); break;
      case 20: out.redriven = in.time(); break;
      case 21: out.pending_redrive = number(); break;
      case 22: out.failures_not_redrivable = number(); break;
      default: break;
    }
  if (!in.ok()) return server_error("StorageFailure", "A stored map run is damaged.");
  return out;
}

}  // namespace

void MapRuns::begin(const Execution& execution, std::uint64_t fiber_id, std::uint32_t attempt,
                    std::function<void()> ended) {
  const Fiber& fiber = execution.fibers.at(fiber_id);
  auto run = std::make_shared<Run>();
  run->info = execution.info;
  run->definition = execution.definition;
  run->fiber = fiber;
  run->attempt = attempt;
  run->context = engine_.interpreter().context_of(execution, fiber);
  run->ended = std::move(ended);
  run->record.arn = fiber.child_arn;
  engine_.pool_.submit([this, run] { work(run); });
}

void MapRuns::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  runs_.clear();
}

const State& MapRuns::Run::state() const { return *part_of(*definition, fiber.path)->find(fiber.state); }

/// Reads the items, or what a run before the restart left, and sets the children going.
void MapRuns::work(const RunPtr& run) {
  const bool known = !run->record.arn.empty();
  if (known) {
    auto recalled = recall(*run);
    if (recalled && run->fiber.map_redrives > run->record.redrive_count) recalled = take_up(*run);
    if (!recalled) return report(run, problem("States.Runtime", recalled.error().message));
  } else {
    if (auto prepared = prepare(*run); !prepared) return report(run, states::fail(prepared));
    // The history says what began before the first child runs.
    engine_.post(run->info.arn, [this, run](Execution* execution) -> Engine::AfterCommit {
      if (execution != nullptr)
        engine_.interpreter().map_run_started(*execution, run->fiber.id, run->attempt, run->record.arn,
                                              static_cast<std::size_t>(run->record.total_items));
      return [this, run, running = execution != nullptr](bool committed) {
        if (!running || !committed) {
          if (committed) abandon(run->record.arn);  // its execution ended while the items were read
          run->ended();
          return;
        }
        {
          const std::lock_guard lock(mutex_);
          if (stopping_) return;
          runs_[run->record.arn] = run;
        }
        engine_.pool_.submit([this, run] { start_more(run); });
      };
    });
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    runs_[run->record.arn] = run;
  }
  start_more(run);
}

Outcome<void> MapRuns::prepare(Run& run) {
  const State& state = run.state();
  const Value input = run.map_input(engine_);
  const Scope scope{input, run.context, run.fiber.variables};
  const auto number = [&](const DynamicField& field, bool fraction) -> Outcome<std::optional<double>> {
    if (!field.present()) return std::optional<double>();
    Outcome<Value> value = Value();
    if (field.literal) {
      value = *field.literal;
    } else if (field.jsonata) {
      value = evaluate_jsonata(engine_.interpreter().options().jsonata, *field.jsonata, scope, field.name);
    } else {
      auto read = read_path(field.path->path(), scope);
      value = read ? Outcome<Value>(*read)
                   : runtime_problem(fmt::format("Invalid path '{}' : {}", field.path->text(), read.error().message));
    }
    if (!value) return states::fail(value);
    if (!value->is_number() || (!fraction && !value->is_integer()))
      return runtime_problem(fmt::format("The {} field refers to value \"{}\" which is not a valid {}: {}", field.name,
                                         value->is_string() ? value->as_string() : write_json(*value),
                                         fraction ? "float" : "integer", field.path ? field.path->text() : ""));
    return std::optional(value->as_double());
  };
  auto& record = run.record;
  auto count = number(state.tolerated_count, false);
  if (!count) return states::fail(count);
  if (*count && **count < 0) return runtime_problem("ToleratedFailureCount cannot be negative.");
  auto percentage = number(state.tolerated_percentage, true);
  if (!percentage) return states::fail(percentage);
  if (*percentage && (**percentage < 0 || **percentage > 100))
    return runtime_problem("ToleratedFailurePercentage must be between 0 and 100.");
  if (state.reader) {
    auto limit = number(state.reader->max_items, false);
    if (!limit) return states::fail(limit);
    if (*limit && **limit <= 0) return problem("States.ItemReaderFailed", "field MaxItems must be positive");
    if (*limit) run.max_items = static_cast<std::size_t>(**limit);
  }
  if (state.batcher) {
    auto most = number(state.batcher->max_items, false);
    if (!most) return states::fail(most);
    if (*most) run.batch_items = static_cast<std::size_t>(std::max(1.0, **most));
    auto bytes = number(state.batcher->max_bytes, false);
    if (!bytes) return states::fail(bytes);
    if (*bytes) run.batch_bytes = static_cast<std::size_t>(std::clamp(**bytes, 1.0, 262144.0));
  }
  auto items = read_items(run);
  if (!items) return states::fail(items);
  record.total_items = static_cast<std::int64_t>(items->size());
  auto inputs = batches(run, std::move(*items));
  if (!inputs) return states::fail(inputs);
  const auto label = state.label.empty() ? to_hex(random_bytes(16)) : state.label;
  run.label = label;
  // arn:…:mapRun:machine/label:uuid
  auto arn = run.info.machine_arn;
  if (const auto at = arn.find(":stateMachine:"); at != std::string::npos) arn.replace(at, 14, ":mapRun:");
  record.arn = fmt::format("{}/{}:{}", arn, label, uuid_v4());
  record.execution_arn = run.info.arn;
  record.machine_arn = run.info.machine_arn;
  record.started = engine_.clock().now();
  record.max_concurrency = run.fiber.max_concurrency;
  record.tolerated_count = static_cast<std::int64_t>(count->value_or(0));
  record.tolerated_percentage = percentage->value_or(0);
  record.total = static_cast<std::int64_t>(inputs->size());
  return store_items(run, *inputs);
}

Outcome<void> MapRuns::store_items(Run& run, const std::vector<Value>& inputs) {
  std::vector<storage::Write> writes;
  std::size_t bytes = 0;
  const auto flush = [&]() -> Outcome<void> {
    auto done = engine_.store().commit(std::move(writes));
    writes.clear();
    bytes = 0;
    if (!done) return problem("States.Runtime", done.error().message);
    return {};
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    auto text = write_json(inputs[i]);
    if (text.size() > engine_.interpreter().options().max_data_bytes)
      return problem("States.DataLimitExceeded",
                     fmt::format("The input of item {} exceeds the maximum number of bytes service limit.", i));
    bytes += text.size();
    writes.push_back(put_item(map_tables::kItems, {run.record.arn, sortable(i)}, std::move(text)));
    if (writes.size() >= 90 || bytes > (2u << 20))
      if (auto done = flush(); !done) return done;
  }
  // The record last: a run that is known is whole.
  writes.push_back(put_item(map_tables::kRuns, {run.record.arn, ""}, encode(run.record)));
  const auto started = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(run.record.started.time_since_epoch()).count());
  writes.push_back(
      put_item(map_tables::kOf, {run.record.execution_arn, sortable(started) + run.record.arn}, run.record.arn));
  if (auto done = flush(); !done) return done;
  run.done.assign(inputs.size(), false);
  return {};
}

Result<void> MapRuns::recall(Run& run) {
  auto found = find(run.record.arn);
  if (!found) return fail(found);
  if (!*found) return server_error("StorageFailure", "The map run is gone.");
  run.record = **found;
  run.record.running = run.record.succeeded = run.record.failed = run.record.timed_out = run.record.aborted = 0;
  run.done.assign(static_cast<std::size_t>(run.record.total), false);
  const auto slash = run.record.arn.rfind('/');
  const auto colon = run.record.arn.rfind(':');
  run.label = run.record.arn.substr(slash + 1, colon - slash - 1);
  return engine_.store().scan(map_tables::kResults, run.record.arn, [&](std::string_view sort, std::string_view value) {
    const auto index = from_sortable(sort);
    if (index < run.done.size() && !value.empty()) {
      run.done[index] = true;
      run.count(static_cast<Status>(value.front()));
    }
    return true;
  });
}

void MapRuns::Run::count(Status status) {
  switch (status) {
    case Status::Succeeded: ++record.succeeded; break;
    case Status::TimedOut: ++record.timed_out; break;
    case Status::Aborted: ++record.aborted; break;
    default: ++record.failed; break;
  }
}

/// More failures than are tolerated? With a count and a percentage the first one to be passed decides.
bool MapRuns::Run::hopeless() const {
  const auto bad = record.failed + record.timed_out;
  if (bad == 0) return false;
  if (record.tolerated_count == 0 && record.tolerated_percentage == 0) return true;
  if (record.tolerated_count > 0 && bad > record.tolerated_count) return true;
  return record.tolerated_percentage > 0 &&
         static_cast<double>(bad) * 100 > record.tolerated_percentage * static_cast<double>(record.total);
}

void MapRuns::start_more(const RunPtr& run) {
  for (;;) {
    std::uint32_t index = 0;
    {
      const std::lock_guard lock(run->mutex);
      if (run->finished) return;
      const bool all =
          run->record.succeeded + run->record.failed + run->record.timed_out + run->record.aborted >= run->record.total;
      if (all || run->hopeless()) {
        run->finished = true;
      } else {
        const auto window =
            run->record.max_concurrency == 0 ? kMostAtOnce : std::min(run->record.max_concurrency, kMostAtOnce);
        while (run->next < run->done.size() && run->done[run->next]) ++run->next;
        if (run->record.running >= window || run->next >= run->done.size()) return;
        index = static_cast<std::uint32_t>(run->next++);
        ++run->record.running;
        if (index < run->awaits_redrive.size() && run->awaits_redrive[index]) --run->record.pending_redrive;
      }
      if (run->finished) break;
    }
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    start_child(run, index);
  }
  finish(run);
}

void MapRuns::start_child(const RunPtr& run, std::uint32_t index) {
  const State& state = run->state();
  ExecutionInfo child;
  child.arn = run->child_arn(index);
  child.name = child.arn.substr(child.arn.rfind(':') + 1);
  child.machine_arn = run->info.machine_arn;
  child.machine_name = run->info.machine_name;
  child.revision = run->info.revision;
  child.role_arn = run->info.role_arn;
  child.express = state.express_children;
  child.map_run_arn = run->record.arn;
  const auto outer = run->info.processor_path.empty() ? std::string() : run->info.processor_path + "\n";
  const auto inner = run->fiber.path.empty() ? std::string() : run->fiber.path + "\n";
  child.processor_path = outer + inner + state.name + "/0";
  child.started = engine_.clock().now();
  auto input = engine_.store().get(map_tables::kItems, {run->record.arn, sortable(index)});
  const auto lost = [&](const std::string& why) {
    note(run, index, child.arn, Ending{Status::Failed, engine_.clock().now(), "", "States.Runtime", why});
  };
  if (!input || !*input) return lost("The item could not be read.");
  child.input = **input;
  {
    const std::lock_guard lock(run->mutex);
    run->children[child.name] = index;
  }
  auto definition = engine_.definitions_(child.machine_arn, child.revision);
  if (!definition) return lost(definition.error().message);
  if (child.express) {
    auto live = engine_.make_live(child, *definition);
    if (!live) return lost(live.error().message);
    (*live)->synchronous = true;  // this run is what begins it again
    engine_.launch(*live);
    return;
  }
  auto started = engine_.start_execution(child, *definition);
  if (!started) {
    // It was started before a restart or in an earlier attempt, and is over or still runs.
    auto found = engine_.find(child.arn);
    if (!found || !*found) return lost(started.error().message);
    const auto status = (*found)->ending.status;
    if (status == Status::PendingRedrive) {
      if (auto redriven = engine_.begin_redrive(**found, {}); !redriven) return lost(redriven.error().message);
    } else if (status != Status::Running) {
      return child_ended((*found)->info, (*found)->ending);
    }
  }
  bool too_late = false;
  {
    const std::lock_guard lock(run->mutex);
    too_late = run->finished;
  }
  if (too_late) stop_children({child.arn});
}

void MapRuns::child_ended(const ExecutionInfo& info, const Ending& ending) {
  RunPtr run;
  {
    const std::lock_guard lock(mutex_);
    const auto at = runs_.find(info.map_run_arn);
    if (at == runs_.end()) return;
    run = at->second;
  }
  std::uint32_t index = 0;
  {
    const std::lock_guard lock(run->mutex);
    const auto at = run->children.find(info.name);
    if (at == run->children.end()) return;
    index = at->second;
    run->children.erase(at);
  }
  note(run, index, info.arn, ending);
  engine_.pool_.submit([this, run] { start_more(run); });
}

void MapRuns::note(const RunPtr& run, std::uint32_t index, const std::string& child_arn, const Ending& ending) {
  std::string value(1, static_cast<char>(ending.status));
  FieldWriter fields(1);
  fields.text(1, child_arn);
  fields.text(2, ending.output);
  if (ending.error) fields.text(3, *ending.error);
  if (ending.cause) fields.text(4, *ending.cause);
  value += fields.take();
  auto stored =
      engine_.store().commit({put_item(map_tables::kResults, {run->record.arn, sortable(index)}, std::move(value))});
  if (!stored) log::error("states: a result of {} could not be written: {}", run->record.arn, stored.error().message);
  const std::lock_guard lock(run->mutex);
  --run->record.running;
  if (index < run->done.size()) run->done[index] = true;
  run->count(ending.status);
}

void MapRuns::finish(const RunPtr& run) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    runs_.erase(run->record.arn);
  }
  std::vector<std::string> left;
  bool failed = false;
  {
    const std::lock_guard lock(run->mutex);
    failed = run->hopeless();
    left = run->running_children();
    run->record.aborted += run->record.running;
    run->record.running = 0;
  }
  stop_children(left);
  Outcome<Value> result = Value();
  if (failed) {
    result = problem(kThreshold, "The specified tolerated failure threshold was exceeded");
    if (run->state().writer) (void)collect(*run);
  } else {
    result = collect(*run);
  }
  run->record.status = result ? "SUCCEEDED" : "FAILED";
  if (result) run->record.pending_redrive = 0;
  run->record.stopped = engine_.clock().now();
  if (auto saved = save(*run); !saved)
    log::error("states: {} could not be written: {}", run->record.arn, saved.error().message);
  report(run, std::move(result));
}

Result<void> MapRuns::save(Run& run) {
  const std::lock_guard lock(run.mutex);
  return save(run.record);
}

Result<void> MapRuns::save(const MapRunRecord& record) {
  return engine_.store().commit({put_item(map_tables::kRuns, {record.arn, ""}, encode(record))});
}

void MapRuns::report(const RunPtr& run, Outcome<Value> result) {
  auto shared = std::make_shared<Outcome<Value>>(std::move(result));
  if (!*shared && shared->error().names_state) {
    auto& wrong = shared->error();
    wrong.cause = fmt::format("An error occurred while executing the state '{}' (entered at the event id #{}). {}",
                              run->fiber.state, run->fiber.entered_event, wrong.cause);
    wrong.names_state = false;
  }
  engine_.post(run->info.arn, [this, run, shared](Execution* execution) -> Engine::AfterCommit {
    if (execution != nullptr)
      engine_.interpreter().map_run_ended(*execution, run->fiber.id, run->attempt, std::move(*shared));
    return nullptr;
  });
  run->ended();
}

Result<std::optional<MapRunRecord>> MapRuns::find(const std::string& arn) const {
  {
    const std::lock_guard lock(mutex_);
    const auto at = runs_.find(arn);
    if (at != runs_.end()) {
      const std::lock_guard inner(at->second->mutex);
      return std::optional(at->second->record);
    }
  }
  auto bytes = engine_.store().get(map_tables::kRuns, {arn.empty() ? "-" : arn, ""});
  if (!bytes) return fail(bytes);
  if (!*bytes) return std::optional<MapRunRecord>();
  auto record = decode(**bytes);
  if (!record) return fail(record);
  return std::optional(std::move(*record));
}

Result<std::vector<MapRunRecord>> MapRuns::list(const std::string& execution_arn) const {
  std::vector<std::string> arns;
  auto scanned = engine_.store().scan(map_tables::kOf, execution_arn, [&](std::string_view, std::string_view arn) {
    arns.emplace_back(arn);
    return arns.size() < 1000;
  });
  if (!scanned) return fail(scanned);
  std::vector<MapRunRecord> out;
  for (const auto& arn : arns) {
    auto record = find(arn);
    if (!record) return fail(record);
    if (*record) out.push_back(std::move(**record));
  }
  return out;
}

Result<void> MapRuns::update(const std::string& arn, std::optional<std::int64_t> max_concurrency,
                             std::optional<std::int64_t> tolerated_count, std::optional<double> tolerated_percentage) {
  RunPtr run;
  {
    const std::lock_guard lock(mutex_);
    const auto at = runs_.find(arn);
    if (at != runs_.end()) run = at->second;
  }
  if (run == nullptr) return client_error("NotFound", fmt::format("Resource not found: '{}'", arn));
  {
    const std::lock_guard lock(run->mutex);
    if (max_concurrency) run->record.max_concurrency = *max_concurrency;
    if (tolerated_count) run->record.tolerated_count = *tolerated_count;
    if (tolerated_percentage) run->record.tolerated_percentage = *tolerated_percentage;
  }
  if (auto saved = save(*run); !saved) return saved;
  engine_.pool_.submit([this, run] { start_more(run); });
  return {};
}

}  // namespace likeness::states
