#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/dynamodb/partiql_lexer.hpp"
#include "domain/dynamodb/value.hpp"

/// PartiQL statements as trees: what was written, before it is known what tables and parameters there are.
namespace likeness::dynamodb::partiql {

struct Expression {
  enum class Kind : std::uint8_t {
    Literal,    // value
    Missing,    // MISSING
    Parameter,  // the `number`th
    Path,       // steps in parts: the first is a Name, the others Name or any expression in brackets
    Name,       // text
    Wildcard,   // ".*", "[*]", COUNT's star
    List,       // [parts]
    Row,        // (parts), two or more
    Bag,        // <<parts>>
    Struct,     // {name: value, ...}: parts in pairs
    Call,       // text(parts)
    Operator,   // text of =, <>, <, <=, >, >=, +, -, *, /, %, ||, like; parts
    Between,    // three parts
    In,         // two parts
    Is,         // one part; text: missing, null, or another type
    And,
    Or,
    Not,
    Select,  // a query inside an expression; never supported, but for EXISTS
    Ion,
  };
  Kind kind = Kind::Literal;
  Place place;
  std::string text;
  Value value;
  std::size_t number = 0;
  std::vector<Expression> parts;
};

/// Name parts of FROM, INTO and so on: table and perhaps index. Empty parts if it was something else.
struct Source {
  std::vector<std::string> parts;
};

struct Ordering {
  Expression by;
  bool descending = false;
};

struct Assignment {
  enum class Kind : std::uint8_t { Set, Remove };
  Kind kind = Kind::Set;
  Expression target;
  Expression value;  // with Set
};

struct Returning {
  bool modified = false;
  bool fresh = false;  // NEW
  std::string text;    // "ALL NEW *"
};

struct Statement {
  enum class Kind : std::uint8_t { Select, Insert, Update, Delete, Exists };
  Kind kind = Kind::Select;
  Source source;
  /// What the grammar has and DynamoDB does not: the message to answer with. The first one counts.
  std::optional<std::string> unsupported;

  bool everything = false;  // SELECT *
  std::vector<Expression> columns;
  std::optional<Expression> where;
  std::vector<Ordering> order;

  Expression item;                      // INSERT
  std::vector<Assignment> assignments;  // UPDATE
  std::optional<Returning> returning;

  std::size_t parameters = 0;  // question marks

  bool reads() const { return kind == Kind::Select || kind == Kind::Exists; }
};

inline constexpr std::size_t kMaxStatementBytes = 8192;
inline constexpr std::size_t kMaxNesting = 50;  // expressions inside expressions

/// Error: ValidationException, "Statement wasn't well formed, can't be processed: ...".
Result<Statement> parse(std::string_view statement);

}  // namespace likeness::dynamodb::partiql
