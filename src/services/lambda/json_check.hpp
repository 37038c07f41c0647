#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace likeness::lambda {

/// What is wrong with a text that should be one JSON value; nullopt if nothing is. Keeps nothing of it in memory.
std::optional<std::string> json_problem(std::string_view text);

}  // namespace likeness::lambda
