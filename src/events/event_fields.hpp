#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace likeness::events {

using FieldId = std::uint32_t;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

/// The fields that somebody asks for, numbered, and the way to them: where a name leads nowhere, the rest of the event
/// is not looked at. "a.b" is the field b of a as well as the field "a.b", as AWS has it.
class FieldNames {
 public:
  FieldNames();

  FieldId add(std::string_view path);
  std::optional<FieldId> find(std::string_view path) const;
  std::size_t size() const { return count_; }

 private:
  friend class EventReader;
  using NodeId = std::uint32_t;
  static constexpr NodeId kNowhere = ~NodeId{0};
  struct Node {
    std::unordered_map<std::string, NodeId, TextHash, std::equal_to<>> children;
    std::optional<FieldId> field;
  };

  NodeId child(NodeId node, std::string_view step) const;
  /// `name` may have dots in it.
  NodeId walk(NodeId node, std::string_view name) const;

  std::vector<Node> nodes_;
  std::uint32_t count_ = 0;
};

/// In which element of which array a value stands, a step up at a time; kOutside is the end.
using PlaceId = std::uint32_t;
inline constexpr PlaceId kOutside = 0;

struct ArrayPlace {
  PlaceId outer = kOutside;
  std::uint32_t array = 0;
  std::uint32_t index = 0;
};

/// A string, number, boolean or null of an event.
struct FieldValue {
  enum class Kind : std::uint8_t { String, Number, Literal };
  FieldId field = 0;
  Kind kind = Kind::Literal;
  PlaceId place = kOutside;
  std::string_view text;  // what a string says; otherwise the JSON
  std::optional<double> number;
};

/// What an event has in the fields that somebody asks for. Borrows the event.
class EventFields {
 public:
  /// nullopt if it is no JSON object.
  static std::optional<EventFields> read(std::string_view event, const FieldNames& names);

  /// In any order; empty if there is none.
  std::span<const FieldValue> of(FieldId field) const;
  std::span<const FieldValue> all() const { return values_; }
  const ArrayPlace& place(PlaceId id) const { return places_[id]; }

 private:
  friend class EventReader;
  std::vector<FieldValue> values_;  // by field
  std::vector<ArrayPlace> places_{ArrayPlace{}};
  std::deque<std::string> decoded_;  // strings with escapes
};

}  // namespace likeness::events
