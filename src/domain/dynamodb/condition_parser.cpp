#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "domain/dynamodb/expression_reader.hpp"

namespace likeness::dynamodb {

namespace {

constexpr std::size_t kMaxNesting = 500;

struct Function {
  std::string_view name;
  std::size_t operands;
  Condition::Kind kind;
};
constexpr std::array<Function, 6> kFunctions = {{
    {"attribute_exists", 1, Condition::Kind::AttributeExists},
    {"attribute_not_exists", 1, Condition::Kind::AttributeNotExists},
    {"attribute_type", 2, Condition::Kind::AttributeType},
    {"begins_with", 2, Condition::Kind::BeginsWith},
    {"contains", 2, Condition::Kind::Contains},
    {"size", 1, Condition::Kind::Equal},  // no condition
}};

const Function* find_function(std::string_view name) {
  for (const auto& function : kFunctions)
    if (function.name == name) return &function;
  return nullptr;
}

/// A part of the expression: whether it is a condition or an operand shows only when it is used.
struct Node {
  enum class Kind : std::uint8_t { Condition, Operand, Function };
  Kind kind = Kind::Operand;
  Condition condition = {};
  Operand operand = {};
  std::string function = {};
  std::vector<Node> arguments = {};
  bool in_parentheses = false;

  bool is_path() const { return kind == Kind::Operand && operand.kind == Operand::Kind::Path; }
  /// The kind of a value that stands in the expression itself.
  std::optional<Type> immediate() const {
    if (kind == Kind::Operand && operand.kind == Operand::Kind::Value) return operand.value.type();
    return std::nullopt;
  }
  std::optional<Type> type() const {
    if (kind == Kind::Function && function == "size") return Type::N;
    return immediate();
  }
};

class ConditionParser {
 public:
  ConditionParser(std::string_view expression, Placeholders& placeholders, std::string_view what)
      : reader_(expression, placeholders), what_(what) {}

  Result<Condition> parse() {
    Node root;
    if (any(root)) {
      if (!reader_.at_end() || !is_condition(root)) reader_.syntax();
    }
    if (reader_.failed()) return invalid_expression(what_, reader_.syntax_problem());
    Condition condition = as_condition(std::move(root));
    for (const auto* problem : {&parentheses_, &unknown_function_, &misused_function_, &reader_.reserved_problem,
                                &reader_.index_problem, &condition_problem_})
      if (!problem->empty()) return invalid_expression(what_, *problem);
    if (operators_ > kMaxOperators)
      return invalid_expression(what_, fmt::format("The expression contains more than {} operators; operator count: {}",
                                                   kMaxOperators, operators_));
    return condition;
  }

 private:
  /// What comes between operators: conditions; `size` alone is one in form, and misused.
  static bool is_condition(const Node& node) { return node.kind != Node::Kind::Operand; }

  bool any(Node& out) {
    if (++depth_ > kMaxNesting) return reader_.syntax();
    const bool fine = chain(out, "OR", Condition::Kind::Or, [this](Node& part) {
      return chain(part, "AND", Condition::Kind::And, [this](Node& inner) { return negation(inner); });
    });
    --depth_;
    return fine;
  }

  template <class F>
  bool chain(Node& out, std::string_view word, Condition::Kind kind, F part) {
    if (!part(out)) return false;
    if (!reader_.peek().is_word(word)) return true;
    if (!is_condition(out)) return reader_.syntax();
    Node all;
    all.kind = Node::Kind::Condition;
    all.condition.kind = kind;
    all.condition.parts.push_back(as_condition(std::move(out)));
    while (reader_.peek().is_word(word)) {
      reader_.skip();
      ++operators_;
      Node next;
      if (!part(next)) return false;
      if (!is_condition(next)) return reader_.syntax();
      all.condition.parts.push_back(as_condition(std::move(next)));
    }
    out = std::move(all);
    return true;
  }

  bool negation(Node& out) {
    if (!reader_.peek().is_word("NOT")) return comparison(out);
    reader_.skip();
    ++operators_;
    if (++depth_ > kMaxNesting) return reader_.syntax();
    Node inner;
    if (!negation(inner)) return false;
    --depth_;
    if (!is_condition(inner)) return reader_.syntax();
    out.kind = Node::Kind::Condition;
    out.condition.kind = Condition::Kind::Not;
    out.condition.parts.push_back(as_condition(std::move(inner)));
    return true;
  }

  static std::optional<Condition::Kind> comparator(const Token& token) {
    if (token.is("=")) return Condition::Kind::Equal;
    if (token.is("<>")) return Condition::Kind::NotEqual;
    if (token.is("<")) return Condition::Kind::Less;
    if (token.is("<=")) return Condition::Kind::LessOrEqual;
    if (token.is(">")) return Condition::Kind::Greater;
    if (token.is(">=")) return Condition::Kind::GreaterOrEqual;
    return std::nullopt;
  }

  bool comparison(Node& out) {
    if (!primary(out)) return false;
    const Token token = reader_.peek();
    const auto kind = comparator(token);
    const bool between = token.is_word("BETWEEN"), in = token.is_word("IN");
    if (!kind && !between && !in) {
      if (out.kind == Node::Kind::Function && !out.in_parentheses) end_of_condition();
      return true;
    }
    if (out.kind == Node::Kind::Condition) return reader_.syntax();
    reader_.skip();
    ++operators_;
    std::vector<Node> operands;
    operands.push_back(std::move(out));
    if (in) {
      if (!reader_.expect("(")) return false;
      do {
        if (!operand(operands.emplace_back())) return false;
      } while (reader_.skip_if(","));
      if (!reader_.expect(")")) return false;
    } else {
      if (!operand(operands.emplace_back())) return false;
      if (between) {
        if (!reader_.peek().is_word("AND")) return reader_.syntax();
        reader_.skip();
        if (!operand(operands.emplace_back())) return false;
      }
    }
    const std::string name = between ? "BETWEEN" : (in ? "IN" : std::string(token.text));
    check_misused(operands);
    check_distinct(name, operands);
    if (kind) check_ordered(name, *kind, operands);
    if (between) check_between(operands);
    if (in && operands.size() > 101 && operand_problem_.empty())
      operand_problem_ = too_many_operands("IN", operands.size());
    end_of_condition();
    Node all;
    all.kind = Node::Kind::Condition;
    all.condition.kind = kind ? *kind : (between ? Condition::Kind::Between : Condition::Kind::In);
    all.condition.operands = as_operands(std::move(operands));
    out = std::move(all);
    return true;
  }

  /// Parentheses around an operand have no condition in them.
  bool operand(Node& out) {
    return primary(out, [this](Node& inner) {
      if (++depth_ > kMaxNesting) return reader_.syntax();
      const bool fine = operand(inner);
      --depth_;
      return fine;
    });
  }
  bool primary(Node& out) {
    return primary(out, [this](Node& inner) { return any(inner); });
  }

  template <class F>
  bool primary(Node& out, F in_parentheses) {
    const Token& token = reader_.peek();
    if (token.is("(")) {
      reader_.skip();
      if (!in_parentheses(out)) return false;
      if (!reader_.expect(")")) return false;
      if (out.in_parentheses && parentheses_.empty()) parentheses_ = "The expression has redundant parentheses;";
      out.in_parentheses = true;
      return true;
    }
    if (token.kind == Token::Kind::Value) {
      const auto* value = reader_.value();
      out.operand = Operand::of(value ? *value : Value());
      return true;
    }
    if (token.kind == Token::Kind::Word && !token.is_keyword() && reader_.peek_next().is("(")) return call(out);
    Path path;
    if (!reader_.path(path)) return false;
    out.operand = Operand::of(std::move(path));
    return true;
  }

  bool call(Node& out) {
    out.kind = Node::Kind::Function;
    out.function = std::string(reader_.peek().text);
    reader_.skip();
    reader_.skip();
    ++operators_;
    do {
      if (!operand(out.arguments.emplace_back())) return false;
    } while (reader_.skip_if(","));
    if (!reader_.expect(")")) return false;
    check_misused(out.arguments);
    check_function(out);
    return true;
  }

  // -- checks; each remembers the first problem of its kind

  static std::string wrong_type(std::string_view name, std::string_view type) {
    return fmt::format("Incorrect operand type for operator or function; operator or function: {}, operand type: {}",
                       name, type);
  }
  static std::string too_many_operands(std::string_view name, std::size_t count) {
    return fmt::format(
        "Incorrect number of operands for operator or function; operator or function: {}, number of operands: {}", name,
        count);
  }

  void check_function(const Node& call) {
    if (!unknown_function_.empty()) return;
    const auto* function = find_function(call.function);
    if (!function) {
      unknown_function_ = call.function == "if_not_exists" || call.function == "list_append"
                              ? "The function is not allowed in a condition expression; function: " + call.function
                              : "Invalid function name; function: " + call.function;
      return;
    }
    if (!operand_problem_.empty()) return;
    if (call.arguments.size() != function->operands) {
      operand_problem_ = too_many_operands(call.function, call.arguments.size());
      return;
    }
    check_distinct(call.function, call.arguments);
    if (!function_problem_.empty()) return;
    const auto& arguments = call.arguments;
    switch (function->kind) {
      case Condition::Kind::AttributeExists:
      case Condition::Kind::AttributeNotExists:
        if (!arguments[0].is_path())
          function_problem_ = "Operator or function requires a document path; operator or function: " + call.function;
        return;
      case Condition::Kind::BeginsWith:
        for (const auto& argument : arguments)
          if (const auto type = argument.type(); type && *type != Type::S && *type != Type::B) {
            function_problem_ = wrong_type(call.function, name_of(*type));
            return;
          }
        return;
      case Condition::Kind::AttributeType: {
        const auto type = arguments[1].type();
        if (type != Type::S) {
          function_problem_ = wrong_type(call.function, type ? name_of(*type) : "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}");
          return;
        }
        const auto& given = *arguments[1].operand.value.string();
        for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(Type::BS); ++i)
          if (name_of(static_cast<Type>(i)) == given) return;
        function_problem_ = fmt::format(
            "Invalid attribute type name found; type: {}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}", given);
        return;
      }
      case Condition::Kind::Equal: {  // size
        const auto type = arguments[0].type();
        if (type == Type::N || type == Type::BOOL || type == Type::Null)
          function_problem_ = wrong_type(call.function, name_of(*type));
        return;
      }
      default: return;
    }
  }

  void check_misused(const std::vector<Node>& operands) {
    for (const auto& node : operands)
      if (node.kind == Node::Kind::Function && node.function != "size") misused(node.function);
  }
  void misused(const std::string& function) {
    if (misused_function_.empty())
      misused_function_ = "The function is not allowed to be used this way in an expression; function: " + function;
  }

  void check_distinct(std::string_view name, const std::vector<Node>& operands) {
    if (!distinct_problem_.empty() || operands.empty() || !operands[0].is_path()) return;
    const bool same = std::any_of(operands.begin() + 1, operands.end(), [&](const Node& other) {
      return other.is_path() && other.operand.path == operands[0].operand.path;
    });
    if (same)
      distinct_problem_ = fmt::format(
          "The first operand must be distinct from the remaining operands for this "
          "operator or function; operator: {}, first operand: {}",
          name, shown(operands[0].operand.path));
  }

  static bool is_ordered(Type type) { return type == Type::S || type == Type::N || type == Type::B; }

  void check_ordered(std::string_view name, Condition::Kind kind, const std::vector<Node>& operands) {
    if (kind == Condition::Kind::Equal || kind == Condition::Kind::NotEqual || !function_problem_.empty()) return;
    for (const auto& node : operands)
      if (const auto type = node.immediate(); type && !is_ordered(*type)) {
        function_problem_ = wrong_type(name, name_of(*type));
        return;
      }
  }

  void check_between(const std::vector<Node>& operands) {
    if (!function_problem_.empty()) return;
    for (const auto& node : operands)
      if (const auto type = node.immediate(); type && !is_ordered(*type)) {
        function_problem_ = wrong_type("BETWEEN", name_of(*type));
        return;
      }
    const auto lower = operands[1].immediate(), upper = operands[2].immediate();
    if (!lower || !upper) return;
    const Value& from = operands[1].operand.value;
    const Value& to = operands[2].operand.value;
    if (*lower != *upper)
      function_problem_ = fmt::format(
          "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: "
          "AttributeValue: {}, upper bound operand: AttributeValue: {}",
          shown(from), shown(to));
    else if (compare(from, to) > 0)
      function_problem_ = fmt::format(
          "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: "
          "AttributeValue: {}, upper bound operand: AttributeValue: {}",
          shown(from), shown(to));
  }

  /// The first condition that has a problem is the one that is told.
  void end_of_condition() {
    if (!condition_problem_.empty()) return;
    for (const auto* problem :
         {&reader_.name_or_value_problem, &operand_problem_, &distinct_problem_, &function_problem_})
      if (!problem->empty()) {
        condition_problem_ = *problem;
        return;
      }
  }

  // -- to the tree

  std::vector<Operand> as_operands(std::vector<Node> nodes) {
    std::vector<Operand> out;
    out.reserve(nodes.size());
    for (auto& node : nodes) {
      if (node.kind == Node::Kind::Function && !node.arguments.empty()) {
        Operand operand = std::move(node.arguments[0].operand);
        operand.kind = operand.kind == Operand::Kind::Path ? Operand::Kind::SizeOfPath : Operand::Kind::SizeOfValue;
        out.push_back(std::move(operand));
      } else {
        out.push_back(std::move(node.operand));
      }
    }
    return out;
  }

  Condition as_condition(Node node) {
    if (node.kind == Node::Kind::Condition) return std::move(node.condition);
    if (node.function == "size") misused(node.function);
    Condition out;
    const auto* function = find_function(node.function);
    out.kind = function ? function->kind : Condition::Kind::AttributeExists;
    out.operands = as_operands(std::move(node.arguments));
    return out;
  }

  ExpressionReader reader_;
  const std::string_view what_;
  std::size_t depth_ = 0;
  std::size_t operators_ = 0;
  std::string parentheses_, unknown_function_, misused_function_, condition_problem_;
  std::string operand_problem_, distinct_problem_, function_problem_;
};

void collect_paths(const Condition& condition, std::vector<const Path*>& out) {
  for (const auto& operand : condition.operands)
    if (operand.kind == Operand::Kind::Path || operand.kind == Operand::Kind::SizeOfPath) out.push_back(&operand.path);
  for (const auto& part : condition.parts) collect_paths(part, out);
}

}  // namespace

const std::string* Placeholders::name(std::string_view placeholder) {
  const auto found = names.find(placeholder);
  if (found == names.end()) return nullptr;
  used_names_.emplace(placeholder);
  return &found->second;
}

const Value* Placeholders::value(std::string_view placeholder) {
  const auto found = values.find(placeholder);
  if (found == values.end()) return nullptr;
  used_values_.emplace(placeholder);
  return &found->second;
}

Result<void> Placeholders::check_all_used() const {
  const auto unused = [](const auto& all, const auto& used) {
    std::string out;
    for (const auto& [key, ignored] : all)
      if (!used.contains(key)) out += (out.empty() ? "" : ", ") + key;
    return out;
  };
  if (const auto left = unused(names, used_names_); !left.empty())
    return validation("Value provided in ExpressionAttributeNames unused in expressions: keys: {" + left + "}");
  if (const auto left = unused(values, used_values_); !left.empty())
    return validation("Value provided in ExpressionAttributeValues unused in expressions: keys: {" + left + "}");
  return {};
}

Result<Condition> parse_condition(std::string_view expression, Placeholders& placeholders, std::string_view what) {
  if (auto fine = check_expression_size(expression, what); !fine) return fail(fine);
  return ConditionParser(expression, placeholders, what).parse();
}

std::vector<const Path*> paths_of(const Condition& condition) {
  std::vector<const Path*> out;
  collect_paths(condition, out);
  return out;
}

}  // namespace likeness::dynamodb
