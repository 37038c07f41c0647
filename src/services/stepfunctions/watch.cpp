#include "services/stepfunctions/watch.hpp"

#include <fmt/format.h>

#include <functional>

namespace likeness::stepfunctions {
namespace {

using states::Object;
using states::Value;

constexpr auto kNamespace = "AWS/States";

bool wanted(const std::string& level, std::string_view type) {
  const bool fatal = type == "ExecutionFailed" || type == "ExecutionAborted" || type == "ExecutionTimedOut";
  if (level == "ALL") return true;
  if (level == "FATAL") return fatal;
  return fatal || type.ends_with("Failed") || type.ends_with("TimedOut") || type.ends_with("Aborted");
}

}  // namespace

std::shared_ptr<const Watch::Logging> Watch::logging_of(const states::ExecutionInfo& info) {
  const auto key = info.machine_arn + info.revision;
  {
    const std::lock_guard lock(mutex_);
    const auto at = known_.find(key);
    if (at != known_.end()) return at->second;
  }
  auto out = std::make_shared<Logging>();
  if (machines_ != nullptr)
    if (auto machine = machines_->find_revision(info.machine_arn, info.revision); machine && !machine->logging.empty())
      if (auto config = states::parse_json(machine->logging)) {
        out->level = config->text_of("level");
        const Value* const data = config->find("includeExecutionData");
        out->data = data != nullptr && data->is_bool() && data->as_bool();
        const Value* const destinations = config->find("destinations");
        if (destinations != nullptr && destinations->is_array() && !destinations->as_array().empty())
          if (const Value* const group = destinations->as_array().front().find("cloudWatchLogsLogGroup")) {
            // arn:aws:logs:region:account:log-group:NAME:*
            std::string arn(group->text_of("logGroupArn"));
            if (arn.ends_with(":*")) arn.resize(arn.size() - 2);
            const auto at = arn.find(":log-group:");
            if (at != std::string::npos && out->level != "OFF") out->group = arn.substr(at + 11);
          }
      }
  const std::lock_guard lock(mutex_);
  if (known_.size() > 1000) known_.clear();
  known_[key] = out;
  return out;
}

void Watch::happened(const states::ExecutionInfo& info, std::span<const states::Event> events) {
  if (recorder_ != nullptr && !events.empty() && events.front().type == "ExecutionStarted")
    recorder_->record(kNamespace, "ExecutionsStarted", {{"StateMachineArn", info.machine_arn}}, 1,
                      metrics::Unit::Count);
  if (sink_ == nullptr) return;
  const auto logging = logging_of(info);
  if (logging->group.empty()) return;
  std::vector<logs::LogEvent> lines;
  for (const auto& event : events) {
    if (!wanted(logging->level, event.type)) continue;
    auto details = event.details.empty() ? Value(Object()) : *states::parse_json(event.details);
    if (!logging->data && details.is_object()) {
      Object kept;
      for (const auto& [name, value] : details.as_object())
        if (name != "input" && name != "output" && name != "parameters" && name != "cause" && name != "error" &&
            name != "assignedVariables")
          kept.add(name, value);
      details = Value(std::move(kept));
    }
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(event.time.time_since_epoch()).count();
    const Value line(Object{{"id", Value(std::to_string(event.id))},
                            {"type", Value(event.type)},
                            {"details", details},
                            {"previous_event_id", Value(std::to_string(event.previous))},
                            {"event_timestamp", Value(std::to_string(millis))},
                            {"execution_arn", Value(info.arn)}});
    lines.push_back({event.time, states::write_json(line)});
  }
  if (lines.empty()) return;
  // One stream of a machine for each hour keeps their number small.
  auto hour = iso8601(info.started).substr(0, 13);
  for (auto& c : hour)
    if (c == 'T') c = '-';
  sink_->put(logging->group,
             fmt::format("states/{}/{}/{:08x}", info.machine_name, hour,
                         static_cast<std::uint32_t>(std::hash<std::string>{}(info.machine_arn))),
             std::move(lines));
}

void Watch::ended(const states::ExecutionInfo& info, const states::Ending& ending) {
  if (recorder_ == nullptr) return;
  const char* name = "ExecutionsFailed";
  if (ending.status == states::Status::Succeeded) name = "ExecutionsSucceeded";
  if (ending.status == states::Status::TimedOut) name = "ExecutionsTimedOut";
  if (ending.status == states::Status::Aborted) name = "ExecutionsAborted";
  const double duration = std::chrono::duration<double, std::milli>(ending.stopped - info.started).count();
  recorder_->record(kNamespace, name, {{"StateMachineArn", info.machine_arn}}, 1, metrics::Unit::Count);
  recorder_->record(kNamespace, "ExecutionTime", {{"StateMachineArn", info.machine_arn}}, duration,
                    metrics::Unit::Milliseconds);
}

}  // namespace likeness::stepfunctions
