#pragma once

#include <string_view>

/// Scripts that the build embeds.
namespace likeness::states {

/// The package `jsonata`: defines the global function of that name.
std::string_view jsonata_library();
/// jsonata_glue.js.
std::string_view jsonata_glue();

}  // namespace likeness::states
