#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "aws/local_calls.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/delivery_queue.hpp"
#include "domain/logs/filter_pattern.hpp"
#include "domain/logs/logs.hpp"
#include "domain/metrics/buffered_recorder.hpp"

namespace likeness::logs {

/// Compiled patterns of filters by their text, the latest of them. Thread-safe.
class Patterns {
 public:
  /// Nullopt for a pattern that does not parse (one that an older version took).
  std::optional<FilterPattern> get(const std::string& text);

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, FilterPattern> patterns_;
};

/// Hands what subscription filters match to their functions: in the commit that stores the events, and then again and
/// again for a day until the function has taken it.
class Subscriptions final : public Follower {
 public:
  static Result<std::unique_ptr<Subscriptions>> open(storage::Store& store, const Clock& clock,
                                                     const aws::LocalCalls& calls, std::string account,
                                                     std::string region);
  void start() { queue_->start(); }
  void stop() { queue_->stop(); }

  /// May the service invoke that function for the group? Error: InvalidParameterException.
  Result<void> check(const std::string& group, const std::string& function) const;

  std::shared_ptr<void> prepare(const Arrival& arrival, std::vector<storage::Write>& writes) override;
  void done(const Arrival& arrival, const std::shared_ptr<void>& prepared) override;

 private:
  Subscriptions(const Clock& clock, const aws::LocalCalls& calls, std::string account, std::string region)
      : clock_(clock), calls_(calls), account_(std::move(account)), region_(std::move(region)) {}
  aws::LocalCaller caller(const std::string& group) const;
  domain::Verdict deliver(const domain::Delivery& delivery) const;

  const Clock& clock_;
  const aws::LocalCalls& calls_;
  const std::string account_, region_;
  Patterns patterns_;
  std::unique_ptr<domain::DeliveryQueue> queue_;
};

/// Counts what metric filters match.
class MetricFilters final : public Follower {
 public:
  explicit MetricFilters(metrics::BufferedRecorder& recorder) : recorder_(recorder) {}

  std::shared_ptr<void> prepare(const Arrival&, std::vector<storage::Write>&) override { return nullptr; }
  void done(const Arrival& arrival, const std::shared_ptr<void>&) override;

 private:
  metrics::BufferedRecorder& recorder_;
  Patterns patterns_;
};

/// The event that a function gets: {"awslogs": {"data": gzip and base64 of the events as JSON}}.
std::string subscription_event(const std::string& account, const std::string& group, const std::string& stream,
                               const std::string& filter, const std::vector<const EventView*>& events);

}  // namespace likeness::logs
