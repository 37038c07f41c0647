#include "states/resource.hpp"

#include <algorithm>
#include <array>

namespace likeness::states {

std::optional<TaskResource> parse_resource(std::string_view arn) {
  // arn : partition : service : region : account : rest
  std::array<std::string_view, 5> parts;
  std::string_view rest = arn;
  for (auto& part : parts) {
    const auto colon = rest.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    part = rest.substr(0, colon);
    rest.remove_prefix(colon + 1);
  }
  if (parts[0] != "arn" || rest.empty()) return std::nullopt;
  TaskResource out;
  out.arn = arn;
  if (parts[2] == "lambda" && rest.starts_with("function:") && rest.size() > 9) {
    out.kind = TaskResource::Kind::Function;
    return out;
  }
  if (parts[2] != "states") return std::nullopt;
  if (rest.starts_with("activity:") && rest.size() > 9) {
    out.kind = TaskResource::Kind::Activity;
    return out;
  }
  if (!parts[4].empty()) return std::nullopt;
  const auto strip = [&](std::string_view suffix, TaskResource::Pattern pattern) {
    if (!rest.ends_with(suffix)) return false;
    rest.remove_suffix(suffix.size());
    out.pattern = pattern;
    return true;
  };
  if (!strip(".waitForTaskToken", TaskResource::Pattern::Token) && !strip(".sync:2", TaskResource::Pattern::Sync2))
    strip(".sync", TaskResource::Pattern::Sync);
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == rest.size()) return std::nullopt;
  out.service = rest.substr(0, colon);
  out.action = rest.substr(colon + 1);
  const bool sdk = out.service.starts_with("aws-sdk:");
  if (!sdk && out.service.find(':') != std::string::npos) return std::nullopt;
  if (sdk && out.service.size() == 8) return std::nullopt;
  return out;
}

}  // namespace likeness::states
