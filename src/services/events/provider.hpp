#pragma once

#include <memory>

#include "aws/service.hpp"
#include "services/events/dispatcher.hpp"
#include "services/events/registry.hpp"
#include "services/events/replays.hpp"

namespace likeness::eventbridge {

/// What the operations use.
struct Parts {
  Registry& registry;
  Dispatcher& dispatcher;
  Replays& replays;
};

/// The EventBridge service. Borrows the parts.
std::unique_ptr<aws::Service> make_events(const Parts& parts);

// The groups of operations.
void register_buses(aws::Service& service, const Parts& parts);
void register_rules(aws::Service& service, const Parts& parts);
void register_targets(aws::Service& service, const Parts& parts);
void register_events(aws::Service& service, const Parts& parts);
void register_archives(aws::Service& service, const Parts& parts);

}  // namespace likeness::eventbridge
