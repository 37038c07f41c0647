#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/change_feed.hpp"
#include "domain/change_follower.hpp"
#include "services/events/dispatcher.hpp"
#include "services/stepfunctions/provider.hpp"
#include "states/engine.hpp"
#include "storage/store.hpp"

namespace likeness::stepfunctions {

/// "Step Functions Execution Status Change": tells the default event bus when executions of standard state machines
/// begin, end, or go on after a redrive. A change of status is an entry of a feed in the commit that makes it; how far
/// the feed was followed is committed with the deliveries that follow from it. A crash loses none.
class StatusEvents : public states::StatusFeed {
 public:
  static Result<std::unique_ptr<StatusEvents>> open(storage::Store& store, const Clock& clock);
  ~StatusEvents() override { stop(); }

  std::unique_ptr<Entry> changed(const states::ExecutionRecord& record) override;

  /// Both outlive `stop`.
  void start(const Parts& parts, eventbridge::Dispatcher& dispatcher, const std::string& account,
             const std::string& region);
  void stop() {
    if (follower_) follower_->stop();
  }

 private:
  StatusEvents() = default;

  Result<void> tell(const std::vector<domain::Change>& changes, std::uint64_t next);
  std::optional<eventbridge::Event> event_of(const domain::Change& change) const;

  std::unique_ptr<domain::ChangeFeed> feed_;
  std::unique_ptr<domain::ChangeFollower> follower_;
  const Parts* parts_ = nullptr;
  eventbridge::Dispatcher* dispatcher_ = nullptr;
  std::string account_, region_;
};

/// What the event says of the change. `input` and `output` as texts; what is too large for an event is left out.
std::string status_detail(const states::ExecutionRecord& record, const std::string& input, const std::string& output,
                          const std::string& redrive_status, const std::optional<std::string>& reason);

}  // namespace likeness::stepfunctions
