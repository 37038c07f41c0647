#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace likeness::dynamodb {

/// DynamoDB's number: up to 38 significant decimal digits, magnitudes from 1E-130 to 9.99...E+125, and zero. Exact:
/// there is no binary fraction in between. Always in normal form, so equal numbers have equal members.
class Number {
 public:
  using Coefficient = unsigned __int128;  // below 10^38, which fits

  Number() = default;  // zero

  /// Errors: ValidationException with AWS's words for what is no number, too large, too small or too long.
  static Result<Number> parse(std::string_view text);
  static Number of(std::int64_t value);

  /// Without exponent, as DynamoDB answers: "-12.5", "0.001", "1000".
  std::string text() const;

  bool is_zero() const { return coefficient_ == 0; }
  bool is_negative() const { return negative_; }
  /// The value is 0.d1d2d3... x 10^magnitude; 0 for zero.
  int magnitude() const;
  /// Significant digits; 1 for zero.
  int digits() const;
  /// Bytes that the number counts for.
  std::size_t size() const;

  /// Errors: as of `parse`.
  Result<Number> plus(const Number& other) const;
  Result<Number> minus(const Number& other) const { return plus(other.negated()); }
  Number negated() const;

  /// The value if it is a whole number that fits.
  bool to_int64(std::int64_t& value) const;

  std::strong_ordering operator<=>(const Number& other) const;
  bool operator==(const Number& other) const = default;

  // For the encodings: coefficient x 10^exponent, no trailing zeros in the coefficient.
  Coefficient coefficient() const { return coefficient_; }
  int exponent() const { return exponent_; }
  static Number from_parts(bool negative, Coefficient coefficient, int exponent);

 private:
  Coefficient coefficient_ = 0;
  std::int16_t exponent_ = 0;
  bool negative_ = false;
};

}  // namespace likeness::dynamodb
