#include "services/logs/common.hpp"

/// What a caller needs: each action on a group, or on one of its streams.
namespace likeness::logs {
namespace {

using policy::Permission;

template <class Input>
std::string group_in(const Input& in) {
  if constexpr (requires { in.log_group_identifier; }) {
    if constexpr (requires { in.log_group_name; })
      if (in.log_group_name) return *in.log_group_name;
    return group_of(in.log_group_identifier.value_or(""));
  } else if constexpr (requires { in.log_group_name; }) {
    return in.log_group_name.value_or("");
  } else {
    return {};
  }
}

/// "arn:...:log-group:NAME:log-stream:STREAM": policies say "log-group:NAME:*".
template <class Op>
void on_group(aws::Service& service, const Parts& parts, const char* action) {
  service.permissions<Op>([&policies = parts.policies, action](const aws::RequestContext& context, const auto& in) {
    Permission permission;
    permission.action = action;
    permission.resource = group_arn(context, group_in(in)) + ":log-stream:";
    if constexpr (requires { in.log_stream_name; }) permission.resource += in.log_stream_name.value_or("");
    if constexpr (requires { in.tags.value().begin()->second; }) {
      if (in.tags) {
        auto& keys = permission.context["aws:TagKeys"];
        for (const auto& [key, value] : *in.tags) {
          keys.push_back(key);
          permission.context["aws:RequestTag/" + key] = {value};
        }
      }
    }
    permission.resource_policy = policies.combined();
    return std::vector{std::move(permission)};
  });
}

void on_queried_groups(aws::Service& service) {
  service.permissions<shapes::StartQuery>([](const aws::RequestContext& context, const shapes::StartQueryRequest& in) {
    std::vector<Permission> out;
    const auto add = [&](const std::string& name) {
      out.push_back(
          Permission{.action = "logs:StartQuery", .resource = group_arn(context, group_of(name)) + ":log-stream:"});
    };
    if (in.log_group_name) add(*in.log_group_name);
    for (const auto* names : {&in.log_group_names, &in.log_group_identifiers})
      if (*names)
        for (const auto& name : **names) add(name);
    if (out.empty()) add("");
    return out;
  });
  service.permissions<shapes::StartLiveTail>(
      [](const aws::RequestContext& context, const shapes::StartLiveTailRequest& in) {
        std::vector<Permission> out;
        for (const auto& one : in.log_group_identifiers.value_or(std::vector<std::string>{""}))
          out.push_back(Permission{.action = "logs:StartLiveTail",
                                   .resource = group_arn(context, group_of(one)) + ":log-stream:"});
        return out;
      });
}

template <class Op>
void on_arn(aws::Service& service, const char* action) {
  service.permissions<Op>([action](const aws::RequestContext&, const auto& in) {
    return std::vector{Permission{.action = action, .resource = in.resource_arn.value_or("*")}};
  });
}

}  // namespace

void add_permissions(aws::Service& service, const Parts& parts) {
  on_group<shapes::CreateLogGroup>(service, parts, "logs:CreateLogGroup");
  on_group<shapes::DeleteLogGroup>(service, parts, "logs:DeleteLogGroup");
  on_group<shapes::DescribeLogGroups>(service, parts, "logs:DescribeLogGroups");
  on_group<shapes::PutRetentionPolicy>(service, parts, "logs:PutRetentionPolicy");
  on_group<shapes::DeleteRetentionPolicy>(service, parts, "logs:DeleteRetentionPolicy");
  on_group<shapes::PutLogGroupDeletionProtection>(service, parts, "logs:PutLogGroupDeletionProtection");
  on_group<shapes::CreateLogStream>(service, parts, "logs:CreateLogStream");
  on_group<shapes::DeleteLogStream>(service, parts, "logs:DeleteLogStream");
  on_group<shapes::DescribeLogStreams>(service, parts, "logs:DescribeLogStreams");
  on_group<shapes::PutLogEvents>(service, parts, "logs:PutLogEvents");
  on_group<shapes::GetLogEvents>(service, parts, "logs:GetLogEvents");
  on_group<shapes::FilterLogEvents>(service, parts, "logs:FilterLogEvents");
  on_group<shapes::PutMetricFilter>(service, parts, "logs:PutMetricFilter");
  on_group<shapes::DeleteMetricFilter>(service, parts, "logs:DeleteMetricFilter");
  on_group<shapes::DescribeMetricFilters>(service, parts, "logs:DescribeMetricFilters");
  on_group<shapes::PutSubscriptionFilter>(service, parts, "logs:PutSubscriptionFilter");
  on_group<shapes::DeleteSubscriptionFilter>(service, parts, "logs:DeleteSubscriptionFilter");
  on_group<shapes::DescribeSubscriptionFilters>(service, parts, "logs:DescribeSubscriptionFilters");
  on_group<shapes::GetLogGroupFields>(service, parts, "logs:GetLogGroupFields");
  on_queried_groups(service);
  on_group<shapes::TagLogGroup>(service, parts, "logs:TagLogGroup");
  on_group<shapes::UntagLogGroup>(service, parts, "logs:UntagLogGroup");
  on_group<shapes::ListTagsLogGroup>(service, parts, "logs:ListTagsLogGroup");
  on_arn<shapes::TagResource>(service, "logs:TagResource");
  on_arn<shapes::UntagResource>(service, "logs:UntagResource");
  on_arn<shapes::ListTagsForResource>(service, "logs:ListTagsForResource");
}

}  // namespace likeness::logs
