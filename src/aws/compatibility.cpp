#include "aws/compatibility.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace likeness::aws {
namespace {

enum class State { Done, Differs, Absent };

State state_of(const Service& service, const Operation& operation) {
  if (service.handler(operation) == nullptr) return State::Absent;
  return service.difference(operation).empty() ? State::Done : State::Differs;
}

/// A cell of a table: one line, bars kept from ending it.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string section(const Service& service) {
  const auto& model = service.model();
  const auto count = [&](State wanted) {
    return std::ranges::count_if(model.operations,
                                 [&](const Operation& operation) { return state_of(service, operation) == wanted; });
  };
  auto out = fmt::format(
      "## {}\n\nModel of {}, {} operations: {} done, {} with a difference, {} absent.\n\n| operation | state | "
      "difference "
      "|\n|---|---|---|\n",
      model.full_name, model.api_version, model.operations.size(), count(State::Done), count(State::Differs),
      count(State::Absent));
  for (const auto& operation : model.operations) {
    const auto state = state_of(service, operation);
    out += fmt::format("| {} | {} | {} |\n", operation.name,
                       state == State::Done      ? "done"
                       : state == State::Differs ? "differs"
                                                 : "absent",
                       cell(service.difference(operation)));
  }
  return out;
}

}  // namespace

std::string compatibility_page(const std::vector<const Service*>& services) {
  std::string out =
      "# Compatibility with AWS\n\n"
      "Every operation of every service that Likeness speaks. *done*: behaves as AWS documents it. *differs*: works, "
      "with the "
      "difference that is named. *absent*: answers `UnknownOperationException` (HTTP 501) naming the operation.\n\n"
      "Written by `make compatibility` from the providers that are registered in the program; a test compares "
      "the two.\n";
  for (const Service* service : services) out += "\n" + section(*service);
  return out;
}

}  // namespace likeness::aws
