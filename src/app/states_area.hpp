#pragma once

#include <memory>

#include "app/area.hpp"
#include "base/result.hpp"

namespace likeness::app {

/// Step Functions: state machines, and the engine that runs their executions.
class StatesArea : public Area {
 public:
  static Result<std::unique_ptr<Area>> open(Wiring& wiring);
  ~StatesArea() override;

  void start() override;
  void stop() override;

 private:
  struct Parts;
  explicit StatesArea(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace likeness::app
