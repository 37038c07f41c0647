#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace likeness::dynamodb {

struct Token {
  enum class Kind : unsigned char { Word, Name, Value, Number, Symbol, Bad, End };
  Kind kind = Kind::End;
  std::string_view text;  // of the expression; empty at the end
  std::size_t at = 0;

  bool is(std::string_view symbol) const { return kind == Kind::Symbol && text == symbol; }
  /// A word, in any case.
  bool is_word(std::string_view upper) const;
  /// A word of the language, which is no name in any expression.
  bool is_keyword() const;
};

/// Never fails: what is no token is one of kind Bad. The last one is End.
std::vector<Token> tokens_of(std::string_view expression);

/// `Syntax error; token: "=", near: "a = ="`: from the token before to the one behind.
std::string syntax_error(std::string_view expression, const std::vector<Token>& tokens, std::size_t at);

}  // namespace likeness::dynamodb
