#pragma once

#include "base/result.hpp"
#include "domain/dynamodb/expression.hpp"
#include "domain/dynamodb/table.hpp"

/// What a table demands of updates and of what they make.
namespace likeness::dynamodb {

/// Before anything is read: updates of key attributes, paths into keys, values of a wrong kind for an index.
Result<void> check_update(const Table& table, const Update& update);

/// After: the keys of indexes, the size.
Result<void> check_updated(const Table& table, const Update& update, const Attributes& item);

/// Paths of conditions and projections may not lead into keys.
Result<void> check_paths(const Table& table, const std::vector<const Path*>& paths);
Result<void> check_paths(const Table& table, const std::vector<Path>& paths);

/// Whether the item's values are such that the index can hold it (older items may have others).
bool fits_index(const Index& index, const Attributes& item);

/// Levels of maps and lists inside one another; DynamoDB takes 32.
std::size_t depth_of(const Attributes& item);
inline constexpr std::size_t kMaxDepth = 32;

}  // namespace likeness::dynamodb
