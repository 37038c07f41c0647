#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "domain/dynamodb/number.hpp"

namespace likeness::dynamodb {

struct Value;
struct Attribute;

/// Named values, sorted by name: an item, a key, or a map inside an item. Small and in one block, so it is searched by
/// bisection and copied in one go.
class Attributes {
 public:
  Attributes();
  Attributes(std::initializer_list<Attribute> list);
  Attributes(const Attributes&);
  Attributes(Attributes&&) noexcept;
  Attributes& operator=(const Attributes&);
  Attributes& operator=(Attributes&&) noexcept;
  ~Attributes();

  const Value* find(std::string_view name) const;
  Value* find(std::string_view name);
  /// Makes or replaces.
  Value& set(std::string_view name, Value value);
  /// Quick where names come in order. False if there is one of that name; nothing is changed then.
  bool add(std::string name, Value value);
  bool remove(std::string_view name);

  void reserve(std::size_t count);
  std::size_t count() const;
  bool empty() const { return count() == 0; }
  const Attribute* begin() const;
  const Attribute* end() const;
  Attribute* begin();
  Attribute* end();

  bool operator==(const Attributes& other) const;

 private:
  std::vector<Attribute> list_;
};

using List = std::vector<Value>;

// Kinds that share a C++ type are told apart by a wrapper. Sets keep the order in which they came; they have no equals.
struct Null {
  bool operator==(const Null&) const = default;
};
struct Binary {
  std::string bytes;
  auto operator<=>(const Binary&) const = default;
};
struct StringSet {
  std::vector<std::string> values;
};
struct NumberSet {
  std::vector<Number> values;
};
struct BinarySet {
  std::vector<std::string> values;
};

/// The letters of the wire.
enum class Type : std::uint8_t { S, N, B, BOOL, Null, M, L, SS, NS, BS };

/// "S", "NS", "BOOL" ...
std::string_view name_of(Type type);

/// One value of any kind.
struct Value {
  // In the order of Type.
  std::variant<std::string, Number, Binary, bool, Null, Attributes, List, StringSet, NumberSet, BinarySet> data;

  Type type() const { return static_cast<Type>(data.index()); }
  template <class T>
  const T* as() const {
    return std::get_if<T>(&data);
  }
  template <class T>
  T* as() {
    return std::get_if<T>(&data);
  }
  const std::string* string() const { return as<std::string>(); }
  const Number* number() const { return as<Number>(); }

  /// Deep; sets regardless of order.
  bool operator==(const Value& other) const;
};

struct Attribute {
  std::string name;
  Value value;
  bool operator==(const Attribute&) const = default;
};

/// What DynamoDB counts: bytes of names and values, with three bytes for a map or list and one for each of its members.
std::size_t size_of(const Value& value);
std::size_t size_of(const Attributes& item);

/// Order within S, N and B; unordered for other kinds and between kinds.
std::partial_ordering compare(const Value& left, const Value& right);

/// How a value shows in messages: "{S:text}", "{N:1}".
std::string shown(const Value& value);

}  // namespace likeness::dynamodb
