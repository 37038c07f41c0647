#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "domain/dynamodb/partiql_lexer.hpp"
#include "domain/dynamodb/partiql_parser.hpp"

namespace likeness::dynamodb::partiql {

/// Expressions by recursive descent over the tokens; the parser of statements is one of these. The first thing that
/// does not fit sets `malformed_`; from then on every method returns at once. For partiql_*.cpp only.
class ExpressionReader {
 public:
  explicit ExpressionReader(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}
  virtual ~ExpressionReader() = default;
  ExpressionReader(const ExpressionReader&) = delete;
  ExpressionReader& operator=(const ExpressionReader&) = delete;

  const std::string& reason() const { return *malformed_; }
  const std::optional<Error>& error() const { return error_; }

 protected:
  const Token& peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  Token next() {
    Token token = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool accept(std::string_view symbol) {
    if (!peek().is(symbol)) return false;
    next();
    return true;
  }
  bool accept_keyword(std::string_view word) {
    if (!peek().is_keyword(word)) return false;
    next();
    return true;
  }
  void expect(std::string_view symbol) {
    if (!accept(symbol)) malformed("Expected '" + std::string(symbol) + "'");
  }
  void expect_keyword(std::string_view word) {
    if (!accept_keyword(word)) malformed("Unexpected keyword");
  }
  void malformed(std::string reason) {
    if (!malformed_) malformed_ = std::move(reason);
  }
  /// The grammar has it, DynamoDB does not.
  void unsupported(std::string message) {
    if (!unsupported_) unsupported_ = std::move(message);
  }
  static bool is_name(const Token& token) {
    return token.kind == Token::Kind::Name || token.kind == Token::Kind::Quoted;
  }

  /// To the end: nothing more is looked at.
  void skip_all() { at_ = tokens_.size() - 1; }

  Expression read_expression();
  Expression read_path();
  /// What SET and REMOVE change: names and literal positions only.
  Expression read_simple_path();
  /// SELECT inside an expression, from that word on.
  virtual void read_inner_select() = 0;

  std::size_t parameters() const { return parameters_; }
  const std::optional<std::string>& first_unsupported() const { return unsupported_; }
  bool is_malformed() const { return malformed_.has_value(); }

 private:
  // From what binds least.
  Expression read_or();
  Expression read_and();
  Expression joined(Expression::Kind kind, Expression left, Expression (ExpressionReader::*right)());
  Expression read_not();
  Expression read_equality();
  /// What may stand after IN: "(1)" is a list of one there.
  Expression read_in_list();
  Expression read_is(Expression left);
  Expression read_comparison();
  Expression read_sum();
  Expression read_product();
  Expression read_sign();
  Expression read_primary();
  Expression read_keyword(const Token& token);
  Expression read_call(const Token& name);
  Expression read_bracket(const Token& open);
  Expression read_elements(Expression list, std::string_view close);

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t parameters_ = 0;
  std::optional<std::string> malformed_;
  std::optional<std::string> unsupported_;
  std::optional<Error> error_;  // of a number that is none of DynamoDB's
};

}  // namespace likeness::dynamodb::partiql
