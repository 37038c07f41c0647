#include "app/events_area.hpp"

#include <utility>

#include "aws/gateway.hpp"
#include "base/log.hpp"
#include "config/settings.hpp"
#include "services/events/dispatcher.hpp"
#include "services/events/provider.hpp"
#include "services/events/registry.hpp"
#include "services/events/replays.hpp"
#include "services/events/scheduled_rules.hpp"
#include "services/notifications/bucket_notifications.hpp"
#include "services/s3/provider.hpp"
#include "services/scheduler/provider.hpp"

namespace likeness::app {

struct EventsArea::Parts {
  std::unique_ptr<eventbridge::Registry> registry;
  std::unique_ptr<eventbridge::Dispatcher> dispatcher;
  std::unique_ptr<eventbridge::ScheduledRules> schedules;
  std::unique_ptr<eventbridge::Replays> replays;
  std::unique_ptr<notifications::BucketNotifications> buckets;
  std::unique_ptr<aws::Service> events;
  std::unique_ptr<scheduler::Schedules> timed;
  std::unique_ptr<aws::Service> scheduler;
};

EventsArea::EventsArea(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
EventsArea::~EventsArea() { stop(); }

Result<std::unique_ptr<Area>> EventsArea::open(Wiring& wiring) {
  auto parts = std::make_unique<Parts>();
  auto registry =
      eventbridge::Registry::open(wiring.store, wiring.clock, wiring.settings.account, wiring.settings.region);
  if (!registry) return fail(registry);
  parts->registry = std::move(*registry);
  auto dispatcher = eventbridge::Dispatcher::open(
      {.registry = *parts->registry, .calls = wiring.calls, .roles = wiring.roles, .metrics = wiring.recorder});
  if (!dispatcher) return fail(dispatcher);
  parts->dispatcher = std::move(*dispatcher);
  wiring.dispatcher = parts->dispatcher.get();
  parts->schedules = std::make_unique<eventbridge::ScheduledRules>(*parts->registry, *parts->dispatcher);
  auto replays = eventbridge::Replays::open(*parts->registry, *parts->dispatcher);
  if (!replays) return fail(replays);
  parts->replays = std::move(*replays);
  parts->events = eventbridge::make_events({*parts->registry, *parts->dispatcher, *parts->replays});
  wiring.gateway.add(*parts->events);

  auto timed = scheduler::Schedules::open({.store = wiring.store,
                                           .clock = wiring.clock,
                                           .calls = wiring.calls,
                                           .roles = wiring.roles,
                                           .metrics = wiring.recorder,
                                           .account = wiring.settings.account,
                                           .region = wiring.settings.region});
  if (!timed) return fail(timed);
  parts->timed = std::move(*timed);
  parts->scheduler = scheduler::make_scheduler(*parts->timed);
  wiring.gateway.add(*parts->scheduler);

  auto buckets = notifications::BucketNotifications::open({.store = wiring.store,
                                                           .objects = wiring.objects,
                                                           .feed = wiring.object_changes,
                                                           .dispatcher = *parts->dispatcher,
                                                           .calls = wiring.calls,
                                                           .clock = wiring.clock,
                                                           .account = wiring.settings.account,
                                                           .region = wiring.settings.region});
  if (!buckets) return fail(buckets);
  parts->buckets = std::move(*buckets);
  wiring.s3.check_notifications(
      [&teller = *parts->buckets](const objects::Bucket& bucket, const aws::s3::NotificationConfiguration& wanted) {
        return teller.check(bucket, wanted);
      });
  return std::unique_ptr<Area>(new EventsArea(std::move(parts)));
}

void EventsArea::start() {
  parts_->dispatcher->start();
  if (auto started = parts_->schedules->start(); !started)
    log::error("events: schedules could not start: {}", started.error().message);
  parts_->replays->start();
  parts_->timed->start();
  parts_->buckets->start();
}

void EventsArea::stop() {
  parts_->buckets->stop();
  parts_->timed->stop();
  parts_->schedules->stop();
  parts_->replays->stop();
  parts_->dispatcher->stop();
}

}  // namespace likeness::app
