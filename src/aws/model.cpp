#include "aws/model.hpp"

#include <algorithm>

#include "aws/exceptions.hpp"
#include "net/http.hpp"

namespace likeness::aws {

std::string message_of(const Shape& shape, const void* structure) {
  for (const auto& member : shape.members) {
    if (member.shape->kind != Kind::String || !net::equal_ignoring_case(member.name, "message")) continue;
    const void* text = member.find(structure);
    return text == nullptr ? std::string() : *static_cast<const std::string*>(text);
  }
  return {};
}

const Operation* ServiceModel::find_operation(std::string_view name) const {
  const auto at = std::ranges::lower_bound(operations, name, {}, &Operation::name);
  return at != operations.end() && at->name == name ? &*at : nullptr;
}

}  // namespace likeness::aws
