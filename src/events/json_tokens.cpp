#include "events/json_tokens.hpp"

#include <fmt/format.h>

#include <utility>

namespace likeness::events {

namespace {

constexpr std::string_view kExpectedValue =
    "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
constexpr std::string_view kExpectedToken =
    "was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Of "XXXX" behind a "\u" that the tokenizer has checked.
std::uint32_t code_unit(std::string_view digits) {
  std::uint32_t unit = 0;
  for (const char digit : digits.substr(0, 4)) unit = unit << 4 | static_cast<std::uint32_t>(hex_digit(digit));
  return unit;
}

void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6);
    put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  }
}

/// `body`: of a checked string, without its quotes.
void decode(std::string_view body, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] != '\\') {
      out.push_back(body[i]);
      continue;
    }
    const char c = body[++i];
    switch (c) {
      case 'b': out.push_back('\b'); break;
      case 'f': out.push_back('\f'); break;
      case 'n': out.push_back('\n'); break;
      case 'r': out.push_back('\r'); break;
      case 't': out.push_back('\t'); break;
      case 'u': {
        std::uint32_t unit = code_unit(body.substr(i + 1));
        i += 4;
        if (unit >= 0xd800 && unit < 0xdc00 && body.substr(i + 1, 2) == "\\u") {
          const std::uint32_t low = code_unit(body.substr(i + 3));
          if (low >= 0xdc00 && low < 0xe000) {
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            i += 6;
          }
        }
        append_utf8(out, unit >= 0xd800 && unit < 0xe000 ? 0xfffd : unit);  // half a pair is no character
        break;
      }
      default: out.push_back(c); break;
    }
  }
}

/// The character at `at`, which may be several bytes, for a message.
std::string described(std::string_view json, std::size_t at) {
  const auto first = static_cast<unsigned char>(json[at]);
  std::size_t length = 1;
  std::uint32_t code = first;
  if (first >= 0xf0) {
    length = 4;
    code = first & 0x07;
  } else if (first >= 0xe0) {
    length = 3;
    code = first & 0x0f;
  } else if (first >= 0xc0) {
    length = 2;
    code = first & 0x1f;
  }
  const std::string_view bytes = json.substr(at, length);
  for (std::size_t i = 1; i < bytes.size(); ++i) code = code << 6 | (static_cast<unsigned char>(bytes[i]) & 0x3f);
  if (code < 0x20) return fmt::format("(CTRL-CHAR, code {})", code);
  return fmt::format("'{}' (code {})", bytes, code);
}

}  // namespace

void JsonTokens::skip_spaces() {
  while (at_ < json_.size() && is_space(json_[at_])) ++at_;
}

JsonTokens::Kind JsonTokens::fail(std::size_t at, std::string problem) {
  problem_ = std::move(problem);
  begin_ = end_ = at;
  at_ = json_.size();
  expect_ = Expect::Nothing;
  return kind_ = Kind::Invalid;
}

JsonTokens::Kind JsonTokens::unexpected(std::string_view expected) {
  if (at_ < json_.size())
    return fail(at_, fmt::format("Unexpected character ({}): {}", described(json_, at_), expected));
  if (stack_.empty()) return fail(at_, "Unexpected end-of-input");
  return fail(
      at_, fmt::format("Unexpected end-of-input within/between {} entries", stack_.back() == '{' ? "Object" : "Array"));
}

JsonTokens::Kind JsonTokens::next() {
  if (kind_ == Kind::Invalid) return kind_;
  asked_ = false;
  escaped_ = false;
  skip_spaces();
  const char c = at_ < json_.size() ? json_[at_] : '\0';
  switch (expect_) {
    case Expect::Nothing: begin_ = end_ = at_; return kind_ = Kind::End;
    case Expect::Separator: {
      const char opening = stack_.back();
      if (c == (opening == '{' ? '}' : ']')) return structure_end(opening == '{' ? Kind::EndObject : Kind::EndArray);
      if (c != ',')
        return unexpected(opening == '{' ? "was expecting comma to separate Object entries"
                                         : "was expecting comma to separate Array entries");
      ++at_;
      skip_spaces();
      expect_ = opening == '{' ? Expect::Name : Expect::Value;
      if (expect_ == Expect::Value) return value();
      [[fallthrough]];
    }
    case Expect::FirstName:
    case Expect::Name: {
      const char first = at_ < json_.size() ? json_[at_] : '\0';
      if (first == '}' && expect_ == Expect::FirstName) return structure_end(Kind::EndObject);
      if (first != '"') return unexpected("was expecting double-quote to start field name");
      if (!string()) return kind_;
      expect_ = Expect::Colon;
      return kind_ = Kind::Name;
    }
    case Expect::Colon:
      if (c != ':') return unexpected("was expecting a colon to separate field name and value");
      ++at_;
      skip_spaces();
      return value();
    case Expect::FirstElement:
      if (c == ']') return structure_end(Kind::EndArray);
      return value();
    case Expect::Value: return value();
  }
  return kind_;
}

JsonTokens::Kind JsonTokens::structure_end(Kind kind) {
  begin_ = at_++;
  end_ = at_;
  stack_.pop_back();
  after_value();
  return kind_ = kind;
}

JsonTokens::Kind JsonTokens::value() {
  if (at_ >= json_.size()) return unexpected(kExpectedValue);
  const char c = json_[at_];
  switch (c) {
    case '{':
    case '[':
      if (stack_.size() >= kMaxDepth)
        return fail(
            at_, fmt::format("Document nesting depth ({}) exceeds the maximum allowed ({})", kMaxDepth + 1, kMaxDepth));
      stack_.push_back(c);
      begin_ = at_++;
      end_ = at_;
      expect_ = c == '{' ? Expect::FirstName : Expect::FirstElement;
      return kind_ = c == '{' ? Kind::BeginObject : Kind::BeginArray;
    case '"':
      if (!string()) return kind_;
      after_value();
      return kind_ = Kind::String;
    case 't': return literal("true", Kind::True);
    case 'f': return literal("false", Kind::False);
    case 'n': return literal("null", Kind::Null);
    default:
      if (c == '-' || is_digit(c)) return number();
      if (is_word(c)) return literal({}, Kind::Invalid);
      return unexpected(kExpectedValue);
  }
}

bool JsonTokens::string() {
  const std::size_t opening = at_;
  for (std::size_t i = at_ + 1; i < json_.size(); ++i) {
    const char c = json_[i];
    if (c == '"') {
      begin_ = opening;
      end_ = at_ = i + 1;
      return true;
    }
    if (c == '\\') {
      escaped_ = true;
      if (!escape(i, opening)) return false;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fail(i, fmt::format("Illegal unquoted character ({}): has to be escaped using backslash to be included in string "
                          "value",
                          described(json_, i)));
      return false;
    }
  }
  fail(json_.size(), "Unexpected end-of-input: was expecting closing quote for a string value");
  return false;
}

/// `at`: of the backslash, then of the last character of the escape.
bool JsonTokens::escape(std::size_t& at, std::size_t /*opening*/) {
  ++at;
  const char c = at < json_.size() ? json_[at] : '\0';
  if (c != '\0' && std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos) return true;
  if (c == 'u') {
    for (int digit = 0; digit < 4; ++digit) {
      ++at;
      if (at < json_.size() && hex_digit(json_[at]) >= 0) continue;
      fail(std::min(at, json_.size()), "Unexpected character: expected a hex-digit for character escape sequence");
      return false;
    }
    return true;
  }
  if (at >= json_.size())
    fail(json_.size(), "Unexpected end-of-input in character escape sequence");
  else
    fail(at, fmt::format("Unrecognized character escape {}", described(json_, at)));
  return false;
}

JsonTokens::Kind JsonTokens::number() {
  std::size_t i = at_;
  const auto digits = [&] {
    const std::size_t first = i;
    while (i < json_.size() && is_digit(json_[i])) ++i;
    return i > first;
  };
  if (json_[i] == '-') ++i;
  const std::size_t whole = i;
  if (!digits()) {
    at_ = i;
    return unexpected("expected digit (0-9) to follow minus sign, for valid numeric value");
  }
  if (json_[whole] == '0' && i > whole + 1) return fail(whole + 1, "Invalid numeric value: Leading zeroes not allowed");
  if (i < json_.size() && json_[i] == '.') {
    ++i;
    if (!digits()) {
      at_ = i;
      return unexpected("Decimal point not followed by a digit");
    }
  }
  if (i < json_.size() && (json_[i] == 'e' || json_[i] == 'E')) {
    ++i;
    if (i < json_.size() && (json_[i] == '+' || json_[i] == '-')) ++i;
    if (!digits()) {
      at_ = i;
      return unexpected("Exponent indicator not followed by a digit");
    }
  }
  if (i < json_.size() && is_word(json_[i])) {
    at_ = i;
    return unexpected("Expected space separating root-level values");
  }
  begin_ = at_;
  end_ = at_ = i;
  after_value();
  return kind_ = Kind::Number;
}

JsonTokens::Kind JsonTokens::literal(std::string_view word, Kind kind) {
  std::size_t i = at_;
  while (i < json_.size() && is_word(json_[i])) ++i;
  const std::string_view found = json_.substr(at_, i - at_);
  if (found != word || word.empty()) return fail(i, fmt::format("Unrecognized token '{}': {}", found, kExpectedToken));
  begin_ = at_;
  end_ = at_ = i;
  after_value();
  return kind_ = kind;
}

std::string_view JsonTokens::text() {
  asked_ = true;
  if (kind_ != Kind::String && kind_ != Kind::Name) return raw();
  const std::string_view body = json_.substr(begin_ + 1, end_ - begin_ - 2);
  if (!escaped_) return body;
  decode(body, decoded_);
  return decoded_;
}

std::string_view JsonTokens::skip() {
  if (kind_ == Kind::Name) next();
  const std::size_t first = begin_;
  if (kind_ != Kind::BeginObject && kind_ != Kind::BeginArray) return json_.substr(first, end_ - first);
  std::size_t open = 1;
  std::size_t i = at_;
  for (; i < json_.size() && open > 0; ++i) {
    switch (json_[i]) {
      case '{':
      case '[': ++open; break;
      case '}':
      case ']': --open; break;
      case '"':
        for (++i; i < json_.size() && json_[i] != '"'; ++i)
          if (json_[i] == '\\') ++i;
        break;
      default: break;
    }
  }
  if (open > 0) {
    unexpected(kExpectedValue);
    return {};
  }
  stack_.pop_back();
  at_ = i;
  begin_ = i - 1;
  end_ = i;
  kind_ = json_[i - 1] == '}' ? Kind::EndObject : Kind::EndArray;
  after_value();
  return json_.substr(first, i - first);
}

std::size_t JsonTokens::location() const {
  if (kind_ == Kind::String && !asked_) return begin_ + 1;
  if (kind_ != Kind::Name) return end_;
  JsonTokens ahead = *this;
  ahead.next();
  return ahead.location();
}

bool is_json(std::string_view text) {
  JsonTokens tokens(text);
  while (true) {
    const auto kind = tokens.next();
    if (kind == JsonTokens::Kind::Invalid) return false;
    if (kind == JsonTokens::Kind::End) return tokens.end() == text.size();
  }
}

bool is_json_object(std::string_view text) {
  JsonTokens tokens(text);
  return tokens.next() == JsonTokens::Kind::BeginObject && is_json(text);
}

std::string json_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 8);
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20)
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
          out.push_back(c);
    }
  }
  return out;
}

std::string json_string(std::string_view text) { return '"' + json_escaped(text) + '"'; }

}  // namespace likeness::events
