#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "domain/logs/sink.hpp"
#include "domain/metrics/recorder.hpp"
#include "states/engine.hpp"
#include "states/machines.hpp"

namespace likeness::stepfunctions {

/// Writes executions to log groups, as each machine's logging configuration asks for it, and AWS/States to the
/// metrics. Both may be null. Thread-safe; never blocks for them.
class Watch : public states::ExecutionObserver {
 public:
  Watch(logs::Sink* sink, metrics::Recorder* recorder) : sink_(sink), recorder_(recorder) {}

  /// Where the configurations are; before the first execution.
  void set_machines(const states::Machines& machines) { machines_ = &machines; }

  void happened(const states::ExecutionInfo& info, std::span<const states::Event> events) override;
  void ended(const states::ExecutionInfo& info, const states::Ending& ending) override;

 private:
  struct Logging {
    std::string group;  // empty: none
    std::string level;
    bool data = false;
  };
  std::shared_ptr<const Logging> logging_of(const states::ExecutionInfo& info);

  logs::Sink* const sink_;
  metrics::Recorder* const recorder_;
  const states::Machines* machines_ = nullptr;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const Logging>> known_;
};

}  // namespace likeness::stepfunctions
