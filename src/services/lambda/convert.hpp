#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aws/gen/lambda.hpp"
#include "base/clock.hpp"
#include "domain/lambda/model.hpp"

/// Between the generated shapes and the values of the domain.
namespace likeness::lambda {

namespace shapes = aws::lambda;

/// "2026-11-21T10:15:30.123+0000", as Lambda writes times in texts.
std::string lambda_time(TimePoint time);

/// The texts of an enum of the model, in its order; empty if there is none of that name.
std::span<const std::string_view> enum_values(std::string_view name);

/// The value that a text stands for.
template <class Enum>
std::optional<Enum> enum_of(std::string_view name, std::string_view text) {
  static const auto values = enum_values(name);
  const auto at = std::ranges::find(values, text);
  if (at == values.end()) return std::nullopt;
  return static_cast<Enum>(at - values.begin());
}

template <class Enum>
std::vector<std::string> texts_of(const std::vector<Enum>& values) {
  std::vector<std::string> out;
  out.reserve(values.size());
  for (const auto value : values) out.emplace_back(to_text(value));
  return out;
}

/// `arn`: as it was asked for, with or without a qualifier.
shapes::FunctionConfiguration to_shape(const Function& function, const Configuration& version, std::string arn);
shapes::AliasConfiguration to_shape(const Function& function, const Alias& alias);

}  // namespace likeness::lambda
