#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

#include "domain/logs/insights/query.hpp"

namespace likeness::logs::insights {
namespace {

template <class T>
using Parsed = tl::expected<T, QueryError>;
using Failed = tl::unexpected<QueryError>;

constexpr std::size_t kMaxDepth = 40;
constexpr std::size_t kMostCommands = 50;

bool is_name_start(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '@' || c == '_' || c == '$' || c == '`';
}
bool is_name_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '@' || c == '$';
}
bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

/// Milliseconds of "5m", "1h", "30s", "2d", "1w", "100ms".
std::optional<double> duration_of(double count, std::string_view unit) {
  struct Unit {
    std::string_view name;
    double millis;
  };
  constexpr std::array kUnits = {
      Unit{"ms", 1},         Unit{"msec", 1},        Unit{"s", 1e3},       Unit{"sec", 1e3},      Unit{"m", 60e3},
      Unit{"min", 60e3},     Unit{"h", 3600e3},      Unit{"hr", 3600e3},   Unit{"d", 86400e3},    Unit{"w", 604800e3},
      Unit{"mo", 2592e6},    Unit{"mon", 2592e6},    Unit{"q", 7776e6},    Unit{"y", 31536e6},    Unit{"yr", 31536e6},
      Unit{"minute", 60e3},  Unit{"minutes", 60e3},  Unit{"hour", 3600e3}, Unit{"hours", 3600e3}, Unit{"day", 86400e3},
      Unit{"days", 86400e3}, Unit{"week", 604800e3}, Unit{"second", 1e3},  Unit{"seconds", 1e3}};
  for (const auto& one : kUnits)
    if (same_word(one.name, unit)) return count * one.millis;
  return std::nullopt;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Parsed<Query> parse() {
    Query out;
    skip();
    while (at_ < text_.size()) {
      if (out.commands.size() == kMostCommands) return bad("the query has too many commands");
      auto one = command();
      if (!one) return Failed(std::move(one.error()));
      out.commands.push_back(std::move(*one));
      skip();
      if (at_ == text_.size()) break;
      if (!take("|")) return bad(fmt::format("unexpected symbol found {}", here()));
      skip();
      if (at_ == text_.size()) return bad("a command is missing behind the last '|'");
    }
    if (out.commands.empty()) return bad("the query is empty");
    return out;
  }

 private:
  std::string here() const {
    std::size_t end = at_;
    while (end < text_.size() && std::isspace(static_cast<unsigned char>(text_[end])) == 0 && end - at_ < 20) ++end;
    return std::string(text_.substr(at_, end - at_));
  }
  Failed bad(std::string why) const {
    return Failed(QueryError{std::move(why), std::min(at_, text_.size()), std::min(at_ + 1, text_.size())});
  }

  void skip() {
    while (at_ < text_.size()) {
      if (std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
        ++at_;
      } else if (text_[at_] == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else {
        return;
      }
    }
  }
  bool take(std::string_view symbol) {
    skip();
    if (!text_.substr(at_).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }
  bool peek_word(std::string_view word) {
    skip();
    const auto rest = text_.substr(at_);
    return rest.size() >= word.size() && same_word(rest.substr(0, word.size()), word) &&
           (rest.size() == word.size() || !is_name_char(rest[word.size()]));
  }
  bool take_word(std::string_view word) {
    if (!peek_word(word)) return false;
    at_ += word.size();
    return true;
  }

  Parsed<std::string> name() {
    skip();
    if (at_ == text_.size() || !is_name_start(text_[at_]))
      return bad(fmt::format("a name is expected, found '{}'", here()));
    std::string out;
    while (at_ < text_.size()) {
      if (text_[at_] == '`') {  // names with other characters stand in backticks, whole or in part
        const auto end = text_.find('`', at_ + 1);
        if (end == std::string_view::npos) return bad("a backtick is not closed");
        out += text_.substr(at_ + 1, end - at_ - 1);
        at_ = end + 1;
      } else if (is_name_char(text_[at_])) {
        out += text_[at_++];
      } else {
        break;
      }
    }
    return out;
  }

  Parsed<std::string> quoted() {
    const char quote = text_[at_];
    std::string out;
    for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] == '\\' && i + 1 < text_.size()) {
        const char next = text_[++i];
        if (next == 'n')
          out += '\n';
        else if (next == 't')
          out += '\t';
        else if (next == quote || next == '\\')
          out += next;
        else
          (out += '\\') += next;
      } else if (text_[i] == quote) {
        at_ = i + 1;
        return out;
      } else {
        out += text_[i];
      }
    }
    return bad("a quote is not closed");
  }

  /// Between slashes.
  Parsed<std::string> slashed() {
    std::string out;
    for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] == '\\' && i + 1 < text_.size()) {
        if (text_[i + 1] != '/') out += text_[i];
        out += text_[++i];
      } else if (text_[i] == '/') {
        at_ = i + 1;
        return out;
      } else {
        out += text_[i];
      }
    }
    return bad("a regular expression is not closed by '/'");
  }

  // -- expressions, from loosest to tightest

  Parsed<Expression> expression(std::size_t depth = 0) { return any_of(depth); }

  Parsed<Expression> binary(std::string op, Expression left, Parsed<Expression> right) {
    if (!right) return right;
    Expression out{.kind = Expression::Kind::Binary, .name = std::move(op)};
    out.parts.push_back(std::move(left));
    out.parts.push_back(std::move(*right));
    return out;
  }

  Parsed<Expression> any_of(std::size_t depth) {
    if (depth > kMaxDepth) return bad("the expression nests too deep");
    auto left = all_of(depth + 1);
    while (left && take_word("or")) left = binary("or", std::move(*left), all_of(depth + 1));
    return left;
  }
  Parsed<Expression> all_of(std::size_t depth) {
    auto left = negation(depth);
    while (left && take_word("and")) left = binary("and", std::move(*left), negation(depth));
    return left;
  }
  Parsed<Expression> negation(std::size_t depth) {
    if (depth > kMaxDepth) return bad("the expression nests too deep");
    if (!take_word("not")) return comparison(depth);
    auto inner = negation(depth + 1);
    if (!inner) return inner;
    Expression out{.kind = Expression::Kind::Not};
    out.parts.push_back(std::move(*inner));
    return out;
  }

  Parsed<Expression> pattern(Expression left, bool negated) {
    skip();
    if (at_ == text_.size()) return bad("LIKE lacks a pattern");
    std::string text;
    if (text_[at_] == '/') {
      auto regex = slashed();
      if (!regex) return Failed(std::move(regex.error()));
      text = std::move(*regex);
    } else if (text_[at_] == '"' || text_[at_] == '\'') {
      auto plain = quoted();
      if (!plain) return Failed(std::move(plain.error()));
      text = RE2::QuoteMeta(*plain);
    } else {
      return bad("LIKE takes a text or a regular expression");
    }
    auto compiled = Regex::compile(text);
    if (!compiled) return bad("the regular expression does not compile");
    Expression out{.kind = negated ? Expression::Kind::NotLike : Expression::Kind::Like};
    out.regex = std::make_shared<Regex>(std::move(*compiled));
    out.parts.push_back(std::move(left));
    return out;
  }

  Parsed<Expression> membership(Expression left, bool negated, std::size_t depth) {
    if (!take("[")) return bad("IN takes a list in brackets");
    Expression out{.kind = negated ? Expression::Kind::NotIn : Expression::Kind::In};
    out.parts.push_back(std::move(left));
    if (take("]")) return out;
    do {
      auto one = sum(depth + 1);
      if (!one) return one;
      out.parts.push_back(std::move(*one));
    } while (take(","));
    if (!take("]")) return bad("']' is missing");
    return out;
  }

  Parsed<Expression> comparison(std::size_t depth) {
    auto left = sum(depth + 1);
    if (!left) return left;
    if (take("=~")) return pattern(std::move(*left), false);
    for (const std::string_view op : {"!=", "<=", ">=", "==", "=", "<", ">"}) {
      if (!take(op)) continue;
      return binary(op == "==" ? "=" : std::string(op), std::move(*left), sum(depth + 1));
    }
    if (take_word("like")) return pattern(std::move(*left), false);
    if (take_word("in")) return membership(std::move(*left), false, depth);
    if (peek_word("not")) {
      const auto before = at_;
      take_word("not");
      if (take_word("like")) return pattern(std::move(*left), true);
      if (take_word("in")) return membership(std::move(*left), true, depth);
      at_ = before;
    }
    return left;
  }

  Parsed<Expression> sum(std::size_t depth) {
    if (depth > kMaxDepth) return bad("the expression nests too deep");
    auto left = product(depth + 1);
    while (left) {
      if (take("+"))
        left = binary("+", std::move(*left), product(depth + 1));
      else if (take("-"))
        left = binary("-", std::move(*left), product(depth + 1));
      else
        break;
    }
    return left;
  }
  Parsed<Expression> product(std::size_t depth) {
    auto left = power(depth);
    while (left) {
      if (take("*"))
        left = binary("*", std::move(*left), power(depth));
      else if (take("/"))
        left = binary("/", std::move(*left), power(depth));
      else if (take("%"))
        left = binary("%", std::move(*left), power(depth));
      else
        break;
    }
    return left;
  }
  Parsed<Expression> power(std::size_t depth) {
    if (depth > kMaxDepth) return bad("the expression nests too deep");
    auto left = primary(depth + 1);
    if (left && take("^")) return binary("^", std::move(*left), power(depth + 1));
    return left;
  }

  Parsed<Expression> number() {
    double value = 0;
    const auto* begin = text_.data() + at_;
    const auto read = std::from_chars(begin, text_.data() + text_.size(), value);
    if (read.ec != std::errc()) return bad("a number cannot be read");
    at_ += static_cast<std::size_t>(read.ptr - begin);
    std::size_t end = at_;
    while (end < text_.size() && std::isalpha(static_cast<unsigned char>(text_[end])) != 0) ++end;
    if (end > at_) {
      const auto millis = duration_of(value, text_.substr(at_, end - at_));
      if (!millis) return bad(fmt::format("'{}' is no unit of time", text_.substr(at_, end - at_)));
      at_ = end;
      value = *millis;
    }
    return Expression{.kind = Expression::Kind::Constant, .constant = Value::of(value)};
  }

  Parsed<Expression> primary(std::size_t depth) {
    if (depth > kMaxDepth) return bad("the expression nests too deep");
    skip();
    if (at_ == text_.size()) return bad("the query ends early");
    if (take("(")) {
      auto inner = any_of(depth + 1);
      if (!inner) return inner;
      if (!take(")")) return bad("')' is missing");
      return inner;
    }
    if (take("-")) {
      auto inner = primary(depth + 1);
      if (!inner) return inner;
      Expression out{.kind = Expression::Kind::Negate};
      out.parts.push_back(std::move(*inner));
      return out;
    }
    const char first = text_[at_];
    if (first == '"' || first == '\'') {
      auto text = quoted();
      if (!text) return Failed(std::move(text.error()));
      return Expression{.kind = Expression::Kind::Constant, .constant = Value::of(std::move(*text))};
    }
    if (std::isdigit(static_cast<unsigned char>(first)) != 0) return number();
    const auto begin = at_;
    auto word = name();
    if (!word) return Failed(std::move(word.error()));
    if (first == '`' || !take("(")) {
      if (same_word(*word, "true") || same_word(*word, "false"))
        return Expression{.kind = Expression::Kind::Constant, .constant = Value::of(same_word(*word, "true"))};
      return Expression{.kind = Expression::Kind::Field, .name = std::move(*word)};
    }
    return call(std::move(*word), begin, depth);
  }

  Parsed<Expression> call(std::string function, std::size_t begin, std::size_t depth) {
    Expression out{.kind = Expression::Kind::Call, .name = std::move(function)};
    std::ranges::transform(out.name, out.name.begin(),
                           [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
    std::size_t least = 0;
    std::size_t most = 0;
    if (!known_function(out.name, least, most)) {
      at_ = begin;
      return bad(fmt::format("the function {} is not available", out.name));
    }
    if (out.name == "count" && take("*")) {
      if (!take(")")) return bad("')' is missing");
      return out;
    }
    if (!take(")")) {
      do {
        auto argument = any_of(depth + 1);
        if (!argument) return argument;
        out.parts.push_back(std::move(*argument));
      } while (take(","));
      if (!take(")")) return bad("')' is missing");
    }
    if (out.parts.size() < least || out.parts.size() > most)
      return bad(fmt::format("the function {} takes another number of arguments", out.name));
    return out;
  }

  // -- commands

  /// "expression [as name], ...": a column without a name is called as it is written.
  Parsed<std::vector<Column>> columns() {
    std::vector<Column> out;
    do {
      skip();
      const auto begin = at_;
      auto one = expression();
      if (!one) return Failed(std::move(one.error()));
      Column column;
      auto written = text_.substr(begin, at_ - begin);
      while (!written.empty() && std::isspace(static_cast<unsigned char>(written.back())) != 0)
        written.remove_suffix(1);
      column.name = one->kind == Expression::Kind::Field ? one->name : std::string(written);
      column.expression = std::move(*one);
      if (take_word("as")) {
        auto alias = name();
        if (!alias) return Failed(std::move(alias.error()));
        column.name = std::move(*alias);
      }
      out.push_back(std::move(column));
    } while (take(","));
    return out;
  }

  Parsed<Command> listing(Command::Kind kind) {
    auto list = columns();
    if (!list) return Failed(std::move(list.error()));
    Command out{.kind = kind};
    out.columns = std::move(*list);
    for (const auto& column : out.columns)
      if (column.expression.kind == Expression::Kind::Call && is_aggregate(column.expression.name))
        return bad(fmt::format("the function {} belongs into stats", column.expression.name));
    return out;
  }

  Parsed<Command> stats() {
    auto list = columns();
    if (!list) return Failed(std::move(list.error()));
    Command out{.kind = Command::Kind::Stats};
    out.columns = std::move(*list);
    if (take_word("by")) {
      auto groups = columns();
      if (!groups) return Failed(std::move(groups.error()));
      out.groups = std::move(*groups);
    }
    return out;
  }

  Parsed<Command> sort() {
    Command out{.kind = Command::Kind::Sort};
    do {
      auto key = expression();
      if (!key) return Failed(std::move(key.error()));
      SortKey one{std::move(*key), false};
      if (take_word("desc"))
        one.descending = true;
      else
        take_word("asc");
      out.order.push_back(std::move(one));
    } while (take(","));
    return out;
  }

  Parsed<Command> parse_command() {
    Command out{.kind = Command::Kind::Parse};
    auto& extraction = out.extraction;
    extraction.source = Expression{.kind = Expression::Kind::Field, .name = "@message"};
    skip();
    if (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\'' && text_[at_] != '/') {
      auto source = primary(0);
      if (!source) return Failed(std::move(source.error()));
      extraction.source = std::move(*source);
      skip();
    }
    if (at_ == text_.size()) return bad("parse lacks its pattern");
    if (text_[at_] == '/') {
      auto text = slashed();
      if (!text) return Failed(std::move(text.error()));
      // Java's names of groups are RE2's with a P.
      std::string expression;
      for (std::size_t i = 0; i < text->size(); ++i) {
        expression += (*text)[i];
        if (text->compare(i, 3, "(?<") == 0 && i + 3 < text->size() && (*text)[i + 3] != '=' && (*text)[i + 3] != '!') {
          expression += "?P";
          ++i;
        }
      }
      RE2::Options options;
      options.set_log_errors(false);
      options.set_max_mem(1 << 20);
      auto regex = std::make_shared<RE2>(expression, options);
      if (!regex->ok()) return bad("the regular expression does not compile");
      for (const auto& [index, group] : regex->CapturingGroupNames()) {
        extraction.names.resize(std::max<std::size_t>(extraction.names.size(), static_cast<std::size_t>(index)));
        extraction.names[static_cast<std::size_t>(index) - 1] = group;
      }
      extraction.names.resize(static_cast<std::size_t>(regex->NumberOfCapturingGroups()));
      extraction.regex = std::move(regex);
      if (extraction.names.empty()) return bad("the regular expression captures nothing");
      if (!take_word("as")) return out;
      for (auto& one : extraction.names) one.clear();
      for (std::size_t i = 0; i == 0 || take(","); ++i) {
        auto alias = name();
        if (!alias) return Failed(std::move(alias.error()));
        if (i >= extraction.names.size()) return bad("there are more names than groups");
        extraction.names[i] = std::move(*alias);
      }
      return out;
    }
    auto glob = quoted();
    if (!glob) return Failed(std::move(glob.error()));
    std::string_view rest = *glob;
    while (true) {
      const auto star = rest.find('*');
      extraction.pieces.emplace_back(rest.substr(0, star));
      if (star == std::string_view::npos) break;
      rest.remove_prefix(star + 1);
    }
    if (!take_word("as")) return bad("parse lacks the names behind 'as'");
    do {
      auto alias = name();
      if (!alias) return Failed(std::move(alias.error()));
      extraction.names.push_back(std::move(*alias));
    } while (take(","));
    if (extraction.names.size() + 1 != extraction.pieces.size())
      return bad("parse has another number of names than of stars");
    return out;
  }

  Parsed<Command> command() {
    const auto begin = at_;
    if (take_word("fields")) return listing(Command::Kind::Fields);
    if (take_word("display")) return listing(Command::Kind::Display);
    if (take_word("dedup")) return listing(Command::Kind::Dedup);
    if (take_word("stats")) return stats();
    if (take_word("sort")) return sort();
    if (take_word("parse")) return parse_command();
    if (take_word("filter")) {
      auto condition = expression();
      if (!condition) return Failed(std::move(condition.error()));
      Command out{.kind = Command::Kind::Filter};
      out.condition = std::move(*condition);
      return out;
    }
    if (take_word("limit") || take_word("head")) {
      skip();
      Command out{.kind = Command::Kind::Limit};
      const auto* from = text_.data() + at_;
      const auto read = std::from_chars(from, text_.data() + text_.size(), out.limit);
      if (read.ec != std::errc() || out.limit == 0 || out.limit > 100'000)
        return bad("limit takes a number up to 100000");
      at_ += static_cast<std::size_t>(read.ptr - from);
      return out;
    }
    at_ = begin;
    for (const auto* one :
         {"pattern", "diff", "anomaly", "unmask", "unnest", "source", "filterindex", "join", "lookup", "tail"})
      if (peek_word(one)) return bad(fmt::format("the command {} is not available", one));
    return bad(fmt::format("unexpected symbol found {}", here()));
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

tl::expected<Query, QueryError> parse_query(std::string_view text) { return Parser(text).parse(); }

}  // namespace likeness::logs::insights
