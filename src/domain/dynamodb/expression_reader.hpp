#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/expression_lexer.hpp"
#include "domain/dynamodb/expression_parser.hpp"
#include "domain/dynamodb/reserved_words.hpp"

namespace likeness::dynamodb {

/// What the parsers of conditions, updates and projections share: the tokens and where they are, and paths. A syntax
/// error ends the parse; other errors are kept, since AWS reports them by importance, not by place.
class ExpressionReader {
 public:
  ExpressionReader(std::string_view expression, Placeholders& placeholders)
      : expression_(expression), tokens_(tokens_of(expression)), placeholders_(placeholders) {}

  const Token& peek() const { return tokens_[at_]; }
  const Token& peek_next() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  void skip() { ++at_; }
  bool skip_if(std::string_view symbol) {
    if (!peek().is(symbol)) return false;
    ++at_;
    return true;
  }
  bool at_end() const { return peek().kind == Token::Kind::End; }

  /// Remembers the first one. Always false, so that parsers can return it.
  bool syntax() {
    if (syntax_.empty()) syntax_ = syntax_error(expression_, tokens_, at_);
    return false;
  }
  bool failed() const { return !syntax_.empty(); }
  const std::string& syntax_problem() const { return syntax_; }

  bool expect(std::string_view symbol) { return skip_if(symbol) || syntax(); }

  bool path(Path& out) {
    if (!name(out)) return false;
    for (;;) {
      if (skip_if(".")) {
        if (!name(out)) return false;
      } else if (skip_if("[")) {
        if (peek().kind != Token::Kind::Number) return syntax();
        std::size_t position = 0;
        const auto text = peek().text;
        if (std::from_chars(text.data(), text.data() + text.size(), position).ec != std::errc() ||
            position > kMaxPosition) {
          if (index_problem.empty())
            index_problem = "List index is not within the allowable range; index: [" + std::string(text) + "]";
        }
        skip();
        out.steps.emplace_back(position);
        if (!expect("]")) return false;
      } else {
        return true;
      }
    }
  }

  const Value* value() {
    const auto* found = placeholders_.value(peek().text);
    if (!found && value_problem.empty()) {
      value_problem = "An expression attribute value used in expression is not defined; attribute value: " +
                      std::string(peek().text);
      if (name_or_value_problem.empty()) name_or_value_problem = value_problem;
    }
    skip();
    return found;
  }

  // The first of each kind.
  std::string reserved_problem;
  std::string name_problem;
  std::string value_problem;
  std::string name_or_value_problem;
  std::string index_problem;

 private:
  static constexpr std::size_t kMaxPosition = 9'999'999;

  bool name(Path& out) {
    const Token& token = peek();
    if (token.kind == Token::Kind::Word && !token.is_keyword()) {
      if (reserved_problem.empty() && is_reserved_word(token.text))
        reserved_problem = "Attribute name is a reserved keyword; reserved keyword: " + std::string(token.text);
      out.steps.emplace_back(std::string(token.text));
    } else if (token.kind == Token::Kind::Name) {
      const auto* found = placeholders_.name(token.text);
      if (!found && name_problem.empty()) {
        name_problem = "An expression attribute name used in the document path is not defined; attribute name: " +
                       std::string(token.text);
        if (name_or_value_problem.empty()) name_or_value_problem = name_problem;
      }
      out.steps.emplace_back(found ? *found : std::string());
    } else {
      return syntax();
    }
    skip();
    return true;
  }

  const std::string_view expression_;
  const std::vector<Token> tokens_;
  Placeholders& placeholders_;
  std::size_t at_ = 0;
  std::string syntax_;
};

/// "Invalid UpdateExpression: ..."
inline Failure invalid_expression(std::string_view what, std::string_view problem) {
  return validation("Invalid " + std::string(what) + ": " + std::string(problem));
}

/// Empty or too long.
inline Result<void> check_expression_size(std::string_view expression, std::string_view what) {
  if (expression.empty()) return invalid_expression(what, "The expression can not be empty;");
  if (expression.size() > kMaxExpressionBytes)
    return invalid_expression(what, "Expression size has exceeded the maximum allowed size; expression size: " +
                                        std::to_string(expression.size()));
  return {};
}

}  // namespace likeness::dynamodb
