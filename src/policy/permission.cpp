#include "policy/permission.hpp"

#include <algorithm>
#include <utility>

namespace likeness::policy {
namespace {

// Bytes outside ASCII stay as they are: keys are ASCII.
unsigned char lower(char c) { return static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }

}  // namespace

bool CaseInsensitiveLess::operator()(std::string_view a, std::string_view b) const {
  return std::ranges::lexicographical_compare(a, b, {}, lower, lower);
}

Permission pass_role(std::string role_arn, std::string service) {
  return {.action = "iam:PassRole",
          .resource = std::move(role_arn),
          .context = {{"iam:PassedToService", {std::move(service)}}}};
}

}  // namespace likeness::policy
