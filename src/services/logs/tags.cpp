#include <utility>

#include "services/logs/common.hpp"

/// Tags of groups, by both of their APIs.
namespace likeness::logs {
namespace {

constexpr std::size_t kMost = 50;
using Tags = std::map<std::string, std::string>;

Result<aws::Empty> add(const Parts& parts, const std::string& name, const Tags& tags) {
  auto changed = parts.logs.change_group(name, [&](Group& group) -> Result<void> {
    for (const auto& [key, value] : tags) group.tags[key] = value;
    if (group.tags.size() > kMost) return client_error("TooManyTagsException", "A resource can have at most 50 tags.");
    return {};
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

Result<aws::Empty> remove(const Parts& parts, const std::string& name, const std::vector<std::string>& keys) {
  auto changed = parts.logs.change_group(name, [&](Group& group) -> Result<void> {
    for (const auto& key : keys) group.tags.erase(key);
    return {};
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

/// The group that a resource's ARN names. Destinations have tags on AWS, too; we have none.
Result<std::string> group_of_resource(const std::string& arn) {
  if (!arn.starts_with("arn:") || arn.find(":log-group:") == std::string::npos)
    return invalid("The specified resourceArn is not that of a log group.");
  return group_of(arn);
}

}  // namespace

void add_tags(aws::Service& service, const Parts& parts) {
  service.on<shapes::TagLogGroup>(with(parts, [](const Parts& p, const aws::RequestContext&, const auto& in) {
    return add(p, *in.log_group_name, *in.tags);
  }));
  service.on<shapes::UntagLogGroup>(with(parts, [](const Parts& p, const aws::RequestContext&, const auto& in) {
    return remove(p, *in.log_group_name, *in.tags);
  }));
  service.on<shapes::ListTagsLogGroup>(
      with(parts,
           [](const Parts& p, const aws::RequestContext&, const auto& in) -> Result<shapes::ListTagsLogGroupResponse> {
             auto group = p.logs.group(*in.log_group_name);
             if (!group) return fail(group);
             return shapes::ListTagsLogGroupResponse{.tags = (*group)->tags};
           }));
  service.on<shapes::TagResource>(
      with(parts, [](const Parts& p, const aws::RequestContext&, const auto& in) -> Result<aws::Empty> {
        auto name = group_of_resource(*in.resource_arn);
        if (!name) return fail(name);
        return add(p, *name, *in.tags);
      }));
  service.on<shapes::UntagResource>(
      with(parts, [](const Parts& p, const aws::RequestContext&, const auto& in) -> Result<aws::Empty> {
        auto name = group_of_resource(*in.resource_arn);
        if (!name) return fail(name);
        return remove(p, *name, *in.tag_keys);
      }));
  service.on<shapes::ListTagsForResource>(with(
      parts,
      [](const Parts& p, const aws::RequestContext&, const auto& in) -> Result<shapes::ListTagsForResourceResponse> {
        auto name = group_of_resource(*in.resource_arn);
        if (!name) return fail(name);
        auto group = p.logs.group(*name);
        if (!group) return fail(group);
        return shapes::ListTagsForResourceResponse{.tags = (*group)->tags};
      }));
}

}  // namespace likeness::logs
