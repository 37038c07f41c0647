#include "states/value.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <unordered_map>

namespace likeness::states {
namespace {

constexpr std::size_t kMaxDepth = 500;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Value> document() {
    Value value;
    skip_space();
    if (at_end()) return error("No content to map due to end-of-input");
    if (!parse(value, 0)) return error(problem_);
    skip_space();
    if (!at_end()) return error(fmt::format("Trailing token found after value"));
    return value;
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return text_[at_]; }
  void skip_space() {
    while (!at_end() && (peek() == ' ' || peek() == '\n' || peek() == '\r' || peek() == '\t')) ++at_;
  }
  bool say(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
    return false;
  }
  bool unexpected(std::string_view wanted) {
    if (at_end()) return say("Unexpected end-of-input: expected " + std::string(wanted));
    const auto c = static_cast<unsigned char>(peek());
    return say(fmt::format("Unexpected character ('{}' (code {})): was expecting {}", static_cast<char>(c),
                           static_cast<int>(c), wanted));
  }
  Failure error(std::string message) const {
    std::size_t line = 1;
    std::size_t column = 1;
    for (std::size_t i = 0; i < at_ && i < text_.size(); ++i) {
      if (text_[i] == '\n') {
        ++line;
        column = 1;
      } else {
        ++column;
      }
    }
    return Failure(Error{"InvalidJson", std::move(message), Error::Fault::Client,
                         fmt::format("line: {}, column: {}", line, column)});
  }

  bool parse(Value& out, std::size_t depth) {
    if (depth > kMaxDepth)
      return say(fmt::format("Document nesting depth exceeds the maximum allowed ({})", kMaxDepth));
    skip_space();
    if (at_end()) return say("Unexpected end-of-input");
    switch (peek()) {
      case '{': return object(out, depth);
      case '[': return array(out, depth);
      case '"': {
        std::string text;
        if (!string(text)) return false;
        out = Value(std::move(text));
        return true;
      }
      default:
        if (peek() == '-' || (peek() >= '0' && peek() <= '9')) return number(out);
        return word(out);
    }
  }

  bool word(Value& out) {
    std::size_t end = at_;
    while (end < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[end])) != 0 || text_[end] == '_' || text_[end] == '$'))
      ++end;
    const auto found = text_.substr(at_, end - at_);
    if (found == "true") {
      out = Value(true);
    } else if (found == "false") {
      out = Value(false);
    } else if (found == "null") {
      out = Value();
    } else if (found.empty()) {
      return unexpected("a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')");
    } else {
      at_ = end;
      return say(
          fmt::format("Unrecognized token '{}': was expecting (JSON String, Number, Array, Object or token "
                      "'null', 'true' or 'false')",
                      found));
    }
    at_ = end;
    return true;
  }

  bool number(Value& out) {
    const std::size_t start = at_;
    bool whole = true;
    const auto digits = [&] {
      const auto before = at_;
      while (!at_end() && peek() >= '0' && peek() <= '9') ++at_;
      return at_ > before;
    };
    if (peek() == '-') ++at_;
    const auto first = at_;
    if (!digits()) return unexpected("a digit");
    if (text_[first] == '0' && at_ - first > 1) return say("Invalid numeric value: Leading zeroes not allowed");
    if (!at_end() && peek() == '.') {
      whole = false;
      ++at_;
      if (!digits()) return unexpected("a digit after the decimal point");
    }
    if (!at_end() && (peek() == 'e' || peek() == 'E')) {
      whole = false;
      ++at_;
      if (!at_end() && (peek() == '+' || peek() == '-')) ++at_;
      if (!digits()) return unexpected("a digit of the exponent");
    }
    const char* const begin = text_.data() + start;
    const char* const end = text_.data() + at_;
    if (whole) {
      std::int64_t integer = 0;
      if (std::from_chars(begin, end, integer).ec == std::errc()) {
        out = Value(integer);
        return true;
      }
    }
    double value = 0;
    if (std::from_chars(begin, end, value).ec != std::errc()) {
      // Too large is refused, too small is nought.
      const std::string copy(begin, end);
      value = std::strtod(copy.c_str(), nullptr);
      if (!std::isfinite(value)) return say("Number out of range");
    }
    out = Value(value);
    return true;
  }

  bool four_hex(unsigned& code) {
    if (text_.size() - at_ < 4) return say("Unexpected end-of-input in a character escape");
    code = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_++];
      unsigned digit = 0;
      if (c >= '0' && c <= '9') {
        digit = static_cast<unsigned>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        digit = static_cast<unsigned>(c - 'a') + 10;
      } else if (c >= 'A' && c <= 'F') {
        digit = static_cast<unsigned>(c - 'A') + 10;
      } else {
        return say("Unexpected character: expected a hex-digit for character escape sequence");
      }
      code = code * 16 + digit;
    }
    return true;
  }

  static void append_utf8(unsigned code, std::string& out) {
    const auto put = [&](unsigned byte) { out.push_back(static_cast<char>(byte)); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xC0 | (code >> 6));
      put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      put(0xE0 | (code >> 12));
      put(0x80 | ((code >> 6) & 0x3F));
      put(0x80 | (code & 0x3F));
    } else {
      put(0xF0 | (code >> 18));
      put(0x80 | ((code >> 12) & 0x3F));
      put(0x80 | ((code >> 6) & 0x3F));
      put(0x80 | (code & 0x3F));
    }
  }

  bool escape(std::string& out) {
    if (at_end()) return say("Unexpected end-of-input in a character escape");
    const char c = text_[at_++];
    switch (c) {
      case '"':
      case '\\':
      case '/': out.push_back(c); return true;
      case 'b': out.push_back('\b'); return true;
      case 'f': out.push_back('\f'); return true;
      case 'n': out.push_back('\n'); return true;
      case 'r': out.push_back('\r'); return true;
      case 't': out.push_back('\t'); return true;
      case 'u': break;
      default: return say(fmt::format("Unrecognized character escape '{}' (code {})", c, static_cast<int>(c)));
    }
    unsigned code = 0;
    if (!four_hex(code)) return false;
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      const auto back = at_;
      at_ += 2;
      unsigned low = 0;
      if (!four_hex(low)) return false;
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else {
        at_ = back;
      }
    }
    if (code >= 0xD800 && code < 0xE000) code = 0xFFFD;  // half of a pair is no character
    append_utf8(code, out);
    return true;
  }

  bool string(std::string& out) {
    ++at_;
    for (;;) {
      const auto start = at_;
      while (!at_end() && peek() != '"' && peek() != '\\' && static_cast<unsigned char>(peek()) >= 0x20) ++at_;
      out.append(text_.substr(start, at_ - start));
      if (at_end()) return say("Unexpected end-of-input: was expecting closing quote for a string value");
      const char c = text_[at_++];
      if (c == '"') return true;
      if (c == '\\') {
        if (!escape(out)) return false;
      } else {
        return say(
            fmt::format("Illegal unquoted character ((CTRL-CHAR, code {})): has to be escaped using backslash to "
                        "be included in string value",
                        static_cast<int>(c)));
      }
    }
  }

  bool array(Value& out, std::size_t depth) {
    ++at_;
    Value::Array items;
    skip_space();
    if (!at_end() && peek() == ']') {
      ++at_;
      out = Value(std::move(items));
      return true;
    }
    for (;;) {
      Value item;
      if (!parse(item, depth + 1)) return false;
      items.push_back(std::move(item));
      skip_space();
      if (at_end()) return say("Unexpected end-of-input: expected close marker for Array");
      if (peek() == ',') {
        ++at_;
        continue;
      }
      if (peek() != ']') return unexpected("comma to separate Array entries");
      ++at_;
      out = Value(std::move(items));
      return true;
    }
  }

  bool object(Value& out, std::size_t depth) {
    ++at_;
    std::vector<std::pair<std::string, Value>> members;
    std::unordered_map<std::string, std::size_t> places;  // only once there are many
    skip_space();
    if (!at_end() && peek() == '}') {
      ++at_;
      out = Value(Object());
      return true;
    }
    for (;;) {
      skip_space();
      if (at_end()) return say("Unexpected end-of-input: expected close marker for Object");
      if (peek() != '"') return unexpected("double-quote to start field name");
      std::string name;
      if (!string(name)) return false;
      skip_space();
      if (at_end() || peek() != ':') return unexpected("a colon to separate field name and value");
      ++at_;
      Value value;
      if (!parse(value, depth + 1)) return false;
      put(members, places, std::move(name), std::move(value));
      skip_space();
      if (at_end()) return say("Unexpected end-of-input: expected close marker for Object");
      if (peek() == ',') {
        ++at_;
        continue;
      }
      if (peek() != '}') return unexpected("comma to separate Object entries");
      ++at_;
      Object object;
      for (auto& [key, member] : members) object.add(std::move(key), std::move(member));
      out = Value(std::move(object));
      return true;
    }
  }

  static void put(std::vector<std::pair<std::string, Value>>& members,
                  std::unordered_map<std::string, std::size_t>& places, std::string name, Value value) {
    constexpr std::size_t kMany = 16;
    if (members.size() < kMany) {
      for (auto& [key, member] : members)
        if (key == name) {
          member = std::move(value);
          return;
        }
      members.emplace_back(std::move(name), std::move(value));
      return;
    }
    if (places.empty())
      for (std::size_t i = 0; i < members.size(); ++i) places.emplace(members[i].first, i);
    const auto [at, added] = places.emplace(name, members.size());
    if (added) {
      members.emplace_back(std::move(name), std::move(value));
    } else {
      members[at->second].second = std::move(value);
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string problem_;
};

}  // namespace

Value::Value(std::string value) : data_(std::make_shared<const std::string>(std::move(value))) {}
Value::Value(Array value) : data_(std::make_shared<const Array>(std::move(value))) {}
Value::Value(Object value) : data_(std::make_shared<const Object>(std::move(value))) {}

std::string_view Value::text_of(std::string_view name) const {
  const Value* const member = find(name);
  return member != nullptr && member->is_string() ? std::string_view(member->as_string()) : std::string_view();
}

bool Value::same_as(const Value& other) const { return data_ == other.data_; }

bool Value::operator==(const Value& other) const {
  if (is_number() && other.is_number()) {
    if (is_integer() && other.is_integer()) return as_integer() == other.as_integer();
    return as_double() == other.as_double();
  }
  if (type() != other.type()) return false;
  switch (type()) {
    case Type::Null: return true;
    case Type::Bool: return as_bool() == other.as_bool();
    case Type::String: return as_string() == other.as_string();
    case Type::Array: return as_array() == other.as_array();
    case Type::Object: {
      const auto& mine = as_object();
      if (mine.size() != other.as_object().size()) return false;
      for (const auto& [name, value] : mine) {
        const Value* const there = other.as_object().find(name);
        if (there == nullptr || !(*there == value)) return false;
      }
      return true;
    }
    default: return false;
  }
}

void Object::set(std::string name, Value value) {
  for (auto& [key, member] : members_)
    if (key == name) {
      member = std::move(value);
      return;
    }
  add(std::move(name), std::move(value));
}

bool Object::erase(std::string_view name) {
  return std::erase_if(members_, [&](const auto& member) { return member.first == name; }) > 0;
}

Result<Value> parse_json(std::string_view text) { return Parser(text).document(); }

void write_json_string(std::string_view text, std::string& out) {
  out.push_back('"');
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.substr(from, i - from));
    from = i + 1;
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    }
  }
  out.append(text.substr(from));
  out.push_back('"');
}

std::string write_number(double value) {
  if (!std::isfinite(value)) return "null";
  if (value == 0) return std::signbit(value) ? "-0.0" : "0.0";
  // The shortest digits that read back the same, laid out as Java's Double.toString does.
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, std::abs(value), std::chars_format::scientific).ptr;
  std::string digits;
  const char* at = buffer;
  for (; at != end && *at != 'e'; ++at)
    if (*at != '.') digits.push_back(*at);
  int exponent = 0;
  if (at != end) {
    ++at;
    if (*at == '+') ++at;
    std::from_chars(at, end, exponent);
  }
  std::string out = value < 0 ? "-" : "";
  if (exponent >= -3 && exponent < 7) {
    if (exponent < 0) {
      out += "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
    } else {
      const auto whole = static_cast<std::size_t>(exponent) + 1;
      if (digits.size() < whole) digits.append(whole - digits.size(), '0');
      out += digits.substr(0, whole) + "." + (digits.size() > whole ? digits.substr(whole) : "0");
    }
    return out;
  }
  out += digits.substr(0, 1) + "." + (digits.size() > 1 ? digits.substr(1) : "0") + "E" + std::to_string(exponent);
  return out;
}

void write_json(const Value& value, std::string& out) {
  switch (value.type()) {
    case Value::Type::Null: out += "null"; return;
    case Value::Type::Bool: out += value.as_bool() ? "true" : "false"; return;
    case Value::Type::Integer: fmt::format_to(std::back_inserter(out), "{}", value.as_integer()); return;
    case Value::Type::Double: out += write_number(value.as_double()); return;
    case Value::Type::String: write_json_string(value.as_string(), out); return;
    case Value::Type::Array: {
      out.push_back('[');
      bool first = true;
      for (const auto& item : value.as_array()) {
        if (!first) out.push_back(',');
        first = false;
        write_json(item, out);
      }
      out.push_back(']');
      return;
    }
    case Value::Type::Object: {
      out.push_back('{');
      bool first = true;
      for (const auto& [name, member] : value.as_object()) {
        if (!first) out.push_back(',');
        first = false;
        write_json_string(name, out);
        out.push_back(':');
        write_json(member, out);
      }
      out.push_back('}');
      return;
    }
  }
}

std::string write_json(const Value& value) {
  std::string out;
  write_json(value, out);
  return out;
}

}  // namespace likeness::states
