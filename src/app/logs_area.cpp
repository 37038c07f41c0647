#include "app/logs_area.hpp"

#include <utility>

#include "aws/gateway.hpp"
#include "base/bytes.hpp"
#include "base/metrics.hpp"
#include "config/settings.hpp"
#include "domain/logs/buffered_sink.hpp"
#include "domain/logs/insights/queries.hpp"
#include "domain/logs/logs.hpp"
#include "domain/logs/upkeep.hpp"
#include "domain/metrics/alarms.hpp"
#include "domain/metrics/buffered_recorder.hpp"
#include "domain/metrics/metric_store.hpp"
#include "domain/metrics/upkeep.hpp"
#include "services/cloudwatch/actions.hpp"
#include "services/cloudwatch/dashboards.hpp"
#include "services/cloudwatch/provider.hpp"
#include "services/events/dispatcher.hpp"
#include "services/logs/live_tail.hpp"
#include "services/logs/policies.hpp"
#include "services/logs/provider.hpp"
#include "services/logs/subscriptions.hpp"

namespace likeness::app {
namespace {

class LogsArea final : public Area {
 public:
  static Result<std::unique_ptr<Area>> open(Wiring& wiring) {
    auto area = std::make_unique<LogsArea>();
    if (auto opened = area->open_metrics(wiring); !opened) return fail(opened);
    if (auto opened = area->open_logs(wiring); !opened) return fail(opened);
    return std::unique_ptr<Area>(std::move(area));
  }

  void start() override {
    upkeep_ = std::make_unique<Upkeep>(logs::chores(*logs_));
    metric_upkeep_ = std::make_unique<Upkeep>(metrics::chores(*metrics_));
    subscriptions_->start();
    alarms_->start();
  }
  void stop() override {
    if (upkeep_) upkeep_->stop();
    if (metric_upkeep_) metric_upkeep_->stop();
    alarms_->stop();
    subscriptions_->stop();
    queries_->stop();
    live_tail_.stop();
  }

 private:
  Result<void> open_logs(Wiring& wiring) {
    auto opened = logs::Logs::open(wiring.store, wiring.clock);
    if (!opened) return fail(opened);
    logs_ = std::move(*opened);
    auto policies = logs::ResourcePolicies::open(wiring.store);
    if (!policies) return fail(policies);
    policies_ = std::move(*policies);
    auto subscriptions = logs::Subscriptions::open(wiring.store, wiring.clock, wiring.calls, wiring.settings.account,
                                                   wiring.settings.region);
    if (!subscriptions) return fail(subscriptions);
    subscriptions_ = std::move(*subscriptions);
    metric_filters_ = std::make_unique<logs::MetricFilters>(*recorder_);
    logs_->follow(*subscriptions_);
    logs_->follow(*metric_filters_);
    logs_->follow(live_tail_);
    queries_ = std::make_unique<logs::insights::Queries>(*logs_, wiring.settings.account);
    sink_ = std::make_unique<logs::BufferedSink>(*logs_);
    wiring.log_sink = sink_.get();
    const Gauge dropped = wiring.metrics.gauge("likeness_log_lines_dropped",
                                               "Lines for log groups that came faster than they could be written.");
    wiring.metrics.before_expose([dropped, &sink = *sink_] { dropped.set(static_cast<double>(sink.dropped())); });
    log_service_ = logs::make_logs(*logs_, *policies_, *queries_, *subscriptions_, live_tail_);
    wiring.gateway.add(*log_service_);
    return {};
  }

  Result<void> open_metrics(Wiring& wiring) {
    auto opened = metrics::MetricStore::open(wiring.store, wiring.clock);
    if (!opened) return fail(opened);
    metrics_ = std::move(*opened);
    recorder_ = std::make_unique<metrics::BufferedRecorder>(*metrics_, wiring.clock);
    wiring.recorder = recorder_.get();
    const Gauge dropped = wiring.metrics.gauge("likeness_metrics_dropped",
                                               "Measurements for CloudWatch that were of too many different metrics.");
    wiring.metrics.before_expose(
        [dropped, &recorder = *recorder_] { dropped.set(static_cast<double>(recorder.dropped())); });
    actions_ = std::make_unique<metrics::CallingActions>(
        wiring.calls, wiring.settings.account, wiring.settings.region,
        [&wiring](const std::string& detail_type, const std::string& resource, TimePoint time,
                  const std::string& detail) -> Result<void> {
          if (wiring.dispatcher == nullptr) return {};
          eventbridge::Event event{.bus = "default", .id = uuid_v4(), .json = {}, .time = time};
          event.json = eventbridge::event_json({.id = event.id,
                                                .detail_type = detail_type,
                                                .source = "aws.cloudwatch",
                                                .time = time,
                                                .resources = {resource}},
                                               wiring.settings.account, wiring.settings.region, detail);
          return wiring.dispatcher->publish({std::move(event)});
        });
    auto alarms = metrics::Alarms::open(wiring.store, *metrics_, wiring.clock, *actions_);
    if (!alarms) return fail(alarms);
    alarms_ = std::move(*alarms);
    dashboards_ = std::make_unique<metrics::Dashboards>(wiring.store);
    metric_service_ = metrics::make_cloudwatch(*metrics_, *alarms_, *dashboards_);
    wiring.gateway.add(*metric_service_);
    return {};
  }

  std::unique_ptr<metrics::MetricStore> metrics_;
  std::unique_ptr<metrics::BufferedRecorder> recorder_;
  std::unique_ptr<metrics::CallingActions> actions_;
  std::unique_ptr<metrics::Alarms> alarms_;
  std::unique_ptr<metrics::Dashboards> dashboards_;
  std::unique_ptr<aws::Service> metric_service_;
  std::unique_ptr<Upkeep> metric_upkeep_;

  std::unique_ptr<logs::Logs> logs_;
  std::unique_ptr<logs::ResourcePolicies> policies_;
  std::unique_ptr<logs::Subscriptions> subscriptions_;
  std::unique_ptr<logs::MetricFilters> metric_filters_;
  logs::LiveTail live_tail_;
  std::unique_ptr<logs::insights::Queries> queries_;
  std::unique_ptr<logs::BufferedSink> sink_;
  std::unique_ptr<aws::Service> log_service_;
  std::unique_ptr<Upkeep> upkeep_;
};

}  // namespace

Result<std::unique_ptr<Area>> open_logs_area(Wiring& wiring) { return LogsArea::open(wiring); }

}  // namespace likeness::app
