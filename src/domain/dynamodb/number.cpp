#include "domain/dynamodb/number.hpp"

#include <algorithm>
#include <array>

#include "domain/dynamodb/errors.hpp"

namespace likeness::dynamodb {

namespace {

constexpr int kMaxDigits = 38;
constexpr int kMaxMagnitude = 126;   // 9.9E+125 is 0.99E+126
constexpr int kMinMagnitude = -129;  // 1E-130 is 0.1E-129

using Coefficient = Number::Coefficient;

constexpr std::array<Coefficient, 39> powers_of_ten() {
  std::array<Coefficient, 39> powers{};
  powers[0] = 1;
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}
constexpr auto kPowers = powers_of_ten();

int digits_of(Coefficient value) {
  return static_cast<int>(std::upper_bound(kPowers.begin(), kPowers.end(), value) - kPowers.begin());
}

Failure not_a_number(std::string_view text) {
  return validation("The parameter cannot be converted to a numeric value" +
                    (text.empty() ? std::string() : ": " + std::string(text)));
}
Failure overflow() {
  return validation("Number overflow. Attempting to store a number with magnitude larger than supported range");
}
Failure underflow() {
  return validation("Number underflow. Attempting to store a number with magnitude smaller than supported range");
}
Failure too_long() { return validation("Attempting to store more than 38 significant digits in a Number"); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Number Number::from_parts(bool negative, Coefficient coefficient, int exponent) {
  Number number;
  if (coefficient == 0) return number;
  while (coefficient % 10 == 0) {
    coefficient /= 10;
    ++exponent;
  }
  number.coefficient_ = coefficient;
  number.exponent_ = static_cast<std::int16_t>(exponent);
  number.negative_ = negative;
  return number;
}

Number Number::of(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  return from_parts(value < 0, value < 0 ? ~bits + 1 : bits, 0);
}

Result<Number> Number::parse(std::string_view text) {
  std::size_t at = 0;
  bool negative = false;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) negative = text[at++] == '-';

  Coefficient coefficient = 0;
  int kept = 0;           // digits in the coefficient
  int waiting_zeros = 0;  // zeros that count only if a digit follows
  std::int64_t exponent = 0;
  bool any = false, fraction = false, longer = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !fraction) {
      fraction = true;
      continue;
    }
    if (!is_digit(c)) break;
    any = true;
    if (fraction) --exponent;
    if (c == '0') {
      if (kept > 0) ++waiting_zeros;
      continue;
    }
    if (kept + waiting_zeros + 1 > kMaxDigits) {
      longer = true;
      kept += waiting_zeros + 1;
      waiting_zeros = 0;
      continue;
    }
    for (int i = 0; i <= waiting_zeros; ++i) coefficient *= 10;
    coefficient += static_cast<unsigned>(c - '0');
    kept += waiting_zeros + 1;
    waiting_zeros = 0;
  }
  if (!any) return not_a_number(text);
  exponent += waiting_zeros;
  if (at < text.size()) {
    if (text[at] != 'e' && text[at] != 'E') return not_a_number(text);
    ++at;
    bool exponent_negative = false;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) exponent_negative = text[at++] == '-';
    if (at == text.size()) return not_a_number(text);
    std::int64_t given = 0;
    for (; at < text.size(); ++at) {
      if (!is_digit(text[at])) return not_a_number(text);
      given = std::min<std::int64_t>(given * 10 + (text[at] - '0'), 1'000'000'000);
    }
    exponent += exponent_negative ? -given : given;
  }
  if (kept == 0) return Number();
  const std::int64_t magnitude = exponent + kept;
  if (magnitude > kMaxMagnitude) return overflow();
  if (magnitude < kMinMagnitude) return underflow();
  if (longer) return too_long();
  return from_parts(negative, coefficient, static_cast<int>(exponent));
}

int Number::digits() const { return coefficient_ == 0 ? 1 : digits_of(coefficient_); }
int Number::magnitude() const { return coefficient_ == 0 ? 0 : exponent_ + digits(); }

std::size_t Number::size() const {
  if (is_zero()) return 1;
  // Two decimal digits a byte, aligned to the decimal point, and one byte for the exponent.
  const int count = digits();
  const int first = magnitude() - 1;  // exponent of the first digit
  const int bytes = 1 + (count + 1) / 2 + (count % 2 == 0 && first % 2 == 0 ? 1 : 0) + (negative_ ? 1 : 0);
  return static_cast<std::size_t>(bytes);
}

std::string Number::text() const {
  if (is_zero()) return "0";
  std::array<char, 40> buffer;
  int count = 0;
  for (Coefficient rest = coefficient_; rest != 0; rest /= 10)
    buffer[static_cast<std::size_t>(count++)] = static_cast<char>('0' + static_cast<int>(rest % 10));
  std::reverse(buffer.begin(), buffer.begin() + count);
  const std::string_view figures(buffer.data(), static_cast<std::size_t>(count));
  std::string out = negative_ ? "-" : "";
  const int point = count + exponent_;  // digits before the point
  if (exponent_ >= 0) {
    out += figures;
    out.append(static_cast<std::size_t>(exponent_), '0');
  } else if (point > 0) {
    out += figures.substr(0, static_cast<std::size_t>(point));
    out += '.';
    out += figures.substr(static_cast<std::size_t>(point));
  } else {
    out += "0.";
    out.append(static_cast<std::size_t>(-point), '0');
    out += figures;
  }
  return out;
}

Number Number::negated() const {
  Number out = *this;
  if (!is_zero()) out.negative_ = !negative_;
  return out;
}

Result<Number> Number::plus(const Number& other) const {
  if (is_zero()) return other;
  if (other.is_zero()) return *this;
  const Number& high = exponent_ >= other.exponent_ ? *this : other;
  const Number& low = exponent_ >= other.exponent_ ? other : *this;
  const int shift = high.exponent_ - low.exponent_;
  // Both on the lower exponent. What does not fit 38 digits then cannot come out exact either: nothing that the higher
  // one could lose is taken away again by the lower one.
  // (But for 10^38 less something, which the 128 bits have room for.)
  if (shift > kMaxDigits || high.coefficient_ > ~Coefficient{0} / 2 / kPowers[static_cast<std::size_t>(shift)])
    return too_long();
  const Coefficient left = high.coefficient_ * kPowers[static_cast<std::size_t>(shift)];
  const Coefficient right = low.coefficient_;
  Number out;
  if (high.negative_ == low.negative_) {
    out = from_parts(high.negative_, left + right, low.exponent_);
  } else if (left >= right) {
    out = from_parts(high.negative_, left - right, low.exponent_);
  } else {
    out = from_parts(low.negative_, right - left, low.exponent_);
  }
  if (out.is_zero()) return out;
  if (out.magnitude() > kMaxMagnitude) return overflow();
  if (out.magnitude() < kMinMagnitude) return underflow();
  if (out.digits() > kMaxDigits) return too_long();
  return out;
}

bool Number::to_int64(std::int64_t& value) const {
  if (is_zero()) {
    value = 0;
    return true;
  }
  if (exponent_ < 0 || magnitude() > 19) return false;
  const Coefficient whole = coefficient_ * kPowers[static_cast<std::size_t>(exponent_)];
  const Coefficient limit = static_cast<std::uint64_t>(INT64_MAX);
  if (whole > limit + (negative_ ? 1 : 0)) return false;
  const auto bits = static_cast<std::uint64_t>(whole);
  value = static_cast<std::int64_t>(negative_ ? ~bits + 1 : bits);
  return true;
}

std::strong_ordering Number::operator<=>(const Number& other) const {
  if (negative_ != other.negative_) return negative_ ? std::strong_ordering::less : std::strong_ordering::greater;
  const auto of_size = [&]() -> std::strong_ordering {
    if (is_zero() || other.is_zero()) return !is_zero() <=> !other.is_zero();
    if (const auto order = magnitude() <=> other.magnitude(); order != 0) return order;
    const int shift = exponent_ - other.exponent_;
    const Coefficient left = shift > 0 ? coefficient_ * kPowers[static_cast<std::size_t>(shift)] : coefficient_;
    const Coefficient right =
        shift < 0 ? other.coefficient_ * kPowers[static_cast<std::size_t>(-shift)] : other.coefficient_;
    return left < right ? std::strong_ordering::less
                        : (left > right ? std::strong_ordering::greater : std::strong_ordering::equal);
  }();
  return negative_ ? 0 <=> of_size : of_size;
}

}  // namespace likeness::dynamodb
