#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "aws/model.hpp"
#include "aws/violation.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

/// Concise Binary Object Representation (RFC 8949) straight into and out of the structs of the shape tables.
namespace likeness::aws {

struct CborReadOptions {
  std::size_t depth_limit = 96;  // of maps, arrays and tags inside one another
  bool lenient = false;          // as JsonReadOptions::lenient
};

/// Reads one map into `structure`. Members that the model lacks are skipped; null and undefined are the same as absent.
/// Lengths may be definite or not, numbers of any width. Broken bytes, wrong types, numbers out of range and doubled
/// members are SerializationException; violations are as those of read_json().
Result<std::vector<Violation>> read_cbor(BytesView bytes, const Shape& shape, void* structure,
                                         const CborReadOptions& options = {});

/// Appends `structure` as a map. Integers take as few bytes as they can, floating-point numbers those of their type.
void write_cbor(const Shape& shape, const void* structure, std::string& out);
/// The map with one text member more in front: the "__type" of errors.
void write_cbor_with(std::string_view name, std::string_view value, const Shape& shape, const void* structure,
                     std::string& out);

void write_cbor_map_head(std::size_t members, std::string& out);
void write_cbor_text(std::string_view text, std::string& out);

}  // namespace likeness::aws
