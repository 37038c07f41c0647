#include "base/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>

namespace likeness {
namespace {

std::map<std::string, std::string> as_map(const MetricLabels& labels) { return {labels.begin(), labels.end()}; }

}  // namespace

struct Metrics::State {
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
  mutable std::mutex mutex;
  std::vector<std::function<void()>> updates;
};

void Counter::add(double amount) const { counter_->Increment(amount); }
void Gauge::set(double value) const { gauge_->Set(value); }
void Gauge::add(double amount) const { gauge_->Increment(amount); }
void Histogram::observe(double value) const { histogram_->Observe(value); }

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

Counter Metrics::counter(const std::string& name, const std::string& help, const MetricLabels& labels) {
  return Counter(prometheus::BuildCounter().Name(name).Help(help).Register(state_->registry).Add(as_map(labels)));
}

Gauge Metrics::gauge(const std::string& name, const std::string& help, const MetricLabels& labels) {
  return Gauge(prometheus::BuildGauge().Name(name).Help(help).Register(state_->registry).Add(as_map(labels)));
}

Histogram Metrics::histogram(const std::string& name, const std::string& help, const MetricLabels& labels,
                             const std::vector<double>& bounds) {
  return Histogram(prometheus::BuildHistogram()
                       .Name(name)
                       .Help(help)
                       .Register(state_->registry)
                       .Add(as_map(labels), bounds.empty() ? latency_bounds() : bounds));
}

void Metrics::before_expose(std::function<void()> update) {
  const std::lock_guard lock(state_->mutex);
  state_->updates.push_back(std::move(update));
}

std::string Metrics::expose() const {
  {
    const std::lock_guard lock(state_->mutex);
    for (const auto& update : state_->updates) update();
  }
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

std::vector<double> Metrics::latency_bounds() {
  return {.001, .0025, .005, .01, .02, .03, .05, .075, .1, .15, .25, .5, 1, 2.5, 5, 10};
}

}  // namespace likeness
