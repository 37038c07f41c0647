#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace likeness::policy {

class Context;

/// A text of a policy: with wildcards (* and ?) or without, with policy variables (${aws:username}) or without.
/// What a variable stands for is taken literally, wildcards in it too. Immutable.
class Pattern {
 public:
  struct Form {
    bool wildcards = true;
    bool variables = false;
    bool ignore_case = false;
  };

  Pattern(std::string_view text, Form form);

  /// False if a variable of the pattern has no value and no default.
  bool matches(std::string_view text, const Context& context) const;
  /// As `matches`, but each of the six parts of an ARN by itself.
  bool matches_arn(std::string_view arn, const Context& context) const;

  const std::string& text() const { return text_; }

 private:
  // One character: a byte, or a wildcard.
  using Symbol = std::uint16_t;
  static constexpr Symbol kAnyText = 256, kAnyOne = 257;
  using Symbols = std::vector<Symbol>;
  struct Piece {
    Symbols symbols;       // before the variable
    std::string variable;  // empty: none
    std::string fallback;
    bool has_fallback = false;
  };

  void add_text(std::string_view text, Symbols& out) const;
  bool expand(const Context& context, Symbols& out) const;
  static bool match(const Symbol* pattern, const Symbol* pattern_end, std::string_view text, bool ignore_case);

  std::string text_;
  Form form_;
  std::vector<Piece> pieces_;  // where there are variables
  Symbols symbols_;            // where there are none
};

}  // namespace likeness::policy
