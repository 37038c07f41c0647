#include "domain/dynamodb/partiql_expressions.hpp"

#include <fmt/format.h>

#include <utility>

#include "domain/dynamodb/number.hpp"

namespace likeness::dynamodb::partiql {
namespace {

using Kind = Expression::Kind;

Expression make(Kind kind, Place place, std::string text = {}) {
  Expression made;
  made.kind = kind;
  made.place = place;
  made.text = std::move(text);
  return made;
}

Expression negate(Expression inner) {
  Expression found = make(Kind::Not, inner.place);
  found.parts.push_back(std::move(inner));
  return found;
}

Expression binary(std::string text, Place place, Expression left, Expression right) {
  Expression found = make(Kind::Operator, place, std::move(text));
  found.parts.push_back(std::move(left));
  found.parts.push_back(std::move(right));
  return found;
}

Expression literal(const Token& token, Value value) {
  Expression found = make(Kind::Literal, token.place);
  found.value = std::move(value);
  return found;
}

}  // namespace

Expression ExpressionReader::read_expression() {
  if (malformed_) return {};
  if (++depth_ > kMaxNesting) malformed("Expressions are nested too deeply");
  Expression found = malformed_ ? Expression{} : read_or();
  --depth_;
  return found;
}

Expression ExpressionReader::read_or() {
  Expression left = read_and();
  while (!malformed_ && peek().is_keyword("or")) left = joined(Kind::Or, std::move(left), &ExpressionReader::read_and);
  return left;
}

Expression ExpressionReader::read_and() {
  Expression left = read_not();
  while (!malformed_ && peek().is_keyword("and"))
    left = joined(Kind::And, std::move(left), &ExpressionReader::read_not);
  return left;
}

Expression ExpressionReader::joined(Kind kind, Expression left, Expression (ExpressionReader::*right)()) {
  const Token token = next();
  Expression both;
  if (left.kind == kind && !left.text.empty()) {  // text marks chains, so that long ones are no deep trees
    both = std::move(left);
  } else {
    both = make(kind, token.place, token.text);
    both.parts.push_back(std::move(left));
  }
  both.parts.push_back((this->*right)());
  return both;
}

Expression ExpressionReader::read_not() {
  if (!peek().is_keyword("not")) return read_equality();
  const Token token = next();
  Expression found = make(Kind::Not, token.place);
  if (++depth_ > kMaxNesting) malformed("Expressions are nested too deeply");
  if (!malformed_) found.parts.push_back(read_not());
  --depth_;
  return found;
}

Expression ExpressionReader::read_equality() {
  Expression left = read_comparison();
  while (!malformed_) {
    const Token token = peek();
    const bool negated = token.is_keyword("not") && (peek(1).is_keyword("in"));
    if (token.is("=") || token.is("<>") || token.is("!=")) {
      next();
      left = binary(token.is("!=") ? "<>" : token.text, token.place, std::move(left), read_comparison());
    } else if (token.is_keyword("in") || negated) {
      if (negated) next();
      next();
      Expression in = make(Kind::In, token.place);
      in.parts.push_back(std::move(left));
      in.parts.push_back(read_in_list());
      left = negated ? negate(std::move(in)) : std::move(in);
    } else if (token.is_keyword("is")) {
      left = read_is(std::move(left));
    } else {
      break;
    }
  }
  return left;
}

Expression ExpressionReader::read_in_list() {
  if (!peek().is("(") || peek(1).is_keyword("select")) return read_comparison();
  const Token open = next();
  Expression list = make(Kind::Row, open.place);
  do list.parts.push_back(read_expression());
  while (!malformed_ && accept(","));
  expect(")");
  return list;
}

Expression ExpressionReader::read_is(Expression left) {
  const Token token = next();
  const bool negated = accept_keyword("not");
  if (peek().kind != Token::Kind::Keyword) {
    malformed("Expected type name");
    return {};
  }
  Expression is = make(Kind::Is, token.place, next().text);
  is.parts.push_back(std::move(left));
  return negated ? negate(std::move(is)) : is;
}

Expression ExpressionReader::read_comparison() {
  Expression left = read_sum();
  while (!malformed_) {
    const Token token = peek();
    const bool negated = token.is_keyword("not") && (peek(1).is_keyword("between") || peek(1).is_keyword("like"));
    const Token& word = negated ? peek(1) : token;
    if (token.is("<") || token.is("<=") || token.is(">") || token.is(">=")) {
      next();
      left = binary(token.text, token.place, std::move(left), read_sum());
    } else if (word.is_keyword("between")) {
      if (negated) next();
      next();
      Expression between = make(Kind::Between, token.place);
      between.parts.push_back(std::move(left));
      between.parts.push_back(read_sum());
      expect_keyword("and");
      between.parts.push_back(read_sum());
      left = negated ? negate(std::move(between)) : std::move(between);
    } else if (word.is_keyword("like")) {
      if (negated) next();
      next();
      left = binary("like", token.place, std::move(left), read_sum());
    } else {
      break;
    }
  }
  return left;
}

Expression ExpressionReader::read_sum() {
  Expression left = read_product();
  while (!malformed_ && (peek().is("+") || peek().is("-") || peek().is("||"))) {
    const Token token = next();
    left = binary(token.text, token.place, std::move(left), read_product());
  }
  return left;
}

Expression ExpressionReader::read_product() {
  Expression left = read_sign();
  while (!malformed_ && (peek().is("*") || peek().is("/") || peek().is("%"))) {
    const Token token = next();
    left = binary(token.text, token.place, std::move(left), read_sign());
  }
  return left;
}

Expression ExpressionReader::read_sign() {
  if (!peek().is("-") && !peek().is("+")) return read_path();
  const Token sign = next();
  if (++depth_ > kMaxNesting) malformed("Expressions are nested too deeply");
  Expression inner = malformed_ ? Expression{} : read_sign();
  --depth_;
  if (inner.kind == Kind::Literal && inner.value.number() != nullptr) {
    if (sign.text == "-") inner.value.data = inner.value.number()->negated();
    return inner;
  }
  Expression found = make(Kind::Operator, sign.place, sign.text);
  found.parts.push_back(std::move(inner));
  return found;
}

Expression ExpressionReader::read_path() {
  Expression root = read_primary();
  if (malformed_ || (!peek().is(".") && !peek().is("["))) {
    if (root.kind != Kind::Name) return root;
    Expression path = make(Kind::Path, root.place);
    path.parts.push_back(std::move(root));
    return path;
  }
  if (root.kind != Kind::Name) {
    unsupported(fmt::format("Unexpected path component at {}", root.place.text()));
    return root;
  }
  Expression path = make(Kind::Path, root.place);
  path.parts.push_back(std::move(root));
  while (!malformed_) {
    if (accept(".")) {
      const Token token = next();
      if (token.is("*"))
        path.parts.push_back(make(Kind::Wildcard, token.place, "."));
      else if (is_name(token))
        path.parts.push_back(make(Kind::Name, token.place, token.text));
      else
        malformed("Expected identifier for simple path");
    } else if (accept("[")) {
      if (peek().is("*"))
        path.parts.push_back(make(Kind::Wildcard, next().place, "["));
      else
        path.parts.push_back(read_expression());
      expect("]");
    } else {
      break;
    }
  }
  return path;
}

Expression ExpressionReader::read_simple_path() {
  if (!is_name(peek())) {
    malformed("Expected identifier for simple path");
    return {};
  }
  Expression path = read_path();
  for (std::size_t i = 1; i < path.parts.size(); ++i)
    if (path.parts[i].kind != Kind::Name && path.parts[i].kind != Kind::Literal)
      malformed("Expected identifier for simple path");
  return path;
}

Expression ExpressionReader::read_primary() {
  const Token token = next();
  switch (token.kind) {
    case Token::Kind::String: return literal(token, {token.text});
    case Token::Kind::Number: {
      Result<Number> number = Number::parse(token.text);
      if (!number) {
        if (!error_) error_ = std::move(number.error());
        return literal(token, {Number()});
      }
      return literal(token, {*number});
    }
    case Token::Kind::Ion: {
      Expression ion = make(Kind::Ion, token.place);
      return ion;
    }
    case Token::Kind::Parameter: {
      Expression found = make(Kind::Parameter, token.place);
      found.number = parameters_++;
      return found;
    }
    case Token::Kind::Name:
    case Token::Kind::Quoted:
      if (peek().is("(")) return read_call(token);
      return make(Kind::Name, token.place, token.text);
    case Token::Kind::Keyword: return read_keyword(token);
    case Token::Kind::Symbol: return read_bracket(token);
    case Token::Kind::End: break;
  }
  malformed("Unexpected term");
  return {};
}

Expression ExpressionReader::read_keyword(const Token& token) {
  if (token.text == "true" || token.text == "false") return literal(token, {token.text == "true"});
  if (token.text == "null") return literal(token, {Null{}});
  if (token.text == "missing") return make(Kind::Missing, token.place);
  if (token.text == "select") {
    unsupported(fmt::format("Unsupported token in expression: SELECT at {}", token.place.text()));
    --at_;
    if (++depth_ > kMaxNesting) malformed("Expressions are nested too deeply");
    if (!malformed_) read_inner_select();
    --depth_;
    return make(Kind::Select, token.place);
  }
  if (peek().is("(")) return read_call(token);
  malformed("Unexpected keyword");
  return {};
}

Expression ExpressionReader::read_call(const Token& name) {
  Expression call = make(Kind::Call, name.place, name.text);
  expect("(");
  if (accept(")")) return call;
  if (peek().is("*") && peek(1).is(")")) {
    call.parts.push_back(make(Kind::Wildcard, next().place));
    next();
    return call;
  }
  do call.parts.push_back(read_expression());
  while (!malformed_ && accept(","));
  expect(")");
  return call;
}

Expression ExpressionReader::read_bracket(const Token& open) {
  if (open.text == "(") {
    Expression inner = read_expression();
    if (inner.kind == Kind::And || inner.kind == Kind::Or) inner.text.clear();
    if (!peek().is(",")) {
      expect(")");
      return inner;
    }
    Expression row = make(Kind::Row, open.place);
    row.parts.push_back(std::move(inner));
    while (!malformed_ && accept(",")) row.parts.push_back(read_expression());
    expect(")");
    return row;
  }
  if (open.text == "[") return read_elements(make(Kind::List, open.place), "]");
  if (open.text == "<<") return read_elements(make(Kind::Bag, open.place), ">>");
  if (open.text == "{") {
    Expression fields = make(Kind::Struct, open.place);
    if (accept("}")) return fields;
    do {
      fields.parts.push_back(read_expression());
      expect(":");
      fields.parts.push_back(read_expression());
    } while (!malformed_ && accept(","));
    expect("}");
    return fields;
  }
  malformed("Unexpected operator");
  return {};
}

Expression ExpressionReader::read_elements(Expression list, std::string_view close) {
  if (accept(close)) return list;
  do list.parts.push_back(read_expression());
  while (!malformed_ && accept(","));
  expect(close);
  return list;
}

}  // namespace likeness::dynamodb::partiql
