#pragma once

#include <string>
#include <vector>

#include "aws/service.hpp"

namespace likeness::aws {

/// docs/compatibility.md: every operation of every service as done, differs (how) or absent.
std::string compatibility_page(const std::vector<const Service*>& services);

}  // namespace likeness::aws
