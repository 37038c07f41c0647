#include "domain/metrics/alarm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <utility>

#include "domain/record.hpp"

namespace likeness::metrics {
namespace {

using domain::RecordReader;
using domain::RecordWriter;

/// How many periods further back an evaluation looks for data.
constexpr int kFurtherBack = 2;

std::string encode(const SeriesKey& key) {
  RecordWriter out;
  out.text(1, key.name_space);
  out.text(2, key.name);
  for (const auto& dimension : key.dimensions) {
    out.text(3, dimension.name);
    out.text(4, dimension.value);
  }
  return out.take();
}

SeriesKey decode_key(std::string_view bytes) {
  SeriesKey out;
  RecordReader in(bytes);
  while (in.next()) {
    switch (in.field()) {
      case 1: out.name_space = in.text(); break;
      case 2: out.name = in.text(); break;
      case 3: out.dimensions.push_back({std::string(in.text()), {}}); break;
      case 4:
        if (!out.dimensions.empty()) out.dimensions.back().value = in.text();
        break;
      default: break;
    }
  }
  return out;
}

std::string encode(const MetricStat& stat) {
  RecordWriter out;
  out.text(1, encode(stat.series));
  out.number(2, static_cast<std::uint64_t>(stat.period));
  out.text(3, stat.stat);
  if (stat.unit) out.number(4, static_cast<std::uint64_t>(*stat.unit));
  return out.take();
}

MetricStat decode_stat(std::string_view bytes) {
  MetricStat out;
  RecordReader in(bytes);
  while (in.next()) {
    switch (in.field()) {
      case 1: out.series = decode_key(in.text()); break;
      case 2: out.period = static_cast<Seconds>(in.number()); break;
      case 3: out.stat = in.text(); break;
      case 4:
        out.unit = static_cast<Unit>(std::min<std::uint64_t>(in.number(), static_cast<std::uint64_t>(Unit::None)));
        break;
      default: break;
    }
  }
  return out;
}

std::string encode(const MetricQuery& query) {
  RecordWriter out;
  out.text(1, query.id);
  if (query.stat) out.text(2, encode(*query.stat));
  out.text(3, query.expression);
  out.text(4, query.label);
  out.number(5, query.return_data ? 1 : 0);
  out.number(6, static_cast<std::uint64_t>(query.period));
  return out.take();
}

MetricQuery decode_query(std::string_view bytes) {
  MetricQuery out;
  RecordReader in(bytes);
  while (in.next()) {
    switch (in.field()) {
      case 1: out.id = in.text(); break;
      case 2: out.stat = decode_stat(in.text()); break;
      case 3: out.expression = in.text(); break;
      case 4: out.label = in.text(); break;
      case 5: out.return_data = in.number() != 0; break;
      case 6: out.period = static_cast<Seconds>(in.number()); break;
      default: break;
    }
  }
  return out;
}

}  // namespace

Seconds Alarm::period() const {
  if (stat) return stat->period;
  Seconds out = 0;
  for (const auto& query : queries) out = std::max(out, query.stat ? query.stat->period : query.period);
  return out > 0 ? out : 60;
}

std::string encode(const Alarm& alarm) {
  RecordWriter out;
  out.text(1, alarm.name);
  out.text(2, alarm.description);
  out.number(3, alarm.actions_enabled ? 1 : 0);
  for (const auto& action : alarm.ok_actions) out.text(4, action);
  for (const auto& action : alarm.alarm_actions) out.text(5, action);
  for (const auto& action : alarm.insufficient_data_actions) out.text(6, action);
  for (const auto& [key, value] : alarm.tags) {
    out.text(7, key);
    out.text(8, value);
  }
  out.text(9, alarm.rule);
  if (alarm.stat) out.text(10, encode(*alarm.stat));
  for (const auto& query : alarm.queries) out.text(11, encode(query));
  out.number(12, static_cast<std::uint64_t>(alarm.evaluation_periods));
  out.number(13, static_cast<std::uint64_t>(alarm.datapoints_to_alarm));
  out.number(14, std::bit_cast<std::uint64_t>(alarm.threshold));
  out.number(15, static_cast<std::uint64_t>(alarm.comparison));
  out.number(16, static_cast<std::uint64_t>(alarm.missing_data));
  out.number(17, alarm.missing_data_given ? 1 : 0);
  out.text(18, alarm.low_samples);
  out.number(19, static_cast<std::uint64_t>(alarm.state));
  out.text(20, alarm.reason);
  out.text(21, alarm.reason_data);
  out.number(22, static_cast<std::uint64_t>(alarm.configured));
  out.number(23, static_cast<std::uint64_t>(alarm.state_updated));
  out.number(24, static_cast<std::uint64_t>(alarm.transitioned));
  if (!alarm.suppressor.empty()) {
    out.text(25, alarm.suppressor);
    out.number(26, static_cast<std::uint64_t>(alarm.suppressor_wait));
    out.number(27, static_cast<std::uint64_t>(alarm.suppressor_extension));
  }
  if (alarm.actions_due) out.number(28, 1);
  if (alarm.suppressed != Suppressed::No) out.number(29, static_cast<std::uint64_t>(alarm.suppressed));
  out.number(30, static_cast<std::uint64_t>(alarm.previous));
  return out.take();
}

Result<Alarm> decode_alarm(std::string_view bytes) {
  Alarm out;
  RecordReader in(bytes);
  std::string tag;
  while (in.next()) {
    switch (in.field()) {
      case 1: out.name = in.text(); break;
      case 2: out.description = in.text(); break;
      case 3: out.actions_enabled = in.number() != 0; break;
      case 4: out.ok_actions.emplace_back(in.text()); break;
      case 5: out.alarm_actions.emplace_back(in.text()); break;
      case 6: out.insufficient_data_actions.emplace_back(in.text()); break;
      case 7: tag = in.text(); break;
      case 8: out.tags[tag] = in.text(); break;
      case 9: out.rule = in.text(); break;
      case 10: out.stat = decode_stat(in.text()); break;
      case 11: out.queries.push_back(decode_query(in.text())); break;
      case 12: out.evaluation_periods = static_cast<int>(in.number()); break;
      case 13: out.datapoints_to_alarm = static_cast<int>(in.number()); break;
      case 14: out.threshold = std::bit_cast<double>(in.number()); break;
      case 15: out.comparison = static_cast<AlarmComparison>(in.number() & 3); break;
      case 16: out.missing_data = static_cast<MissingData>(in.number() & 3); break;
      case 17: out.missing_data_given = in.number() != 0; break;
      case 18: out.low_samples = in.text(); break;
      case 19: out.state = static_cast<AlarmState>(std::min<std::uint64_t>(in.number(), 2)); break;
      case 20: out.reason = in.text(); break;
      case 21: out.reason_data = in.text(); break;
      case 22: out.configured = static_cast<Millis>(in.number()); break;
      case 23: out.state_updated = static_cast<Millis>(in.number()); break;
      case 24: out.transitioned = static_cast<Millis>(in.number()); break;
      case 25: out.suppressor = in.text(); break;
      case 26: out.suppressor_wait = static_cast<Seconds>(in.number()); break;
      case 27: out.suppressor_extension = static_cast<Seconds>(in.number()); break;
      case 28: out.actions_due = in.number() != 0; break;
      case 29: out.suppressed = static_cast<Suppressed>(in.number() & 3); break;
      case 30: out.previous = static_cast<AlarmState>(std::min<std::uint64_t>(in.number(), 2)); break;
      default: break;
    }
  }
  if (!in.ok() || out.name.empty())
    return server_error("StorageFailure", "The record of an alarm cannot be read.", "its bytes make no sense");
  return out;
}

std::string_view to_text(AlarmState state) {
  switch (state) {
    case AlarmState::Ok: return "OK";
    case AlarmState::Alarm: return "ALARM";
    case AlarmState::InsufficientData: break;
  }
  return "INSUFFICIENT_DATA";
}

std::string_view to_text(MissingData treatment) {
  switch (treatment) {
    case MissingData::Ignore: return "ignore";
    case MissingData::Breaching: return "breaching";
    case MissingData::NotBreaching: return "notBreaching";
    case MissingData::Missing: break;
  }
  return "missing";
}

std::string_view to_text(Suppressed by) {
  switch (by) {
    case Suppressed::WaitPeriod: return "WaitPeriod";
    case Suppressed::ExtensionPeriod: return "ExtensionPeriod";
    case Suppressed::Alarm: return "Alarm";
    case Suppressed::No: break;
  }
  return {};
}

Suppressed suppressed_by(const Alarm& alarm, const Alarm* suppressor, Millis now) {
  if (!alarm.actions_due || alarm.suppressor.empty()) return Suppressed::No;
  if (suppressor != nullptr && suppressor->state == AlarmState::Alarm) return Suppressed::Alarm;
  if (alarm.suppressed == Suppressed::Alarm || alarm.suppressed == Suppressed::ExtensionPeriod) {
    // It was off, and has just ended to be.
    const Millis ended = suppressor != nullptr ? suppressor->transitioned : 0;
    return now < ended + alarm.suppressor_extension * 1000 ? Suppressed::ExtensionPeriod : Suppressed::No;
  }
  return now < alarm.transitioned + alarm.suppressor_wait * 1000 ? Suppressed::WaitPeriod : Suppressed::No;
}

bool breaches(const Alarm& alarm, double value) {
  switch (alarm.comparison) {
    case AlarmComparison::GreaterOrEqual: return value >= alarm.threshold;
    case AlarmComparison::Greater: return value > alarm.threshold;
    case AlarmComparison::Less: return value < alarm.threshold;
    case AlarmComparison::LessOrEqual: break;
  }
  return value <= alarm.threshold;
}

Evaluated evaluate(const Alarm& alarm, const std::vector<std::pair<Seconds, std::optional<double>>>& values) {
  const int wanted = alarm.evaluation_periods;
  const int to_alarm = alarm.datapoints_to_alarm > 0 ? alarm.datapoints_to_alarm : wanted;
  Evaluated out;
  for (const auto& [time, value] : values) {
    if (!value || static_cast<int>(out.points.size()) == wanted) continue;
    out.points.emplace_back(time, *value);
    out.breaching += breaches(alarm, *value) ? 1 : 0;
  }
  const int real = static_cast<int>(out.points.size());
  const int fine = real - out.breaching;
  out.filled = wanted - real;
  const auto alarmed = [](bool it_is) { return it_is ? AlarmState::Alarm : AlarmState::Ok; };
  switch (alarm.missing_data) {
    case MissingData::Breaching: out.state = alarmed(out.breaching + out.filled >= to_alarm); break;
    case MissingData::NotBreaching: out.state = alarmed(out.breaching >= to_alarm); break;
    case MissingData::Ignore:
      if (out.breaching >= to_alarm)
        out.state = AlarmState::Alarm;
      else
        out.state = fine > wanted - to_alarm ? AlarmState::Ok : alarm.state;
      break;
    case MissingData::Missing:
      if (real == 0)
        out.state = AlarmState::InsufficientData;
      else
        out.state = alarmed(out.breaching >= to_alarm || (out.filled > 0 && fine == 0));
      break;
  }
  return out;
}

Result<Evaluated> evaluate(const Alarm& alarm, const MetricStore& store, Seconds now) {
  const Seconds period = alarm.period();
  const int count = alarm.evaluation_periods + kFurtherBack;
  std::map<Seconds, double> found;
  Seconds end = 0;
  if (alarm.stat) {
    // Periods end with the last whole minute, whatever their length.
    const Seconds step = period < 60 ? period : 60;
    end = now - now % step;
    const auto statistic = Statistic::parse(alarm.stat->stat);
    if (!statistic) return validation("The statistic of the alarm is not supported.");
    auto periods = read_periods(store, alarm.stat->series, period, end % period, end - count * period, end);
    if (!periods) return fail(periods);
    std::map<Seconds, Aggregate> joined;
    for (const auto& [key, aggregate] : *periods)
      if (!alarm.stat->unit || *alarm.stat->unit == key.second) joined[key.first].add(aggregate);
    for (const auto& [time, aggregate] : joined)
      if (const auto value = statistic->of(aggregate)) found[time] = *value;
  } else {
    end = now - now % period;
    auto output = run_queries(store, alarm.queries, end - count * period, end);
    if (!output) return fail(output);
    if (output->series.size() != 1) return validation("The queries of the alarm give other than one time series.");
    found = std::move(output->series.front().values);
  }
  std::vector<std::pair<Seconds, std::optional<double>>> values;
  for (int i = 1; i <= count; ++i) {
    const Seconds time = end - i * period;
    const auto at = found.find(time);
    values.emplace_back(time, at == found.end() ? std::nullopt : std::optional(at->second));
  }
  return evaluate(alarm, values);
}

// -- rules of composite alarms

class RuleParser {
 public:
  explicit RuleParser(std::string_view text) : rest_(text) {}

  Result<AlarmRule> parse() {
    auto out = chain(false, 0);
    if (!out) return out;
    skip();
    if (!rest_.empty()) return bad();
    return out;
  }

 private:
  static Failure bad() { return validation("Could not parse alarm rule."); }

  void skip() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())) != 0) rest_.remove_prefix(1);
  }
  bool take(std::string_view word) {
    skip();
    if (!rest_.starts_with(word)) return false;
    const bool is_word = std::isalpha(static_cast<unsigned char>(word.front())) != 0;
    if (is_word && rest_.size() > word.size() &&
        (std::isalnum(static_cast<unsigned char>(rest_[word.size()])) != 0 || rest_[word.size()] == '_'))
      return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  Result<AlarmRule> chain(bool is_and, int depth) {
    AlarmRule out;
    out.kind_ = is_and ? AlarmRule::Kind::And : AlarmRule::Kind::Or;
    do {
      auto part = is_and ? primary(depth) : chain(true, depth);
      if (!part) return part;
      out.parts_.push_back(std::move(*part));
    } while (take(is_and ? "AND" : "OR"));
    if (out.parts_.size() > 1) return out;
    AlarmRule only = std::move(out.parts_.front());
    return only;
  }

  Result<AlarmRule> primary(int depth) {
    if (depth > 40) return bad();
    AlarmRule out;
    if (take("NOT")) {
      auto inner = primary(depth + 1);
      if (!inner) return inner;
      out.kind_ = AlarmRule::Kind::Not;
      out.parts_.push_back(std::move(*inner));
      return out;
    }
    if (take("FALSE")) return out;
    if (take("TRUE")) {
      out.constant_ = true;
      return out;
    }
    for (const auto state : {AlarmState::Alarm, AlarmState::Ok, AlarmState::InsufficientData}) {
      if (!take(to_text(state))) continue;
      if (!take("(")) return bad();
      skip();
      out.kind_ = AlarmRule::Kind::State;
      out.state_ = state;
      if (rest_.starts_with('"') || rest_.starts_with('\'')) {
        const auto end = rest_.find(rest_.front(), 1);
        if (end == std::string_view::npos) return bad();
        out.alarm_ = rest_.substr(1, end - 1);
        rest_.remove_prefix(end + 1);
      } else {
        const auto end = rest_.find(')');
        if (end == std::string_view::npos) return bad();
        auto name = rest_.substr(0, end);
        while (!name.empty() && std::isspace(static_cast<unsigned char>(name.back())) != 0) name.remove_suffix(1);
        out.alarm_ = name;
        rest_.remove_prefix(end);
      }
      if (out.alarm_.empty() || !take(")")) return bad();
      // An ARN names an alarm by its last part.
      if (const auto at = out.alarm_.find(":alarm:"); at != std::string::npos && out.alarm_.starts_with("arn:"))
        out.alarm_ = out.alarm_.substr(at + 7);
      return out;
    }
    if (!take("(")) return bad();
    auto inner = chain(false, depth + 1);
    if (!inner) return inner;
    if (!take(")")) return bad();
    return inner;
  }

  std::string_view rest_;
};

Result<AlarmRule> AlarmRule::parse(std::string_view text) { return RuleParser(text).parse(); }

bool AlarmRule::holds(const std::function<AlarmState(const std::string&)>& state_of) const {
  const auto part = [&](const AlarmRule& rule) { return rule.holds(state_of); };
  switch (kind_) {
    case Kind::Constant: return constant_;
    case Kind::State: return state_of(alarm_) == state_;
    case Kind::Not: return !part(parts_.front());
    case Kind::And: return std::ranges::all_of(parts_, part);
    case Kind::Or: break;
  }
  return std::ranges::any_of(parts_, part);
}

std::vector<std::string> AlarmRule::alarms() const {
  std::vector<std::string> out;
  if (kind_ == Kind::State) out.push_back(alarm_);
  for (const auto& part : parts_)
    for (auto& name : part.alarms())
      if (std::ranges::find(out, name) == out.end()) out.push_back(std::move(name));
  return out;
}

}  // namespace likeness::metrics
