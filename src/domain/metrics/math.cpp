#include "domain/metrics/math.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "domain/metrics/search.hpp"
#include "domain/metrics/select.hpp"

namespace likeness::metrics {
namespace {

constexpr std::size_t kMostFound = 500;  // series of a SEARCH, as on AWS
constexpr std::size_t kMostPoints = 2'000'000;

using List = std::vector<TimeSeries>;
using Function = std::function<double(double)>;
using Elementwise = double(double);

Failure bad(std::string why) { return validation("Error in expression: " + std::move(why)); }

double truth(bool value) { return value ? 1 : 0; }

double apply(std::string_view op, double a, double b) {
  if (op == "+") return a + b;
  if (op == "-") return a - b;
  if (op == "*") return a * b;
  if (op == "/") return a / b;
  if (op == "^") return std::pow(a, b);
  if (op == "<") return truth(a < b);
  if (op == ">") return truth(a > b);
  if (op == "<=") return truth(a <= b);
  if (op == ">=") return truth(a >= b);
  if (op == "==") return truth(a == b);
  if (op == "!=") return truth(a != b);
  if (op == "&&") return truth(a != 0 && b != 0);
  return truth(a != 0 || b != 0);
}

/// What has no value (a division by zero) has no data.
void put(TimeSeries& series, Seconds time, double value) {
  if (std::isfinite(value)) series.values[time] = value;
}

TimeSeries map_values(const TimeSeries& series, const Function& function) {
  TimeSeries out{series.id, series.label, series.period, {}};
  for (const auto& [time, value] : series.values) put(out, time, function(value));
  return out;
}

MathValue map_values(const MathValue& value, const Function& function) {
  if (const auto* number = std::get_if<double>(&value)) return function(*number);
  if (const auto* series = std::get_if<TimeSeries>(&value)) return map_values(*series, function);
  List out;
  if (const auto* list = std::get_if<List>(&value))
    for (const auto& one : *list) out.push_back(map_values(one, function));
  return out;
}

TimeSeries combine(const TimeSeries& a, const TimeSeries& b, std::string_view op) {
  TimeSeries out{a.id, a.label, std::max(a.period, b.period), {}};
  for (const auto& [time, value] : a.values)
    if (const auto at = b.values.find(time); at != b.values.end()) put(out, time, apply(op, value, at->second));
  return out;
}

Result<MathValue> combine(const MathValue& a, const MathValue& b, std::string_view op) {
  if (std::holds_alternative<std::string>(a) || std::holds_alternative<std::string>(b))
    return bad("a text is no operand");
  if (const auto* x = std::get_if<double>(&a)) {
    if (const auto* y = std::get_if<double>(&b)) return MathValue(apply(op, *x, *y));
    return map_values(b, [&](double y) { return apply(op, *x, y); });
  }
  if (const auto* y = std::get_if<double>(&b)) return map_values(a, [&](double x) { return apply(op, x, *y); });
  const auto* one = std::get_if<TimeSeries>(&a);
  const auto* other = std::get_if<TimeSeries>(&b);
  if (one != nullptr && other != nullptr) return MathValue(combine(*one, *other, op));
  List out;
  if (one != nullptr) {
    for (const auto& item : std::get<List>(b)) {
      auto made = combine(*one, item, op);
      made.label = item.label;
      out.push_back(std::move(made));
    }
    return MathValue(std::move(out));
  }
  const auto& items = std::get<List>(a);
  if (other != nullptr) {
    for (const auto& item : items) out.push_back(combine(item, *other, op));
    return MathValue(std::move(out));
  }
  const auto& others = std::get<List>(b);
  if (items.size() != others.size()) return bad("two lists of time series have to be of one length");
  for (std::size_t i = 0; i < items.size(); ++i) out.push_back(combine(items[i], others[i], op));
  return MathValue(std::move(out));
}

double total(const std::vector<double>& values) {
  double out = 0;
  for (const double value : values) out += value;
  return out;
}

std::optional<double> reduce(std::string_view name, const std::vector<double>& values) {
  if (name == "DATAPOINT_COUNT") return static_cast<double>(values.size());
  if (values.empty()) return std::nullopt;
  const auto count = static_cast<double>(values.size());
  if (name == "SUM") return total(values);
  if (name == "AVG") return total(values) / count;
  if (name == "MAX") return std::ranges::max(values);
  if (name == "MIN") return std::ranges::min(values);
  const double mean = total(values) / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / count);
}

/// One series becomes a number, several one series of what each moment has.
Result<MathValue> reduce(std::string_view name, const MathValue& value) {
  if (const auto* number = std::get_if<double>(&value))
    return MathValue(reduce(name, std::vector{*number}).value_or(0));
  if (const auto* series = std::get_if<TimeSeries>(&value)) {
    std::vector<double> values;
    values.reserve(series->values.size());
    for (const auto& [time, one] : series->values) values.push_back(one);
    return MathValue(reduce(name, values).value_or(0));
  }
  const auto* list = std::get_if<List>(&value);
  if (list == nullptr) return bad(fmt::format("{} takes time series", name));
  std::map<Seconds, std::vector<double>> at;
  TimeSeries out;
  for (const auto& series : *list) {
    out.period = std::max(out.period, series.period);
    for (const auto& [time, one] : series.values) at[time].push_back(one);
  }
  for (const auto& [time, values] : at)
    if (const auto one = reduce(name, values)) put(out, time, *one);
  return MathValue(std::move(out));
}

/// Functions of a series as a whole: RATE, DIFF ...
TimeSeries along(std::string_view name, const TimeSeries& series) {
  TimeSeries out{series.id, series.label, series.period, {}};
  double running = 0;
  std::optional<std::pair<Seconds, double>> before;
  for (const auto& [time, value] : series.values) {
    if (name == "RUNNING_SUM") {
      running += value;
      put(out, time, running);
    } else if (before) {
      const auto seconds = static_cast<double>(time - before->first);
      if (name == "RATE") put(out, time, (value - before->second) / seconds);
      if (name == "DIFF") put(out, time, value - before->second);
      if (name == "DIFF_TIME") put(out, time, seconds);
    }
    before = {time, value};
  }
  return out;
}

/// Parts of the time of each data point.
double part_of_time(std::string_view name, Seconds time) {
  using namespace std::chrono;
  const sys_seconds at{seconds(time)};
  const auto day = floor<days>(at);
  const year_month_day date(day);
  if (name == "EPOCH") return static_cast<double>(time);
  if (name == "MINUTE") return static_cast<double>(time / 60 % 60);
  if (name == "HOUR") return static_cast<double>(time / 3600 % 24);
  if (name == "DAY") return weekday(day).iso_encoding();
  if (name == "DATE") return static_cast<unsigned>(date.day());
  if (name == "MONTH") return static_cast<unsigned>(date.month());
  return static_cast<int>(date.year());
}

/// The functions that answer a number for each number; null for another name.
Elementwise* elementwise(std::string_view name) {
  if (name == "ABS") return [](double x) { return std::abs(x); };
  if (name == "CEIL") return [](double x) { return std::ceil(x); };
  if (name == "FLOOR") return [](double x) { return std::floor(x); };
  if (name == "LOG") return [](double x) { return std::log(x); };
  if (name == "LOG10") return [](double x) { return std::log10(x); };
  if (name == "SQRT") return [](double x) { return std::sqrt(x); };
  return nullptr;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

Evaluator::Evaluator(const MetricStore& store, const std::vector<MetricQuery>& queries, Seconds from, Seconds to)
    : store_(store), queries_(queries), from_(from), to_(to) {}

TimeSeries Evaluator::constant(double value) const {
  TimeSeries out;
  out.period = period_;
  for (Seconds time = from_ - from_ % period_; time < to_; time += period_) out.values[time] = value;
  return out;
}

Seconds Evaluator::period_of(const MathValue& value) const {
  if (const auto* series = std::get_if<TimeSeries>(&value)) return series->period;
  Seconds out = 0;
  if (const auto* list = std::get_if<List>(&value))
    for (const auto& series : *list) out = std::max(out, series.period);
  return out == 0 ? period_ : out;
}

Result<MathValue> Evaluator::value_of(const MetricQuery& query) {
  if (const auto at = known_.find(query.id); at != known_.end()) return at->second;
  if (query.stat) {
    auto values = read_stat(store_, *query.stat, from_, to_);
    if (!values) return fail(values);
    MathValue made = TimeSeries{query.id, query.stat->series.name, query.stat->period, std::move(*values)};
    return known_.emplace(query.id, std::move(made)).first->second;
  }
  if (Select::is_one(query.expression)) {
    auto made = select(query);
    if (!made) return made;
    return known_.emplace(query.id, std::move(*made)).first->second;
  }
  if (!under_way_.insert(query.id).second) return bad(fmt::format("{} refers to itself", query.id));
  auto parsed = parse_expression(query.expression);
  if (!parsed) return fail(parsed);
  const auto before = std::pair(period_, period_given_);
  // Without a period of its own an expression has that of what it names.
  period_given_ = query.period > 0;
  if (period_given_) {
    period_ = query.period;
  } else {
    std::vector<std::string> names;
    names_in(*parsed, names);
    Seconds longest = 0;
    for (const auto& one : queries_)
      if (one.stat && std::ranges::find(names, one.id) != names.end()) longest = std::max(longest, one.stat->period);
    period_ = longest > 0 ? longest : 60;
  }
  auto value = evaluate(*parsed);
  std::tie(period_, period_given_) = before;
  under_way_.erase(query.id);
  if (!value) return value;
  return known_.emplace(query.id, std::move(*value)).first->second;
}

Result<MathValue> Evaluator::select(const MetricQuery& query) {
  auto parsed = Select::parse(query.expression);
  if (!parsed) return fail(parsed);
  const Seconds period = query.period > 0 ? query.period : 300;
  std::map<std::string, std::map<Seconds, Aggregate>> groups;
  std::vector<std::pair<SeriesKey, std::string>> found;
  store_.list({.name_space = parsed->name_space, .name = parsed->metric}, [&](const SeriesInfo& info) {
    if (info.key.name_space != parsed->name_space || info.key.name != parsed->metric) return false;
    if (parsed->matches(info.key))
      if (auto group = parsed->group_of(info.key)) found.emplace_back(info.key, std::move(*group));
    return true;
  });
  for (const auto& [key, group] : found) {
    auto periods = read_periods(store_, key, period, 0, from_ - from_ % period, to_);
    if (!periods) return fail(periods);
    for (const auto& [at, aggregate] : *periods) groups[group][at.first].add(aggregate);
  }
  const auto statistic = Statistic::parse(parsed->statistic).value_or(Statistic());
  const auto order =
      Statistic::parse(parsed->order_by.empty() ? parsed->statistic : parsed->order_by).value_or(Statistic());
  std::vector<std::pair<double, TimeSeries>> ranked;
  for (const auto& [name, points] : groups) {
    TimeSeries series{query.id, name.empty() ? query.id : name, period, {}};
    Aggregate all;
    for (const auto& [time, aggregate] : points) {
      all.add(aggregate);
      if (const auto value = statistic.of(aggregate)) put(series, time, *value);
    }
    const double rank = order.of(all).value_or(0);
    ranked.emplace_back(parsed->order_by.empty() ? 0 : parsed->descending ? -rank : rank, std::move(series));
  }
  std::ranges::sort(ranked, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : a.second.label < b.second.label;
  });
  List out;
  for (auto& [rank, series] : ranked)
    if (out.size() < parsed->limit) out.push_back(std::move(series));
  return MathValue(std::move(out));
}

Result<std::vector<TimeSeries>> Evaluator::result(const MetricQuery& query) {
  auto value = value_of(query);
  if (!value) return fail(value);
  List out;
  if (auto* list = std::get_if<List>(&*value)) {
    out = std::move(*list);
    for (auto& series : out)
      if (!query.label.empty()) series.label = query.label + " " + series.label;
  } else {
    TimeSeries series;
    if (auto* one = std::get_if<TimeSeries>(&*value))
      series = std::move(*one);
    else if (const auto* number = std::get_if<double>(&*value))
      series = constant(*number);
    else
      return bad("the expression gives a text");
    if (!query.stat) series.label = query.id;
    if (!query.label.empty()) series.label = query.label;
    out.push_back(std::move(series));
  }
  std::size_t points = 0;
  for (auto& series : out) {
    series.id = query.id;
    points += series.values.size();
  }
  if (points > kMostPoints) return bad("the result has too many data points");
  return out;
}

Result<double> Evaluator::number(const Expression& expression) {
  auto value = evaluate(expression);
  if (!value) return fail(value);
  if (const auto* out = std::get_if<double>(&*value)) return *out;
  return bad("a number is wanted");
}

Result<MathValue> Evaluator::evaluate(const Expression& expression) {
  switch (expression.kind) {
    case Expression::Kind::Number: return MathValue(expression.number);
    case Expression::Kind::Text: return MathValue(expression.text);
    case Expression::Kind::Name: {
      for (const auto& query : queries_)
        if (query.id == expression.text) return value_of(query);
      return bad(fmt::format("Unknown identifier '{}'", expression.text));
    }
    case Expression::Kind::List: {
      List out;
      for (const auto& part : expression.parts) {
        auto value = evaluate(part);
        if (!value) return value;
        if (auto* series = std::get_if<TimeSeries>(&*value))
          out.push_back(std::move(*series));
        else if (auto* list = std::get_if<List>(&*value))
          std::ranges::move(*list, std::back_inserter(out));
        else if (const auto* one = std::get_if<double>(&*value))
          out.push_back(constant(*one));
        else
          return bad("a list holds time series");
      }
      return MathValue(std::move(out));
    }
    case Expression::Kind::Unary: {
      auto value = evaluate(expression.parts.front());
      if (!value) return value;
      if (std::holds_alternative<std::string>(*value)) return bad("a text is no operand");
      return map_values(*value, expression.text == "-" ? Function([](double x) { return -x; })
                                                       : Function([](double x) { return truth(x == 0); }));
    }
    case Expression::Kind::Binary: {
      auto left = evaluate(expression.parts[0]);
      if (!left) return left;
      auto right = evaluate(expression.parts[1]);
      if (!right) return right;
      return combine(*left, *right, expression.text);
    }
    case Expression::Kind::Call: return call(expression);
  }
  return bad("it cannot be computed");
}

Result<MathValue> Evaluator::metrics(const Expression& expression) {
  std::string wanted;
  if (!expression.parts.empty()) wanted = expression.parts.front().text;
  List out;
  for (const auto& query : queries_) {
    if (!query.stat || query.id.find(wanted) == std::string::npos) continue;
    auto value = value_of(query);
    if (!value) return value;
    out.push_back(std::get<TimeSeries>(*value));
  }
  return MathValue(std::move(out));
}

Result<MathValue> Evaluator::search(const Expression& expression) {
  if (expression.parts.size() < 2 || expression.parts.size() > 3 ||
      expression.parts[0].kind != Expression::Kind::Text || expression.parts[1].kind != Expression::Kind::Text)
    return bad("SEARCH takes what to search, a statistic and a period");
  auto search = Search::parse(expression.parts[0].text);
  if (!search) return fail(search);
  Seconds period = period_given_ ? period_ : 300;
  if (expression.parts.size() == 3) {
    auto given = number(expression.parts[2]);
    if (!given) return fail(given);
    period = static_cast<Seconds>(std::clamp(*given, 1.0, 86400.0));
  }
  std::vector<SeriesKey> found;
  store_.list({}, [&](const SeriesInfo& info) {
    if (search->matches(info.key)) found.push_back(info.key);
    return found.size() < kMostFound;
  });
  List out;
  for (const auto& key : found) {
    auto values = read_stat(store_, {key, period, expression.parts[1].text, std::nullopt}, from_, to_);
    if (!values) return fail(values);
    std::string label = key.name;
    for (const auto& dimension : key.dimensions) label.insert(0, dimension.value + " ");
    out.push_back({{}, std::move(label), period, std::move(*values)});
  }
  return MathValue(std::move(out));
}

Result<MathValue> Evaluator::fill(const Expression& expression) {
  if (expression.parts.size() != 2) return bad("FILL takes time series and what to fill with");
  auto value = evaluate(expression.parts[0]);
  if (!value) return value;
  const auto& with = expression.parts[1];
  const bool repeat = with.kind == Expression::Kind::Name && with.text == "REPEAT";
  const bool linear = with.kind == Expression::Kind::Name && with.text == "LINEAR";
  std::optional<MathValue> other;
  if (!repeat && !linear) {
    auto given = evaluate(with);
    if (!given) return given;
    other = std::move(*given);
  }
  const auto one = [&](const TimeSeries& series) {
    TimeSeries out = series;
    const Seconds step = series.period;
    for (Seconds time = from_ - from_ % step; time < to_; time += step) {
      if (series.values.contains(time)) continue;
      const auto next = series.values.lower_bound(time);
      if (other) {
        if (const auto* number = std::get_if<double>(&*other)) out.values[time] = *number;
        if (const auto* values = std::get_if<TimeSeries>(&*other))
          if (const auto at = values->values.find(time); at != values->values.end()) out.values[time] = at->second;
      } else if (next != series.values.begin()) {
        const auto before = std::prev(next);
        if (repeat)
          out.values[time] = before->second;
        else if (next != series.values.end())
          out.values[time] = before->second + (next->second - before->second) *
                                                  static_cast<double>(time - before->first) /
                                                  static_cast<double>(next->first - before->first);
      }
    }
    return out;
  };
  if (const auto* series = std::get_if<TimeSeries>(&*value)) return MathValue(one(*series));
  List out;
  if (const auto* list = std::get_if<List>(&*value))
    for (const auto& series : *list) out.push_back(one(series));
  else
    return bad("FILL takes time series");
  return MathValue(std::move(out));
}

Result<MathValue> Evaluator::condition(const Expression& expression) {
  if (expression.parts.size() < 2 || expression.parts.size() > 3) return bad("IF takes two or three arguments");
  auto test = evaluate(expression.parts[0]);
  if (!test) return test;
  auto yes = evaluate(expression.parts[1]);
  if (!yes) return yes;
  std::optional<MathValue> no;
  if (expression.parts.size() == 3) {
    auto value = evaluate(expression.parts[2]);
    if (!value) return value;
    no = std::move(*value);
  }
  if (const auto* number = std::get_if<double>(&*test)) {
    if (*number != 0) return yes;
    if (no) return std::move(*no);
    return MathValue(TimeSeries{.id = {}, .label = {}, .period = period_, .values = {}});
  }
  const auto* tested = std::get_if<TimeSeries>(&*test);
  if (tested == nullptr) return bad("the condition of IF is a number or a time series");
  const auto at = [](const MathValue& value, Seconds time) -> std::optional<double> {
    if (const auto* number = std::get_if<double>(&value)) return *number;
    const auto* series = std::get_if<TimeSeries>(&value);
    if (series == nullptr) return std::nullopt;
    const auto found = series->values.find(time);
    return found == series->values.end() ? std::nullopt : std::optional(found->second);
  };
  if (std::holds_alternative<List>(*yes) || (no && std::holds_alternative<List>(*no)))
    return bad("IF gives numbers or time series");
  TimeSeries out{.id = {}, .label = {}, .period = tested->period, .values = {}};
  for (const auto& [time, value] : tested->values) {
    const auto chosen = value != 0 ? at(*yes, time) : no ? at(*no, time) : std::nullopt;
    if (chosen) put(out, time, *chosen);
  }
  return MathValue(std::move(out));
}

/// SORT(list, AVG | SUM | MIN | MAX, ASC | DESC[, how many]).
Result<MathValue> Evaluator::sort(const Expression& expression) {
  if (expression.parts.size() < 3 || expression.parts.size() > 4) return bad("SORT takes three or four arguments");
  auto value = evaluate(expression.parts[0]);
  if (!value) return value;
  auto* list = std::get_if<List>(&*value);
  const auto& by = expression.parts[1].text;
  const auto& order = expression.parts[2].text;
  if (list == nullptr || !is_one_of(by, {"AVG", "SUM", "MIN", "MAX"}) || !is_one_of(order, {"ASC", "DESC"}))
    return bad("SORT takes time series, AVG, SUM, MIN or MAX, and ASC or DESC");
  std::vector<std::pair<double, std::size_t>> ranks;
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto rank = reduce(by, MathValue((*list)[i]));
    if (!rank) return rank;
    ranks.emplace_back(order == "ASC" ? std::get<double>(*rank) : -std::get<double>(*rank), i);
  }
  std::ranges::sort(ranks);
  std::size_t count = ranks.size();
  if (expression.parts.size() == 4) {
    auto most = number(expression.parts[3]);
    if (!most) return fail(most);
    count = std::min(count, static_cast<std::size_t>(std::clamp(*most, 0.0, 1e6)));
  }
  List out;
  for (std::size_t i = 0; i < count; ++i) out.push_back((*list)[ranks[i].second]);
  return MathValue(std::move(out));
}

Result<MathValue> Evaluator::call(const Expression& expression) {
  const std::string& name = expression.text;
  if (name == "METRICS") return metrics(expression);
  if (name == "SEARCH") return search(expression);
  if (name == "FILL") return fill(expression);
  if (name == "IF") return condition(expression);
  if (name == "SORT") return sort(expression);
  if (expression.parts.empty()) return bad(fmt::format("{} takes an argument", name));
  auto value = evaluate(expression.parts[0]);
  if (!value) return value;
  if (std::holds_alternative<std::string>(*value)) return bad(fmt::format("{} takes time series", name));
  if (auto* each = elementwise(name)) return map_values(*value, each);
  auto* series = std::get_if<TimeSeries>(&*value);
  auto* list = std::get_if<List>(&*value);
  if (is_one_of(name, {"AVG", "MAX", "MIN", "SUM", "STDDEV", "DATAPOINT_COUNT"})) {
    if (expression.parts.size() == 1) return reduce(name, *value);
    std::vector<double> numbers;  // "MAX(m1, 5)" is not AWS's, but "MAX(1, 2)" is
    for (const auto& part : expression.parts) {
      auto one = number(part);
      if (!one) return fail(one);
      numbers.push_back(*one);
    }
    return MathValue(reduce(name, numbers).value_or(0));
  }
  if (is_one_of(name, {"RATE", "DIFF", "DIFF_TIME", "RUNNING_SUM"})) {
    if (series != nullptr) return MathValue(along(name, *series));
    if (list == nullptr) return bad(fmt::format("{} takes time series", name));
    List out;
    for (const auto& one : *list) out.push_back(along(name, one));
    return MathValue(std::move(out));
  }
  if (is_one_of(name, {"EPOCH", "MINUTE", "HOUR", "DAY", "DATE", "MONTH", "YEAR"})) {
    if (series == nullptr) return bad(fmt::format("{} takes a time series", name));
    TimeSeries out{series->id, series->label, series->period, {}};
    for (const auto& [time, ignored] : series->values) out.values[time] = part_of_time(name, time);
    return MathValue(std::move(out));
  }
  if (name == "PERIOD") return MathValue(static_cast<double>(period_of(*value)));
  if (name == "TIME_SERIES") {
    const auto* scalar = std::get_if<double>(&*value);
    if (scalar == nullptr) return bad("TIME_SERIES takes a number");
    return MathValue(constant(*scalar));
  }
  if (list == nullptr && series != nullptr) {
    value = MathValue(List{*series});
    list = std::get_if<List>(&*value);
  }
  if (list == nullptr) return bad(fmt::format("{} takes time series", name));
  if (name == "METRIC_COUNT") return MathValue(static_cast<double>(list->size()));
  if (name == "REMOVE_EMPTY") {
    std::erase_if(*list, [](const TimeSeries& one) { return one.values.empty(); });
    return value;
  }
  if (name == "FIRST" || name == "LAST") {
    if (list->empty()) return bad(fmt::format("{} of nothing", name));
    return MathValue(name == "FIRST" ? list->front() : list->back());
  }
  if (name == "SLICE") {
    const auto count = static_cast<double>(list->size());
    double first = 0;
    double last = count;
    for (std::size_t i = 1; i < expression.parts.size() && i < 3; ++i) {
      auto given = number(expression.parts[i]);
      if (!given) return fail(given);
      (i == 1 ? first : last) = std::clamp(*given, 0.0, count);
    }
    List out;
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) out.push_back((*list)[i]);
    return MathValue(std::move(out));
  }
  return bad(fmt::format("Unsupported function '{}'", name));
}

}  // namespace likeness::metrics
