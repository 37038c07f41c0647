#pragma once

#include <string>
#include <string_view>

#include "aws/local_calls.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/lambda/registry.hpp"
#include "functions/runner.hpp"
#include "services/lambda/invoker.hpp"

namespace likeness::lambda {

/// What became of an event.
struct AsyncResult {
  std::string condition;  // "Success", "RetriesExhausted", "EventAgeExceeded", "ZeroReservedConcurrency"
  int invokes = 0;        // how often the function was run
  const functions::Outcome* outcome = nullptr;  // of the last run; null: it was not run
  bool success() const { return condition == "Success"; }
};

/// Sends what became of events to queues, topics, functions and event buses, as the function's role. Thread-safe.
class Destinations {
 public:
  Destinations(const aws::LocalCalls& calls, const RoleSource& roles) : calls_(calls), roles_(roles) {}

  /// AWS's invocation record.
  static std::string record(const Target& target, const std::string& request_id, std::string_view payload,
                            const AsyncResult& result, TimePoint now);

  /// Of the record; `success` words the event for a bus.
  Result<void> send(const Target& target, const std::string& destination, const std::string& record,
                    bool success) const;
  /// The event itself, with what went wrong as attributes.
  Result<void> send_dead_letter(const Target& target, const std::string& queue_or_topic, const std::string& request_id,
                                const std::string& payload, const std::string& error) const;
  /// As the role of a function, any text.
  Result<void> send_text(const aws::LocalCaller& caller, const std::string& queue_or_topic,
                         const std::string& text) const;
  Result<aws::LocalCaller> caller_of(const Target& target) const;

 private:
  const aws::LocalCalls& calls_;
  const RoleSource& roles_;
};

/// The URL by which SQS knows the queue of an ARN.
std::string queue_url(std::string_view arn);

}  // namespace likeness::lambda
