#include "domain/metrics/expression.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>

#include "domain/metrics/query.hpp"

namespace likeness::metrics {
namespace {

constexpr std::size_t kMaxDepth = 40;

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text), whole_(text) {}

  Result<Expression> parse() {
    auto out = binary(0, 0);
    if (!out) return out;
    skip();
    if (!rest_.empty()) return bad(fmt::format("unexpected '{}'", rest_.substr(0, 20)));
    return out;
  }

 private:
  Failure bad(std::string_view why) const {
    return validation(fmt::format("Error in expression '{}': {}", whole_.substr(0, 200), why));
  }

  void skip() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())) != 0) rest_.remove_prefix(1);
  }
  bool take(std::string_view token) {
    skip();
    if (!rest_.starts_with(token)) return false;
    if (std::isalpha(static_cast<unsigned char>(token.front())) != 0 && rest_.size() > token.size() &&
        (std::isalnum(static_cast<unsigned char>(rest_[token.size()])) != 0 || rest_[token.size()] == '_'))
      return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  /// Operators from loosest to tightest.
  Result<Expression> binary(std::size_t level, std::size_t depth) {
    static constexpr std::array<std::array<std::string_view, 8>, 5> kLevels = {
        {{"||", "OR"}, {"&&", "AND"}, {"==", "!=", "<=", ">=", "<", ">"}, {"+", "-"}, {"*", "/"}}};
    if (depth > kMaxDepth) return bad("it nests too deep");
    if (level == kLevels.size()) return power(depth + 1);
    auto left = binary(level + 1, depth);
    if (!left) return left;
    while (true) {
      std::string_view found;
      for (const auto op : kLevels[level]) {
        if (op.empty() || !take(op)) continue;
        found = op;
        break;
      }
      if (found.empty()) return left;
      auto right = binary(level + 1, depth);
      if (!right) return right;
      if (found == "OR") found = "||";
      if (found == "AND") found = "&&";
      Expression both{.kind = Expression::Kind::Binary, .text = std::string(found)};
      both.parts.push_back(std::move(*left));
      both.parts.push_back(std::move(*right));
      left = std::move(both);
    }
  }

  Result<Expression> power(std::size_t depth) {
    if (depth > kMaxDepth) return bad("it nests too deep");
    auto left = unary(depth + 1);
    if (!left || !take("^")) return left;
    auto right = power(depth + 1);
    if (!right) return right;
    Expression both{.kind = Expression::Kind::Binary, .text = "^"};
    both.parts.push_back(std::move(*left));
    both.parts.push_back(std::move(*right));
    return both;
  }

  Result<Expression> unary(std::size_t depth) {
    if (depth > kMaxDepth) return bad("it nests too deep");
    for (const std::string_view op : {"-", "!", "NOT"}) {
      if (!take(op)) continue;
      auto inner = unary(depth + 1);
      if (!inner) return inner;
      Expression out{.kind = Expression::Kind::Unary, .text = op == "-" ? "-" : "!"};
      out.parts.push_back(std::move(*inner));
      return out;
    }
    return primary(depth);
  }

  Result<std::vector<Expression>> list(std::string_view end, std::size_t depth) {
    std::vector<Expression> out;
    if (take(end)) return out;
    while (true) {
      auto one = binary(0, depth + 1);
      if (!one) return fail(one);
      out.push_back(std::move(*one));
      if (take(end)) return out;
      if (!take(",")) return bad(fmt::format("'{}' is missing", end));
    }
  }

  Result<Expression> primary(std::size_t depth) {
    skip();
    if (rest_.empty()) return bad("it ends early");
    if (take("(")) {
      auto inner = binary(0, depth + 1);
      if (!inner) return inner;
      if (!take(")")) return bad("')' is missing");
      return inner;
    }
    if (take("[")) {
      auto items = list("]", depth);
      if (!items) return fail(items);
      Expression out{.kind = Expression::Kind::List};
      out.parts = std::move(*items);
      return out;
    }
    const char first = rest_.front();
    if (first == '"' || first == '\'') {
      const auto end = rest_.find(first, 1);
      if (end == std::string_view::npos) return bad("a quote is not closed");
      Expression out{.kind = Expression::Kind::Text, .text = std::string(rest_.substr(1, end - 1))};
      rest_.remove_prefix(end + 1);
      return out;
    }
    if (std::isdigit(static_cast<unsigned char>(first)) != 0 || first == '.') {
      Expression out;
      const auto read = std::from_chars(rest_.data(), rest_.data() + rest_.size(), out.number);
      if (read.ec != std::errc()) return bad("a number cannot be read");
      rest_.remove_prefix(static_cast<std::size_t>(read.ptr - rest_.data()));
      return out;
    }
    std::size_t length = 0;
    while (length < rest_.size() &&
           (std::isalnum(static_cast<unsigned char>(rest_[length])) != 0 || rest_[length] == '_'))
      ++length;
    if (length == 0) return bad(fmt::format("unexpected '{}'", rest_.substr(0, 20)));
    Expression out{.kind = Expression::Kind::Name, .text = std::string(rest_.substr(0, length))};
    rest_.remove_prefix(length);
    if (!take("(")) return out;
    auto arguments = list(")", depth);
    if (!arguments) return fail(arguments);
    out.kind = Expression::Kind::Call;
    out.parts = std::move(*arguments);
    return out;
  }

  std::string_view rest_;
  const std::string_view whole_;
};

}  // namespace

Result<Expression> parse_expression(std::string_view text) { return Parser(text).parse(); }

void names_in(const Expression& expression, std::vector<std::string>& out) {
  if (expression.kind == Expression::Kind::Name && !expression.text.empty() &&
      std::islower(static_cast<unsigned char>(expression.text.front())) != 0)
    out.push_back(expression.text);
  for (const auto& part : expression.parts) names_in(part, out);
}

}  // namespace likeness::metrics
