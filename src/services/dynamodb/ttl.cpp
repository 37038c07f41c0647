#include "services/dynamodb/ttl.hpp"

#include <string>
#include <utility>
#include <vector>

#include "aws/gen/dynamodb.hpp"
#include "domain/dynamodb/errors.hpp"
#include "services/dynamodb/convert.hpp"
#include "services/dynamodb/permissions.hpp"

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
  service.permissions<shapes::UpdateTimeToLive>(
      [&tables](const aws::RequestContext& context, const shapes::UpdateTimeToLiveInput& in) {
        return std::vector{permission_on(tables, context, "UpdateTimeToLive", in.table_name.value_or(""))};
      });
  service.permissions<shapes::DescribeTimeToLive>(
      [&tables](const aws::RequestContext& context, const shapes::DescribeTimeToLiveInput& in) {
        return std::vector{permission_on(tables, context, "DescribeTimeToLive", in.table_name.value_or(""))};
      });
}

}  // namespace likeness::dynamodb
