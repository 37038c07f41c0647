#include "domain/dynamodb/partiql_words.hpp"

#include <fmt/format.h>

#include "domain/dynamodb/errors.hpp"

namespace likeness::dynamodb::partiql {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string written(const Expression& expression) {
  using Kind = Expression::Kind;
  switch (expression.kind) {
    case Kind::Path: return expression.parts.size() == 1 ? expression.parts[0].text : "Path";
    case Kind::Missing: return "MISSING";
    case Kind::Parameter: return "Parameter";
    case Kind::And: return "and";
    case Kind::Or: return "or";
    case Kind::Not: return "not";
    case Kind::In: return "in";
    case Kind::Between: return "between";
    case Kind::Is: return "is";
    case Kind::Select: return "SELECT";
    default: return expression.text;
  }
}
bool is_value(const Expression& expression) {
  using Kind = Expression::Kind;
  switch (expression.kind) {
    case Kind::Literal:
    case Kind::Parameter:
    case Kind::List:
    case Kind::Row:
    case Kind::Bag:
    case Kind::Struct:
    case Kind::Ion: return true;
    default: return false;
  }
}

Failure wrong_count(std::string_view name, std::size_t count) {
  return validation(fmt::format(
      "Incorrect number of operands for operator or function; operator or function: {}, number of operands: {}", name,
      count));
}
Failure wrong_type(std::string_view name, std::string_view type) {
  return validation(fmt::format(
      "Incorrect operand type for operator or function; operator or function: {}, operand type: {}", name, type));
}

}  // namespace likeness::dynamodb::partiql
