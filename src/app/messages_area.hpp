#pragma once

#include <memory>

#include "app/area.hpp"
#include "base/result.hpp"

namespace likeness::app {

/// Queues and topics: SQS, SNS, the outbox.
class MessagesArea final : public Area {
 public:
  static Result<std::unique_ptr<Area>> open(Wiring& wiring);
  ~MessagesArea() override;

  void start() override;
  void stop() override;

 private:
  struct Parts;
  explicit MessagesArea(std::unique_ptr<Parts> parts);
  static Result<void> open_queues(Parts& parts, Wiring& wiring);
  static Result<void> open_topics(Parts& parts, Wiring& wiring);
  std::unique_ptr<Parts> parts_;
};

}  // namespace likeness::app
