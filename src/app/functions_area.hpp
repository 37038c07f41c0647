#pragma once

#include <memory>

#include "app/area.hpp"
#include "base/result.hpp"

namespace likeness::functions {
class NativeRegistry;
}

namespace likeness::app {

/// Lambda: functions in the store, workers that run them, events that wait for them.
class FunctionsArea final : public Area {
 public:
  static Result<std::unique_ptr<Area>> open(Wiring& wiring);
  ~FunctionsArea() override;

  /// Workers start from here on: they have to know where the server is.
  void start() override;
  void stop() override;

 private:
  struct Parts;
  explicit FunctionsArea(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace likeness::app
