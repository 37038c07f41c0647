#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "domain/dynamodb/errors.hpp"
#include "net/http.hpp"
#include "services/dynamodb/bind.hpp"
#include "services/dynamodb/operations.hpp"

namespace likeness::dynamodb {

namespace {

constexpr std::size_t kMaxTags = 50;
constexpr std::size_t kTagsListed = 10;

Result<TablePtr> find_resource(Database& database, const std::string& arn) {
  if (!arn.starts_with("arn:aws:dynamodb:") || arn.find(":table/") == std::string::npos)
    return validation("Invalid TableArn: Invalid ResourceArn provided as input " + arn);
  auto table = database.tables().find_by_arn(arn);
  if (!table)
    return client_error("ResourceNotFoundException",
                        fmt::format("Requested resource not found: ResourcArn: {} not found", arn));
  return table;
}

Result<shapes::TagResource::Output> tag_resource(Database& database, const aws::RequestContext&,
                                                 const shapes::TagResourceInput& in) {
  if (in.tags->empty()) return validation("Atleast one Tag needs to be provided as Input.");
  std::set<std::string> keys;
  for (const auto& tag : *in.tags) {
    if (tag.key->starts_with("aws:"))
      return validation("One or more tag keys provided start with the reserved prefix aws:");
    if (!keys.insert(*tag.key).second) return validation("Duplicate Tag Keys are provided.");
  }
  auto table = find_resource(database, *in.resource_arn);
  if (!table) return fail(table);
  auto changed = database.tables().change(**table, [&](Table& next) -> Result<void> {
    for (const auto& tag : *in.tags) next.tags[*tag.key] = *tag.value;
    if (next.tags.size() > kMaxTags)
      return validation("Subscriber limit exceeded: The number of tags exceeds the limit of 50");
    return {};
  });
  if (!changed) return fail(changed);
  return shapes::TagResource::Output{};
}

Result<shapes::UntagResource::Output> untag_resource(Database& database, const aws::RequestContext&,
                                                     const shapes::UntagResourceInput& in) {
  if (in.tag_keys->empty()) return validation("Atleast one Tag Key needs to be provided as Input.");
  auto table = find_resource(database, *in.resource_arn);
  if (!table) return fail(table);
  auto changed = database.tables().change(**table, [&](Table& next) -> Result<void> {
    for (const auto& key : *in.tag_keys) next.tags.erase(key);
    return {};
  });
  if (!changed) return fail(changed);
  return shapes::UntagResource::Output{};
}

Result<shapes::ListTagsOfResourceOutput> list_tags(Database& database, const aws::RequestContext&,
                                                   const shapes::ListTagsOfResourceInput& in) {
  auto table = find_resource(database, *in.resource_arn);
  if (!table) return fail(table);
  shapes::ListTagsOfResourceOutput out;
  auto& tags = out.tags.emplace();
  // The token is the last key that was listed.
  const auto& all = (*table)->tags;
  for (auto it = in.next_token ? all.upper_bound(*in.next_token) : all.begin(); it != all.end(); ++it) {
    if (tags.size() == kTagsListed) {
      out.next_token = tags.back().key;
      break;
    }
    tags.push_back({.key = it->first, .value = it->second});
  }
  return out;
}

Result<shapes::DescribeLimitsOutput> describe_limits(Database&, const aws::RequestContext&,
                                                     const shapes::DescribeLimitsInput&) {
  return shapes::DescribeLimitsOutput{.account_max_read_capacity_units = 80000,
                                      .account_max_write_capacity_units = 80000,
                                      .table_max_read_capacity_units = 40000,
                                      .table_max_write_capacity_units = 40000};
}

Result<shapes::DescribeEndpointsResponse> describe_endpoints(Database&, const aws::RequestContext& context,
                                                             const shapes::DescribeEndpointsRequest&) {
  // SDKs that ask go on with the answer as host: the one that they reached.
  std::string address = "dynamodb." + context.region + ".amazonaws.com";
  if (context.request)
    if (const auto host = context.request->headers.find("host")) address = *host;
  shapes::DescribeEndpointsResponse out;
  out.endpoints.emplace().push_back({.address = std::move(address), .cache_period_in_minutes = 1440});
  return out;
}

shapes::ContinuousBackupsDescription backups_of(const Table& table, TimePoint now) {
  shapes::ContinuousBackupsDescription out;
  out.continuous_backups_status = shapes::ContinuousBackupsStatus::Enabled;
  auto& recovery = out.point_in_time_recovery_description.emplace();
  recovery.point_in_time_recovery_status = table.point_in_time_recovery ? shapes::PointInTimeRecoveryStatus::Enabled
                                                                        : shapes::PointInTimeRecoveryStatus::Disabled;
  if (table.point_in_time_recovery) {
    recovery.recovery_period_in_days = 35;
    recovery.earliest_restorable_date_time = table.created;
    recovery.latest_restorable_date_time = now;
  }
  return out;
}

Failure no_such_table(const std::string& name) {
  return client_error("TableNotFoundException", "Table not found: " + name);
}

Result<shapes::DescribeContinuousBackupsOutput> describe_backups(Database& database, const aws::RequestContext& context,
                                                                 const shapes::DescribeContinuousBackupsInput& in) {
  auto table = database.tables().find(caller_of(context), *in.table_name);
  if (!table) return no_such_table(*in.table_name);
  return shapes::DescribeContinuousBackupsOutput{.continuous_backups_description =
                                                     backups_of(**table, database.clock().now())};
}

Result<shapes::UpdateContinuousBackupsOutput> update_backups(Database& database, const aws::RequestContext& context,
                                                             const shapes::UpdateContinuousBackupsInput& in) {
  auto table = database.tables().find(caller_of(context), *in.table_name);
  if (!table) return no_such_table(*in.table_name);
  auto changed = database.tables().change(**table, [&](Table& next) -> Result<void> {
    next.point_in_time_recovery = *in.point_in_time_recovery_specification->point_in_time_recovery_enabled;
    return {};
  });
  if (!changed) return fail(changed);
  return shapes::UpdateContinuousBackupsOutput{.continuous_backups_description =
                                                   backups_of(**changed, database.clock().now())};
}

}  // namespace

void register_table_settings(aws::Service& service, Database& database) {
  service.on<shapes::TagResource>(bind(database, tag_resource));
  service.on<shapes::UntagResource>(bind(database, untag_resource));
  service.on<shapes::ListTagsOfResource>(bind(database, list_tags));
  service.on<shapes::DescribeLimits>(bind(database, describe_limits));
  service.on<shapes::DescribeEndpoints>(bind(database, describe_endpoints));
  service.on<shapes::DescribeContinuousBackups>(bind(database, describe_backups));
  service.on<shapes::UpdateContinuousBackups>(
      bind(database, update_backups),
      "The setting is kept and answered; a restore to a point in time is done with the server's own backup.");
}

}  // namespace likeness::dynamodb
