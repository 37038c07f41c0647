#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace likeness::storage {

/// How (table, partition, sort) become one key of the embedded engine so that bytewise order is the order of the parts:
/// 'T' table 00 01, partition with each 00 written as 00 FF, 00 01, sort as it is. The leading letter keeps room for
/// other kinds of records in the same key space.
std::string encode_partition(std::string_view table, std::string_view partition);
std::string encode_key(std::string_view table, std::string_view partition, std::string_view sort);

/// The first key after all those that start with `prefix`; nullopt if there is none (all bytes FF).
std::optional<std::string> end_of_prefix(std::string_view prefix);

}  // namespace likeness::storage
