#include "domain/dynamodb/item_record.hpp"

#include <cstdint>
#include <utility>

namespace likeness::dynamodb {

namespace {

constexpr char kFormat = 1;
constexpr int kMaxDepth = 64;

void append_length(std::string& out, std::size_t length) {
  for (; length >= 0x80; length >>= 7) out += static_cast<char>((length & 0x7F) | 0x80);
  out += static_cast<char>(length);
}

void append_text(std::string& out, std::string_view text) {
  append_length(out, text.size());
  out += text;
}

constexpr unsigned kNegative = 0x80;
constexpr unsigned kNegativeExponent = 0x40;

/// A head byte with both signs and how many bytes the coefficient has, the exponent, the coefficient.
void append_number(std::string& out, const Number& number) {
  const std::size_t head_at = out.size();
  const int exponent = number.exponent();  // -167 to 125
  out += '\0';
  out += static_cast<char>(exponent < 0 ? -exponent : exponent);
  unsigned count = 0;
  for (auto rest = number.coefficient(); rest != 0; rest >>= 8, ++count)
    out += static_cast<char>(static_cast<std::uint8_t>(rest & 0xFF));
  out[head_at] =
      static_cast<char>(count | (number.is_negative() ? kNegative : 0) | (exponent < 0 ? kNegativeExponent : 0));
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  std::string_view rest() const { return rest_; }

  std::uint8_t byte() {
    if (rest_.empty()) return fail();
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }

  std::size_t length() {
    std::size_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      const std::uint8_t part = byte();
      value |= static_cast<std::size_t>(part & 0x7F) << shift;
      if ((part & 0x80) == 0) return value;
    }
    return fail();
  }

  /// Of things that take at least a byte each.
  std::size_t count() {
    const std::size_t value = length();
    return value > rest_.size() ? fail() : value;
  }

  std::string_view text() {
    const std::size_t size = count();
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }

  Number number() {
    const std::uint8_t head = byte();
    const int exponent = byte();
    const unsigned size = head & 0x1F;
    if (size > 16 || size > rest_.size()) {
      fail();
      return {};
    }
    Number::Coefficient coefficient = 0;
    for (unsigned i = 0; i < size; ++i)
      coefficient |= static_cast<Number::Coefficient>(static_cast<std::uint8_t>(rest_[i])) << (8 * i);
    rest_.remove_prefix(size);
    return Number::from_parts((head & kNegative) != 0, coefficient,
                              (head & kNegativeExponent) != 0 ? -exponent : exponent);
  }

  Attributes attributes(int depth) {
    Attributes out;
    const std::size_t size = count();
    out.reserve(size);
    for (std::size_t i = 0; i < size && ok_; ++i) {
      std::string name(text());
      if (!out.add(std::move(name), value(depth))) fail();
    }
    return out;
  }

  Value value(int depth) {
    if (depth > kMaxDepth) {
      fail();
      return {};
    }
    switch (static_cast<Type>(byte())) {
      case Type::S: return {std::string(text())};
      case Type::N: return {number()};
      case Type::B: return {Binary{std::string(text())}};
      case Type::BOOL: return {byte() != 0};
      case Type::Null: return {Null{}};
      case Type::M: return {attributes(depth + 1)};
      case Type::L: {
        List out;
        const std::size_t size = count();
        out.reserve(size);
        for (std::size_t i = 0; i < size && ok_; ++i) out.push_back(value(depth + 1));
        return {std::move(out)};
      }
      case Type::SS: return {StringSet{texts()}};
      case Type::NS: {
        NumberSet out;
        const std::size_t size = count();
        out.values.reserve(size);
        for (std::size_t i = 0; i < size && ok_; ++i) out.values.push_back(number());
        return {std::move(out)};
      }
      case Type::BS: return {BinarySet{texts()}};
    }
    fail();
    return {};
  }

 private:
  std::uint8_t fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }

  std::vector<std::string> texts() {
    std::vector<std::string> out;
    const std::size_t size = count();
    out.reserve(size);
    for (std::size_t i = 0; i < size && ok_; ++i) out.emplace_back(text());
    return out;
  }

  std::string_view rest_;
  bool ok_ = true;
};

void append_attributes(std::string& out, const Attributes& attributes) {
  append_length(out, attributes.count());
  for (const auto& [name, value] : attributes) {
    append_text(out, name);
    append_value(out, value);
  }
}

}  // namespace

void append_value(std::string& out, const Value& value) {
  out += static_cast<char>(value.type());
  switch (value.type()) {
    case Type::S: append_text(out, *value.string()); break;
    case Type::N: append_number(out, *value.number()); break;
    case Type::B: append_text(out, value.as<Binary>()->bytes); break;
    case Type::BOOL: out += *value.as<bool>() ? '\1' : '\0'; break;
    case Type::Null: break;
    case Type::M: append_attributes(out, *value.as<Attributes>()); break;
    case Type::L:
      append_length(out, value.as<List>()->size());
      for (const auto& element : *value.as<List>()) append_value(out, element);
      break;
    case Type::SS:
      append_length(out, value.as<StringSet>()->values.size());
      for (const auto& element : value.as<StringSet>()->values) append_text(out, element);
      break;
    case Type::NS:
      append_length(out, value.as<NumberSet>()->values.size());
      for (const auto& element : value.as<NumberSet>()->values) append_number(out, element);
      break;
    case Type::BS:
      append_length(out, value.as<BinarySet>()->values.size());
      for (const auto& element : value.as<BinarySet>()->values) append_text(out, element);
      break;
  }
}

std::optional<Value> take_value(std::string_view& bytes) {
  Reader reader(bytes);
  auto value = reader.value(0);
  if (!reader.ok()) return std::nullopt;
  bytes = reader.rest();
  return value;
}

std::string encode_item(const Attributes& item) {
  std::string out;
  out.reserve(16 + size_of(item) + 4 * item.count());
  out += kFormat;
  append_attributes(out, item);
  return out;
}

std::optional<Attributes> decode_item(std::string_view record) {
  if (record.empty() || record.front() != kFormat) return std::nullopt;
  Reader reader(record.substr(1));
  auto item = reader.attributes(0);
  if (!reader.ok() || !reader.rest().empty()) return std::nullopt;
  return item;
}

}  // namespace likeness::dynamodb
