#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// How the values of events compare.
namespace likeness::events {

/// The number that `text` (a JSON number) stands for, if a double holds it exactly as it is written: others, such as a
/// long account number, are only ever equal to themselves, letter by letter.
std::optional<double> comparable_number(std::string_view text);

/// Letters in one case, for all scripts that have cases.
std::string folded(std::string_view text);

/// An IP address of four or sixteen bytes.
struct Address {
  std::array<std::uint8_t, 16> bytes{};
  std::uint8_t size = 0;

  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), size}; }
  /// With all but the first `bits` zero.
  Address masked(int bits) const;
  bool operator==(const Address&) const = default;
};
std::optional<Address> parse_address(std::string_view text);
/// Whether a text is meant to be an address, right or wrong: digits and dots, or hexadecimal digits and colons.
bool looks_like_address(std::string_view text);

}  // namespace likeness::events
