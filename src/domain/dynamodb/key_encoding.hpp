#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain/dynamodb/value.hpp"

/// How keys become the sort keys of the store, so that bytewise order is DynamoDB's order.
///
/// An item:          hash of the partition key (8 bytes), partition key, separator, sort key
/// An index's entry: the same of the index's keys, separator, then the item's own key. Where a key has several HASH or
///                   RANGE attributes, each with a separator: then they sort one after the other.
///
/// The hash spreads a scan: segments are ranges of it, and items come in its order. It is DynamoDB's own, so a scan of
/// a table gives the partition keys in the order in which DynamoDB gives them.
namespace likeness::dynamodb {

/// S and B are their bytes; N is in the order of numbers. Nothing for other kinds, which are no keys.
void append_key_value(std::string& out, const Value& value);
std::string key_value(const Value& value);

/// With a separator after it that sorts before all that could follow, so that something can be appended.
void append_separated(std::string& out, std::string_view bytes);

std::uint64_t hash_of_key(const Value& key);

/// The part of the store's key that all items of one partition key share.
std::string partition_prefix(const Value& partition_key);
/// Of a key with several HASH attributes; of one it is that of above.
std::string partition_prefix(const std::vector<const Value*>& values);
std::string partition_prefix(const std::vector<Value>& values);
/// `prefix` of `partition_prefix`; `sort_key` null where the table or index has none.
std::string item_key(std::string prefix, const Value* sort_key);

/// Where segment `segment` of `total` begins in the hash's range: 8 bytes. "" for `segment` == `total`, the end.
std::string segment_start(std::uint64_t segment, std::uint64_t total);

/// The least string that is greater than all that begin with `prefix`; "" if there is none.
std::string after_prefix(std::string prefix);

}  // namespace likeness::dynamodb
