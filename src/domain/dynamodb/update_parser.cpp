#include <fmt/format.h>

#include <algorithm>

#include "domain/dynamodb/expression_reader.hpp"

namespace likeness::dynamodb {

namespace {

constexpr std::size_t kMaxNesting = 200;

bool is_section(const Token& token) {
  return token.is_word("SET") || token.is_word("REMOVE") || token.is_word("ADD") || token.is_word("DELETE");
}

/// As messages about ADD and DELETE call them.
std::string_view long_name(Type type) {
  switch (type) {
    case Type::S: return "STRING";
    case Type::N: return "NUMBER";
    case Type::B: return "BINARY";
    case Type::Null: return "NULL";
    case Type::BOOL: return "BOOLEAN";
    case Type::L: return "LIST";
    case Type::M: return "MAP";
    default: return name_of(type);
  }
}

bool is_set(Type type) { return type == Type::SS || type == Type::NS || type == Type::BS; }

class UpdateParser {
 public:
  UpdateParser(std::string_view expression, Placeholders& placeholders) : reader_(expression, placeholders) {}

  Result<Update> parse() {
    do {
      if (!section()) break;
    } while (!reader_.at_end());
    if (reader_.failed()) return invalid_expression("UpdateExpression", reader_.syntax_problem());
    for (const auto* problem : {&reader_.reserved_problem, &unknown_function_, &section_, &reader_.name_problem,
                                &reader_.value_problem, &reader_.index_problem, &overlap_, &operand_, &function_})
      if (!problem->empty()) return invalid_expression("UpdateExpression", *problem);
    if (operators_ > kMaxOperators)
      return invalid_expression(
          "UpdateExpression",
          fmt::format("The expression contains more than {} operators; operator count: {}", kMaxOperators, operators_));
    return std::move(update_);
  }

 private:
  bool section() {
    const Token token = reader_.peek();
    if (!is_section(token)) return reader_.syntax();
    reader_.skip();
    const auto kind = token.is_word("SET")      ? UpdateAction::Kind::Set
                      : token.is_word("REMOVE") ? UpdateAction::Kind::Remove
                      : token.is_word("ADD")    ? UpdateAction::Kind::Add
                                                : UpdateAction::Kind::Delete;
    do {
      if (!action(kind)) return false;
    } while (reader_.skip_if(","));
    constexpr std::string_view kNames[] = {"SET", "REMOVE", "ADD", "DELETE"};
    const auto index = static_cast<std::size_t>(kind);
    if (seen_[index] && section_.empty())
      section_ = fmt::format("The \"{}\" section can only be used once in an update expression;", kNames[index]);
    seen_[index] = true;
    return true;
  }

  bool action(UpdateAction::Kind kind) {
    UpdateAction out;
    out.kind = kind;
    if (!reader_.path(out.path)) return false;
    ++operators_;
    if (kind == UpdateAction::Kind::Set) {
      if (!reader_.expect("=")) return false;
      if (!set_value(out.value)) return false;
    } else if (kind != UpdateAction::Kind::Remove) {
      if (reader_.peek().kind != Token::Kind::Value) return reader_.syntax();
      if (const auto* value = reader_.value()) {
        out.value.value = *value;
        check_operand(kind, value->type());
      }
    }
    if (overlap_.empty()) overlap_ = overlap(paths_, out.path);
    paths_.push_back(out.path);
    update_.actions.push_back(std::move(out));
    return true;
  }

  bool set_value(UpdateValue& out) {
    if (!operand(out)) return false;
    const bool plus = reader_.peek().is("+");
    if (!plus && !reader_.peek().is("-")) return true;
    reader_.skip();
    ++operators_;
    UpdateValue sum;
    sum.kind = plus ? UpdateValue::Kind::Plus : UpdateValue::Kind::Minus;
    sum.parts.push_back(std::move(out));
    if (!operand(sum.parts.emplace_back())) return false;
    for (const auto& part : sum.parts) check_part(part, plus ? "+" : "-", Type::N);
    out = std::move(sum);
    return true;
  }

  bool operand(UpdateValue& out) {
    if (++depth_ > kMaxNesting) return reader_.syntax();
    const bool fine = inner_operand(out);
    --depth_;
    return fine;
  }

  bool inner_operand(UpdateValue& out) {
    const Token& token = reader_.peek();
    if (token.is("(")) {
      reader_.skip();
      return set_value(out) && reader_.expect(")");
    }
    if (token.kind == Token::Kind::Value) {
      if (const auto* value = reader_.value())
        out.value = *value;
      else
        out.kind = UpdateValue::Kind::Path;  // of no known kind; the parse fails in the end
      return true;
    }
    if (token.kind == Token::Kind::Word && !token.is_keyword() && reader_.peek_next().is("(")) return call(out);
    out.kind = UpdateValue::Kind::Path;
    return reader_.path(out.path);
  }

  bool call(UpdateValue& out) {
    const std::string name(reader_.peek().text);
    reader_.skip();
    reader_.skip();
    ++operators_;
    std::vector<UpdateValue> arguments;
    do {
      if (!operand(arguments.emplace_back())) return false;
    } while (reader_.skip_if(","));
    if (!reader_.expect(")")) return false;
    if (name != "if_not_exists" && name != "list_append") {
      static constexpr std::string_view kOfConditions[] = {
          "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"};
      if (unknown_function_.empty())
        unknown_function_ =
            std::find(std::begin(kOfConditions), std::end(kOfConditions), name) != std::end(kOfConditions)
                ? "The function is not allowed in an update expression; function: " + name
                : "Invalid function name; function: " + name;
      return true;
    }
    if (arguments.size() != 2) {
      if (function_.empty())
        function_ = fmt::format(
            "Incorrect number of operands for operator or function; operator or function: {}, number of operands: {}",
            name, arguments.size());
      return true;
    }
    if (name == "list_append") {
      for (const auto& argument : arguments) check_part(argument, name, Type::L);
      out.kind = UpdateValue::Kind::ListAppend;
      out.parts = std::move(arguments);
      return true;
    }
    if (arguments[0].kind != UpdateValue::Kind::Path && function_.empty())
      function_ = "Operator or function requires a document path; operator or function: " + name;
    out.kind = UpdateValue::Kind::IfNotExists;
    out.path = std::move(arguments[0].path);
    out.parts.push_back(std::move(arguments[1]));
    return true;
  }

  void check_part(const UpdateValue& part, std::string_view name, Type wanted) {
    if (!function_.empty() || part.kind != UpdateValue::Kind::Value || part.value.type() == wanted) return;
    function_ =
        fmt::format("Incorrect operand type for operator or function; operator or function: {}, operand type: {}", name,
                    name_of(part.value.type()));
  }

  void check_operand(UpdateAction::Kind kind, Type type) {
    const bool add = kind == UpdateAction::Kind::Add;
    if (!operand_.empty() || is_set(type) || (add && type == Type::N)) return;
    const std::string_view name = add ? "ADD" : "DELETE";
    operand_ = fmt::format(
        "Incorrect operand type for operator or function; operator: {}, operand type: {}, typeSet: "
        "ALLOWED_FOR_{}_OPERAND",
        name, long_name(type), name);
  }

  ExpressionReader reader_;
  Update update_;
  std::vector<Path> paths_;
  bool seen_[4] = {};
  std::size_t depth_ = 0;
  std::size_t operators_ = 0;
  std::string unknown_function_, section_, overlap_, operand_, function_;
};

}  // namespace

std::string overlap(const std::vector<Path>& paths, const Path& next) {
  for (const auto& path : paths) {
    const std::size_t common = std::min(path.steps.size(), next.steps.size());
    bool apart = false, conflict = false;
    for (std::size_t i = 0; i < common && !apart && !conflict; ++i) {
      conflict = path.steps[i].index() != next.steps[i].index();
      apart = path.steps[i] != next.steps[i];
    }
    if (apart && !conflict) continue;
    return fmt::format(
        "Two document paths {} with each other; must remove or rewrite one of these paths; path one: "
        "{}, path two: {}",
        conflict ? "conflict" : "overlap", shown(path), shown(next));
  }
  return {};
}

Result<Update> parse_update(std::string_view expression, Placeholders& placeholders) {
  if (auto fine = check_expression_size(expression, "UpdateExpression"); !fine) return fail(fine);
  return UpdateParser(expression, placeholders).parse();
}

Result<std::vector<Path>> parse_projection(std::string_view expression, Placeholders& placeholders) {
  constexpr std::string_view kWhat = "ProjectionExpression";
  if (auto fine = check_expression_size(expression, kWhat); !fine) return fail(fine);
  ExpressionReader reader(expression, placeholders);
  std::vector<Path> paths;
  std::string overlapping;
  do {
    Path path;
    if (!reader.path(path)) break;
    if (overlapping.empty()) overlapping = overlap(paths, path);
    paths.push_back(std::move(path));
  } while (reader.skip_if(","));
  if (!reader.at_end()) reader.syntax();
  if (reader.failed()) return invalid_expression(kWhat, reader.syntax_problem());
  for (const auto* problem : {&reader.reserved_problem, &reader.name_problem, &reader.index_problem, &overlapping})
    if (!problem->empty()) return invalid_expression(kWhat, *problem);
  return paths;
}

}  // namespace likeness::dynamodb
