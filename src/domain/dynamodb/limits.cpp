#include "domain/dynamodb/limits.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "domain/dynamodb/errors.hpp"

namespace likeness::dynamodb {

namespace {

template <class F>
Result<void> for_index_keys(const Table& table, F check) {
  Result<void> fine;
  for (const auto& index : table.indexes) {
    index.keys.all_of([&](const KeyAttribute& part, bool partition) {
      fine = check(index, part, partition);
      return fine.has_value();
    });
    if (!fine) return fine;
  }
  return {};
}

bool is_empty(const Value& value) {
  return (value.string() && value.string()->empty()) || (value.as<Binary>() && value.as<Binary>()->bytes.empty());
}
std::size_t length(const Value& value) {
  return value.string() ? value.string()->size() : (value.as<Binary>() ? value.as<Binary>()->bytes.size() : 0);
}

/// The kind that an action gives its attribute, where the action alone tells.
std::optional<Type> type_given(const UpdateAction& action) {
  switch (action.kind) {
    case UpdateAction::Kind::Add: return action.value.value.type();
    case UpdateAction::Kind::Set: break;
    default: return std::nullopt;
  }
  switch (action.value.kind) {
    case UpdateValue::Kind::Value: return action.value.value.type();
    case UpdateValue::Kind::ListAppend: return Type::L;
    case UpdateValue::Kind::Plus:
    case UpdateValue::Kind::Minus: return Type::N;
    case UpdateValue::Kind::IfNotExists:
      if (action.value.parts[0].kind == UpdateValue::Kind::Value) return action.value.parts[0].value.type();
      return std::nullopt;
    case UpdateValue::Kind::Path: return std::nullopt;
  }
  return std::nullopt;
}

void collect_paths(const UpdateValue& value, std::vector<const Path*>& out) {
  if (value.kind == UpdateValue::Kind::Path || value.kind == UpdateValue::Kind::IfNotExists) out.push_back(&value.path);
  for (const auto& part : value.parts) collect_paths(part, out);
}

}  // namespace

Result<void> check_paths(const Table& table, const std::vector<const Path*>& paths) {
  const auto leads_into = [&](const std::string& name) {
    return std::any_of(paths.begin(), paths.end(),
                       [&](const Path* path) { return path->nested() && path->attribute() == name; });
  };
  const auto refuse = [](std::string_view what, const std::string& name) {
    return validation(
        fmt::format("Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
                    "allowed: {}: {}",
                    what, name));
  };
  if (leads_into(table.keys.partition.name)) return refuse("Key", table.keys.partition.name);
  if (table.keys.sort && leads_into(table.keys.sort->name)) return refuse("Key", table.keys.sort->name);
  return for_index_keys(table, [&](const Index&, const KeyAttribute& part, bool) -> Result<void> {
    if (leads_into(part.name)) return refuse("IndexKey", part.name);
    return {};
  });
}

Result<void> check_paths(const Table& table, const std::vector<Path>& paths) {
  std::vector<const Path*> all;
  all.reserve(paths.size());
  for (const auto& path : paths) all.push_back(&path);
  return check_paths(table, all);
}

Result<void> check_update(const Table& table, const Update& update) {
  const auto touches = [&](const std::string& name) {
    return std::any_of(update.actions.begin(), update.actions.end(),
                       [&](const UpdateAction& action) { return action.path.attribute() == name; });
  };
  const auto part_of_key = [](const std::string& name) {
    return invalid_parameter(fmt::format("Cannot update attribute {}. This attribute is part of the key", name));
  };
  if (touches(table.keys.partition.name)) return part_of_key(table.keys.partition.name);
  if (table.keys.sort && touches(table.keys.sort->name)) return part_of_key(table.keys.sort->name);
  auto kinds = for_index_keys(table, [&](const Index& index, const KeyAttribute& part, bool) -> Result<void> {
    for (const auto& action : update.actions) {
      if (action.path.nested() || action.path.attribute() != part.name) continue;
      const auto given = type_given(action);
      if (given && *given != part.type)
        return invalid_parameter(fmt::format("Type mismatch for Index Key {} Expected: {} Actual: {} IndexName: {}",
                                             part.name, name_of(part.type), name_of(*given), index.name));
    }
    return {};
  });
  if (!kinds) return kinds;
  std::vector<const Path*> paths;
  paths.reserve(update.actions.size());
  for (const auto& action : update.actions) {
    paths.push_back(&action.path);
    collect_paths(action.value, paths);
  }
  return check_paths(table, paths);
}

Result<void> check_updated(const Table& table, const Update&, const Attributes& item) {
  auto keys = for_index_keys(table, [&](const Index&, const KeyAttribute& part, bool partition) -> Result<void> {
    const auto* value = item.find(part.name);
    if (!value) return {};
    if (value->type() != part.type)
      return validation("The update expression attempted to update the secondary index key to unsupported type");
    if (is_empty(*value))
      return validation(fmt::format(
          "One or more parameter values are not valid. The update expression attempted to update a secondary index key "
          "to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty {} value.",
          part.type == Type::S ? "string" : "binary"));
    if (length(*value) > (partition ? kMaxPartitionKeyBytes : kMaxSortKeyBytes))
      return invalid_parameter(partition ? "Size of hashkey has exceeded the maximum size limit of2048 bytes"
                                         : "Size of rangekey has exceeded the maximum size limit of 1024 bytes");
    return {};
  });
  if (!keys) return keys;
  for (const auto& index : table.indexes)
    if (auto fine = check_index_key_size(index, item); !fine) return fine;
  if (size_of(item) > kMaxItemBytes) return validation("Item size to update has exceeded the maximum allowed size");
  if (depth_of(item) > kMaxDepth) return validation("Nesting Levels have exceeded supported limits");
  return {};
}

bool fits_index(const Index& index, const Attributes& item) {
  const auto fits = [&](const KeyAttribute& part, std::size_t limit) {
    const auto* value = item.find(part.name);
    return value && value->type() == part.type && !is_empty(*value) && length(*value) <= limit;
  };
  return index.keys.all_of([&](const KeyAttribute& part, bool partition) {
    return fits(part, partition ? kMaxPartitionKeyBytes : kMaxSortKeyBytes);
  }) && check_index_key_size(index, item);
}

namespace {

std::size_t depth_of(const Value& value) {
  std::size_t deepest = 0;
  if (const auto* map = value.as<Attributes>()) {
    for (const auto& attribute : *map) deepest = std::max(deepest, depth_of(attribute.value));
    return deepest + 1;
  }
  if (const auto* list = value.as<List>()) {
    for (const auto& element : *list) deepest = std::max(deepest, depth_of(element));
    return deepest + 1;
  }
  return 0;
}

}  // namespace

std::size_t depth_of(const Attributes& item) {
  std::size_t deepest = 0;
  for (const auto& attribute : item) deepest = std::max(deepest, depth_of(attribute.value));
  return deepest;
}

}  // namespace likeness::dynamodb
