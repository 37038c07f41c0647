#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace likeness::dynamodb::partiql {

/// Where something stands in a statement, as messages name it: "1:8:5".
struct Place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  std::uint32_t length = 0;
  std::string text() const;
};

struct Token {
  enum class Kind : std::uint8_t {
    End,
    Name,     // unquoted identifier that is no keyword
    Quoted,   // "identifier"
    Keyword,  // text in lower case
    String,   // text without its quotes
    Number,
    Ion,  // between backquotes
    Parameter,
    Symbol,  // operators and brackets, "<<" and ">>" among them
  };
  Kind kind = Kind::End;
  std::string text;
  Place place;

  bool is(std::string_view symbol) const { return kind == Kind::Symbol && text == symbol; }
  bool is_keyword(std::string_view word) const { return kind == Kind::Keyword && text == word; }
};

/// The statement's tokens and an End. The Error is the reason why it is not well formed (its message alone).
Result<std::vector<Token>> tokens_of(std::string_view statement);

}  // namespace likeness::dynamodb::partiql
