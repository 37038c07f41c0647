#include "services/cloudwatch/common.hpp"

/// What a caller needs: data are of no resource, alarms are. Signatures are for "monitoring", actions are
/// "cloudwatch:".
namespace likeness::metrics {
namespace {

using policy::Permission;

template <class Op>
void on_alarm(aws::Service& service, const char* action) {
  service.permissions<Op>([action](const aws::RequestContext& context, const auto& in) {
    return std::vector{Permission{.action = action, .resource = alarm_arn(context, in.alarm_name.value_or("*"))}};
  });
}

template <class Op>
void on_alarms(aws::Service& service, const char* action) {
  service.permissions<Op>([action](const aws::RequestContext& context, const auto& in) {
    std::vector<Permission> out;
    if (in.alarm_names)
      for (const auto& name : *in.alarm_names)
        out.push_back(Permission{.action = action, .resource = alarm_arn(context, name)});
    if (out.empty()) out.push_back(Permission{.action = action, .resource = alarm_arn(context, "*")});
    return out;
  });
}

template <class Op>
void on_anything(aws::Service& service, const char* action) {
  service.permissions<Op>([action](const aws::RequestContext&, const auto& in) {
    Permission permission;
    permission.action = action;
    if constexpr (requires { in.resource_arn; }) permission.resource = in.resource_arn.value_or("*");
    if constexpr (requires { in.namespace_; })
      if (in.namespace_) permission.context["cloudwatch:namespace"] = {*in.namespace_};
    return std::vector{std::move(permission)};
  });
}

}  // namespace

void add_permissions(aws::Service& service) {
  on_anything<shapes::PutMetricData>(service, "cloudwatch:PutMetricData");
  on_anything<shapes::GetMetricStatistics>(service, "cloudwatch:GetMetricStatistics");
  on_anything<shapes::GetMetricData>(service, "cloudwatch:GetMetricData");
  on_anything<shapes::ListMetrics>(service, "cloudwatch:ListMetrics");
  on_anything<shapes::DescribeAlarmsForMetric>(service, "cloudwatch:DescribeAlarmsForMetric");
  on_anything<shapes::PutDashboard>(service, "cloudwatch:PutDashboard");
  on_anything<shapes::GetDashboard>(service, "cloudwatch:GetDashboard");
  on_anything<shapes::ListDashboards>(service, "cloudwatch:ListDashboards");
  on_anything<shapes::DeleteDashboards>(service, "cloudwatch:DeleteDashboards");
  on_anything<shapes::TagResource>(service, "cloudwatch:TagResource");
  on_anything<shapes::UntagResource>(service, "cloudwatch:UntagResource");
  on_anything<shapes::ListTagsForResource>(service, "cloudwatch:ListTagsForResource");
  on_alarm<shapes::PutMetricAlarm>(service, "cloudwatch:PutMetricAlarm");
  on_alarm<shapes::PutCompositeAlarm>(service, "cloudwatch:PutCompositeAlarm");
  on_alarm<shapes::SetAlarmState>(service, "cloudwatch:SetAlarmState");
  on_alarm<shapes::DescribeAlarmHistory>(service, "cloudwatch:DescribeAlarmHistory");
  on_alarms<shapes::DescribeAlarms>(service, "cloudwatch:DescribeAlarms");
  on_alarms<shapes::DeleteAlarms>(service, "cloudwatch:DeleteAlarms");
  on_alarms<shapes::EnableAlarmActions>(service, "cloudwatch:EnableAlarmActions");
  on_alarms<shapes::DisableAlarmActions>(service, "cloudwatch:DisableAlarmActions");
}

}  // namespace likeness::metrics
