#include "aws/model.hpp"

#include <algorithm>

namespace likeness::aws {

const Operation* ServiceModel::find_operation(std::string_view name) const {
  const auto at = std::ranges::lower_bound(operations, name, {}, &Operation::name);
  return at != operations.end() && at->name == name ? &*at : nullptr;
}

}  // namespace likeness::aws
