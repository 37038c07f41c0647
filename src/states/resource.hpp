#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace likeness::states {

/// What the Resource of a task names.
struct TaskResource {
  enum class Kind {
    Function,  // arn:aws:lambda:…:function:name
    Activity,  // arn:aws:states:…:activity:name
    Service,   // arn:aws:states:::lambda:invoke, arn:aws:states:::aws-sdk:s3:getObject
  };
  enum class Pattern { Request, Sync, Sync2, Token };

  Kind kind = Kind::Service;
  Pattern pattern = Pattern::Request;
  std::string arn;
  std::string service;  // "lambda", "aws-sdk:s3"
  std::string action;   // "invoke", without the pattern

  /// As the history shows it: "invoke.waitForTaskToken".
  std::string shown_action() const {
    switch (pattern) {
      case Pattern::Request: return action;
      case Pattern::Sync: return action + ".sync";
      case Pattern::Sync2: return action + ".sync:2";
      case Pattern::Token: return action + ".waitForTaskToken";
    }
    return action;
  }
  bool is_sdk() const { return service.starts_with("aws-sdk:"); }
};

/// nullopt if it is none of these.
std::optional<TaskResource> parse_resource(std::string_view arn);

}  // namespace likeness::states
