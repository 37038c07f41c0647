#pragma once

#include <map>
#include <string>
#include <tl/expected.hpp>

#include "states/value.hpp"

namespace likeness::states {

/// Why a state failed, as Step Functions names it: what Retry and Catch match, and what the history shows.
struct Problem {
  std::string error;  // "States.Runtime", "Lambda.TooManyRequestsException" …
  std::string cause;
  /// The cause gets "An error occurred while executing the state 'X' (entered at the event id #N). " in front of it.
  bool names_state = false;
  /// No Retry and no Catch may take it: the execution fails.
  bool fatal = false;
  /// Another name that Retry and Catch may know it by.
  const char* also = nullptr;
  /// Of an evaluation: the field whose expression failed.
  std::string location = {};
};

template <class T>
using Outcome = tl::expected<T, Problem>;

inline tl::unexpected<Problem> problem(std::string error, std::string cause) {
  return tl::unexpected(Problem{std::move(error), std::move(cause), false, false});
}
/// An error that AWS calls States.Runtime.
inline tl::unexpected<Problem> runtime_problem(std::string cause) {
  return tl::unexpected(Problem{"States.Runtime", std::move(cause), true, true});
}
template <class T>
tl::unexpected<Problem> fail(Outcome<T>& outcome) {
  return tl::unexpected<Problem>(std::move(outcome.error()));
}
template <class T>
tl::unexpected<Problem> fail(Outcome<T>&& outcome) {
  return tl::unexpected<Problem>(std::move(outcome.error()));
}

using Variables = std::map<std::string, Value, std::less<>>;

/// What the expressions of a state may read. Borrowed by whoever evaluates.
struct Scope {
  const Value& input;    // "$" of JSONPath, $states.input of JSONata
  const Value& context;  // "$$", $states.context
  const Variables& variables;
  const Value* result = nullptr;        // $states.result, after a task
  const Value* error_output = nullptr;  // $states.errorOutput, in a Catch
};

}  // namespace likeness::states
