#include <algorithm>
#include <utility>

#include "domain/logs/filter_pattern.hpp"
#include "services/logs/common.hpp"

/// Metric filters, subscription filters and resource policies.
namespace likeness::logs {
namespace {

constexpr std::size_t kMetricFilters = 100;
constexpr std::size_t kSubscriptionFilters = 2;

/// Puts `one` where its name belongs, instead of one of that name.
template <class Filter>
void put_by_name(std::vector<Filter>& filters, Filter one) {
  const auto at = std::ranges::lower_bound(filters, one.name, {}, &Filter::name);
  if (at != filters.end() && at->name == one.name)
    *at = std::move(one);
  else
    filters.insert(at, std::move(one));
}

template <class Filter>
bool has(const std::vector<Filter>& filters, const std::string& name) {
  return std::ranges::find(filters, name, &Filter::name) != filters.end();
}

Result<aws::Empty> put_metric_filter(const Parts& parts, const aws::RequestContext&,
                                     const shapes::PutMetricFilterRequest& in) {
  if (in.apply_on_transformed_logs.value_or(false)) return invalid("Transformed logs are not available.");
  if (in.field_selection_criteria || in.emit_system_field_dimensions)
    return invalid("Field selection and system fields are not available.");
  if (auto parsed = FilterPattern::parse(*in.filter_pattern); !parsed) return fail(parsed);
  MetricFilter filter{.name = *in.filter_name, .pattern = *in.filter_pattern, .created = parts.logs.now()};
  for (const auto& one : *in.metric_transformations) {
    MetricTransformation made;
    made.name = *one.metric_name;
    made.name_space = *one.metric_namespace;
    made.value = *one.metric_value;
    made.default_value = one.default_value;
    if (one.dimensions) made.dimensions = {one.dimensions->begin(), one.dimensions->end()};
    if (made.dimensions.size() > 3) return invalid("A metric transformation can have at most 3 dimensions.");
    if (!made.dimensions.empty() && made.default_value)
      return invalid("Invalid metric transformation: dimensions and default value are mutually exclusive properties.");
    if (made.name_space.starts_with("AWS/"))
      return invalid("The metric namespace must not begin with AWS/, which is for metrics of AWS.");
    if (one.unit) made.unit = to_text(*one.unit);
    filter.transformations.push_back(std::move(made));
  }
  auto changed = parts.logs.change_group(*in.log_group_name, [&](Group& group) -> Result<void> {
    if (!has(group.metric_filters, filter.name) && group.metric_filters.size() >= kMetricFilters)
      return limit_exceeded("Resource limit exceeded.");
    put_by_name(group.metric_filters, std::move(filter));
    return {};
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

Result<aws::Empty> delete_metric_filter(const Parts& parts, const aws::RequestContext&,
                                        const shapes::DeleteMetricFilterRequest& in) {
  auto changed = parts.logs.change_group(*in.log_group_name, [&](Group& group) -> Result<void> {
    if (std::erase_if(group.metric_filters, [&](const auto& one) { return one.name == *in.filter_name; }) == 0)
      return not_found("The specified metric filter does not exist.");
    return {};
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

std::optional<shapes::StandardUnit> unit_of(std::string_view text) {
  for (std::uint16_t i = 0; i <= static_cast<std::uint16_t>(shapes::StandardUnit::None); ++i)
    if (to_text(static_cast<shapes::StandardUnit>(i)) == text) return static_cast<shapes::StandardUnit>(i);
  return std::nullopt;
}

shapes::MetricFilter describe(const Group& group, const MetricFilter& filter) {
  shapes::MetricFilter out;
  out.filter_name = filter.name;
  out.filter_pattern = filter.pattern;
  out.creation_time = filter.created;
  out.log_group_name = group.name;
  auto& list = out.metric_transformations.emplace();
  for (const auto& one : filter.transformations) {
    shapes::MetricTransformation made{
        .metric_name = one.name, .metric_namespace = one.name_space, .metric_value = one.value};
    made.default_value = one.default_value;
    if (!one.dimensions.empty()) made.dimensions = one.dimensions;
    made.unit = unit_of(one.unit);
    list.push_back(std::move(made));
  }
  return out;
}

Result<shapes::DescribeMetricFiltersResponse> describe_metric_filters(const Parts& parts, const aws::RequestContext&,
                                                                      const shapes::DescribeMetricFiltersRequest& in) {
  auto from = page_position(in.next_token);
  if (!from) return fail(from);
  if (in.filter_name_prefix && !in.log_group_name)
    return invalid("logGroupName is required where a filterNamePrefix is given.");
  if (in.metric_name.has_value() != in.metric_namespace.has_value())
    return invalid("metricName and metricNamespace have to be given together.");
  if (in.log_group_name && parts.logs.find(*in.log_group_name) == nullptr) return group_not_found();
  const auto limit = static_cast<std::size_t>(in.limit.value_or(50));
  shapes::DescribeMetricFiltersResponse out;
  auto& list = out.metric_filters.emplace();
  const auto visit = [&](const Group& group) {
    if (in.log_group_name && group.name != *in.log_group_name) return false;
    for (const auto& filter : group.metric_filters) {
      // A name of a group has no line break in it.
      const std::string place = group.name + "\n" + filter.name;
      if (place < *from || !filter.name.starts_with(in.filter_name_prefix.value_or(""))) continue;
      if (in.metric_name && std::ranges::none_of(filter.transformations, [&](const auto& one) {
            return one.name == *in.metric_name && one.name_space == *in.metric_namespace;
          }))
        continue;
      if (list.size() == limit) {
        out.next_token = page_token(place);
        return false;
      }
      list.push_back(describe(group, filter));
    }
    return true;
  };
  parts.logs.groups(in.log_group_name ? *in.log_group_name : from->substr(0, from->find('\n')), visit);
  return out;
}

Result<shapes::TestMetricFilterResponse> test_metric_filter(const Parts&, const aws::RequestContext&,
                                                            const shapes::TestMetricFilterRequest& in) {
  auto pattern = FilterPattern::parse(*in.filter_pattern);
  if (!pattern) return fail(pattern);
  shapes::TestMetricFilterResponse out;
  auto& list = out.matches.emplace();
  for (std::size_t i = 0; i < in.log_event_messages->size(); ++i) {
    const auto& message = (*in.log_event_messages)[i];
    if (!pattern->matches(message)) continue;
    list.push_back({.event_number = static_cast<std::int64_t>(i + 1),
                    .event_message = message,
                    .extracted_values = pattern->extract(message)});
  }
  return out;
}

// -- subscriptions

Result<aws::Empty> put_subscription_filter(const Parts& parts, const aws::RequestContext& context,
                                           const shapes::PutSubscriptionFilterRequest& in) {
  if (in.apply_on_transformed_logs.value_or(false)) return invalid("Transformed logs are not available.");
  if (in.field_selection_criteria || in.emit_system_fields)
    return invalid("Field selection and system fields are not available.");
  if (auto parsed = FilterPattern::parse(*in.filter_pattern); !parsed) return fail(parsed);
  const auto& destination = *in.destination_arn;
  if (!destination.starts_with("arn:aws:lambda:"))
    return invalid("Only Lambda functions can be destinations here, not " + destination.substr(0, 200) + ".");
  if (in.role_arn && !in.role_arn->empty())
    if (auto allowed = context.allowed(policy::pass_role(*in.role_arn, "logs.amazonaws.com")); !allowed)
      return fail(allowed);
  if (parts.logs.find(*in.log_group_name) == nullptr) return group_not_found();
  if (auto checked = parts.subscriptions.check(*in.log_group_name, destination); !checked) return fail(checked);
  SubscriptionFilter filter{
      .name = *in.filter_name,
      .pattern = *in.filter_pattern,
      .destination_arn = destination,
      .role_arn = in.role_arn.value_or(""),
      .distribution = std::string(to_text(in.distribution.value_or(shapes::Distribution::ByLogStream))),
      .created = parts.logs.now()};
  auto changed = parts.logs.change_group(*in.log_group_name, [&](Group& group) -> Result<void> {
    if (!has(group.subscription_filters, filter.name) && group.subscription_filters.size() >= kSubscriptionFilters)
      return limit_exceeded("Resource limit exceeded.");
    put_by_name(group.subscription_filters, std::move(filter));
    return {};
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

Result<aws::Empty> delete_subscription_filter(const Parts& parts, const aws::RequestContext&,
                                              const shapes::DeleteSubscriptionFilterRequest& in) {
  auto changed = parts.logs.change_group(*in.log_group_name, [&](Group& group) -> Result<void> {
    if (std::erase_if(group.subscription_filters, [&](const auto& one) { return one.name == *in.filter_name; }) == 0)
      return not_found("The specified subscription filter does not exist.");
    return {};
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

Result<shapes::DescribeSubscriptionFiltersResponse> describe_subscription_filters(
    const Parts& parts, const aws::RequestContext&, const shapes::DescribeSubscriptionFiltersRequest& in) {
  auto from = page_position(in.next_token);
  if (!from) return fail(from);
  auto group = parts.logs.group(*in.log_group_name);
  if (!group) return fail(group);
  shapes::DescribeSubscriptionFiltersResponse out;
  auto& list = out.subscription_filters.emplace();
  const auto limit = static_cast<std::size_t>(in.limit.value_or(50));
  for (const auto& filter : (*group)->subscription_filters) {
    if (filter.name < *from || !filter.name.starts_with(in.filter_name_prefix.value_or(""))) continue;
    if (list.size() == limit) {
      out.next_token = page_token(filter.name);
      break;
    }
    shapes::SubscriptionFilter made{.filter_name = filter.name,
                                    .log_group_name = (*group)->name,
                                    .filter_pattern = filter.pattern,
                                    .destination_arn = filter.destination_arn};
    if (!filter.role_arn.empty()) made.role_arn = filter.role_arn;
    made.distribution =
        filter.distribution == "Random" ? shapes::Distribution::Random : shapes::Distribution::ByLogStream;
    made.creation_time = filter.created;
    list.push_back(std::move(made));
  }
  return out;
}

// -- resource policies

shapes::ResourcePolicy describe(const ResourcePolicies::Entry& entry) {
  shapes::ResourcePolicy out;
  out.policy_name = entry.name;
  out.policy_document = entry.document;
  out.last_updated_time = to_millis(entry.updated);
  out.policy_scope = shapes::PolicyScope::Account;
  return out;
}

Result<shapes::PutResourcePolicyResponse> put_resource_policy(const Parts& parts, const aws::RequestContext& context,
                                                              const shapes::PutResourcePolicyRequest& in) {
  if (in.resource_arn) return invalid("Policies of single resources are not available, those of the account are.");
  if (!in.policy_name || !in.policy_document) return invalid("policyName and policyDocument are required.");
  auto put = parts.policies.put(*in.policy_name, *in.policy_document, context.time);
  if (!put) return fail(put);
  return shapes::PutResourcePolicyResponse{.resource_policy = describe(*put)};
}

Result<aws::Empty> delete_resource_policy(const Parts& parts, const aws::RequestContext&,
                                          const shapes::DeleteResourcePolicyRequest& in) {
  if (auto removed = parts.policies.remove(in.policy_name.value_or("")); !removed) return fail(removed);
  return aws::Empty{};
}

Result<shapes::DescribeResourcePoliciesResponse> describe_resource_policies(
    const Parts& parts, const aws::RequestContext&, const shapes::DescribeResourcePoliciesRequest& in) {
  auto from = page_position(in.next_token);
  if (!from) return fail(from);
  shapes::DescribeResourcePoliciesResponse out;
  auto& list = out.resource_policies.emplace();
  const auto limit = static_cast<std::size_t>(in.limit.value_or(50));
  for (const auto& entry : parts.policies.list()) {
    if (entry.name < *from) continue;
    if (list.size() == limit) {
      out.next_token = page_token(entry.name);
      break;
    }
    list.push_back(describe(entry));
  }
  return out;
}

}  // namespace

void add_filters(aws::Service& service, const Parts& parts) {
  service.on<shapes::PutMetricFilter>(with(parts, put_metric_filter),
                                      "Transformed logs and system fields are not there.");
  service.on<shapes::DeleteMetricFilter>(with(parts, delete_metric_filter));
  service.on<shapes::DescribeMetricFilters>(with(parts, describe_metric_filters));
  service.on<shapes::TestMetricFilter>(with(parts, test_metric_filter), "A term matches inside of words, too.");
  service.on<shapes::PutSubscriptionFilter>(with(parts, put_subscription_filter),
                                            "Destinations are Lambda functions only.");
  service.on<shapes::DeleteSubscriptionFilter>(with(parts, delete_subscription_filter));
  service.on<shapes::DescribeSubscriptionFilters>(with(parts, describe_subscription_filters));
}

void add_policies(aws::Service& service, const Parts& parts) {
  service.on<shapes::PutResourcePolicy>(with(parts, put_resource_policy), "Policies of the account only.");
  service.on<shapes::DeleteResourcePolicy>(with(parts, delete_resource_policy));
  service.on<shapes::DescribeResourcePolicies>(with(parts, describe_resource_policies));
}

}  // namespace likeness::logs
