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

auto count_of(const Service& service, State wanted) {
  return std::ranges::count_if(service.model().operations,
                               [&](const Operation& operation) { return state_of(service, operation) == wanted; });
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
  auto out = fmt::format(
      "## {}\n\nModel of {}, {} operations: {} done, {} with a difference, {} absent.\n\n| operation | state | "
      "difference "
      "|\n|---|---|---|\n",
      model.full_name, model.api_version, model.operations.size(), count_of(service, State::Done),
      count_of(service, State::Differs), count_of(service, State::Absent));
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
      "with "
      "the difference that is named. *absent*: answers `UnknownOperationException` (`NotImplemented` of S3) with HTTP "
      "status "
      "501, naming the operation.\n\n"
      "Written by `make compatibility` from the services that are registered in the program; a test compares the "
      "two.\n\n"
      "| service | operations | done | differ | absent |\n|---|---|---|---|---|\n";
  for (const Service* service : services)
    out += fmt::format("| {} | {} | {} | {} | {} |\n", service->model().full_name, service->model().operations.size(),
                       count_of(*service, State::Done), count_of(*service, State::Differs),
                       count_of(*service, State::Absent));
  for (const Service* service : services) out += "\n" + section(*service);
  return out;
}

}  // namespace likeness::aws
