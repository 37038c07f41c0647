#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"

/// For tests: packages.
namespace likeness::lambda::testing {

struct ZipEntry {
  std::string name;
  std::string text;
  unsigned mode = 0100644;
};

Bytes make_zip(const std::vector<ZipEntry>& entries);

}  // namespace likeness::lambda::testing
