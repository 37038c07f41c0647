#include "states/expression.hpp"

#include <fmt/format.h>

#include <cctype>
#include <optional>
#include <vector>

namespace likeness::states {

struct IntrinsicArgument {
  Value literal;
  std::optional<JsonPath> path;
  std::shared_ptr<const IntrinsicCall> call;
};

struct IntrinsicCall {
  std::string name;
  std::string text;
  std::vector<IntrinsicArgument> arguments;
};

namespace {

constexpr int kMaxDepth = 10;  // AWS's limit for calls inside one another

class CallParser {
 public:
  explicit CallParser(std::string_view text) : text_(text) {}

  Result<std::shared_ptr<const IntrinsicCall>> run() {
    auto call = parse(0);
    if (!call) return call;
    space();
    if (at_ != text_.size()) return bad("there is more after its end");
    return call;
  }

 private:
  Failure bad(std::string_view why) const {
    return client_error("InvalidExpression",
                        fmt::format("The intrinsic function call '{}' is not valid: {}", text_, why));
  }
  void space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }

  Result<std::shared_ptr<const IntrinsicCall>> parse(int depth) {
    if (depth >= kMaxDepth) return bad("calls may be nested ten deep");
    auto call = std::make_shared<IntrinsicCall>();
    const auto start = at_;
    if (text_.substr(at_, 7) != "States.") return bad("a function's name begins with 'States.'");
    at_ += 7;
    const auto name = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0)) ++at_;
    call->name = text_.substr(name, at_ - name);
    if (!is_intrinsic(call->name)) return bad(fmt::format("there is no function States.{}", call->name));
    space();
    if (at_ >= text_.size() || text_[at_] != '(') return bad("'(' is missing");
    ++at_;
    space();
    if (at_ < text_.size() && text_[at_] == ')') {
      ++at_;
    } else {
      for (;;) {
        auto read = argument(depth, call->name == "Format" && call->arguments.empty());
        if (!read) return fail(read);
        call->arguments.push_back(std::move(*read));
        space();
        if (at_ >= text_.size()) return bad("')' is missing");
        if (text_[at_] == ',') {
          ++at_;
          continue;
        }
        if (text_[at_] != ')') return bad("',' or ')' is missing");
        ++at_;
        break;
      }
    }
    call->text = text_.substr(start, at_ - start);
    return std::shared_ptr<const IntrinsicCall>(std::move(call));
  }

  Result<IntrinsicArgument> argument(int depth, bool pattern) {
    space();
    if (at_ >= text_.size()) return bad("an argument is missing");
    IntrinsicArgument out;
    const char c = text_[at_];
    if (c == '\'') {
      auto text = literal(pattern);
      if (!text) return fail(text);
      out.literal = Value(std::move(*text));
      return out;
    }
    if (c == '$') return path();
    if (c == 'S') {
      auto inner = parse(depth + 1);
      if (!inner) return fail(inner);
      out.call = std::move(*inner);
      return out;
    }
    const auto start = at_;
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != ')' &&
           std::isspace(static_cast<unsigned char>(text_[at_])) == 0)
      ++at_;
    auto parsed = parse_json(text_.substr(start, at_ - start));
    if (!parsed || parsed->is_string() || parsed->is_array() || parsed->is_object())
      return bad(fmt::format("'{}' is no argument", text_.substr(start, at_ - start)));
    out.literal = std::move(*parsed);
    return out;
  }

  /// Text between apostrophes. A backslash may stand before an apostrophe, a brace and a backslash; it is kept before
  /// the braces of a pattern, because States.Format has to tell them from its own.
  Result<std::string> literal(bool pattern) {
    ++at_;
    std::string out;
    while (at_ < text_.size() && text_[at_] != '\'') {
      if (text_[at_] == '\\') {
        ++at_;
        if (at_ >= text_.size()) break;
        const char c = text_[at_];
        if (c == '{' || c == '}') {
          if (pattern) out.push_back('\\');
        } else if (c != '\'' && c != '\\') {
          return bad(fmt::format("'\\{}' is no escape sequence", c));
        }
      }
      out.push_back(text_[at_++]);
    }
    if (at_ >= text_.size()) return bad("an apostrophe is missing");
    ++at_;
    return out;
  }

  Result<IntrinsicArgument> path() {
    const auto start = at_;
    int brackets = 0;
    int parentheses = 0;
    char quote = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quote != 0) {
        if (c == '\\') {
          ++at_;
        } else if (c == quote) {
          quote = 0;
        }
        continue;
      }
      if (brackets > 0 && (c == '\'' || c == '"')) {
        quote = c;
      } else if (c == '[') {
        ++brackets;
      } else if (c == ']') {
        --brackets;
      } else if (c == '(') {
        ++parentheses;
      } else if (c == ')') {
        if (parentheses == 0 && brackets <= 0) break;
        --parentheses;
      } else if (c == ',' && brackets <= 0 && parentheses == 0) {
        break;
      }
    }
    at_ = std::min(at_, text_.size());
    auto text = text_.substr(start, at_ - start);
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
    auto parsed = JsonPath::parse(text);
    if (!parsed) return bad(parsed.error().message);
    IntrinsicArgument out;
    out.path = std::move(*parsed);
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Outcome<Value> evaluate_call(const IntrinsicCall& call, const Scope& scope) {
  std::vector<Value> arguments;
  arguments.reserve(call.arguments.size());
  for (const auto& argument : call.arguments) {
    if (argument.call != nullptr) {
      auto value = evaluate_call(*argument.call, scope);
      if (!value) return value;
      arguments.push_back(std::move(*value));
    } else if (argument.path) {
      auto value = read_path(*argument.path, scope);
      if (!value)
        return runtime_problem(
            fmt::format("The function '{}' had the following error: The JsonPath argument for the field '{}' could not "
                        "be found in the input '{}'",
                        call.text, argument.path->text(), write_json(scope.input)));
      arguments.push_back(std::move(*value));
    } else {
      arguments.push_back(argument.literal);
    }
  }
  auto result = call_intrinsic(call.name, arguments);
  if (!result)
    return tl::unexpected(Problem{
        "States.IntrinsicFailure",
        fmt::format("The function '{}' had the following error: {}", call.text, result.error().message), true, false});
  return std::move(*result);
}

}  // namespace

Result<Value> read_path(const JsonPath& path, const Scope& scope) {
  switch (path.root()) {
    case JsonPath::Root::Input: return path.read(scope.input);
    case JsonPath::Root::Context: return path.read(scope.context);
    case JsonPath::Root::Variable: break;
  }
  const auto at = scope.variables.find(path.variable());
  if (at == scope.variables.end()) return client_error("PathNotFound", "No results for path: $" + path.variable());
  return path.read(at->second);
}

Result<Expression> Expression::parse(std::string_view text) {
  Expression out;
  out.text_ = text;
  if (text.starts_with("States.")) {
    if (text.size() > 10000) return client_error("InvalidExpression", "The intrinsic function call is too long");
    auto call = CallParser(text).run();
    if (!call) return fail(call);
    out.call_ = std::move(*call);
    return out;
  }
  auto path = JsonPath::parse(text);
  if (!path) return client_error("InvalidExpression", path.error().message);
  out.path_ = std::move(*path);
  return out;
}

Outcome<Value> Expression::evaluate(const Scope& scope, std::string_view field) const {
  if (call_ != nullptr) return evaluate_call(*call_, scope);
  auto value = read_path(path_, scope);
  if (value) return std::move(*value);
  return runtime_problem(
      fmt::format("The JSONPath '{}' specified for the field '{}' could not be found in the input '{}'", text_, field,
                  write_json(scope.input)));
}

}  // namespace likeness::states
