#include "vision/calibration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

namespace likeness::vision {
namespace {

namespace json = boost::json;

Failure invalid(std::string_view where, std::string_view what) {
  return server_error("InvalidCalibration", fmt::format("The calibration is not valid: {} {}.", where, what));
}

Result<std::vector<double>> numbers(const json::value* value, std::string_view where) {
  if (value == nullptr || !value->is_array()) return invalid(where, "must be a list of numbers");
  std::vector<double> list;
  for (const json::value& item : value->get_array()) {
    boost::system::error_code error;
    const auto number = item.to_number<double>(error);
    if (error || !std::isfinite(number)) return invalid(where, "must be a list of numbers");
    list.push_back(number);
  }
  return list;
}

Result<LinearHead> linear_head(const json::value& value, std::string_view where) {
  if (!value.is_object()) return invalid(where, "must be an object");
  const json::object& object = value.get_object();
  LinearHead head;
  boost::system::error_code error;
  if (const auto* bias = object.if_contains("bias")) head.bias = bias->to_number<double>(error);
  if (error || !std::isfinite(head.bias)) return invalid(where, "has a bias that is not a number");
  if (const auto* weights = object.if_contains("weights")) {
    if (!weights->is_object()) return invalid(where, "has weights that are not an object");
    for (const auto& [name, weight] : weights->get_object()) {
      head.weights[std::string(name)] = weight.to_number<double>(error);
      if (error) return invalid(where, fmt::format("has a weight of {} that is not a number", std::string_view(name)));
    }
  }
  if (const auto* vectors = object.if_contains("vectors")) {
    if (!vectors->is_object()) return invalid(where, "has vectors that are not an object");
    for (const auto& [name, weights] : vectors->get_object()) {
      auto list = numbers(&weights, fmt::format("{}.{}", where, std::string_view(name)));
      if (!list) return fail(list);
      head.vectors[std::string(name)].assign(list->begin(), list->end());
    }
  }
  return head;
}

Result<Curve> curve_of(const json::value& value, std::string_view where) {
  if (!value.is_object()) return invalid(where, "must be an object");
  auto x = numbers(value.get_object().if_contains("x"), where);
  if (!x) return fail(x);
  auto y = numbers(value.get_object().if_contains("y"), where);
  if (!y) return fail(y);
  if (x->empty() || x->size() != y->size()) return invalid(where, "must have as many x as y, and some");
  if (std::adjacent_find(x->begin(), x->end(), std::greater_equal<>()) != x->end())
    return invalid(where, "must have rising x");
  return Curve{std::move(*x), std::move(*y)};
}

double dot(const LinearHead& head, const Measurements& measured) {
  double sum = head.bias;
  for (const auto& [name, weight] : head.weights) sum += weight * measured.get(name).value_or(0);
  for (const auto& [name, weights] : head.vectors) {
    const auto values = measured.vector(name);
    double part = 0;
    for (std::size_t i = 0; i < std::min(values.size(), weights.size()); ++i)
      part += static_cast<double>(weights[i] * values[i]);
    sum += part;
  }
  return sum;
}

double logistic(double value) { return 1 / (1 + std::exp(-value)); }

double interpolate(const std::vector<double>& x, const std::vector<double>& y, double at) {
  if (!(at > x.front())) return y.front();
  if (at >= x.back()) return y.back();
  const auto upper = static_cast<std::size_t>(std::upper_bound(x.begin(), x.end(), at) - x.begin());
  const double share = (at - x[upper - 1]) / (x[upper] - x[upper - 1]);
  return y[upper - 1] + share * (y[upper] - y[upper - 1]);
}

/// Calls read(name, value) for every member of the part, if there is such a part.
template <class Read>
Result<void> each(const json::object& root, std::string_view part, Read read) {
  const json::value* value = root.if_contains(part);
  if (value == nullptr) return {};
  if (!value->is_object()) return invalid(part, "must be an object");
  for (const auto& [name, member] : value->get_object()) {
    auto done = read(std::string(name), member, fmt::format("{}.{}", part, std::string_view(name)));
    if (!done) return done;
  }
  return {};
}

}  // namespace

double Curve::operator()(double at) const { return interpolate(x, y, at); }

double Curve::inverse(double value) const {
  if (!(value > y.front())) return x.front();
  for (std::size_t i = 1; i < y.size(); ++i) {
    if (y[i] < value || y[i] <= y[i - 1]) continue;
    return x[i - 1] + (value - y[i - 1]) / (y[i] - y[i - 1]) * (x[i] - x[i - 1]);
  }
  return x.back();
}

Result<Calibration> Calibration::parse(std::string_view text) {
  boost::system::error_code error;
  const json::value root = json::parse({text.data(), text.size()}, error);
  if (error || !root.is_object()) return invalid("the text", "is not a JSON object");
  const json::object& object = root.get_object();
  Calibration result;
  auto done = each(object, "logistic",
                   [&](const std::string& name, const json::value& value, const std::string& where) -> Result<void> {
                     auto head = linear_head(value, where);
                     if (!head) return fail(head);
                     std::string curve;
                     if (const auto* member = value.get_object().if_contains("curve")) {
                       if (!member->is_string()) return invalid(where, "has a curve that is not a name");
                       curve = std::string(member->get_string());
                     }
                     result.logistic_[name] = {std::move(*head), std::move(curve)};
                     return {};
                   });
  if (!done) return fail(done);
  done = each(object, "linear",
              [&](const std::string& name, const json::value& value, const std::string& where) -> Result<void> {
                auto head = linear_head(value, where);
                if (!head) return fail(head);
                result.linear_[name] = std::move(*head);
                return {};
              });
  if (!done) return fail(done);
  done = each(object, "multinomial",
              [&](const std::string& name, const json::value& value, const std::string& where) -> Result<void> {
                if (!value.is_object() || value.get_object().empty())
                  return invalid(where, "must be an object of classes");
                for (const auto& [one, member] : value.get_object()) {
                  auto head = linear_head(member, fmt::format("{}.{}", where, std::string_view(one)));
                  if (!head) return fail(head);
                  result.multinomial_[name].names.emplace_back(one);
                  result.multinomial_[name].heads.push_back(std::move(*head));
                }
                return {};
              });
  if (!done) return fail(done);
  done = each(object, "curves",
              [&](const std::string& name, const json::value& value, const std::string& where) -> Result<void> {
                auto curve = curve_of(value, where);
                if (!curve) return fail(curve);
                result.curves_[name] = std::move(*curve);
                return {};
              });
  if (!done) return fail(done);
  for (const auto& [name, head] : result.logistic_)
    if (!head.curve.empty() && !result.curves_.contains(head.curve))
      return invalid(fmt::format("logistic.{}", name),
                     fmt::format("names the curve {}, which is not there", head.curve));
  return result;
}

Result<Calibration> Calibration::built_in() { return parse(built_in_calibration()); }

double Calibration::probability(std::string_view head, const Measurements& measured) const {
  const Logistic& found = logistic_.find(head)->second;
  const double probability = logistic(dot(found.head, measured));
  return found.curve.empty() ? probability : std::clamp(curve(found.curve)(probability), 0.0, 1.0);
}

double Calibration::value(std::string_view head, const Measurements& measured) const {
  return dot(linear_.find(head)->second, measured);
}

std::vector<double> Calibration::distribution(std::string_view head, const Measurements& measured) const {
  const Multinomial& found = multinomial_.find(head)->second;
  std::vector<double> values;
  values.reserve(found.heads.size());
  for (const LinearHead& one : found.heads) values.push_back(dot(one, measured));
  const double highest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (double& value : values) sum += value = std::exp(value - highest);
  for (double& value : values) value /= sum;
  return values;
}

const std::vector<std::string>& Calibration::classes(std::string_view head) const {
  return multinomial_.find(head)->second.names;
}

const Curve& Calibration::curve(std::string_view name) const { return curves_.find(name)->second; }

std::vector<std::string_view> Calibration::inputs(std::string_view head) const {
  std::vector<std::string_view> names;
  const auto add = [&](const LinearHead& one) {
    for (const auto& [name, weight] : one.weights) names.push_back(name);
    for (const auto& [name, weights] : one.vectors) names.push_back(name);
  };
  if (const auto at = logistic_.find(head); at != logistic_.end()) add(at->second.head);
  if (const auto at = linear_.find(head); at != linear_.end()) add(at->second);
  if (const auto at = multinomial_.find(head); at != multinomial_.end())
    for (const LinearHead& one : at->second.heads) add(one);
  return names;
}

Result<void> Calibration::require(const Required& required) const {
  for (const auto& name : required.logistic)
    if (!logistic_.contains(name)) return invalid(fmt::format("logistic.{}", name), "is missing");
  for (const auto& name : required.linear)
    if (!linear_.contains(name)) return invalid(fmt::format("linear.{}", name), "is missing");
  for (const auto& name : required.multinomial)
    if (!multinomial_.contains(name)) return invalid(fmt::format("multinomial.{}", name), "is missing");
  for (const auto& name : required.curves)
    if (!curves_.contains(name)) return invalid(fmt::format("curves.{}", name), "is missing");
  return {};
}

}  // namespace likeness::vision
