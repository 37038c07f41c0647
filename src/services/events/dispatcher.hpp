#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/local_calls.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/delivery_queue.hpp"
#include "domain/identity/service_roles.hpp"
#include "domain/metrics/recorder.hpp"
#include "services/events/registry.hpp"
#include "storage/store.hpp"

namespace likeness::eventbridge {

/// An event on its way to the rules of a bus.
struct Event {
  std::string bus;
  std::string id;
  std::string json;  // whole: {"version": "0", "id": ...}
  TimePoint time{};
  /// Over how many buses it came.
  int hops = 0;
  /// Of a replay: those rules only, by ARN; nullopt: all. What is replayed is not archived again.
  std::optional<std::set<std::string>> only = {};
  bool replayed = false;
};

/// What an event of this server says besides its detail, which is JSON.
struct EventFacts {
  std::string id;
  std::string detail_type;
  std::string source;
  TimePoint time{};
  std::vector<std::string> resources = {};
};
std::string event_json(const EventFacts& facts, std::string_view account, std::string_view region,
                       std::string_view detail);

/// Calls a target of any service that rules and schedules know, with an input that is made already.
struct TargetCall {
  std::string arn;
  std::string input;
  std::string message_group = {};  // of FIFO queues and topics
  std::string event_id = {};       // what a FIFO queue and a state machine tell repetitions by
};
Result<void> call_target(const aws::LocalCalls& calls, const aws::LocalCaller& caller, const TargetCall& call,
                         const Clock& clock);
/// Whether there is a way to call such a target.
bool can_call(std::string_view arn);
/// A part of an ARN: 2 is the service, 3 the region, 4 the account, 5 the resource with its colons.
std::string_view arn_part(std::string_view arn, std::size_t part);
/// The URL of the queue with that ARN.
std::string queue_url(std::string_view arn);
/// Whether the error will not go away by itself: a target that is missing or does not allow it.
bool is_permanent(const Error& error);

/// Takes events to the targets of the rules that match them. Whatever `publish` has accepted is on disk and is tried
/// as often as the target's retry policy says, then goes to its dead-letter queue. Thread-safe; lives as long as the
/// server.
class Dispatcher {
 public:
  struct Parts {
    Registry& registry;
    const aws::LocalCalls& calls;
    const identity::ServiceRoles& roles;
    metrics::Recorder* metrics = nullptr;
  };

  /// Events that came over more buses than these go no further: rules that send to each other's bus would never end.
  static constexpr int kMostHops = 8;

  static Result<std::unique_ptr<Dispatcher>> open(const Parts& parts);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  void start();
  void stop();

  /// Whether a bus has a rule or an archive: without, its events need not be made.
  bool anyone(std::string_view bus) const;
  /// All that follows from the events, and then `also`, is committed when it returns: in one commit where that is not
  /// too much, else `also` is in the last one.
  Result<void> publish(const std::vector<Event>& events, std::vector<storage::Write> also = {});
  /// To the targets of one rule, whatever its pattern: schedules.
  Result<void> deliver(const Rule& rule, const Event& event, std::vector<storage::Write> also);

 private:
  explicit Dispatcher(const Parts& parts) : parts_(parts) {}

  void route(const Event& event, std::vector<domain::DeliveryQueue::Ticket>& tickets,
             std::vector<storage::Write>& archived);
  void add(const Rule& rule, const Event& event, std::vector<domain::DeliveryQueue::Ticket>& tickets);
  Result<void> commit(std::vector<domain::DeliveryQueue::Ticket> tickets, std::vector<storage::Write> others,
                      std::vector<storage::Write> also);
  domain::Verdict attempt(const domain::Delivery& delivery);
  Result<aws::LocalCaller> caller(const shapes::Target& target, const std::string& rule_arn) const;
  void count(std::string_view name, const std::string& rule) const;

  struct Parcel;
  Result<void> hand_over(const Parcel& parcel, const std::string& input);
  domain::Verdict give_up(Parcel parcel, const Error& error, const std::string& condition, int attempts);
  Result<void> to_dead_letters(const Parcel& parcel);

  Parts parts_;
  std::unique_ptr<domain::DeliveryQueue> queue_;
};

}  // namespace likeness::eventbridge
