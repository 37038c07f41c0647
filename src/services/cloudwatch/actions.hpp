#pragma once

#include <string>
#include <utility>

#include "aws/local_calls.hpp"
#include "domain/metrics/alarms.hpp"

namespace likeness::metrics {

/// Alarms' actions through the other services' APIs: topics are told (as cloudwatch.amazonaws.com), functions are
/// invoked (as lambda.alarms.cloudwatch.amazonaws.com). Their policies have to allow it.
class CallingActions final : public AlarmActions {
 public:
  CallingActions(const aws::LocalCalls& calls, std::string account, std::string region)
      : calls_(calls), account_(std::move(account)), region_(std::move(region)) {}

  Result<void> perform(const Alarm& alarm, AlarmState from, const std::string& action) override;

 private:
  const aws::LocalCalls& calls_;
  const std::string account_, region_;
};

/// What a topic is told: JSON.
std::string alarm_message(const Alarm& alarm, AlarmState from, const std::string& account, const std::string& region);
/// What a function gets: JSON.
std::string alarm_event(const Alarm& alarm, AlarmState from, const std::string& account, const std::string& region);

}  // namespace likeness::metrics
