#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

/// What the kinds of filter patterns share: expressions over named things, and the comparisons in them.
namespace likeness::logs {

/// A regular expression of a pattern (`%...%`), of any message part.
class Regex {
 public:
  static Result<Regex> compile(std::string_view expression);
  bool found_in(std::string_view text) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

enum class Comparator {
  Equal,
  NotEqual,
  Less,
  LessOrEqual,
  Greater,
  GreaterOrEqual,
  IsNull,
  IsTrue,
  IsFalse,
  NotExists,
  Exists
};

/// One comparison: `subject` is a selector's or a field's name.
struct Comparison {
  std::string subject;
  Comparator comparator = Comparator::Equal;
  std::string text;              // the operand; '*' stands for anything
  bool quoted = false;           // it was, so it is no number
  std::optional<double> number;  // the operand, where it is one
  std::optional<Regex> regex;
};

/// A tree of comparisons.
struct Condition {
  enum class Kind { Compare, And, Or } kind = Kind::Compare;
  Comparison comparison;
  std::vector<Condition> parts;
};

/// Does `text` look like `pattern`, in which '*' stands for any text?
bool matches_wildcard(std::string_view text, std::string_view pattern);
std::optional<double> number_of(std::string_view text);
/// A text against a comparison's operand; the comparators that look at presence do not get here.
bool compare(std::string_view text, const Comparison& comparison);

/// Reads patterns from left to right. Errors have no position: AWS's have none that clients rely on.
class PatternReader {
 public:
  explicit PatternReader(std::string_view text) : rest_(text) {}

  void skip_space();
  bool at_end() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool take(std::string_view token);
  bool take_word(std::string_view word);  // a keyword, in any case, that ends there
  /// Up to the closing quote; \" and \\ are escapes.
  Result<std::string> quoted();
  /// Up to the closing '%'.
  Result<std::string> percented();
  /// While `inside` holds.
  template <class Inside>
  std::string while_in(Inside inside) {
    std::size_t end = 0;
    while (end < rest_.size() && inside(rest_[end])) ++end;
    std::string out(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return out;
  }
  std::string_view rest() const { return rest_; }
  void advance(std::size_t count) { rest_.remove_prefix(count); }

 private:
  std::string_view rest_;
};

/// `comparator operand` behind a subject. `stops` are what ends an operand without quotes.
Result<void> read_comparison(PatternReader& reader, std::string_view stops, Comparison& comparison);

Failure bad_pattern(std::string_view why);

}  // namespace likeness::logs
