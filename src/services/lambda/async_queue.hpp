#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "aws/local_calls.hpp"
#include "base/clock.hpp"
#include "domain/delivery_queue.hpp"
#include "services/lambda/async_invokes.hpp"
#include "services/lambda/destinations.hpp"
#include "services/lambda/invoker.hpp"
#include "storage/blobs.hpp"
#include "storage/store.hpp"

namespace likeness::lambda {

struct AsyncOptions {
  /// Before the second attempt; twice that before the third. AWS: a minute.
  std::chrono::milliseconds retry_wait{60'000};
  std::size_t threads = 256;
  std::size_t per_function = 128;
};

/// Asynchronous invokes in a durable queue: up to three attempts with the same request id, throttled ones again until
/// the event is too old, then the destination or dead-letter queue. What was accepted is run at least once, whatever
/// crashes. Thread-safe.
class AsyncQueue final : public AsyncInvokes {
 public:
  /// Borrows everything. Nothing runs before start().
  static Result<std::unique_ptr<AsyncQueue>> open(storage::Store& store, storage::Blobs& blobs, const Clock& clock,
                                                  Registry& registry, Invoker& invoker,
                                                  const Destinations& destinations, AsyncOptions options);

  Result<void> submit(AsyncEvent event) override;
  void start() { queue_->start(); }
  void stop() { queue_->stop(); }

 private:
  AsyncQueue(storage::Store& store, storage::Blobs& blobs, const Clock& clock, Registry& registry, Invoker& invoker,
             const Destinations& destinations, AsyncOptions options)
      : store_(store),
        blobs_(blobs),
        clock_(clock),
        registry_(registry),
        invoker_(invoker),
        destinations_(destinations),
        options_(options) {}

  struct Waiting;
  domain::Verdict attempt(const domain::Delivery& delivery);
  domain::Verdict finish(Waiting& waiting, const Target& target, const EventInvokeConfig& config,
                         const AsyncResult& result);
  domain::Verdict deliver(Waiting& waiting, const Target& target);
  domain::Verdict done(const Waiting& waiting);
  std::string encode(const Waiting& waiting) const;
  Result<Waiting> decode(const std::string& body) const;

  storage::Store& store_;
  storage::Blobs& blobs_;
  const Clock& clock_;
  Registry& registry_;
  Invoker& invoker_;
  const Destinations& destinations_;
  const AsyncOptions options_;
  std::unique_ptr<domain::DeliveryQueue> queue_;
};

}  // namespace likeness::lambda
