// Policy documents: any bytes as one of the three kinds of document, then a call judged by it with keys and a resource
// taken from the same bytes. Judging twice must say the same.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "policy/document.hpp"
#include "policy/evaluate.hpp"

namespace policy = likeness::policy;

namespace {

/// Up to the next line feed.
std::string take_line(std::string_view& text) {
  const auto end = text.find('\n');
  std::string line(text.substr(0, end));
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const auto kind = static_cast<policy::DocumentKind>(data[0] % 3);
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  policy::Permission permission;
  permission.action = take_line(text);
  permission.resource = take_line(text);
  const std::string value = take_line(text);
  for (const char* key : {"t:a", "s3:prefix", "aws:SourceIp"}) permission.context[key] = {value, permission.resource};

  auto document = policy::Document::parse(text, kind);
  if (!document) return 0;
  policy::Principal caller;
  caller.kind = policy::Principal::Kind::User;
  caller.account = "111111111111";
  caller.name = value;
  caller.arn = "arn:aws:iam::111111111111:user/" + value;
  policy::IdentityPolicies policies;
  if (kind == policy::DocumentKind::Identity)
    policies = {.identity = {{"fuzzed", *document}}, .boundary = policy::NamedPolicy{"boundary", *document}};
  else
    permission.resource_policy = *document;
  permission.resource_policy_decides = kind == policy::DocumentKind::Trust;
  const policy::Environment environment{.account = "111111111111", .secure = true};
  const auto first = policy::evaluate(caller, permission, policies, environment);
  const auto second = policy::evaluate(caller, permission, policies, environment);
  if (first.outcome != second.outcome || first.layer != second.layer) std::abort();
  if (!first.allowed() && policy::denial_message(caller, permission, first).empty()) std::abort();
  if (policy::explain(first, policies).empty()) std::abort();
  return 0;
}
