#pragma once

#include <string>

#include "services/scheduler/schedules.hpp"

namespace likeness::scheduler {

/// One time that a schedule is due, on its way to the target; then maybe its dead letter.
struct Schedules::Invocation {
  std::string schedule_arn, group;
  shapes::Target target = {};
  std::string id;  // of the execution
  TimePoint scheduled{};
  // Of dead letters.
  std::string error_code = {}, error_message = {}, condition = {};
  int attempts = 0;

  std::string write() const;
  static Result<Invocation> read(std::string_view bytes);
  /// What the target gets, with the names that stand for facts of the invocation replaced.
  std::string input(int attempt, const std::string& account, const std::string& region) const;
};

/// "arn:aws:scheduler:::aws-sdk:sqs:sendMessage" as the model's folder and the operation's name; false if it is no such
/// ARN.
bool read_universal(std::string_view arn, std::string& model, std::string& operation);

/// The shape of that name in the model of the service.
const aws::Shape& shape_named(std::string_view name);

}  // namespace likeness::scheduler
