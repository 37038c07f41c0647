#include "services/dynamodb/convert.hpp"

#include <algorithm>
#include <utility>

#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/limits.hpp"

namespace likeness::dynamodb {

namespace {

std::string text_of(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }
Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

template <class T>
bool has_duplicates(const std::vector<T>& values) {
  if (values.size() < 2) return false;
  std::vector<const T*> sorted;
  sorted.reserve(values.size());
  for (const auto& value : values) sorted.push_back(&value);
  std::sort(sorted.begin(), sorted.end(), [](const T* a, const T* b) { return *a < *b; });
  return std::adjacent_find(sorted.begin(), sorted.end(), [](const T* a, const T* b) { return *a == *b; }) !=
         sorted.end();
}

Result<Value> convert(const shapes::AttributeValue& wire, std::size_t depth);

Result<Attributes> convert(const WireItem& wire, std::size_t depth) {
  Attributes out;
  out.reserve(wire.size());
  for (const auto& [name, one] : wire) {
    auto value = convert(one, depth);
    if (!value) return fail(value);
    out.add(name, std::move(*value));
  }
  return out;
}

Result<Value> convert(const shapes::AttributeValue& wire, std::size_t depth) {
  const int kinds = wire.s.has_value() + wire.n.has_value() + wire.b.has_value() + wire.ss.has_value() +
                    wire.ns.has_value() + wire.bs.has_value() + wire.m.has_value() + wire.l.has_value() +
                    wire.null.has_value() + wire.bool_.has_value();
  if (kinds == 0)
    return validation("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
  if (kinds > 1)
    return validation(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes");
  if (wire.s) return Value{*wire.s};
  if (wire.n) {
    auto number = Number::parse(*wire.n);
    if (!number) return fail(number);
    return Value{*number};
  }
  if (wire.b) return Value{Binary{text_of(*wire.b)}};
  if (wire.bool_) return Value{*wire.bool_};
  if (wire.null) {
    if (!*wire.null) return invalid_parameter("Null attribute value types must have the value of true");
    return Value{Null{}};
  }
  if (wire.ss) {
    if (wire.ss->empty()) return invalid_parameter("An string set  may not be empty");
    if (has_duplicates(*wire.ss)) {
      const std::string all = shown(Value{StringSet{*wire.ss}});  // "{SS:[a, a]}"
      return invalid_parameter("Input collection " + all.substr(4, all.size() - 5) + " contains duplicates.");
    }
    return Value{StringSet{*wire.ss}};
  }
  if (wire.ns) {
    if (wire.ns->empty()) return invalid_parameter("An number set  may not be empty");
    NumberSet set;
    set.values.reserve(wire.ns->size());
    for (const auto& text : *wire.ns) {
      auto number = Number::parse(text);
      if (!number) return fail(number);
      set.values.push_back(*number);
    }
    if (has_duplicates(set.values)) return validation("Input collection contains duplicates");
    return Value{std::move(set)};
  }
  if (wire.bs) {
    if (wire.bs->empty()) return invalid_parameter("Binary sets should not be empty");
    BinarySet set;
    set.values.reserve(wire.bs->size());
    for (const auto& bytes : *wire.bs) set.values.push_back(text_of(bytes));
    if (has_duplicates(set.values)) {
      const std::string all = shown(Value{set});
      return invalid_parameter("Input collection " + all.substr(4, all.size() - 5) + "of type BS contains duplicates.");
    }
    return Value{std::move(set)};
  }
  if (depth >= kMaxDepth) return validation("Nesting Levels have exceeded supported limits");
  if (wire.m) {
    auto map = convert(*wire.m, depth + 1);
    if (!map) return fail(map);
    return Value{std::move(*map)};
  }
  List list;
  list.reserve(wire.l->size());
  for (const auto& one : *wire.l) {
    auto element = convert(one, depth + 1);
    if (!element) return fail(element);
    list.push_back(std::move(*element));
  }
  return Value{std::move(list)};
}

}  // namespace

Result<Value> value_of(const shapes::AttributeValue& wire) { return convert(wire, 0); }
Result<Attributes> attributes_of(const WireItem& wire) { return convert(wire, 0); }

shapes::AttributeValue to_wire(Value value) {
  shapes::AttributeValue out;
  switch (value.type()) {
    case Type::S: out.s = std::move(*value.as<std::string>()); break;
    case Type::N: out.n = value.number()->text(); break;
    case Type::B: out.b = bytes_of(value.as<Binary>()->bytes); break;
    case Type::BOOL: out.bool_ = *value.as<bool>(); break;
    case Type::Null: out.null = true; break;
    case Type::M: out.m = to_wire(std::move(*value.as<Attributes>())); break;
    case Type::L: {
      auto& list = out.l.emplace();
      list.reserve(value.as<List>()->size());
      for (auto& element : *value.as<List>()) list.push_back(to_wire(std::move(element)));
      break;
    }
    case Type::SS: out.ss = std::move(value.as<StringSet>()->values); break;
    case Type::NS: {
      auto& set = out.ns.emplace();
      set.reserve(value.as<NumberSet>()->values.size());
      for (const auto& number : value.as<NumberSet>()->values) set.push_back(number.text());
      break;
    }
    case Type::BS: {
      auto& set = out.bs.emplace();
      set.reserve(value.as<BinarySet>()->values.size());
      for (const auto& bytes : value.as<BinarySet>()->values) set.push_back(bytes_of(bytes));
      break;
    }
  }
  return out;
}

WireItem to_wire(Attributes item) {
  WireItem out;
  for (auto& [name, value] : item) out.emplace_hint(out.end(), std::move(name), to_wire(std::move(value)));
  return out;
}

std::optional<WireItem> to_wire(std::optional<Attributes> item) {
  if (!item) return std::nullopt;
  return to_wire(std::move(*item));
}

}  // namespace likeness::dynamodb
