#include <utility>

#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/resource_policy.hpp"
#include "services/dynamodb/convert.hpp"
#include "services/dynamodb/operations.hpp"

namespace likeness::dynamodb {

namespace {

Result<shapes::PutResourcePolicyOutput> put(Database& database, const aws::RequestContext& context,
                                            const shapes::PutResourcePolicyInput& in) {
  // Nobody shuts himself out unless he says that he means it.
  const auto may_go_on = [&](const ResourcePolicy& next) -> Result<void> {
    if (in.confirm_remove_self_resource_access.value_or(false)) return {};
    const policy::Permission again{
        .action = "dynamodb:PutResourcePolicy", .resource = *in.resource_arn, .resource_policy = next.document};
    if (context.allowed(again)) return {};
    return client_error("AccessDeniedException",
                        "The new resource policy will not allow you to update the resource policy in the future.");
  };
  auto policy = put_policy(database.tables(), caller_of(context),
                           {.arn = *in.resource_arn, .expected_revision = in.expected_revision_id}, *in.policy,
                           database.clock().now(), may_go_on);
  if (!policy) return fail(policy);
  return shapes::PutResourcePolicyOutput{.revision_id = (*policy)->revision};
}

Result<shapes::GetResourcePolicyOutput> get(Database& database, const aws::RequestContext& context,
                                            const shapes::GetResourcePolicyInput& in) {
  auto policy = get_policy(database.tables(), caller_of(context), *in.resource_arn);
  if (!policy) return fail(policy);
  return shapes::GetResourcePolicyOutput{.policy = (*policy)->text, .revision_id = (*policy)->revision};
}

Result<shapes::DeleteResourcePolicyOutput> remove(Database& database, const aws::RequestContext& context,
                                                  const shapes::DeleteResourcePolicyInput& in) {
  auto policy = delete_policy(database.tables(), caller_of(context),
                              {.arn = *in.resource_arn, .expected_revision = in.expected_revision_id});
  if (!policy) return fail(policy);
  shapes::DeleteResourcePolicyOutput out;
  if (*policy) out.revision_id = (*policy)->revision;
  return out;
}

}  // namespace

void register_resource_policies(aws::Service& service, Database& database) {
  const auto with = [&database](auto function) {
    return [&database, function](const aws::RequestContext& context, const auto& in) {
      return function(database, context, in);
    };
  };
  service.on<shapes::PutResourcePolicy>(with(put),
                                        "A policy holds at once. Whether the principals that it names exist is not "
                                        "asked. A stream's policy can be attached "
                                        "while the stream is the table's newest one.");
  service.on<shapes::GetResourcePolicy>(with(get));
  service.on<shapes::DeleteResourcePolicy>(with(remove));
}

}  // namespace likeness::dynamodb
