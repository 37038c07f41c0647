#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "events/comparable.hpp"
#include "events/wildcard.hpp"

namespace likeness::events {

/// What a single value of an event must be.
struct Test {
  enum class Kind : std::uint8_t {
    Exact,       // a string: `text`
    Number,      // `number`, or `text` letter by letter
    Literal,     // true, false, null: `text`
    IgnoreCase,  // `text` is folded, here and below
    Prefix,      //
    PrefixIgnoreCase,
    Suffix,
    SuffixIgnoreCase,
    Wildcard,  // `wildcards[0]`
    Range,     // of numbers, from `low` to `high`
    Network,   // an address within `address`/`bits`
    Exists,    // any value at all
    Absent,    // no value there
    // Everything, numbers and null too, except for:
    AnythingBut,        // `texts`
    AnythingButNumber,  // `numbers`, `texts` letter by letter
    AnythingButIgnoreCase,
    AnythingButPrefix,
    AnythingButSuffix,
    AnythingButWildcard,
  };

  Kind kind = Kind::Exact;
  bool low_open = false;
  bool high_open = false;
  int bits = 0;
  std::string text = {};
  std::optional<double> number = {};
  double low = 0;
  double high = 0;
  Address address = {};
  std::vector<std::string> texts = {};
  std::vector<double> numbers = {};
  std::vector<Wildcard> wildcards = {};
};

/// A field, by the names on the way to it with dots between them, and the tests of which one must hold.
struct FieldTest {
  std::string path;
  std::vector<Test> any_of;
};

/// Fields that must all match, in the order of their paths.
using Conjunction = std::vector<FieldTest>;

/// An event pattern: what rules, filters of event source mappings, filter policies and archives select events by. The
/// meaning of every operator is that of AWS, whose own matcher (Event Ruler) is what it is tested against. A value.
class Pattern {
 public:
  /// How many alternatives `$or` may multiply to.
  static constexpr std::size_t kMostAlternatives = 1000;

  /// InvalidEventPatternException with AWS's own text: "Event pattern is not valid. Reason: ...". `reason_only` leaves
  /// its first sentence away.
  static Result<Pattern> parse(std::string_view json, bool reason_only = false);

  /// One of them must match as a whole.
  const std::vector<Conjunction>& alternatives() const { return alternatives_; }

  /// For a single pattern; for many events build a Matcher. False too if `event` is no JSON object.
  bool matches(std::string_view event) const;

 private:
  friend class PatternParser;
  std::vector<Conjunction> alternatives_;
};

}  // namespace likeness::events
