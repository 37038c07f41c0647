#include "domain/metrics/alarms.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "services/cloudwatch/common.hpp"

namespace likeness::metrics {
namespace {

constexpr Seconds kDay = 24 * 3600;
constexpr Seconds kWeek = 7 * kDay;

using Texts = std::vector<std::string>;

Result<void> check_actions(const std::optional<Texts>& actions, Texts& into) {
  if (!actions) return {};
  for (const auto& action : *actions) {
    if (!action.starts_with("arn:aws:sns:") && !action.starts_with("arn:aws:lambda:"))
      return validation(
          fmt::format("Invalid or unavailable action {}: topics and functions can be told here.", action));
    into.push_back(action);
  }
  return {};
}

template <class Input>
Result<void> read_actions(const Input& in, Alarm& alarm) {
  alarm.actions_enabled = in.actions_enabled.value_or(true);
  if (auto read = check_actions(in.ok_actions, alarm.ok_actions); !read) return read;
  if (auto read = check_actions(in.alarm_actions, alarm.alarm_actions); !read) return read;
  return check_actions(in.insufficient_data_actions, alarm.insufficient_data_actions);
}

template <class Input>
void read_tags(const Input& in, Alarm& alarm) {
  if (!in.tags) return;
  for (const auto& tag : *in.tags) alarm.tags[tag.key.value_or("")] = tag.value.value_or("");
}

Result<AlarmComparison> comparison_of(shapes::ComparisonOperator op) {
  switch (op) {
    case shapes::ComparisonOperator::GreaterThanOrEqualToThreshold: return AlarmComparison::GreaterOrEqual;
    case shapes::ComparisonOperator::GreaterThanThreshold: return AlarmComparison::Greater;
    case shapes::ComparisonOperator::LessThanThreshold: return AlarmComparison::Less;
    case shapes::ComparisonOperator::LessThanOrEqualToThreshold: return AlarmComparison::LessOrEqual;
    default: return validation("Alarms on anomaly detection bands are not available.");
  }
}

shapes::ComparisonOperator comparison_shape(AlarmComparison comparison) {
  switch (comparison) {
    case AlarmComparison::GreaterOrEqual: return shapes::ComparisonOperator::GreaterThanOrEqualToThreshold;
    case AlarmComparison::Greater: return shapes::ComparisonOperator::GreaterThanThreshold;
    case AlarmComparison::Less: return shapes::ComparisonOperator::LessThanThreshold;
    case AlarmComparison::LessOrEqual: break;
  }
  return shapes::ComparisonOperator::LessThanOrEqualToThreshold;
}

Result<void> read_missing_data(const shapes::PutMetricAlarmInput& in, Alarm& alarm) {
  if (!in.treat_missing_data) return {};
  alarm.missing_data_given = true;
  for (const auto one :
       {MissingData::Missing, MissingData::Ignore, MissingData::Breaching, MissingData::NotBreaching}) {
    if (*in.treat_missing_data != to_text(one)) continue;
    alarm.missing_data = one;
    return {};
  }
  return validation(
      fmt::format("The value {} is not supported for TreatMissingData parameter. Supported values are "
                  "[breaching, notBreaching, ignore, missing].",
                  *in.treat_missing_data));
}

/// The metric of an alarm, or its queries.
Result<void> read_metric(const shapes::PutMetricAlarmInput& in, Alarm& alarm) {
  if (in.metrics && !in.metrics->empty()) {
    if (in.metric_name || in.statistic || in.extended_statistic || in.period)
      return validation("Metrics list and MetricName, Statistic, Period are mutually exclusive.");
    auto queries = queries_of(*in.metrics);
    if (!queries) return fail(queries);
    alarm.queries = std::move(*queries);
    if (auto checked = check_queries(alarm.queries); !checked) return checked;
    if (std::ranges::count_if(alarm.queries, [](const auto& one) { return one.return_data; }) != 1)
      return validation("Exactly one element of the metrics list should return data.");
    return {};
  }
  if (!in.metric_name || !in.namespace_)
    return client_error("MissingRequiredParameterException",
                        "The parameters MetricName and Namespace must be specified for an alarm of one metric.");
  if (in.statistic.has_value() == in.extended_statistic.has_value())
    return client_error("InvalidParameterCombinationException",
                        "One of the parameters Statistic and ExtendedStatistic must be specified.");
  if (!in.period) return client_error("MissingRequiredParameterException", "The parameter Period must be specified.");
  const Seconds period = *in.period;
  if (period % 60 != 0 && period != 10 && period != 20 && period != 30)
    return validation("Metric alarm period must be 10, 20, 30 or a multiple of 60.");
  auto dimensions = dimensions_of(in.dimensions);
  if (!dimensions) return fail(dimensions);
  MetricStat stat;
  stat.series = {*in.namespace_, *in.metric_name, std::move(*dimensions)};
  stat.period = period;
  stat.stat = in.statistic ? std::string(to_text(*in.statistic)) : *in.extended_statistic;
  if (!Statistic::parse(stat.stat))
    return invalid_value(fmt::format("The value {} for parameter ExtendedStatistic is not supported.", stat.stat));
  if (in.unit) stat.unit = unit_of(*in.unit);
  alarm.stat = std::move(stat);
  return {};
}

Result<aws::Empty> put_metric_alarm(const Parts& parts, const aws::RequestContext&,
                                    const shapes::PutMetricAlarmInput& in) {
  if (in.threshold_metric_id) return validation("Alarms on anomaly detection bands are not available.");
  if (in.evaluation_window || in.warm_up_configuration || in.evaluation_criteria || in.evaluation_interval ||
      in.action_configuration)
    return validation("Evaluation windows, criteria, intervals and action configurations are not available.");
  if (!in.evaluation_periods || !in.comparison_operator || !in.threshold)
    return client_error("MissingRequiredParameterException",
                        "The parameters EvaluationPeriods, ComparisonOperator and Threshold must be specified.");
  Alarm alarm;
  alarm.name = *in.alarm_name;
  alarm.description = in.alarm_description.value_or("");
  if (auto read = read_actions(in, alarm); !read) return fail(read);
  if (auto read = read_metric(in, alarm); !read) return fail(read);
  if (auto read = read_missing_data(in, alarm); !read) return fail(read);
  auto comparison = comparison_of(*in.comparison_operator);
  if (!comparison) return fail(comparison);
  alarm.comparison = *comparison;
  alarm.threshold = *in.threshold;
  alarm.evaluation_periods = *in.evaluation_periods;
  alarm.datapoints_to_alarm = in.datapoints_to_alarm.value_or(0);
  if (alarm.datapoints_to_alarm > alarm.evaluation_periods)
    return validation("DatapointsToAlarm must be less than or equal to EvaluationPeriods.");
  const Seconds period = alarm.period();
  if (period > kWeek || alarm.evaluation_periods > kWeek / 10 ||
      alarm.evaluation_periods * period > (period >= 3600 ? kWeek : kDay))
    return validation(
        "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400).");
  alarm.low_samples = in.evaluate_low_sample_count_percentile.value_or("");
  read_tags(in, alarm);
  if (auto put = parts.alarms.put(std::move(alarm)); !put) return fail(put);
  return aws::Empty{};
}

Result<void> read_suppressor(const Parts& parts, const shapes::PutCompositeAlarmInput& in, Alarm& alarm) {
  if (!in.actions_suppressor) {
    if (in.actions_suppressor_wait_period || in.actions_suppressor_extension_period)
      return validation(
          "ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod can only be specified with an "
          "ActionsSuppressor.");
    return {};
  }
  if (!in.actions_suppressor_wait_period || !in.actions_suppressor_extension_period)
    return validation(
        "ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod must be specified with an "
        "ActionsSuppressor.");
  if (*in.actions_suppressor_wait_period < 0 || *in.actions_suppressor_extension_period < 0)
    return validation("The periods of an ActionsSuppressor must not be negative.");
  constexpr std::string_view kInArn = ":alarm:";
  alarm.suppressor = *in.actions_suppressor;
  if (const auto at = alarm.suppressor.find(kInArn); alarm.suppressor.starts_with("arn:") && at != std::string::npos)
    alarm.suppressor.erase(0, at + kInArn.size());
  if (alarm.suppressor == *in.alarm_name) return validation("ActionsSuppressor must not be the alarm itself.");
  if (parts.alarms.find(alarm.suppressor) == nullptr)
    return validation(fmt::format("ActionsSuppressor must be an alarm that exists: {} does not.", alarm.suppressor));
  alarm.suppressor_wait = *in.actions_suppressor_wait_period;
  alarm.suppressor_extension = *in.actions_suppressor_extension_period;
  return {};
}

Result<aws::Empty> put_composite_alarm(const Parts& parts, const aws::RequestContext&,
                                       const shapes::PutCompositeAlarmInput& in) {
  if (in.action_configuration) return validation("Action configurations are not available.");
  auto rule = AlarmRule::parse(*in.alarm_rule);
  if (!rule) return fail(rule);
  for (const auto& name : rule->alarms()) {
    if (name == *in.alarm_name) return validation("AlarmRule must not refer to the alarm itself.");
    if (parts.alarms.find(name) == nullptr)
      return validation(fmt::format("AlarmRule must contain valid alarm names: {} does not exist.", name));
  }
  Alarm alarm;
  alarm.name = *in.alarm_name;
  alarm.description = in.alarm_description.value_or("");
  alarm.rule = *in.alarm_rule;
  if (auto read = read_suppressor(parts, in, alarm); !read) return fail(read);
  if (auto read = read_actions(in, alarm); !read) return fail(read);
  read_tags(in, alarm);
  if (auto put = parts.alarms.put(std::move(alarm)); !put) return fail(put);
  return aws::Empty{};
}

// -- descriptions

shapes::StateValue state_shape(AlarmState state) {
  switch (state) {
    case AlarmState::Ok: return shapes::StateValue::Ok;
    case AlarmState::Alarm: return shapes::StateValue::Alarm;
    case AlarmState::InsufficientData: break;
  }
  return shapes::StateValue::InsufficientData;
}

template <class Shape>
void describe_common(const aws::RequestContext& context, const Alarm& alarm, Shape& out) {
  out.alarm_name = alarm.name;
  out.alarm_arn = alarm_arn(context, alarm.name);
  if (!alarm.description.empty()) out.alarm_description = alarm.description;
  out.alarm_configuration_updated_timestamp = time_of_millis(alarm.configured);
  out.actions_enabled = alarm.actions_enabled;
  out.ok_actions = alarm.ok_actions;
  out.alarm_actions = alarm.alarm_actions;
  out.insufficient_data_actions = alarm.insufficient_data_actions;
  out.state_value = state_shape(alarm.state);
  out.state_reason = alarm.reason;
  if (!alarm.reason_data.empty()) out.state_reason_data = alarm.reason_data;
  out.state_updated_timestamp = time_of_millis(alarm.state_updated);
  out.state_transitioned_timestamp = time_of_millis(alarm.transitioned);
}

shapes::MetricAlarm describe_metric(const aws::RequestContext& context, const Alarm& alarm) {
  shapes::MetricAlarm out;
  describe_common(context, alarm, out);
  if (alarm.stat) {
    out.metric_name = alarm.stat->series.name;
    out.namespace_ = alarm.stat->series.name_space;
    out.dimensions = to_shapes(alarm.stat->series.dimensions);
    out.period = static_cast<std::int32_t>(alarm.stat->period);
    if (alarm.stat->unit) out.unit = to_shape(*alarm.stat->unit);
    for (std::uint16_t i = 0; i <= static_cast<std::uint16_t>(shapes::Statistic::Maximum); ++i)
      if (to_text(static_cast<shapes::Statistic>(i)) == alarm.stat->stat)
        out.statistic = static_cast<shapes::Statistic>(i);
    if (!out.statistic) out.extended_statistic = alarm.stat->stat;
  } else {
    out.metrics = to_shapes(alarm.queries);
  }
  out.evaluation_periods = alarm.evaluation_periods;
  if (alarm.datapoints_to_alarm > 0) out.datapoints_to_alarm = alarm.datapoints_to_alarm;
  out.threshold = alarm.threshold;
  out.comparison_operator = comparison_shape(alarm.comparison);
  if (alarm.missing_data_given) out.treat_missing_data = to_text(alarm.missing_data);
  if (!alarm.low_samples.empty()) out.evaluate_low_sample_count_percentile = alarm.low_samples;
  return out;
}

shapes::CompositeAlarm describe_composite(const aws::RequestContext& context, const Alarm& alarm) {
  shapes::CompositeAlarm out;
  describe_common(context, alarm, out);
  out.alarm_rule = alarm.rule;
  if (!alarm.suppressor.empty()) {
    out.actions_suppressor = alarm_arn(context, alarm.suppressor);
    out.actions_suppressor_wait_period = static_cast<std::int32_t>(alarm.suppressor_wait);
    out.actions_suppressor_extension_period = static_cast<std::int32_t>(alarm.suppressor_extension);
  }
  if (alarm.suppressed != Suppressed::No) {
    out.actions_suppressed_by = alarm.suppressed == Suppressed::Alarm ? shapes::ActionsSuppressedBy::Alarm
                                : alarm.suppressed == Suppressed::WaitPeriod
                                    ? shapes::ActionsSuppressedBy::WaitPeriod
                                    : shapes::ActionsSuppressedBy::ExtensionPeriod;
    out.actions_suppressed_reason = fmt::format("Actions suppressed by {}", to_text(alarm.suppressed));
  }
  return out;
}

bool has_action(const Alarm& alarm, const std::string& prefix) {
  const auto begins = [&](const std::string& action) { return action.starts_with(prefix); };
  return std::ranges::any_of(alarm.ok_actions, begins) || std::ranges::any_of(alarm.alarm_actions, begins) ||
         std::ranges::any_of(alarm.insufficient_data_actions, begins);
}

Texts children_of(const Alarm& alarm) {
  const auto rule = AlarmRule::parse(alarm.rule);
  return alarm.is_composite() && rule ? rule->alarms() : Texts();
}

/// The names that the request leaves to look at; none: all.
Result<std::optional<std::set<std::string>>> names_of(const Parts& parts, const shapes::DescribeAlarmsInput& in) {
  std::optional<std::set<std::string>> names;
  if (in.alarm_names) names.emplace(in.alarm_names->begin(), in.alarm_names->end());
  const auto keep = [&](const Texts& wanted) {
    std::set<std::string> kept(wanted.begin(), wanted.end());
    if (names) std::erase_if(kept, [&](const std::string& name) { return !names->contains(name); });
    names = std::move(kept);
  };
  if (in.children_of_alarm_name) {
    const auto parent = parts.alarms.find(*in.children_of_alarm_name);
    if (parent == nullptr) return validation("The alarm of ChildrenOfAlarmName does not exist.");
    keep(children_of(*parent));
  }
  if (in.parents_of_alarm_name) {
    Texts parents;
    parts.alarms.list({}, [&](const Alarm& alarm) {
      const auto children = children_of(alarm);
      if (std::ranges::find(children, *in.parents_of_alarm_name) != children.end()) parents.push_back(alarm.name);
      return true;
    });
    keep(parents);
  }
  return names;
}

Result<shapes::DescribeAlarmsOutput> describe_alarms(const Parts& parts, const aws::RequestContext& context,
                                                     const shapes::DescribeAlarmsInput& in) {
  auto from = page_position(in.next_token, "InvalidNextToken");
  if (!from) return fail(from);
  if (in.alarm_names && in.alarm_name_prefix)
    return validation("Only one of AlarmNames and AlarmNamePrefix can be specified.");
  auto names = names_of(parts, in);
  if (!names) return fail(names);
  const auto types = in.alarm_types.value_or(std::vector{shapes::AlarmType::MetricAlarm});
  const bool any_type = in.children_of_alarm_name || in.parents_of_alarm_name;
  const auto limit = static_cast<std::size_t>(in.max_records.value_or(100));
  const std::string prefix = in.alarm_name_prefix.value_or("");
  shapes::DescribeAlarmsOutput out;
  auto& metric_alarms = out.metric_alarms.emplace();
  auto& composite_alarms = out.composite_alarms.emplace();
  parts.alarms.list(std::max(*from, prefix), [&](const Alarm& alarm) {
    if (!alarm.name.starts_with(prefix)) return false;
    if (*names && !(*names)->contains(alarm.name)) return true;
    const auto type = alarm.is_composite() ? shapes::AlarmType::CompositeAlarm : shapes::AlarmType::MetricAlarm;
    if (!any_type && std::ranges::find(types, type) == types.end()) return true;
    if (in.state_value && state_shape(alarm.state) != *in.state_value) return true;
    if (in.action_prefix && !has_action(alarm, *in.action_prefix)) return true;
    if (metric_alarms.size() + composite_alarms.size() == limit) {
      out.next_token = page_token(alarm.name);
      return false;
    }
    if (alarm.is_composite())
      composite_alarms.push_back(describe_composite(context, alarm));
    else
      metric_alarms.push_back(describe_metric(context, alarm));
    return true;
  });
  return out;
}

Result<shapes::DescribeAlarmsForMetricOutput> describe_alarms_for_metric(
    const Parts& parts, const aws::RequestContext& context, const shapes::DescribeAlarmsForMetricInput& in) {
  auto dimensions = dimensions_of(in.dimensions);
  if (!dimensions) return fail(dimensions);
  const SeriesKey key{*in.namespace_, *in.metric_name, std::move(*dimensions)};
  shapes::DescribeAlarmsForMetricOutput out;
  auto& list = out.metric_alarms.emplace();
  parts.alarms.list({}, [&](const Alarm& alarm) {
    if (!alarm.stat || alarm.stat->series != key) return true;
    if (in.period && alarm.stat->period != *in.period) return true;
    if (in.statistic && alarm.stat->stat != to_text(*in.statistic)) return true;
    if (in.extended_statistic && alarm.stat->stat != *in.extended_statistic) return true;
    if (in.unit && alarm.stat->unit != unit_of(*in.unit)) return true;
    list.push_back(describe_metric(context, alarm));
    return true;
  });
  return out;
}

Millis millis_of(TimePoint time) {
  return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

Result<shapes::DescribeAlarmHistoryOutput> describe_alarm_history(const Parts& parts, const aws::RequestContext&,
                                                                  const shapes::DescribeAlarmHistoryInput& in) {
  HistoryQuery query;
  query.alarm = in.alarm_name.value_or("");
  if (in.history_item_type) query.type = to_text(*in.history_item_type);
  if (in.start_date) query.from = millis_of(*in.start_date);
  if (in.end_date) query.to = millis_of(*in.end_date);
  query.limit = static_cast<std::size_t>(in.max_records.value_or(100));
  query.oldest_first = in.scan_by == shapes::ScanBy::TimestampAscending;
  query.token = in.next_token.value_or("");
  auto page = parts.alarms.history(query);
  if (!page) return fail(page);
  shapes::DescribeAlarmHistoryOutput out;
  auto& list = out.alarm_history_items.emplace();
  for (const auto& item : page->items) {
    const auto type = item.composite ? shapes::AlarmType::CompositeAlarm : shapes::AlarmType::MetricAlarm;
    if (in.alarm_types && std::ranges::find(*in.alarm_types, type) == in.alarm_types->end()) continue;
    shapes::AlarmHistoryItem one;
    one.alarm_name = item.alarm;
    one.alarm_type = type;
    one.timestamp = time_of_millis(item.time);
    one.history_item_type = item.type == "StateUpdate" ? shapes::HistoryItemType::StateUpdate
                            : item.type == "Action"    ? shapes::HistoryItemType::Action
                                                       : shapes::HistoryItemType::ConfigurationUpdate;
    one.history_summary = item.summary;
    one.history_data = item.data;
    list.push_back(std::move(one));
  }
  if (!page->token.empty()) out.next_token = page->token;
  return out;
}

// -- changes

Result<aws::Empty> set_alarm_state(const Parts& parts, const aws::RequestContext&,
                                   const shapes::SetAlarmStateInput& in) {
  AlarmState state = AlarmState::InsufficientData;
  if (*in.state_value == shapes::StateValue::Ok) state = AlarmState::Ok;
  if (*in.state_value == shapes::StateValue::Alarm) state = AlarmState::Alarm;
  auto set = parts.alarms.set_state(*in.alarm_name, state, *in.state_reason, in.state_reason_data.value_or(""));
  if (!set) return fail(set);
  return aws::Empty{};
}

Result<aws::Empty> enable_actions(const Parts& parts, const Texts& names, bool enabled) {
  for (const auto& name : names) {
    auto changed = parts.alarms.change(name, [&](Alarm& alarm) -> Result<void> {
      alarm.actions_enabled = enabled;
      return {};
    });
    // AWS says nothing of names that it does not know.
    if (!changed && changed.error().code != "ResourceNotFound") return fail(changed);
  }
  return aws::Empty{};
}

Result<aws::Empty> delete_alarms(const Parts& parts, const aws::RequestContext&, const shapes::DeleteAlarmsInput& in) {
  const std::set<std::string> going(in.alarm_names->begin(), in.alarm_names->end());
  std::string conflict;
  parts.alarms.list({}, [&](const Alarm& alarm) {
    if (going.contains(alarm.name)) return true;
    for (const auto& child : children_of(alarm))
      if (going.contains(child)) conflict = fmt::format("Alarm {} is in the rule of {}", child, alarm.name);
    return conflict.empty();
  });
  if (!conflict.empty()) return client_error("ResourceConflict", conflict);
  if (auto removed = parts.alarms.remove(*in.alarm_names); !removed) return fail(removed);
  return aws::Empty{};
}

// -- tags: alarms have them

Result<std::string> alarm_of(const std::string& arn) {
  const auto at = arn.find(":alarm:");
  if (!arn.starts_with("arn:aws:cloudwatch:") || at == std::string::npos)
    return invalid_value("The ResourceARN is not that of an alarm.");
  return arn.substr(at + 7);
}

Failure no_such_resource(const Error& error) {
  if (error.code == "ResourceNotFound") return client_error("ResourceNotFoundException", error.message);
  return Failure(error);
}

Result<shapes::TagResourceOutput> tag_resource(const Parts& parts, const aws::RequestContext&,
                                               const shapes::TagResourceInput& in) {
  auto name = alarm_of(*in.resource_arn);
  if (!name) return fail(name);
  auto changed = parts.alarms.change(*name, [&](Alarm& alarm) -> Result<void> {
    read_tags(in, alarm);
    if (alarm.tags.size() > 50) return invalid_value("A resource can have at most 50 tags.");
    return {};
  });
  if (!changed) return no_such_resource(changed.error());
  return shapes::TagResourceOutput{};
}

Result<shapes::UntagResourceOutput> untag_resource(const Parts& parts, const aws::RequestContext&,
                                                   const shapes::UntagResourceInput& in) {
  auto name = alarm_of(*in.resource_arn);
  if (!name) return fail(name);
  auto changed = parts.alarms.change(*name, [&](Alarm& alarm) -> Result<void> {
    for (const auto& key : *in.tag_keys) alarm.tags.erase(key);
    return {};
  });
  if (!changed) return no_such_resource(changed.error());
  return shapes::UntagResourceOutput{};
}

Result<shapes::ListTagsForResourceOutput> list_tags(const Parts& parts, const aws::RequestContext&,
                                                    const shapes::ListTagsForResourceInput& in) {
  auto name = alarm_of(*in.resource_arn);
  if (!name) return fail(name);
  const auto alarm = parts.alarms.find(*name);
  if (alarm == nullptr) return client_error("ResourceNotFoundException", "Unknown alarm: " + *name);
  shapes::ListTagsForResourceOutput out;
  auto& tags = out.tags.emplace();
  for (const auto& [key, value] : alarm->tags) tags.push_back({.key = key, .value = value});
  return out;
}

}  // namespace

void add_alarms(aws::Service& service, const Parts& parts) {
  service.on<shapes::PutMetricAlarm>(with(parts, put_metric_alarm),
                                     "Actions are topics and functions. No anomaly detection, evaluation windows or "
                                     "criteria; low sample counts are not looked at.");
  service.on<shapes::PutCompositeAlarm>(with(parts, put_composite_alarm));
  service.on<shapes::DescribeAlarms>(with(parts, describe_alarms));
  service.on<shapes::DescribeAlarmsForMetric>(with(parts, describe_alarms_for_metric));
  service.on<shapes::DescribeAlarmHistory>(with(parts, describe_alarm_history));
  service.on<shapes::SetAlarmState>(with(parts, set_alarm_state));
  service.on<shapes::DeleteAlarms>(with(parts, delete_alarms));
  service.on<shapes::EnableAlarmActions>(with(parts, [](const Parts& p, const aws::RequestContext&, const auto& in) {
    return enable_actions(p, *in.alarm_names, true);
  }));
  service.on<shapes::DisableAlarmActions>(with(parts, [](const Parts& p, const aws::RequestContext&, const auto& in) {
    return enable_actions(p, *in.alarm_names, false);
  }));
  service.on<shapes::TagResource>(with(parts, tag_resource), "Alarms only.");
  service.on<shapes::UntagResource>(with(parts, untag_resource), "Alarms only.");
  service.on<shapes::ListTagsForResource>(with(parts, list_tags), "Alarms only.");
}

}  // namespace likeness::metrics
