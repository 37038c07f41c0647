// A subscription's filter policy and what is published, both from outside: the policy is refused or decides.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "domain/topics/endpoints.hpp"
#include "domain/topics/filter.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using likeness::topics::FilterPolicy;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const auto zero = all.find('\0');
  const auto policy = all.substr(0, zero);
  const auto body = zero == std::string_view::npos ? std::string_view("{}") : all.substr(zero + 1);
  likeness::queues::Attributes attributes;
  attributes["store"] = {"String", std::string(body), false};
  attributes["list"] = {"String.Array", std::string(body), false};
  attributes["price"] = {"Number", std::string(body), false};
  for (const auto scope : {FilterPolicy::Scope::Attributes, FilterPolicy::Scope::Body})
    if (const auto parsed = FilterPolicy::parse(policy, scope)) (void)(*parsed)->takes(body, attributes);
  likeness::topics::Publication publication;
  publication.message = body;
  (void)likeness::topics::read_structure(publication);
  return 0;
}
