#pragma once

#include <string_view>

namespace likeness::dynamodb {

/// Whether expressions may name the attribute only by a placeholder. Case does not matter.
bool is_reserved_word(std::string_view word);

}  // namespace likeness::dynamodb
