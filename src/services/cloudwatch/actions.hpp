#pragma once

#include <functional>
#include <string>
#include <utility>

#include "aws/local_calls.hpp"
#include "domain/metrics/alarms.hpp"

namespace likeness::metrics {

/// Puts an event of CloudWatch's own on the default bus: its detail-type, the resource, the time, the detail.
using PutEvent = std::function<Result<void>(const std::string& detail_type, const std::string& resource, TimePoint time,
                                            const std::string& detail)>;

/// Alarms' actions through the other services' APIs: topics are told (as cloudwatch.amazonaws.com), functions are
/// invoked (as lambda.alarms.cloudwatch.amazonaws.com). Their policies have to allow it.
class CallingActions final : public AlarmActions {
 public:
  CallingActions(const aws::LocalCalls& calls, std::string account, std::string region, PutEvent put_event)
      : calls_(calls), account_(std::move(account)), region_(std::move(region)), put_event_(std::move(put_event)) {}

  Result<void> perform(const Alarm& alarm, const AlarmBefore& before, const std::string& action) override;
  Result<void> announce(const Alarm& alarm, const AlarmBefore& before) override;

 private:
  const aws::LocalCalls& calls_;
  const std::string account_, region_;
  const PutEvent put_event_;  // may be empty
};

/// What a topic is told: JSON.
std::string alarm_message(const Alarm& alarm, AlarmState from, const std::string& account, const std::string& region);
/// What a function gets: JSON.
std::string alarm_event(const Alarm& alarm, const AlarmBefore& before, const std::string& account,
                        const std::string& region);
/// What happened to it, as functions and buses are told: JSON.
std::string alarm_data(const Alarm& alarm, const AlarmBefore& before);

}  // namespace likeness::metrics
