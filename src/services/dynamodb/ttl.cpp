#include "services/dynamodb/ttl.hpp"

#include <string>
#include <utility>
#include <vector>

#include "aws/gen/dynamodb.hpp"
#include "domain/dynamodb/errors.hpp"
#include "services/dynamodb/convert.hpp"

namespace likeness::dynamodb {

void add_time_to_live(aws::Service& service, const Tables& tables, Expiry& expiry) {
  service.on<shapes::UpdateTimeToLive>(
      [&tables, &expiry](const aws::RequestContext& context,
                         const shapes::UpdateTimeToLiveInput& in) -> Result<shapes::UpdateTimeToLiveOutput> {
        auto table = tables.find(caller_of(context), *in.table_name);
        if (!table) return fail(table);
        TimeToLive wanted;
        wanted.enabled = in.time_to_live_specification->enabled.value_or(false);
        wanted.attribute = in.time_to_live_specification->attribute_name.value_or("");
        auto changed = expiry.set(**table, wanted);
        if (!changed) return fail(changed);
        shapes::UpdateTimeToLiveOutput out;
        out.time_to_live_specification = in.time_to_live_specification;
        return out;
      });
  service.on<shapes::DescribeTimeToLive>(
      [&tables](const aws::RequestContext& context,
                const shapes::DescribeTimeToLiveInput& in) -> Result<shapes::DescribeTimeToLiveOutput> {
        auto table = tables.find(caller_of(context), *in.table_name);
        if (!table) return fail(table);
        const TimeToLive& ttl = (*table)->ttl;
        shapes::DescribeTimeToLiveOutput out;
        auto& description = out.time_to_live_description.emplace();
        description.time_to_live_status =
            ttl.enabled ? shapes::TimeToLiveStatus::Enabled : shapes::TimeToLiveStatus::Disabled;
        if (ttl.enabled) description.attribute_name = ttl.attribute;
        return out;
      });
  const auto permission = [](const aws::RequestContext& context, const auto& in, std::string action) {
    const std::string name = in.table_name.value_or("");
    return std::vector{policy::Permission{
        .action = std::move(action),
        .resource = name.starts_with("arn:")
                        ? name
                        : "arn:aws:dynamodb:" + context.region + ":" + context.account + ":table/" + name}};
  };
  service.permissions<shapes::UpdateTimeToLive>(
      [permission](const aws::RequestContext& context, const shapes::UpdateTimeToLiveInput& in) {
        return permission(context, in, "dynamodb:UpdateTimeToLive");
      });
  service.permissions<shapes::DescribeTimeToLive>(
      [permission](const aws::RequestContext& context, const shapes::DescribeTimeToLiveInput& in) {
        return permission(context, in, "dynamodb:DescribeTimeToLive");
      });
}

}  // namespace likeness::dynamodb
