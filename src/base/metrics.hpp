#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace likeness {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

/// A handle is a pointer into its Metrics, cheap to copy, safe from any thread, and good as long as the Metrics live.
class Counter {
 public:
  void add(double amount = 1) const;

 private:
  friend class Metrics;
  explicit Counter(prometheus::Counter& counter) : counter_(&counter) {}
  prometheus::Counter* counter_;
};

class Gauge {
 public:
  void set(double value) const;
  void add(double amount) const;

 private:
  friend class Metrics;
  explicit Gauge(prometheus::Gauge& gauge) : gauge_(&gauge) {}
  prometheus::Gauge* gauge_;
};

class Histogram {
 public:
  void observe(double value) const;

 private:
  friend class Metrics;
  explicit Histogram(prometheus::Histogram& histogram) : histogram_(&histogram) {}
  prometheus::Histogram* histogram_;
};

/// The program's metrics, read in the text form of Prometheus. Thread-safe. Asking for a metric that exists returns the
/// same one: with the same name and labels, `help` and buckets of the first call hold. Keep label values to a bounded
/// set (operations, statuses; never ids or names of users), because each set of labels is kept for ever.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Counter counter(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  Gauge gauge(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  /// `bounds`: upper bounds of the buckets, rising; empty = latency_bounds().
  Histogram histogram(const std::string& name, const std::string& help, const MetricLabels& labels = {},
                      const std::vector<double>& bounds = {});

  /// Called before each expose(), to set gauges that are not worth keeping current.
  void before_expose(std::function<void()> update);
  /// "text/plain; version=0.0.4".
  std::string expose() const;

  /// Seconds, from 1 ms to 10 s.
  static std::vector<double> latency_bounds();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace likeness
