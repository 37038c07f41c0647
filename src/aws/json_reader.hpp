#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "aws/member_names.hpp"
#include "aws/model.hpp"
#include "aws/violation.hpp"
#include "base/result.hpp"

namespace likeness::aws {

struct JsonReadOptions {
  /// Objects and arrays inside one another. DynamoDB's documents go deepest, 32 levels of values of two each.
  std::size_t depth_limit = 96;
  /// A client reads what a newer server may have written: values that an enum lacks are left out instead of reported.
  bool lenient = false;
  MemberNames names = MemberNames::OfWire;
};

/// Reads one JSON object into `structure`, whose type `shape` (a Structure) describes, without building a tree: values
/// go straight from the text into their members, base64 included. Members that the model lacks are skipped, null is the
/// same as absent.
///
/// Broken JSON, wrong types, numbers out of range and doubled members are SerializationException. Values that an enum
/// lacks and nulls inside lists are no matter of syntax: they are returned, for the message that lists every violation.
Result<std::vector<Violation>> read_json(std::string_view text, const Shape& shape, void* structure,
                                         const JsonReadOptions& options = {});

}  // namespace likeness::aws
