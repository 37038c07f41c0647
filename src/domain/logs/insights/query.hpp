#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "domain/logs/filter_terms.hpp"
#include "domain/logs/insights/value.hpp"

/// Queries of CloudWatch Logs Insights, parsed: `fields @timestamp, level | filter level = "ERROR" | stats count(*) by
/// bin(5m)`.
namespace likeness::logs::insights {

/// What is wrong with a query, and where (bytes).
struct QueryError {
  std::string message;
  std::size_t begin = 0, end = 0;
};

struct Expression {
  enum class Kind { Constant, Field, Not, Negate, Binary, Like, NotLike, In, NotIn, Call };
  Kind kind = Kind::Constant;
  Value constant;                // also a duration of bin(): milliseconds
  std::string name;              // of the field, the function, the operator
  std::shared_ptr<Regex> regex;  // of Like
  std::vector<Expression> parts;
};

struct Column {
  Expression expression;
  std::string name;  // as results show it
};

/// `parse @message "user=* in *" as user, room`, `parse @message /user=(?<user>\S+)/`.
struct Extraction {
  Expression source;
  std::vector<std::string> pieces;  // of a glob: what stands around the stars
  std::shared_ptr<void> regex;      // of RE2, owned by the reader of the query
  std::vector<std::string> names;
};

struct SortKey {
  Expression expression;
  bool descending = false;
};

struct Command {
  enum class Kind { Fields, Display, Filter, Stats, Sort, Limit, Parse, Dedup };
  Kind kind = Kind::Fields;
  std::vector<Column> columns;  // of fields, display; the aggregates of stats; what dedup looks at
  std::vector<Column> groups;   // of stats: by
  Expression condition;
  std::vector<SortKey> order;
  std::size_t limit = 0;
  Extraction extraction;
};

struct Query {
  std::vector<Command> commands;
};

tl::expected<Query, QueryError> parse_query(std::string_view text);

bool is_aggregate(std::string_view function);
/// The number of arguments that a function of rows takes, at least and at most; nothing for one that is none.
bool known_function(std::string_view name, std::size_t& least, std::size_t& most);

}  // namespace likeness::logs::insights
