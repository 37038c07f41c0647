#include "events/event_fields.hpp"

#include <algorithm>

#include "events/comparable.hpp"
#include "events/json_tokens.hpp"

namespace likeness::events {

FieldNames::FieldNames() : nodes_(1) {}

FieldNames::NodeId FieldNames::child(NodeId node, std::string_view step) const {
  const auto& children = nodes_[node].children;
  const auto found = children.find(step);
  return found == children.end() ? kNowhere : found->second;
}

FieldNames::NodeId FieldNames::walk(NodeId node, std::string_view name) const {
  while (true) {
    const std::size_t dot = name.find('.');
    node = child(node, name.substr(0, dot));
    if (dot == std::string_view::npos || node == kNowhere) return node;
    name.remove_prefix(dot + 1);
  }
}

FieldId FieldNames::add(std::string_view path) {
  NodeId node = 0;
  while (true) {
    const std::size_t dot = path.find('.');
    const std::string_view step = path.substr(0, dot);
    NodeId next = child(node, step);
    if (next == kNowhere) {
      next = static_cast<NodeId>(nodes_.size());
      nodes_.emplace_back();
      nodes_[node].children.emplace(step, next);
    }
    node = next;
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  auto& field = nodes_[node].field;
  if (!field) field = count_++;
  return *field;
}

std::optional<FieldId> FieldNames::find(std::string_view path) const {
  const NodeId node = walk(0, path);
  return node == kNowhere ? std::nullopt : nodes_[node].field;
}

class EventReader {
 public:
  using Kind = JsonTokens::Kind;

  EventReader(std::string_view event, const FieldNames& names, EventFields& out)
      : names_(names), tokens_(event), out_(out) {}

  bool read() { return tokens_.next() == Kind::BeginObject && object(0, kOutside); }

 private:
  bool object(FieldNames::NodeId node, PlaceId place) {
    while (true) {
      switch (tokens_.next()) {
        case Kind::EndObject: return true;
        case Kind::Name: break;
        default: return false;
      }
      const auto child = names_.walk(node, tokens_.text());
      if (child == FieldNames::kNowhere) {
        if (tokens_.skip().empty()) return false;
        continue;
      }
      tokens_.next();
      if (!value(child, place)) return false;
    }
  }

  bool value(FieldNames::NodeId node, PlaceId place) {
    switch (tokens_.kind()) {
      case Kind::BeginObject: return object(node, place);
      case Kind::BeginArray: return array(node, place);
      case Kind::String: add(node, place, FieldValue::Kind::String); return true;
      case Kind::Number: add(node, place, FieldValue::Kind::Number); return true;
      case Kind::True:
      case Kind::False:
      case Kind::Null: add(node, place, FieldValue::Kind::Literal); return true;
      default: return false;
    }
  }

  bool array(FieldNames::NodeId node, PlaceId place) {
    const std::uint32_t id = arrays_++;
    for (std::uint32_t index = 0;; ++index) {
      const Kind kind = tokens_.next();
      if (kind == Kind::EndArray) return true;
      PlaceId inner = place;
      if (kind == Kind::BeginObject || kind == Kind::BeginArray) {
        inner = static_cast<PlaceId>(out_.places_.size());
        out_.places_.push_back({place, id, index});
      }
      if (!value(node, inner)) return false;
    }
  }

  void add(FieldNames::NodeId node, PlaceId place, FieldValue::Kind kind) {
    const auto& field = names_.nodes_[node].field;
    if (!field) return;
    FieldValue value{.field = *field, .kind = kind, .place = place, .text = tokens_.text(), .number = {}};
    if (kind == FieldValue::Kind::Number) {
      value.number = comparable_number(value.text);
    } else if (kind == FieldValue::Kind::String && value.text.size() + 2 != tokens_.raw().size()) {
      value.text = out_.decoded_.emplace_back(value.text);
    }
    out_.values_.push_back(value);
  }

  const FieldNames& names_;
  JsonTokens tokens_;
  EventFields& out_;
  std::uint32_t arrays_ = 0;
};

std::optional<EventFields> EventFields::read(std::string_view event, const FieldNames& names) {
  EventFields out;
  out.values_.reserve(16);
  if (!EventReader(event, names, out).read()) return std::nullopt;
  std::sort(out.values_.begin(), out.values_.end(),
            [](const FieldValue& a, const FieldValue& b) { return a.field < b.field; });
  return out;
}

std::span<const FieldValue> EventFields::of(FieldId field) const {
  const auto [first, last] =
      std::equal_range(values_.begin(), values_.end(), FieldValue{.field = field, .text = {}, .number = {}},
                       [](const FieldValue& a, const FieldValue& b) { return a.field < b.field; });
  return {first, last};
}

}  // namespace likeness::events
