#include "services/cloudwatch/actions.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <utility>

#include "aws/gen/lambda.hpp"
#include "aws/gen/sns.hpp"
#include "base/bytes.hpp"

namespace likeness::metrics {
namespace {

namespace json = boost::json;

std::string arn_of(const Alarm& alarm, const std::string& account, const std::string& region) {
  return fmt::format("arn:aws:cloudwatch:{}:{}:alarm:{}", region, account, alarm.name);
}

std::string time_text(Millis time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}+0000", fmt::gmtime(static_cast<std::time_t>(time / 1000)),
                     time % 1000);
}

json::array list_of(const std::vector<std::string>& texts) {
  json::array out;
  for (const auto& text : texts) out.emplace_back(text);
  return out;
}

json::string text_of(std::string_view text) { return json::string(text.data(), text.size()); }

std::string_view comparison_name(AlarmComparison comparison) {
  switch (comparison) {
    case AlarmComparison::GreaterOrEqual: return "GreaterThanOrEqualToThreshold";
    case AlarmComparison::Greater: return "GreaterThanThreshold";
    case AlarmComparison::Less: return "LessThanThreshold";
    case AlarmComparison::LessOrEqual: break;
  }
  return "LessThanOrEqualToThreshold";
}

/// "us-east-1" has a name of its own in messages; others are told by their code.
std::string region_name(const std::string& region) { return region == "us-east-1" ? "US East (N. Virginia)" : region; }

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); });
  return text;
}

json::object metric_of(const MetricStat& stat) {
  json::object dimensions;
  for (const auto& one : stat.series.dimensions) dimensions[one.name] = one.value;
  json::object metric;
  metric["namespace"] = stat.series.name_space;
  metric["name"] = stat.series.name;
  metric["dimensions"] = std::move(dimensions);
  json::object out;
  out["metric"] = std::move(metric);
  out["period"] = stat.period;
  out["stat"] = stat.stat;
  return out;
}

/// The list of dimensions as messages have it.
json::array dimensions_of(const SeriesKey& key) {
  json::array out;
  for (const auto& one : key.dimensions) {
    json::object dimension;
    dimension["value"] = one.value;
    dimension["name"] = one.name;
    out.emplace_back(std::move(dimension));
  }
  return out;
}

json::object trigger_query(const MetricQuery& query) {
  json::object out;
  out["Id"] = query.id;
  out["ReturnData"] = query.return_data;
  if (!query.label.empty()) out["Label"] = query.label;
  if (!query.expression.empty()) out["Expression"] = query.expression;
  if (query.stat) {
    json::object metric;
    metric["Dimensions"] = dimensions_of(query.stat->series);
    metric["MetricName"] = query.stat->series.name;
    metric["Namespace"] = query.stat->series.name_space;
    json::object stat;
    stat["Metric"] = std::move(metric);
    stat["Period"] = query.stat->period;
    stat["Stat"] = query.stat->stat;
    out["MetricStat"] = std::move(stat);
  }
  return out;
}

json::object trigger_of(const Alarm& alarm) {
  json::object out;
  out["Period"] = alarm.period();
  out["EvaluationPeriods"] = alarm.evaluation_periods;
  if (alarm.datapoints_to_alarm > 0) out["DatapointsToAlarm"] = alarm.datapoints_to_alarm;
  out["ComparisonOperator"] = text_of(comparison_name(alarm.comparison));
  out["Threshold"] = alarm.threshold;
  out["TreatMissingData"] = alarm.missing_data_given ? text_of(to_text(alarm.missing_data)) : json::string();
  out["EvaluateLowSampleCountPercentile"] = alarm.low_samples;
  if (!alarm.stat) {
    json::array metrics;
    for (const auto& query : alarm.queries) metrics.emplace_back(trigger_query(query));
    out["Metrics"] = std::move(metrics);
    return out;
  }
  const auto& stat = *alarm.stat;
  out["MetricName"] = stat.series.name;
  out["Namespace"] = stat.series.name_space;
  const auto parsed = Statistic::parse(stat.stat);
  const bool basic = parsed && parsed->is_basic();
  out["StatisticType"] = basic ? "Statistic" : "ExtendedStatistic";
  out[basic ? "Statistic" : "ExtendedStatistic"] = basic ? upper(stat.stat) : stat.stat;
  out["Unit"] = nullptr;
  if (stat.unit) out["Unit"] = text_of(to_text(*stat.unit));
  out["Dimensions"] = dimensions_of(stat.series);
  return out;
}

}  // namespace

std::string alarm_message(const Alarm& alarm, AlarmState from, const std::string& account, const std::string& region) {
  json::object out;
  out["AlarmName"] = alarm.name;
  out["AlarmDescription"] = nullptr;
  if (!alarm.description.empty()) out["AlarmDescription"] = alarm.description;
  if (alarm.is_composite()) out["AlarmRule"] = alarm.rule;
  out["AWSAccountId"] = account;
  out["AlarmConfigurationUpdatedTimestamp"] = time_text(alarm.configured);
  out["NewStateValue"] = text_of(to_text(alarm.state));
  out["NewStateReason"] = alarm.reason;
  out["StateChangeTime"] = time_text(alarm.state_updated);
  out["Region"] = region_name(region);
  out["AlarmArn"] = arn_of(alarm, account, region);
  out["OldStateValue"] = text_of(to_text(from));
  out["OKActions"] = list_of(alarm.ok_actions);
  out["AlarmActions"] = list_of(alarm.alarm_actions);
  out["InsufficientDataActions"] = list_of(alarm.insufficient_data_actions);
  if (!alarm.is_composite()) out["Trigger"] = trigger_of(alarm);
  return json::serialize(out);
}

std::string alarm_data(const Alarm& alarm, const AlarmBefore& before) {
  const auto state_of = [](AlarmState value, const std::string& reason, const std::string& data, Millis updated) {
    json::object state;
    state["value"] = text_of(to_text(value));
    if (!reason.empty()) state["reason"] = reason;
    if (!data.empty()) state["reasonData"] = data;
    if (updated > 0) state["timestamp"] = time_text(updated);
    return state;
  };
  auto state = state_of(alarm.state, alarm.reason, alarm.reason_data, alarm.state_updated);
  if (alarm.suppressed != Suppressed::No) {
    state["actionsSuppressedBy"] = text_of(to_text(alarm.suppressed));
    state["actionsSuppressedReason"] = fmt::format("Actions suppressed by {}", to_text(alarm.suppressed));
  }
  json::object configuration;
  if (!alarm.description.empty()) configuration["description"] = alarm.description;
  if (alarm.is_composite()) {
    configuration["alarmRule"] = alarm.rule;
    if (!alarm.suppressor.empty()) {
      configuration["actionsSuppressor"] = alarm.suppressor;
      configuration["actionsSuppressorWaitPeriod"] = alarm.suppressor_wait;
      configuration["actionsSuppressorExtensionPeriod"] = alarm.suppressor_extension;
    }
  } else {
    json::array metrics;
    if (alarm.stat) {
      json::object one;
      one["id"] = "m1";
      one["metricStat"] = metric_of(*alarm.stat);
      one["returnData"] = true;
      metrics.emplace_back(std::move(one));
    }
    for (const auto& query : alarm.queries) {
      json::object one;
      one["id"] = query.id;
      if (!query.expression.empty()) one["expression"] = query.expression;
      if (query.stat) one["metricStat"] = metric_of(*query.stat);
      one["returnData"] = query.return_data;
      metrics.emplace_back(std::move(one));
    }
    configuration["metrics"] = std::move(metrics);
  }
  json::object data;
  data["alarmName"] = alarm.name;
  data["state"] = std::move(state);
  data["previousState"] = state_of(before.state, before.reason, before.reason_data, before.updated);
  data["configuration"] = std::move(configuration);
  return json::serialize(data);
}

std::string alarm_event(const Alarm& alarm, const AlarmBefore& before, const std::string& account,
                        const std::string& region) {
  json::object out;
  out["source"] = "aws.cloudwatch";
  out["alarmArn"] = arn_of(alarm, account, region);
  out["accountId"] = account;
  out["time"] = time_text(alarm.state_updated);
  out["region"] = region;
  out["alarmData"] = json::parse(alarm_data(alarm, before));
  return json::serialize(out);
}

Result<void> CallingActions::announce(const Alarm& alarm, const AlarmBefore& before) {
  if (!put_event_) return {};
  return put_event_("CloudWatch Alarm State Change", arn_of(alarm, account_, region_),
                    TimePoint(std::chrono::milliseconds(alarm.state_updated)), alarm_data(alarm, before));
}

Result<void> CallingActions::perform(const Alarm& alarm, const AlarmBefore& before, const std::string& action) {
  const auto arn = arn_of(alarm, account_, region_);
  if (action.starts_with("arn:aws:sns:")) {
    aws::sns::PublishInput input;
    input.topic_arn = action;
    auto subject = fmt::format("{}: \"{}\" in {}", to_text(alarm.state), alarm.name, region_name(region_));
    if (subject.size() > 100) subject.resize(100);
    input.subject = std::move(subject);
    input.message = alarm_message(alarm, before.state, account_, region_);
    auto sent = calls_.call<aws::sns::Publish>(aws::service_caller("cloudwatch.amazonaws.com", arn, account_), input);
    if (!sent) return fail(sent);
    return {};
  }
  if (action.starts_with("arn:aws:lambda:")) {
    aws::lambda::InvocationRequest input;
    input.function_name = action;
    input.invocation_type = aws::lambda::InvocationType::Event;
    const auto event = alarm_event(alarm, before, account_, region_);
    input.payload = Bytes(event.begin(), event.end());
    auto sent = calls_.call<aws::lambda::Invoke>(
        aws::service_caller("lambda.alarms.cloudwatch.amazonaws.com", arn, account_), input);
    if (!sent) return fail(sent);
    return {};
  }
  return client_error("ValidationException", "Actions of this kind are not available: " + action);
}

}  // namespace likeness::metrics
