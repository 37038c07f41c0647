#pragma once

#include <memory>

#include "app/area.hpp"
#include "base/result.hpp"

namespace likeness::app {

/// EventBridge (rules, archives), EventBridge Scheduler, and the notifications of buckets.
class EventsArea : public Area {
 public:
  static Result<std::unique_ptr<Area>> open(Wiring& wiring);
  ~EventsArea() override;

  void start() override;
  void stop() override;

 private:
  struct Parts;
  explicit EventsArea(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace likeness::app
