#include "domain/dynamodb/partiql_parser.hpp"

#include <fmt/format.h>

#include <array>
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

/// Recursive descent over the tokens. The first thing that does not fit sets `malformed_`; from then on every method
/// returns at once.
class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  std::optional<Statement> run() {
    Statement statement;
    int brackets = 0;
    while (peek().is("(") && brackets < 8) {
      next();
      ++brackets;
    }
    read_statement(statement);
    for (; brackets > 0; --brackets) expect(")");
    accept(";");
    if (peek().kind != Token::Kind::End) malformed("Unexpected token");
    statement.parameters = parameters_;
    if (unsupported_) statement.unsupported = unsupported_;
    if (malformed_) return std::nullopt;
    return statement;
  }

  const std::string& reason() const { return *malformed_; }
  const std::optional<Error>& error() const { return error_; }

 private:
  // ---- tokens
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
    if (!accept(symbol)) malformed(fmt::format("Expected '{}'", symbol));
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
  bool is_name(const Token& token) const {
    return token.kind == Token::Kind::Name || token.kind == Token::Kind::Quoted;
  }

  // ---- statements
  void read_statement(Statement& out) {
    const Token first = peek();
    if (first.is_keyword("select")) {
      read_select(out);
    } else if (first.is_keyword("insert")) {
      read_insert(out);
    } else if (first.is_keyword("update")) {
      read_update(out);
    } else if (first.is_keyword("delete")) {
      read_delete(out);
    } else if (first.is_keyword("exists") && peek(1).is("(")) {
      next();
      next();
      if (!peek().is_keyword("select")) return malformed("Expected SELECT");
      read_select(out);
      out.kind = Statement::Kind::Exists;
      expect(")");
    } else if (is_name(first) && peek(1).kind == Token::Kind::End) {
      next();
      unsupported("Unsupported operation: VariableReference");
    } else {
      malformed("Unexpected term");
    }
  }

  void read_select(Statement& out) {
    next();
    out.kind = Statement::Kind::Select;
    if (accept_keyword("distinct"))
      unsupported("Unsupported token in expression: DISTINCT");
    else
      accept_keyword("all");
    if (accept("*")) {
      out.everything = true;
    } else {
      if (accept_keyword("value")) unsupported("Select projection doesn't support value or pivot keywords");
      do {
        out.columns.push_back(read_expression());
        read_alias();
      } while (!malformed_ && accept(","));
    }
    expect_keyword("from");
    out.source = read_source();
    read_alias();
    if (accept(",") || peek().is_keyword("join") || peek().is_keyword("inner") || peek().is_keyword("cross") ||
        peek().is_keyword("left")) {
      unsupported("Only select from a single table or index is supported.");
      at_ = tokens_.size() - 1;
      return;
    }
    if (accept_keyword("where")) out.where = read_expression();
    if (accept_keyword("order")) {
      expect_keyword("by");
      do {
        Ordering ordering;
        ordering.by = read_expression();
        if (accept_keyword("desc"))
          ordering.descending = true;
        else
          accept_keyword("asc");
        out.order.push_back(std::move(ordering));
      } while (!malformed_ && accept(","));
    }
    if (accept_keyword("group")) {
      expect_keyword("by");
      do read_expression();
      while (!malformed_ && accept(","));
      unsupported("Unsupported clause: GROUP BY");
    }
    for (const char* clause : {"having", "limit"}) {
      if (!accept_keyword(clause)) continue;
      const Expression found = read_expression();
      unsupported(fmt::format("Unsupported clause: {} at {}", *clause == 'h' ? "HAVING" : "LIMIT", found.place.text()));
    }
  }

  void read_alias() {
    if (accept_keyword("as")) {
      if (!is_name(peek())) return malformed("Expected identifier for alias");
    } else if (!is_name(peek())) {
      return;
    }
    next();
    unsupported("Aliasing is not supported");
  }

  Source read_source() {
    Source source;
    const Expression found = read_path();
    if (found.kind == Kind::Path) {
      for (const Expression& part : found.parts) {
        if (part.kind != Kind::Name) return {};
        source.parts.push_back(part.text);
      }
    }
    return source;
  }

  /// INTO, UPDATE and FROM of changes want a plain path.
  Source read_target() {
    if (!is_name(peek())) {
      malformed("Expected identifier for simple path");
      return {};
    }
    return read_source();
  }

  void read_insert(Statement& out) {
    next();
    out.kind = Statement::Kind::Insert;
    expect_keyword("into");
    out.source = read_target();
    if (accept_keyword("value")) {
      out.item = read_expression();
      if (peek().is_keyword("returning")) {
        read_returning(out);
        unsupported("RETURNING is not supported in INSERT");
      }
      return;
    }
    if (accept_keyword("values")) {
      if (!peek().is("(")) return malformed("Expected '('");
      do read_expression();
      while (!malformed_ && accept(","));
    } else {
      read_expression();
    }
    unsupported("Unsupported operation: InsertOp");
  }

  void read_update(Statement& out) {
    next();
    out.kind = Statement::Kind::Update;
    out.source = read_target();
    read_alias();
    while (!malformed_) {
      if (accept_keyword("set")) {
        do {
          Assignment assignment;
          assignment.target = read_simple_path();
          expect("=");
          assignment.value = read_expression();
          out.assignments.push_back(std::move(assignment));
        } while (!malformed_ && accept(","));
      } else if (accept_keyword("remove")) {
        Assignment assignment;
        assignment.kind = Assignment::Kind::Remove;
        assignment.target = read_simple_path();
        out.assignments.push_back(std::move(assignment));
      } else {
        break;
      }
    }
    if (out.assignments.empty()) malformed("Expected SET or REMOVE");
    if (accept_keyword("where")) out.where = read_expression();
    read_returning(out);
  }

  void read_delete(Statement& out) {
    next();
    out.kind = Statement::Kind::Delete;
    expect_keyword("from");
    out.source = read_target();
    read_alias();
    if (accept_keyword("where")) out.where = read_expression();
    read_returning(out);
  }

  void read_returning(Statement& out) {
    if (!accept_keyword("returning")) return;
    Returning returning;
    if (accept_keyword("modified"))
      returning.modified = true;
    else
      expect_keyword("all");
    if (accept_keyword("new"))
      returning.fresh = true;
    else
      expect_keyword("old");
    if (malformed_) return;
    if (!accept("*")) {
      read_expression();
      unsupported("Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause");
    }
    if (accept(",")) {
      unsupported("Invalid syntax with multiple returning elements in RETURNING clause");
      at_ = tokens_.size() - 1;
    }
    returning.text = fmt::format("{} {} *", returning.modified ? "MODIFIED" : "ALL", returning.fresh ? "NEW" : "OLD");
    out.returning = std::move(returning);
  }

  // ---- expressions, from what binds least
  Expression read_expression() {
    if (malformed_) return {};
    if (++depth_ > kMaxNesting) malformed("Expressions are nested too deeply");
    Expression found = malformed_ ? Expression{} : read_or();
    --depth_;
    return found;
  }

  Expression read_or() {
    Expression left = read_and();
    while (!malformed_ && peek().is_keyword("or")) left = joined(Kind::Or, std::move(left), &Parser::read_and);
    return left;
  }
  Expression read_and() {
    Expression left = read_not();
    while (!malformed_ && peek().is_keyword("and")) left = joined(Kind::And, std::move(left), &Parser::read_not);
    return left;
  }
  Expression joined(Kind kind, Expression left, Expression (Parser::*right)()) {
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
  Expression read_not() {
    if (!peek().is_keyword("not")) return read_equality();
    const Token token = next();
    Expression found = make(Kind::Not, token.place);
    if (++depth_ > kMaxNesting) malformed("Expressions are nested too deeply");
    if (!malformed_) found.parts.push_back(read_not());
    --depth_;
    return found;
  }

  Expression read_equality() {
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
  /// What may stand after IN: "(1)" is a list of one there.
  Expression read_in_list() {
    if (!peek().is("(") || peek(1).is_keyword("select")) return read_comparison();
    const Token open = next();
    Expression list = make(Kind::Row, open.place);
    do list.parts.push_back(read_expression());
    while (!malformed_ && accept(","));
    expect(")");
    return list;
  }
  Expression read_is(Expression left) {
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
  static Expression negate(Expression inner) {
    Expression found = make(Kind::Not, inner.place);
    found.parts.push_back(std::move(inner));
    return found;
  }

  Expression read_comparison() {
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
  Expression read_sum() {
    Expression left = read_product();
    while (!malformed_ && (peek().is("+") || peek().is("-") || peek().is("||"))) {
      const Token token = next();
      left = binary(token.text, token.place, std::move(left), read_product());
    }
    return left;
  }
  Expression read_product() {
    Expression left = read_sign();
    while (!malformed_ && (peek().is("*") || peek().is("/") || peek().is("%"))) {
      const Token token = next();
      left = binary(token.text, token.place, std::move(left), read_sign());
    }
    return left;
  }
  static Expression binary(std::string text, Place place, Expression left, Expression right) {
    Expression found = make(Kind::Operator, place, std::move(text));
    found.parts.push_back(std::move(left));
    found.parts.push_back(std::move(right));
    return found;
  }
  Expression read_sign() {
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

  Expression read_path() {
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
  /// What SET and REMOVE change: names and literal positions only.
  Expression read_simple_path() {
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

  Expression literal(const Token& token, Value value) {
    Expression found = make(Kind::Literal, token.place);
    found.value = std::move(value);
    return found;
  }

  Expression read_primary() {
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

  Expression read_keyword(const Token& token) {
    if (token.text == "true" || token.text == "false") return literal(token, {token.text == "true"});
    if (token.text == "null") return literal(token, {Null{}});
    if (token.text == "missing") return make(Kind::Missing, token.place);
    if (token.text == "select") {
      unsupported(fmt::format("Unsupported token in expression: SELECT at {}", token.place.text()));
      --at_;
      Statement inner;
      if (++depth_ > kMaxNesting) malformed("Expressions are nested too deeply");
      if (!malformed_) read_select(inner);
      --depth_;
      return make(Kind::Select, token.place);
    }
    if (peek().is("(")) return read_call(token);
    malformed("Unexpected keyword");
    return {};
  }

  Expression read_call(const Token& name) {
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

  Expression read_bracket(const Token& open) {
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
  Expression read_elements(Expression list, std::string_view close) {
    if (accept(close)) return list;
    do list.parts.push_back(read_expression());
    while (!malformed_ && accept(","));
    expect(close);
    return list;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t parameters_ = 0;
  std::optional<std::string> malformed_;
  std::optional<std::string> unsupported_;
  std::optional<Error> error_;  // of a number that is none of DynamoDB's
};

Failure not_well_formed(const std::string& why) {
  return client_error("ValidationException", "Statement wasn't well formed, can't be processed: " + why);
}

}  // namespace

Result<Statement> parse(std::string_view statement) {
  Result<std::vector<Token>> tokens = tokens_of(statement);
  if (!tokens) return not_well_formed(tokens.error().message);
  Parser parser(std::move(*tokens));
  std::optional<Statement> parsed = parser.run();
  if (!parsed) return not_well_formed(parser.reason());
  if (parser.error()) return Failure(*parser.error());
  return std::move(*parsed);
}

}  // namespace likeness::dynamodb::partiql
