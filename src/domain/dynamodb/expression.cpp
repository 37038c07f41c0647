#include "domain/dynamodb/expression.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace likeness::dynamodb {

const Value* find(const Attributes& item, const Path& path) {
  const Value* at = item.find(path.attribute());
  for (std::size_t i = 1; i < path.steps.size() && at; ++i) {
    if (const auto* name = std::get_if<std::string>(&path.steps[i])) {
      const auto* map = at->as<Attributes>();
      at = map ? map->find(*name) : nullptr;
    } else {
      const auto* list = at->as<List>();
      const std::size_t position = std::get<std::size_t>(path.steps[i]);
      at = list && position < list->size() ? &(*list)[position] : nullptr;
    }
  }
  return at;
}

std::string shown(const Path& path) {
  std::string out = "[";
  for (const auto& step : path.steps) {
    if (out.size() > 1) out += ", ";
    if (const auto* name = std::get_if<std::string>(&step))
      out += *name;
    else
      out += "[" + std::to_string(std::get<std::size_t>(step)) + "]";
  }
  return out + "]";
}

namespace {

/// Units of UTF-16, as AWS counts characters.
std::size_t length_of(std::string_view utf8) {
  std::size_t length = 0;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) length += byte >= 0xF0 ? 2 : 1;
  }
  return length;
}

/// What size() gives; nothing for kinds without a size.
std::optional<Value> size_value(const Value& value) {
  std::size_t size = 0;
  switch (value.type()) {
    case Type::S: size = length_of(*value.string()); break;
    case Type::B: size = value.as<Binary>()->bytes.size(); break;
    case Type::M: size = value.as<Attributes>()->count(); break;
    case Type::L: size = value.as<List>()->size(); break;
    case Type::SS: size = value.as<StringSet>()->values.size(); break;
    case Type::NS: size = value.as<NumberSet>()->values.size(); break;
    case Type::BS: size = value.as<BinarySet>()->values.size(); break;
    default: return std::nullopt;
  }
  return Value{Number::of(static_cast<std::int64_t>(size))};
}

/// The value of an operand: found in the item, or made in `room`.
const Value* value_of(const Operand& operand, const Attributes& item, std::optional<Value>& room) {
  switch (operand.kind) {
    case Operand::Kind::Value: return &operand.value;
    case Operand::Kind::Path: return find(item, operand.path);
    case Operand::Kind::SizeOfPath:
      if (const auto* value = find(item, operand.path)) room = size_value(*value);
      break;
    case Operand::Kind::SizeOfValue: room = size_value(operand.value); break;
  }
  return room ? &*room : nullptr;
}

bool begins_with(const Value& value, const Value& prefix) {
  if (value.string() && prefix.string()) return value.string()->starts_with(*prefix.string());
  const auto* bytes = value.as<Binary>();
  const auto* head = prefix.as<Binary>();
  return bytes && head && bytes->bytes.starts_with(head->bytes);
}

template <class T, class V>
bool has(const std::vector<T>& values, const V& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool contains(const Value& value, const Value& part) {
  switch (value.type()) {
    case Type::S: return part.string() && value.string()->find(*part.string()) != std::string::npos;
    case Type::B:
      return part.as<Binary>() && value.as<Binary>()->bytes.find(part.as<Binary>()->bytes) != std::string::npos;
    case Type::SS: return part.string() && has(value.as<StringSet>()->values, *part.string());
    case Type::NS: return part.number() && has(value.as<NumberSet>()->values, *part.number());
    case Type::BS: return part.as<Binary>() && has(value.as<BinarySet>()->values, part.as<Binary>()->bytes);
    case Type::L: return has(*value.as<List>(), part);
    default: return false;
  }
}

}  // namespace

bool holds(const Condition& condition, const Attributes& item) {
  using Kind = Condition::Kind;
  switch (condition.kind) {
    case Kind::And:
      return std::all_of(condition.parts.begin(), condition.parts.end(),
                         [&](const Condition& part) { return holds(part, item); });
    case Kind::Or:
      return std::any_of(condition.parts.begin(), condition.parts.end(),
                         [&](const Condition& part) { return holds(part, item); });
    case Kind::Not: return !holds(condition.parts.front(), item);
    default: break;
  }
  std::optional<Value> room, upper_room, lower_room;
  const Value* left = value_of(condition.operands[0], item, room);
  if (condition.kind == Kind::AttributeExists) return left != nullptr;
  if (condition.kind == Kind::AttributeNotExists) return left == nullptr;
  if (condition.kind == Kind::In) {
    if (!left) return false;
    return std::any_of(condition.operands.begin() + 1, condition.operands.end(), [&](const Operand& operand) {
      std::optional<Value> one;
      const Value* value = value_of(operand, item, one);
      return value && *value == *left;
    });
  }
  const Value* right = value_of(condition.operands[1], item, lower_room);
  if (condition.kind == Kind::NotEqual) return !(left && right && *left == *right);
  if (!left || !right) return false;
  switch (condition.kind) {
    case Kind::Equal: return *left == *right;
    case Kind::Less: return compare(*left, *right) < 0;
    case Kind::LessOrEqual: return compare(*left, *right) <= 0;
    case Kind::Greater: return compare(*left, *right) > 0;
    case Kind::GreaterOrEqual: return compare(*left, *right) >= 0;
    case Kind::Between: {
      const Value* upper = value_of(condition.operands[2], item, upper_room);
      return upper && compare(*left, *right) >= 0 && compare(*left, *upper) <= 0;
    }
    case Kind::AttributeType: return right->string() && name_of(left->type()) == *right->string();
    case Kind::BeginsWith: return begins_with(*left, *right);
    case Kind::Contains: return contains(*left, *right);
    default: return false;
  }
}

namespace {

/// Paths as a tree: what is wanted below a value.
struct Wanted {
  bool whole = false;
  std::map<std::string, Wanted, std::less<>> names = {};
  std::map<std::size_t, Wanted> positions = {};
};

std::optional<Value> pick(const Wanted& wanted, const Value& value);

std::optional<Attributes> pick(const Wanted& wanted, const Attributes& attributes) {
  Attributes out;
  for (const auto& [name, below] : wanted.names) {
    const auto* found = attributes.find(name);
    if (!found) continue;
    if (auto picked = pick(below, *found)) out.add(name, std::move(*picked));
  }
  if (out.empty()) return std::nullopt;
  return out;
}

std::optional<Value> pick(const Wanted& wanted, const Value& value) {
  if (wanted.whole) return value;
  if (const auto* map = value.as<Attributes>()) {
    auto picked = pick(wanted, *map);
    if (!picked) return std::nullopt;
    return Value{std::move(*picked)};
  }
  const auto* list = value.as<List>();
  if (!list) return std::nullopt;
  List out;
  for (const auto& [position, below] : wanted.positions) {
    if (position >= list->size()) break;
    if (auto picked = pick(below, (*list)[position])) out.push_back(std::move(*picked));
  }
  if (out.empty()) return std::nullopt;
  return Value{std::move(out)};
}

}  // namespace

Attributes project(const std::vector<Path>& paths, const Attributes& item) {
  Wanted root;
  for (const auto& path : paths) {
    Wanted* at = &root;
    for (const auto& step : path.steps) {
      if (const auto* name = std::get_if<std::string>(&step))
        at = &at->names[*name];
      else
        at = &at->positions[std::get<std::size_t>(step)];
    }
    at->whole = true;
  }
  return pick(root, item).value_or(Attributes());
}

}  // namespace likeness::dynamodb
