#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "domain/dynamodb/expression.hpp"
#include "domain/dynamodb/items.hpp"
#include "domain/dynamodb/partiql_parser.hpp"
#include "domain/dynamodb/table.hpp"
#include "domain/dynamodb/value.hpp"

/// From a statement, its parameters and its table to what is done with items: a key or a range of keys to read, or a
/// change of one item. Everything that can be said against the statement is said here.
namespace likeness::dynamodb::partiql {

/// The table that a statement names, before it is looked up.
struct Target {
  std::string table;
  std::string index;  // "" for the table itself
};

/// What is wrong with the statement whatever the table is like, else what it is about. Errors: ValidationException.
Result<Target> target_of(const Statement& statement);

struct Column {
  std::string name;  // in the answer
  Path path;         // where the value is
  Path inside;       // "l[2].z" shows as {"l[2]": {"z": ...}}: what is put around the value; may be empty
};

struct ReadPlan {
  const Index* index = nullptr;
  /// One item by its whole key; only on the table itself.
  std::optional<Attributes> key;
  /// Partition keys to read one after the other; empty: everything is read.
  std::vector<std::vector<Value>> partitions;  // of each one value of every HASH attribute
  SortBounds bounds;
  bool backward = false;
  std::optional<Condition> filter;
  std::vector<Column> columns;  // empty: whole items
  bool whole_items = false;     // columns that a local index does not hold
};

struct WritePlan {
  WriteRequest::Kind kind = WriteRequest::Kind::Put;
  Attributes item;                     // Put: the item; else the key
  std::optional<Condition> condition;  // of the statement's WHERE and of its kind
  std::optional<Update> update;
  std::optional<Returning> returning;
};

/// A SELECT, or the SELECT inside EXISTS. Errors: ValidationException.
Result<ReadPlan> plan_read(const Statement& statement, const Target& target, const Table& table,
                           const std::vector<Value>& parameters);
/// INSERT, UPDATE, DELETE; EXISTS as a Check. Errors: ValidationException.
Result<WritePlan> plan_write(const Statement& statement, const Table& table, const std::vector<Value>& parameters);

/// The columns of an item.
Attributes pick(const std::vector<Column>& columns, Attributes item);
/// What UPDATE ... RETURNING MODIFIED shows of `item`: what is at the paths that the update names.
Attributes pick_modified(const Update& update, const Attributes& item);

}  // namespace likeness::dynamodb::partiql
