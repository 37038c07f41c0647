#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aws/gen/dynamodb.hpp"
#include "aws/service.hpp"
#include "base/result.hpp"
#include "domain/caller.hpp"
#include "domain/dynamodb/database.hpp"
#include "domain/dynamodb/value.hpp"

/// Between the generated shapes and the domain's values.
namespace likeness::dynamodb {

namespace shapes = aws::dynamodb;

using WireItem = std::map<std::string, shapes::AttributeValue>;

inline domain::Caller caller_of(const aws::RequestContext& context) {
  return {context.account, context.region, context.caller_arn};
}

/// Errors: ValidationException for what is no value: no kind or several, bad numbers, empty sets ...
Result<Value> value_of(const shapes::AttributeValue& wire);
Result<Attributes> attributes_of(const WireItem& wire);

shapes::AttributeValue to_wire(Value value);
WireItem to_wire(Attributes item);
/// nullopt where there is none.
std::optional<WireItem> to_wire(std::optional<Attributes> item);

}  // namespace likeness::dynamodb
