#include "domain/dynamodb/expression_lexer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace likeness::dynamodb {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// How many bytes the character there has, so that a message never cuts one.
std::size_t character_bytes(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  return end - at;
}

}  // namespace

bool Token::is_word(std::string_view upper) const {
  if (kind != Kind::Word || text.size() != upper.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'a' && text[i] <= 'z' ? static_cast<char>(text[i] - 'a' + 'A') : text[i];
    if (c != upper[i]) return false;
  }
  return true;
}

bool Token::is_keyword() const {
  static constexpr std::string_view kKeywords[] = {"AND", "OR",     "NOT", "IN",    "BETWEEN",
                                                   "SET", "REMOVE", "ADD", "DELETE"};
  return kind == Kind::Word && std::any_of(std::begin(kKeywords), std::end(kKeywords),
                                           [this](std::string_view keyword) { return is_word(keyword); });
}

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> out;
  out.reserve(text.size() / 4 + 2);
  std::size_t at = 0;
  const auto run = [&](std::size_t from) {
    std::size_t end = from;
    while (end < text.size() && (is_letter(text[end]) || is_digit(text[end]))) ++end;
    return end;
  };
  while (at < text.size()) {
    const char c = text[at];
    if (is_space(c)) {
      ++at;
      continue;
    }
    auto kind = Token::Kind::Symbol;
    std::size_t end = at + 1;
    if (is_letter(c)) {
      kind = Token::Kind::Word;
      end = run(at);
    } else if (is_digit(c)) {
      kind = Token::Kind::Number;
      while (end < text.size() && is_digit(text[end])) ++end;
    } else if (c == '#' || c == ':') {
      end = run(at + 1);
      kind = end == at + 1 ? Token::Kind::Bad : (c == '#' ? Token::Kind::Name : Token::Kind::Value);
    } else if (c == '<' || c == '>') {
      if (end < text.size() && (text[end] == '=' || (c == '<' && text[end] == '>'))) ++end;
    } else if (std::string_view("()[].,=+-").find(c) == std::string_view::npos) {
      kind = Token::Kind::Bad;
      end = at + character_bytes(text, at);
    }
    out.push_back({kind, text.substr(at, end - at), at});
    at = end;
  }
  out.push_back({Token::Kind::End, {}, text.size()});
  return out;
}

std::string syntax_error(std::string_view expression, const std::vector<Token>& tokens, std::size_t at) {
  const std::size_t first = at > 0 ? at - 1 : at;
  std::size_t last = at + 1 < tokens.size() ? at + 1 : at;
  const bool at_end = tokens[at].kind == Token::Kind::End;
  if (!at_end && tokens[last].kind == Token::Kind::End && last > first) --last;
  const std::size_t begin = at > 0 ? tokens[first].at : 0;  // with blanks before the first token
  const std::size_t end =
      tokens[last].at + tokens[last].text.size();  // with blanks at the end where they come before it
  const std::string_view token = at_end ? "<EOF>" : tokens[at].text;
  return fmt::format("Syntax error; token: \"{}\", near: \"{}\"", token, expression.substr(begin, end - begin));
}

}  // namespace likeness::dynamodb
