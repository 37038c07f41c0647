#pragma once

#include <span>
#include <string_view>

namespace likeness::functions {

/// Files of runtime/ that are part of the program.
struct RuntimeFile {
  std::string_view name;  // "node/bootstrap.mjs"
  std::string_view content;
};
std::span<const RuntimeFile> runtime_files();

}  // namespace likeness::functions
