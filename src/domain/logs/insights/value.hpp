#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace likeness::logs::insights {

/// What an expression of a query is worth.
struct Value {
  enum class Kind : std::uint8_t { Nothing, Number, Text, Time };  // Time: milliseconds since 1970
  Kind kind = Kind::Nothing;
  double number = 0;
  std::string text;

  static Value of(double value) { return {Kind::Number, value, {}}; }
  static Value of(bool value) { return of(value ? 1.0 : 0.0); }
  static Value of(std::string value) { return {Kind::Text, 0, std::move(value)}; }
  static Value time(double millis) { return {Kind::Time, millis, {}}; }

  bool is_nothing() const { return kind == Kind::Nothing; }
  bool is_true() const { return kind == Kind::Text ? !text.empty() && text != "false" && text != "0" : number != 0; }
};

/// Whether it is a number, or a text that spells one.
bool as_number(const Value& value, double& out);
/// As results show it: "12.5", "2026-11-21 20:00:00.000".
std::string to_text(const Value& value);
/// Numbers by size, texts by their letters; nothing comes first. A text that spells a number is one beside a number.
int compare(const Value& a, const Value& b);

}  // namespace likeness::logs::insights
