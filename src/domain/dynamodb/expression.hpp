#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "domain/dynamodb/value.hpp"

/// Conditions, updates and projections as trees, with names and values already put in for their placeholders. The
/// parsers of expressions (expression_parser.hpp), the legacy parameters and PartiQL all make these.
namespace likeness::dynamodb {

/// "a.b[2]": attribute names and list positions. The first step is a name.
struct Path {
  std::vector<std::variant<std::string, std::size_t>> steps;

  static Path of(std::string attribute) { return {{std::move(attribute)}}; }
  const std::string& attribute() const { return std::get<std::string>(steps.front()); }
  bool nested() const { return steps.size() > 1; }
  bool operator==(const Path&) const = default;
};

/// Null if the item has nothing there.
const Value* find(const Attributes& item, const Path& path);
/// "[a, b, [2]]", as messages show it.
std::string shown(const Path& path);

struct Operand {
  enum class Kind : std::uint8_t { Path, Value, SizeOfPath, SizeOfValue };
  Kind kind = Kind::Value;
  Path path = {};
  Value value = {};

  static Operand of(Path path) { return {Kind::Path, std::move(path), {}}; }
  static Operand of(Value value) { return {Kind::Value, {}, std::move(value)}; }
};

struct Condition {
  enum class Kind : std::uint8_t {
    And,
    Or,
    Not,  // of parts
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,  // of two operands
    Between,         // three
    In,              // one and the list
    AttributeExists,
    AttributeNotExists,
    AttributeType,  // path and type name
    BeginsWith,
    Contains,
  };
  Kind kind = Kind::And;
  std::vector<Condition> parts = {};
  std::vector<Operand> operands = {};
};

/// Whether the item is as the condition says. An absent operand makes every comparison false, but for NotEqual.
bool holds(const Condition& condition, const Attributes& item);

/// What SET computes.
struct UpdateValue {
  enum class Kind : std::uint8_t { Path, Value, IfNotExists, ListAppend, Plus, Minus };
  Kind kind = Kind::Value;
  Path path = {};  // Path, and IfNotExists' first
  Value value = {};
  std::vector<UpdateValue> parts = {};  // of functions: IfNotExists one, the others two
};

struct UpdateAction {
  enum class Kind : std::uint8_t { Set, Remove, Add, Delete };
  Kind kind = Kind::Set;
  Path path;
  UpdateValue value = {};  // Set: anything; Add, Delete: a Value
  bool legacy = false;     // of AttributeUpdates: other words in errors, and ADD takes lists
};

/// Actions on paths that do not overlap. All values are computed from the item as it was.
struct Update {
  std::vector<UpdateAction> actions;
};

/// The item after the update. Errors: ValidationException in AWS's words.
Result<Attributes> apply(const Update& update, const Attributes& item);

/// Only what is at the paths, in maps and lists of what is around it; list positions close up.
Attributes project(const std::vector<Path>& paths, const Attributes& item);

}  // namespace likeness::dynamodb
