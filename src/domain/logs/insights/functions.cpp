#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <optional>

#include "domain/logs/insights/row.hpp"

/// Expressions over rows.
namespace likeness::logs::insights {
namespace {

constexpr std::size_t kMostText = 1 << 20;  // that a function makes

using Arguments = std::vector<Value>;
using Function = std::function<Value(const Arguments&)>;

struct Known {
  std::size_t least, most;
  Function run;  // null: an aggregate, or one that looks at the row
};

std::optional<double> number(const Arguments& arguments, std::size_t i) {
  double out = 0;
  if (i >= arguments.size() || !as_number(arguments[i], out)) return std::nullopt;
  return out;
}

Function numeric(double (*function)(double)) {
  return [function](const Arguments& arguments) {
    const auto x = number(arguments, 0);
    return x ? Value::of(function(*x)) : Value();
  };
}

Function textual(std::string (*function)(std::string)) {
  return [function](const Arguments& arguments) {
    return arguments[0].is_nothing() ? Value() : Value::of(function(to_text(arguments[0])));
  };
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return text;
}
std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); });
  return text;
}

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

/// trim(text[, characters]); sides: 1 left, 2 right.
Function trimming(int sides) {
  return [sides](const Arguments& arguments) {
    if (arguments[0].is_nothing()) return Value();
    auto text = to_text(arguments[0]);
    const auto what = arguments.size() > 1 ? to_text(arguments[1]) : std::string(" \t\r\n");
    if ((sides & 2) != 0) text.erase(text.find_last_not_of(what) + 1);
    if ((sides & 1) != 0) text.erase(0, std::min(text.find_first_not_of(what), text.size()));
    return Value::of(std::move(text));
  };
}

Value substring(const Arguments& arguments) {
  if (arguments[0].is_nothing()) return {};
  const auto text = to_text(arguments[0]);
  const auto from = std::clamp(number(arguments, 1).value_or(0), 0.0, static_cast<double>(text.size()));
  const auto count = std::max(0.0, number(arguments, 2).value_or(static_cast<double>(text.size())));
  return Value::of(text.substr(static_cast<std::size_t>(from),
                               static_cast<std::size_t>(std::min(count, static_cast<double>(text.size())))));
}

Value replace(const Arguments& arguments) {
  if (arguments[0].is_nothing()) return {};
  auto text = to_text(arguments[0]);
  const auto from = to_text(arguments[1]);
  const auto to = to_text(arguments[2]);
  if (from.empty()) return Value::of(std::move(text));
  std::string out;
  std::size_t at = 0;
  while (true) {
    const auto found = text.find(from, at);
    out += text.substr(at, found == std::string::npos ? found : found - at);
    if (found == std::string::npos || out.size() > kMostText) return Value::of(std::move(out));
    out += to;
    at = found + from.size();
  }
}

Value extreme(const Arguments& arguments, bool greatest) {
  std::optional<double> out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto x = number(arguments, i);
    if (!x) continue;
    out = !out ? *x : greatest ? std::max(*out, *x) : std::min(*out, *x);
  }
  return out ? Value::of(*out) : Value();
}

Value to_step(double millis, double step, bool up) {
  if (!(step >= 1)) return {};
  return Value::time((up ? std::ceil(millis / step) : std::floor(millis / step)) * step);
}

Function to_steps(bool up) {
  return [up](const Arguments& arguments) {
    const auto time = number(arguments, 0);
    const auto step = number(arguments, 1);
    return time && step ? to_step(*time, *step, up) : Value();
  };
}

const std::map<std::string_view, Known>& functions() {
  static const std::map<std::string_view, Known> known = {
      // aggregates
      {"count", {0, 1, nullptr}},
      {"count_distinct", {1, 1, nullptr}},
      {"sum", {1, 1, nullptr}},
      {"avg", {1, 1, nullptr}},
      {"min", {1, 1, nullptr}},
      {"max", {1, 1, nullptr}},
      {"stddev", {1, 1, nullptr}},
      {"median", {1, 1, nullptr}},
      {"pct", {2, 2, nullptr}},
      {"earliest", {1, 1, nullptr}},
      {"latest", {1, 1, nullptr}},
      {"sortsfirst", {1, 1, nullptr}},
      {"sortslast", {1, 1, nullptr}},
      // of the row
      {"bin", {1, 1, nullptr}},
      {"ispresent", {1, 1, [](const Arguments& a) { return Value::of(!a[0].is_nothing()); }}},
      {"isempty", {1, 1, [](const Arguments& a) { return Value::of(to_text(a[0]).empty()); }}},
      {"isblank", {1, 1, [](const Arguments& a) { return Value::of(is_blank(to_text(a[0]))); }}},
      {"coalesce",
       {1, 50,
        [](const Arguments& a) {
          const auto at = std::ranges::find_if(a, [](const Value& one) { return !one.is_nothing(); });
          return at == a.end() ? Value() : *at;
        }}},
      {"abs", {1, 1, numeric([](double x) { return std::abs(x); })}},
      {"ceil", {1, 1, numeric([](double x) { return std::ceil(x); })}},
      {"floor", {1, 1, numeric([](double x) { return std::floor(x); })}},
      {"log", {1, 1, numeric([](double x) { return std::log(x); })}},
      {"sqrt", {1, 1, numeric([](double x) { return std::sqrt(x); })}},
      {"greatest", {1, 50, [](const Arguments& a) { return extreme(a, true); }}},
      {"least", {1, 50, [](const Arguments& a) { return extreme(a, false); }}},
      {"strlen",
       {1, 1,
        [](const Arguments& a) {
          return a[0].is_nothing() ? Value() : Value::of(static_cast<double>(to_text(a[0]).size()));
        }}},
      {"toupper", {1, 1, textual(upper)}},
      {"tolower", {1, 1, textual(lower)}},
      {"upper", {1, 1, textual(upper)}},
      {"lower", {1, 1, textual(lower)}},
      {"trim", {1, 2, trimming(3)}},
      {"ltrim", {1, 2, trimming(1)}},
      {"rtrim", {1, 2, trimming(2)}},
      {"substr", {2, 3, substring}},
      {"replace", {3, 3, replace}},
      {"strcontains",
       {2, 2,
        [](const Arguments& a) {
          return Value::of(!a[0].is_nothing() && to_text(a[0]).find(to_text(a[1])) != std::string::npos);
        }}},
      {"concat",
       {1, 50,
        [](const Arguments& a) {
          std::string out;
          for (const auto& one : a)
            if (out.size() < kMostText) out += to_text(one);
          return Value::of(std::move(out));
        }}},
      {"datefloor", {2, 2, to_steps(false)}},
      {"dateceil", {2, 2, to_steps(true)}},
      {"frommillis",
       {1, 1,
        [](const Arguments& a) {
          const auto millis = number(a, 0);
          return millis ? Value::time(*millis) : Value();
        }}},
      {"tomillis",
       {1, 1,
        [](const Arguments& a) {
          const auto millis = number(a, 0);
          return millis ? Value::of(*millis) : Value();
        }}},
      {"now",
       {0, 0, [](const Arguments&) {
          return Value::of(static_cast<double>(
              std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count()));
        }}}};
  return known;
}

Value arithmetic(char op, const Value& a, const Value& b) {
  double x = 0;
  double y = 0;
  if (!as_number(a, x) || !as_number(b, y)) return {};
  switch (op) {
    case '+': return Value::of(x + y);
    case '-': return Value::of(x - y);
    case '*': return Value::of(x * y);
    case '/': return y == 0 ? Value() : Value::of(x / y);
    case '%': return y == 0 ? Value() : Value::of(std::fmod(x, y));
    default: return Value::of(std::pow(x, y));
  }
}

Value binary(const Expression& expression, const Row& row, const Slots* slots) {
  const auto& op = expression.name;
  const auto left = evaluate(expression.parts[0], row, slots);
  if (op == "and") return Value::of(left.is_true() && evaluate(expression.parts[1], row, slots).is_true());
  if (op == "or") return Value::of(left.is_true() || evaluate(expression.parts[1], row, slots).is_true());
  const auto right = evaluate(expression.parts[1], row, slots);
  if (op.size() == 1 && std::string_view("+-*/%^").find(op[0]) != std::string_view::npos)
    return arithmetic(op[0], left, right);
  // What is not there is equal to nothing and different from everything.
  if (left.is_nothing() || right.is_nothing()) return Value::of(op == "!=" && left.is_nothing() != right.is_nothing());
  const int order = compare(left, right);
  if (op == "=") return Value::of(order == 0);
  if (op == "!=") return Value::of(order != 0);
  if (op == "<") return Value::of(order < 0);
  if (op == "<=") return Value::of(order <= 0);
  if (op == ">") return Value::of(order > 0);
  return Value::of(order >= 0);
}

}  // namespace

bool is_aggregate(std::string_view function) {
  const auto at = functions().find(function);
  return at != functions().end() && !at->second.run && function != "bin";
}

bool known_function(std::string_view name, std::size_t& least, std::size_t& most) {
  const auto at = functions().find(name);
  if (at == functions().end()) return false;
  least = at->second.least;
  most = at->second.most;
  return true;
}

Value evaluate(const Expression& expression, const Row& row, const Slots* slots) {
  switch (expression.kind) {
    case Expression::Kind::Constant: return expression.constant;
    case Expression::Kind::Field: return row.get(expression.name);
    case Expression::Kind::Not: return Value::of(!evaluate(expression.parts[0], row, slots).is_true());
    case Expression::Kind::Negate: return arithmetic('-', Value::of(0.0), evaluate(expression.parts[0], row, slots));
    case Expression::Kind::Binary: return binary(expression, row, slots);
    case Expression::Kind::Like:
    case Expression::Kind::NotLike: {
      const auto value = evaluate(expression.parts[0], row, slots);
      const bool found = !value.is_nothing() && expression.regex->found_in(to_text(value));
      return Value::of(found == (expression.kind == Expression::Kind::Like));
    }
    case Expression::Kind::In:
    case Expression::Kind::NotIn: {
      const auto value = evaluate(expression.parts[0], row, slots);
      bool found = false;
      for (std::size_t i = 1; i < expression.parts.size() && !found; ++i) {
        const auto other = evaluate(expression.parts[i], row, slots);
        found = !value.is_nothing() && !other.is_nothing() && compare(value, other) == 0;
      }
      return Value::of(found == (expression.kind == Expression::Kind::In));
    }
    case Expression::Kind::Call: break;
  }
  if (slots != nullptr)
    if (const auto at = slots->find(&expression); at != slots->end()) return at->second;
  if (expression.name == "bin") {
    double step = 0;
    double time = 0;
    if (!as_number(evaluate(expression.parts[0], row, slots), step) || !as_number(row.get("@timestamp"), time))
      return {};
    return to_step(time, step, false);
  }
  const auto at = functions().find(expression.name);
  if (at == functions().end() || !at->second.run) return {};
  Arguments arguments;
  arguments.reserve(expression.parts.size());
  for (const auto& part : expression.parts) arguments.push_back(evaluate(part, row, slots));
  return at->second.run(arguments);
}

}  // namespace likeness::logs::insights
