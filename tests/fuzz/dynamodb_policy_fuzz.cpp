// Policies of tables and streams: any bytes as one of both. What is taken must be kept in a form that is taken again,
// says the same and does not change any more.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "domain/dynamodb/resource_policy.hpp"
#include "policy/document.hpp"

namespace dynamodb = likeness::dynamodb;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const auto of = data[0] % 2 == 0 ? dynamodb::PolicyOf::Table : dynamodb::PolicyOf::Stream;
  const auto policy = dynamodb::read_policy({reinterpret_cast<const char*>(data) + 1, size - 1}, of);
  if (!policy) return 0;
  const auto again = dynamodb::read_policy(policy->text, of);
  if (!again || again->text != policy->text) std::abort();
  if (again->document->statements().size() != policy->document->statements().size()) std::abort();
  if (!dynamodb::restore_policy(policy->text, "1")) std::abort();
  return 0;
}
