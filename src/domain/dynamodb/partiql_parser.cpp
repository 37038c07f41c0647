#include "domain/dynamodb/partiql_parser.hpp"

#include <fmt/format.h>

#include <utility>

#include "domain/dynamodb/partiql_expressions.hpp"

namespace likeness::dynamodb::partiql {
namespace {

using Kind = Expression::Kind;

class Parser final : public ExpressionReader {
 public:
  using ExpressionReader::ExpressionReader;

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
    statement.parameters = parameters();
    statement.unsupported = first_unsupported();
    if (is_malformed()) return std::nullopt;
    return statement;
  }

 private:
  void read_inner_select() override {
    Statement inner;
    read_select(inner);
  }

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
      } while (!is_malformed() && accept(","));
    }
    expect_keyword("from");
    out.source = read_source();
    read_alias();
    if (accept(",") || peek().is_keyword("join") || peek().is_keyword("inner") || peek().is_keyword("cross") ||
        peek().is_keyword("left")) {
      unsupported("Only select from a single table or index is supported.");
      skip_all();
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
      } while (!is_malformed() && accept(","));
    }
    if (accept_keyword("group")) {
      expect_keyword("by");
      do read_expression();
      while (!is_malformed() && accept(","));
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
      while (!is_malformed() && accept(","));
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
    while (!is_malformed()) {
      if (accept_keyword("set")) {
        do {
          Assignment assignment;
          assignment.target = read_simple_path();
          expect("=");
          assignment.value = read_expression();
          out.assignments.push_back(std::move(assignment));
        } while (!is_malformed() && accept(","));
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
    if (is_malformed()) return;
    if (!accept("*")) {
      read_expression();
      unsupported("Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause");
    }
    if (accept(",")) {
      unsupported("Invalid syntax with multiple returning elements in RETURNING clause");
      skip_all();
    }
    returning.text = fmt::format("{} {} *", returning.modified ? "MODIFIED" : "ALL", returning.fresh ? "NEW" : "OLD");
    out.returning = std::move(returning);
  }
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
