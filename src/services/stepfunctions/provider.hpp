#pragma once

#include <memory>
#include <string>

#include "aws/service.hpp"
#include "domain/page_tokens.hpp"
#include "services/stepfunctions/tasks.hpp"
#include "states/engine.hpp"
#include "states/jsonata.hpp"
#include "states/machines.hpp"

namespace likeness::stepfunctions {

/// What the operations work on. Borrowed; must outlive the service.
struct Parts {
  states::Machines& machines;
  states::Engine& engine;
  Tasks& tasks;
  const states::Jsonata& jsonata;
  const domain::PageTokens& tokens;
  const Clock& clock;
};

/// The Step Functions service with every operation that we have. Read-only afterwards and safe from any thread.
std::unique_ptr<aws::Service> make_stepfunctions(const Parts& parts);

}  // namespace likeness::stepfunctions
