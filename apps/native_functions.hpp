#pragma once

#include "functions/native.hpp"

namespace likeness::apps {

/// The functions of the applications under the names by which a function is created with them (`ImageUri`
/// "native:photo_check").
void add_native_functions(functions::NativeRegistry& registry);

}  // namespace likeness::apps
