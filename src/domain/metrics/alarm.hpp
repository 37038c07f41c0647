#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "domain/metrics/query.hpp"

namespace likeness::metrics {

/// Milliseconds since 1970.
using Millis = std::int64_t;

enum class AlarmState { Ok, Alarm, InsufficientData };
enum class AlarmComparison { GreaterOrEqual, Greater, Less, LessOrEqual };
enum class MissingData { Missing, Ignore, Breaching, NotBreaching };
/// What keeps the actions of a composite alarm from being performed.
enum class Suppressed { No, WaitPeriod, ExtensionPeriod, Alarm };

/// A rule over a metric, over an expression, or (composite) over other alarms; and the state that it is in.
struct Alarm {
  std::string name, description;
  bool actions_enabled = true;
  std::vector<std::string> ok_actions, alarm_actions, insufficient_data_actions;
  std::map<std::string, std::string> tags;

  std::string rule;  // of a composite alarm; empty otherwise
  /// While that alarm (a name) is in ALARM, this one does nothing; empty: none. It gets the wait to go off, and leaves
  /// the extension after it was off.
  std::string suppressor;
  Seconds suppressor_wait = 0, suppressor_extension = 0;

  std::optional<MetricStat> stat;    // either that,
  std::vector<MetricQuery> queries;  // or these, of which one returns data
  int evaluation_periods = 1;
  int datapoints_to_alarm = 0;  // 0: all of them, and not given
  double threshold = 0;
  AlarmComparison comparison = AlarmComparison::Greater;
  MissingData missing_data = MissingData::Missing;
  bool missing_data_given = false;
  std::string low_samples;  // EvaluateLowSampleCountPercentile, kept

  AlarmState state = AlarmState::InsufficientData;
  std::string reason, reason_data;
  Millis configured = 0;
  Millis state_updated = 0;
  Millis transitioned = 0;
  AlarmState previous = AlarmState::InsufficientData;  // the state before
  bool actions_due = false;                            // of the state that it is in; they are suppressed
  Suppressed suppressed = Suppressed::No;

  bool is_composite() const { return !rule.empty(); }
  Seconds period() const;
};

std::string encode(const Alarm& alarm);
Result<Alarm> decode_alarm(std::string_view bytes);

/// Values of the periods that an evaluation looks at, the newest first; none where a period has no data.
struct Evaluated {
  AlarmState state = AlarmState::InsufficientData;
  std::vector<std::pair<Seconds, double>> points;  // those that counted, the newest first
  int breaching = 0;
  int filled = 0;  // periods without data that counted
};

/// What the values say. `values` may be more than the evaluation periods: older ones stand in for missing ones, as
/// AWS's guide tells under "Configuring how CloudWatch alarms treat missing data".
Evaluated evaluate(const Alarm& alarm, const std::vector<std::pair<Seconds, std::optional<double>>>& values);
/// Reads and evaluates; `now` is the moment.
Result<Evaluated> evaluate(const Alarm& alarm, const MetricStore& store, Seconds now);

/// "ALARM(a) AND NOT (OK("b c") OR TRUE)".
class AlarmRule {
 public:
  enum class Kind { State, And, Or, Not, Constant };
  /// Error: ValidationException.
  static Result<AlarmRule> parse(std::string_view text);

  bool holds(const std::function<AlarmState(const std::string&)>& state_of) const;
  /// The alarms that it names.
  std::vector<std::string> alarms() const;

 private:
  friend class RuleParser;
  Kind kind_ = Kind::Constant;
  bool constant_ = false;
  AlarmState state_ = AlarmState::Alarm;
  std::string alarm_;
  std::vector<AlarmRule> parts_;
};

/// "OK", "ALARM", "INSUFFICIENT_DATA".
std::string_view to_text(AlarmState state);
std::string_view to_text(MissingData treatment);
/// "WaitPeriod", "ExtensionPeriod", "Alarm"; "" if it is not.
std::string_view to_text(Suppressed by);
/// What keeps the actions that are due from being performed at `now`; `suppressor` may be null.
Suppressed suppressed_by(const Alarm& alarm, const Alarm* suppressor, Millis now);
bool breaches(const Alarm& alarm, double value);

}  // namespace likeness::metrics
