#include "domain/dynamodb/value.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"

namespace likeness::dynamodb {

namespace {

template <class T>
bool same_set(const std::vector<T>& left, const std::vector<T>& right) {
  if (left.size() != right.size()) return false;
  auto a = left, b = right;
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

struct ByName {
  bool operator()(const Attribute& attribute, std::string_view name) const { return attribute.name < name; }
};

}  // namespace

Attributes::Attributes() = default;
Attributes::Attributes(std::initializer_list<Attribute> list) {
  reserve(list.size());
  for (const auto& attribute : list) add(attribute.name, attribute.value);
}
Attributes::Attributes(const Attributes&) = default;
Attributes::Attributes(Attributes&&) noexcept = default;
Attributes& Attributes::operator=(const Attributes&) = default;
Attributes& Attributes::operator=(Attributes&&) noexcept = default;
Attributes::~Attributes() = default;

const Value* Attributes::find(std::string_view name) const {
  const auto found = std::lower_bound(list_.begin(), list_.end(), name, ByName());
  return found != list_.end() && found->name == name ? &found->value : nullptr;
}

Value* Attributes::find(std::string_view name) {
  return const_cast<Value*>(std::as_const(*this).find(name));  // NOLINT: this object is not const
}

Value& Attributes::set(std::string_view name, Value value) {
  const auto at = std::lower_bound(list_.begin(), list_.end(), name, ByName());
  if (at != list_.end() && at->name == name) return at->value = std::move(value);
  return list_.insert(at, {std::string(name), std::move(value)})->value;
}

bool Attributes::add(std::string name, Value value) {
  if (list_.empty() || list_.back().name < name) {
    list_.push_back({std::move(name), std::move(value)});
    return true;
  }
  const auto at = std::lower_bound(list_.begin(), list_.end(), std::string_view(name), ByName());
  if (at != list_.end() && at->name == name) return false;
  list_.insert(at, {std::move(name), std::move(value)});
  return true;
}

bool Attributes::remove(std::string_view name) {
  const auto at = std::lower_bound(list_.begin(), list_.end(), name, ByName());
  if (at == list_.end() || at->name != name) return false;
  list_.erase(at);
  return true;
}

void Attributes::reserve(std::size_t count) { list_.reserve(count); }
std::size_t Attributes::count() const { return list_.size(); }
const Attribute* Attributes::begin() const { return list_.data(); }
const Attribute* Attributes::end() const { return list_.data() + list_.size(); }
Attribute* Attributes::begin() { return list_.data(); }
Attribute* Attributes::end() { return list_.data() + list_.size(); }
bool Attributes::operator==(const Attributes& other) const { return list_ == other.list_; }

std::string_view name_of(Type type) {
  static constexpr std::array<std::string_view, 10> kNames = {"S", "N", "B",  "BOOL", "NULL",
                                                              "M", "L", "SS", "NS",   "BS"};
  return kNames[static_cast<std::size_t>(type)];
}

bool Value::operator==(const Value& other) const {
  if (data.index() != other.data.index()) return false;
  switch (type()) {
    case Type::SS: return same_set(as<StringSet>()->values, other.as<StringSet>()->values);
    case Type::NS: return same_set(as<NumberSet>()->values, other.as<NumberSet>()->values);
    case Type::BS: return same_set(as<BinarySet>()->values, other.as<BinarySet>()->values);
    case Type::S: return *as<std::string>() == *other.as<std::string>();
    case Type::N: return *as<Number>() == *other.as<Number>();
    case Type::B: return *as<Binary>() == *other.as<Binary>();
    case Type::BOOL: return *as<bool>() == *other.as<bool>();
    case Type::Null: return true;
    case Type::M: return *as<Attributes>() == *other.as<Attributes>();
    case Type::L: return *as<List>() == *other.as<List>();
  }
  return false;
}

std::size_t size_of(const Value& value) {
  std::size_t size = 0;
  switch (value.type()) {
    case Type::S: return value.string()->size();
    case Type::N: return value.number()->size();
    case Type::B: return value.as<Binary>()->bytes.size();
    case Type::BOOL:
    case Type::Null: return 1;
    case Type::M: return 3 + value.as<Attributes>()->count() + size_of(*value.as<Attributes>());
    case Type::L:
      for (const auto& element : *value.as<List>()) size += 1 + size_of(element);
      return 3 + size;
    case Type::SS:
      for (const auto& element : value.as<StringSet>()->values) size += element.size();
      return size;
    case Type::NS:
      for (const auto& element : value.as<NumberSet>()->values) size += element.size();
      return size;
    case Type::BS:
      for (const auto& element : value.as<BinarySet>()->values) size += element.size();
      return size;
  }
  return size;
}

std::size_t size_of(const Attributes& item) {
  std::size_t size = 0;
  for (const auto& attribute : item) size += attribute.name.size() + size_of(attribute.value);
  return size;
}

std::partial_ordering compare(const Value& left, const Value& right) {
  if (left.type() != right.type()) return std::partial_ordering::unordered;
  switch (left.type()) {
    case Type::S: return *left.string() <=> *right.string();  // bytes of UTF-8, as AWS does
    case Type::N: return *left.number() <=> *right.number();
    case Type::B: return *left.as<Binary>() <=> *right.as<Binary>();
    default: return std::partial_ordering::unordered;
  }
}

namespace {

template <class T, class F>
std::string joined(const T& values, F one) {
  std::string out = "[";
  for (const auto& value : values) {
    if (out.size() > 1) out += ", ";
    out += one(value);
  }
  return out + "]";
}

std::string shown_data(const Value& value) {
  const auto as_it_is = [](const std::string& text) { return text; };
  switch (value.type()) {
    case Type::S: return *value.string();
    case Type::N: return value.number()->text();
    case Type::B: return to_base64(as_bytes(value.as<Binary>()->bytes));
    case Type::BOOL: return *value.as<bool>() ? "true" : "false";
    case Type::Null: return "true";
    case Type::SS: return joined(value.as<StringSet>()->values, as_it_is);
    case Type::NS: return joined(value.as<NumberSet>()->values, [](const Number& number) { return number.text(); });
    case Type::BS:
      return joined(value.as<BinarySet>()->values, [](const std::string& bytes) { return to_base64(as_bytes(bytes)); });
    case Type::L: return joined(*value.as<List>(), [](const Value& element) { return shown(element); });
    case Type::M: {
      std::string out = "{";
      for (const auto& attribute : *value.as<Attributes>())
        out += (out.size() > 1 ? ", " : "") + attribute.name + "=" + shown(attribute.value);
      return out + "}";
    }
  }
  return {};
}

}  // namespace

std::string shown(const Value& value) {
  return "{" + std::string(name_of(value.type())) + ":" + shown_data(value) + "}";
}

}  // namespace likeness::dynamodb
