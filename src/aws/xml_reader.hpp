#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "aws/model.hpp"
#include "aws/violation.hpp"
#include "base/result.hpp"

namespace likeness::aws {

struct XmlReadOptions {
  std::size_t depth_limit = 64;  // of elements
  std::string_view root = {};    // its name without a prefix; empty: any
  std::string_view or_root = {};
};

/// Reads one XML document into `structure`, whose type `shape` (a Structure) describes, without building a tree.
/// Elements that the model lacks are skipped, prefixes of names are overlooked. A document type is refused, so that
/// there are no entities but XML's own five.
///
/// Broken XML, an element that occurs twice, values of a wrong type: "MalformedXML"; the detail says where. Values that
/// an enum lacks are returned.
Result<std::vector<Violation>> read_xml(std::string_view text, const Shape& shape, void* structure,
                                        const XmlReadOptions& options = {});

}  // namespace likeness::aws
