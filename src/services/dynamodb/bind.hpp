#pragma once

#include <string>
#include <string_view>

#include "services/dynamodb/convert.hpp"

namespace likeness::dynamodb {

/// A name of 3 to 255 letters, digits, '_', '.' and '-', or an ARN: the model only says how long it may be.
Result<void> check_table_name(std::string_view name);

/// A provider function with the database bound; the table's name is checked before.
template <class Function>
auto bind(Database& database, Function function) {
  return [&database, function](const aws::RequestContext& context,
                               const auto& in) -> decltype(function(database, context, in)) {
    if constexpr (requires { in.table_name; })
      if (in.table_name)
        if (auto fine = check_table_name(*in.table_name); !fine) return fail(fine);
    return function(database, context, in);
  };
}

}  // namespace likeness::dynamodb
