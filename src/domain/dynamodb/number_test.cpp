#include "domain/dynamodb/number.hpp"

#include <gtest/gtest.h>

namespace likeness::dynamodb {
namespace {

std::string text(std::string_view in) {
  const auto number = Number::parse(in);
  return number ? number->text() : number.error().message;
}

TEST(Number, IsKeptExactInNormalForm) {
  EXPECT_EQ(text("0"), "0");
  EXPECT_EQ(text("-0.000"), "0");
  EXPECT_EQ(text("+007.50"), "7.5");
  EXPECT_EQ(text(".5"), "0.5");
  EXPECT_EQ(text("5."), "5");
  EXPECT_EQ(text("1E3"), "1000");
  EXPECT_EQ(text("-12.5e-3"), "-0.0125");
  EXPECT_EQ(text("12345678901234567890123456789012345678"), "12345678901234567890123456789012345678");
  EXPECT_EQ(text("0.00000000000000000000000000000000000000000001"), "0.00000000000000000000000000000000000000000001");
  EXPECT_EQ(text("9.9999999999999999999999999999999999999E+125"), std::string(38, '9') + std::string(88, '0'));
  EXPECT_EQ(text("1E-130"), "0." + std::string(129, '0') + "1");
  EXPECT_EQ(text("1" + std::string(60, '0')), "1" + std::string(60, '0'));
}

TEST(Number, RefusesWhatDynamoDbRefusesInItsWords) {
  EXPECT_EQ(text(""), "The parameter cannot be converted to a numeric value");
  for (const auto* bad : {"abc", "-", ".", "1e", "1e+", "0x10", "1 ", " 1", "1..2", "NaN", "1_0"})
    EXPECT_EQ(text(bad), std::string("The parameter cannot be converted to a numeric value: ") + bad);
  EXPECT_EQ(text("1E126"), "Number overflow. Attempting to store a number with magnitude larger than supported range");
  EXPECT_EQ(text("-1E400000000000000"),
            "Number overflow. Attempting to store a number with magnitude larger than supported range");
  EXPECT_EQ(text("9E-131"),
            "Number underflow. Attempting to store a number with magnitude smaller than supported range");
  EXPECT_EQ(text("123456789012345678901234567890123456789"),
            "Attempting to store more than 38 significant digits in a Number");
  EXPECT_EQ(text("1.00000000000000000000000000000000000001"),
            "Attempting to store more than 38 significant digits in a Number");
}

TEST(Number, AddsExactly) {
  const auto sum = [](std::string_view a, std::string_view b) {
    const auto out = Number::parse(a)->plus(*Number::parse(b));
    return out ? out->text() : out.error().message;
  };
  EXPECT_EQ(sum("0.1", "0.2"), "0.3");
  EXPECT_EQ(sum("1E20", "-1"), "99999999999999999999");
  EXPECT_EQ(sum("5", "-5"), "0");
  EXPECT_EQ(sum("-5", "3"), "-2");
  EXPECT_EQ(sum("99999999999999999999999999999999999999", "1"), "1" + std::string(38, '0'));
  EXPECT_EQ(sum("1E38", "-1"), std::string(38, '9'));
  EXPECT_EQ(sum("1E40", "1"), "Attempting to store more than 38 significant digits in a Number");
  EXPECT_EQ(sum("1E100", "1E-100"), "Attempting to store more than 38 significant digits in a Number");
  EXPECT_EQ(sum("9E125", "1E125"),
            "Number overflow. Attempting to store a number with magnitude larger than supported range");
}

TEST(Number, Compares) {
  const char* ascending[] = {"-1E125", "-100", "-99.5", "-1", "-1E-130", "0",    "1E-130", "0.5",
                             "0.55",   "1",    "9",     "10", "11",      "1E38", "1E125"};
  for (std::size_t i = 0; i < std::size(ascending); ++i)
    for (std::size_t j = 0; j < std::size(ascending); ++j)
      EXPECT_EQ(*Number::parse(ascending[i]) <=> *Number::parse(ascending[j]), i <=> j)
          << ascending[i] << " and " << ascending[j];
}

TEST(Number, CountsTwoDigitsAByte) {
  EXPECT_EQ(Number::parse("0")->size(), 1u);
  EXPECT_EQ(Number::parse("1")->size(), 2u);
  EXPECT_EQ(Number::parse("-1")->size(), 3u);
  EXPECT_EQ(Number::parse("100")->size(), 2u);
  EXPECT_EQ(Number::parse("12345678901234567890123456789012345678")->size(), 20u);
}

TEST(Number, IsAWholeNumberOfSixtyFourBitsOrNot) {
  std::int64_t value = 0;
  EXPECT_TRUE(Number::parse("-9223372036854775808")->to_int64(value));
  EXPECT_EQ(value, INT64_MIN);
  EXPECT_FALSE(Number::parse("9223372036854775808")->to_int64(value));
  EXPECT_FALSE(Number::parse("1.5")->to_int64(value));
  EXPECT_EQ(Number::of(INT64_MIN).text(), "-9223372036854775808");
}

}  // namespace
}  // namespace likeness::dynamodb
