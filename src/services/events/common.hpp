#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/service.hpp"
#include "base/bytes.hpp"
#include "services/events/provider.hpp"

namespace likeness::eventbridge {

inline Failure invalid(std::string message) { return client_error("ValidationException", std::move(message)); }

/// A page of `all`, which are in the order of `name_of`. Error: ValidationException for a token that is none.
template <class T, class In, class NameOf>
Result<std::pair<std::vector<T>, std::optional<std::string>>> page_of(std::vector<T> all, const In& in,
                                                                      NameOf name_of) {
  auto at = all.begin();
  if (in.next_token) {
    const auto after = from_base64(*in.next_token);
    if (!after || after->empty()) return invalid("Parameter NextToken is not valid.");
    const std::string last(as_text(*after));
    at = std::find_if(all.begin(), all.end(), [&](const T& item) { return name_of(item) > last; });
  }
  const auto limit = static_cast<std::ptrdiff_t>(in.limit.value_or(100));
  const auto end = all.end() - at > limit ? at + limit : all.end();
  std::optional<std::string> token;
  if (end != all.end()) token = to_base64(as_bytes(name_of(*std::prev(end))));
  return std::pair{std::vector<T>(std::make_move_iterator(at), std::make_move_iterator(end)), token};
}

/// One permission, on what `resource_of` says of the input.
template <class Op, class ResourceOf>
void needs(aws::Service& service, ResourceOf resource_of) {
  service.permissions<Op>([resource_of](const aws::RequestContext& context, const typename Op::Input& in) {
    policy::Permission permission;
    permission.action = "events:" + std::string(Op::kName);
    permission.resource = resource_of(context, in);
    if constexpr (requires { in.tags->front().key; }) {
      if (in.tags)
        for (const auto& tag : *in.tags) {
          permission.context["aws:RequestTag/" + tag.key.value_or("")] = {tag.value.value_or("")};
          permission.context["aws:TagKeys"].push_back(tag.key.value_or(""));
        }
    }
    return std::vector{std::move(permission)};
  });
}

/// On the rule that the input names.
template <class Op>
void needs_rule(aws::Service& service, const Parts& parts) {
  needs<Op>(service, [&registry = parts.registry](const aws::RequestContext&, const typename Op::Input& in) {
    std::string name;
    if constexpr (requires { in.rule; })
      name = in.rule.value_or("");
    else
      name = in.name.value_or("");
    return registry.rule_arn(registry.bus_name(in.event_bus_name), name);
  });
}

Result<Tags> tags_of(const std::vector<shapes::Tag>& tags);

}  // namespace likeness::eventbridge
