#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace likeness::states {

class Object;

/// A JSON value. Immutable and shared: a copy is a pointer, so that what flows from state to state is not copied.
/// Whole numbers and fractions stay apart (`1` and `1.0`), members keep their order.
class Value {
 public:
  enum class Type : std::uint8_t { Null, Bool, Integer, Double, String, Array, Object };
  using Array = std::vector<Value>;

  Value() = default;
  Value(std::nullptr_t) {}                                       // NOLINT(google-explicit-constructor)
  Value(bool value) : data_(value) {}                            // NOLINT(google-explicit-constructor)
  Value(int value) : data_(static_cast<std::int64_t>(value)) {}  // NOLINT(google-explicit-constructor)
  Value(std::int64_t value) : data_(value) {}                    // NOLINT(google-explicit-constructor)
  Value(double value) : data_(value) {}                          // NOLINT(google-explicit-constructor)
  Value(std::string value);                                      // NOLINT(google-explicit-constructor)
  Value(std::string_view value) : Value(std::string(value)) {}   // NOLINT(google-explicit-constructor)
  Value(const char* value) : Value(std::string(value)) {}        // NOLINT(google-explicit-constructor)
  Value(Array value);                                            // NOLINT(google-explicit-constructor)
  Value(Object value);                                           // NOLINT(google-explicit-constructor)

  Type type() const { return static_cast<Type>(data_.index()); }
  bool is_null() const { return type() == Type::Null; }
  bool is_bool() const { return type() == Type::Bool; }
  bool is_integer() const { return type() == Type::Integer; }
  bool is_number() const { return type() == Type::Integer || type() == Type::Double; }
  bool is_string() const { return type() == Type::String; }
  bool is_array() const { return type() == Type::Array; }
  bool is_object() const { return type() == Type::Object; }

  bool as_bool() const { return std::get<bool>(data_); }
  std::int64_t as_integer() const { return std::get<std::int64_t>(data_); }
  double as_double() const { return is_integer() ? static_cast<double>(as_integer()) : std::get<double>(data_); }
  const std::string& as_string() const { return *std::get<std::shared_ptr<const std::string>>(data_); }
  const Array& as_array() const { return *std::get<std::shared_ptr<const Array>>(data_); }
  const Object& as_object() const { return *std::get<std::shared_ptr<const Object>>(data_); }

  /// The member of an object; null if this is none or has no such member.
  const Value* find(std::string_view name) const;
  /// The member's string, or "".
  std::string_view text_of(std::string_view name) const;

  /// The very same value in memory (not merely an equal one).
  bool same_as(const Value& other) const;
  /// Equal as JSON: 1 equals 1.0, the order of members does not matter.
  bool operator==(const Value& other) const;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::shared_ptr<const std::string>,
               std::shared_ptr<const Array>, std::shared_ptr<const Object>>
      data_;
};

/// Members in order. A second one of a name replaces the first.
class Object {
 public:
  Object() = default;
  Object(std::initializer_list<std::pair<std::string, Value>> members) : members_(members) {}

  const Value* find(std::string_view name) const {
    for (const auto& [key, value] : members_)
      if (key == name) return &value;
    return nullptr;
  }
  void set(std::string name, Value value);
  /// Without looking whether it is there already.
  void add(std::string name, Value value) { members_.emplace_back(std::move(name), std::move(value)); }
  bool erase(std::string_view name);

  bool empty() const { return members_.empty(); }
  std::size_t size() const { return members_.size(); }
  auto begin() const { return members_.begin(); }
  auto end() const { return members_.end(); }

 private:
  std::vector<std::pair<std::string, Value>> members_;
};

inline const Value* Value::find(std::string_view name) const { return is_object() ? as_object().find(name) : nullptr; }

/// Reads one JSON text. Error: "InvalidJson" with a message in the words of the parser that AWS uses; `detail` is the
/// place ("line: 1, column: 4").
Result<Value> parse_json(std::string_view text);

/// Without spaces. Fractions are written as Java does ("1.0", "1.0E10"), because that is what clients have seen.
std::string write_json(const Value& value);
void write_json(const Value& value, std::string& out);
void write_json_string(std::string_view text, std::string& out);
std::string write_number(double value);

}  // namespace likeness::states
