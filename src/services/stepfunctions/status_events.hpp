#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/change_feed.hpp"
#include "services/events/dispatcher.hpp"
#include "services/stepfunctions/provider.hpp"
#include "states/engine.hpp"
#include "storage/store.hpp"

namespace likeness::stepfunctions {

/// "Step Functions Execution Status Change": tells the default event bus when executions of standard state machines
/// begin, end, or go on after a redrive. A change of status is an entry of a feed in the commit that makes it; one
/// thread follows the feed, and how far it has read is committed with the deliveries that follow. A crash loses none.
class StatusEvents : public states::StatusFeed {
 public:
  static Result<std::unique_ptr<StatusEvents>> open(storage::Store& store, const Clock& clock);
  ~StatusEvents() override { stop(); }
  StatusEvents(const StatusEvents&) = delete;
  StatusEvents& operator=(const StatusEvents&) = delete;

  std::unique_ptr<Entry> changed(const states::ExecutionRecord& record) override;

  /// Both outlive `stop`.
  void start(const Parts& parts, eventbridge::Dispatcher& dispatcher, const std::string& account,
             const std::string& region);
  void stop();

 private:
  StatusEvents(storage::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  void run();
  Result<void> tell(const std::vector<domain::Change>& changes, std::uint64_t next);
  std::optional<eventbridge::Event> event_of(const domain::Change& change) const;
  Result<void> keep_position();

  storage::Store& store_;
  const Clock& clock_;
  std::unique_ptr<domain::ChangeFeed> feed_;
  const Parts* parts_ = nullptr;
  eventbridge::Dispatcher* dispatcher_ = nullptr;
  std::string account_, region_;
  std::uint64_t position_ = 0;  // of the next entry to be read
  std::uint64_t kept_ = 0;      // on disk
  TimePoint last_kept_{};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

/// What the event says of the change. `input` and `output` as texts; what is too large for an event is left out.
std::string status_detail(const states::ExecutionRecord& record, const std::string& input, const std::string& output,
                          const std::string& redrive_status, const std::optional<std::string>& reason);

}  // namespace likeness::stepfunctions
