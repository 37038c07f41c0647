#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/key_latches.hpp"
#include "domain/metrics/recorder.hpp"
#include "domain/queues/deduplication.hpp"
#include "domain/queues/line.hpp"
#include "domain/queues/message.hpp"
#include "domain/queues/receipts.hpp"
#include "domain/queues/settings.hpp"
#include "domain/queues/tally.hpp"
#include "storage/store.hpp"

namespace likeness::queues {

class Queue;

/// What all queues share. Borrowed.
struct Surroundings {
  storage::Store& store;
  const Clock& clock;
  const Receipts& receipts;
  metrics::Recorder* metrics = nullptr;
  /// The queue with that ARN; null: there is none.
  std::function<std::shared_ptr<Queue>(const std::string& arn)> find;
  std::atomic<bool> stopping = false;
};

/// What a queue is, at one moment.
struct Description {
  std::string name;
  std::string arn;
  std::uint64_t number = 0;  // of this queue and no other, also one of the same name
  std::string contents;      // partition of its messages
  Settings settings;
  std::map<std::string, std::string> tags;
  Millis created = 0;
  Millis modified = 0;
};

struct ReceiveRequest {
  std::size_t limit = 1;
  std::optional<std::int64_t> visibility;  // seconds
  std::int64_t wait = 0;                   // seconds
  std::string attempt;                     // ReceiveRequestAttemptId; FIFO
  std::stop_token gone{};                  // asked to stop when nobody will read the answer
};

/// One queue. All of what is acknowledged is in the store: messages sent, which receive had which message until when,
/// removals. Thread-safe; every call blocks for the store, `receive` also for messages.
///
/// A message is its body (written once), its state (a few numbers, written with each receive) and, in standard queues,
/// an entry in the index of times. A receive takes from the line, checks the state, and commits the new one with the
/// condition that the old one is still there; so nobody gets a message twice at a time, and a delete in between wins.
class Queue : public std::enable_shared_from_this<Queue> {
 public:
  /// Reads what is needed of the queue's messages: one pass over their times or states.
  static Result<std::shared_ptr<Queue>> open(Surroundings& surroundings, Description description);

  std::shared_ptr<const Description> describe() const;
  Counts counts() const { return tally_.read(millis(around_.clock.now())); }
  /// When the oldest message was sent; 0: there is none.
  Result<Millis> oldest() const;

  /// In order; of each message whether it was taken. All that were are in one commit. Those that break the rules of a
  /// batch as a whole are the caller's to find.
  Result<std::vector<Result<Sent>>> send(std::vector<Outgoing> messages);
  Result<std::vector<Received>> receive(const ReceiveRequest& request);
  Result<std::vector<Result<void>>> remove(const std::vector<std::string>& receipts);
  struct Visibility {
    std::string receipt;
    std::int64_t seconds = 0;
  };
  Result<std::vector<Result<void>>> change_visibility(const std::vector<Visibility>& changes);

  /// Puts up to `limit` of this queue's messages into `target` (or, null, the queue each came from), each in one commit
  /// with its removal here. How many; fewer than `limit` when there are no more to be had.
  Result<std::size_t> move(std::size_t limit, const std::shared_ptr<Queue>& target);

  /// With nothing else going on in the queue: `commit` makes the change in the store and returns what the queue is now,
  /// or nullopt if it is no more.
  using Change = std::function<Result<std::optional<Description>>(const Description&)>;
  Result<void> change(const Change& commit);

  /// Takes away what has been kept long enough, up to `limit` messages. How many there were.
  Result<std::size_t> sweep(std::size_t limit);
  /// Ends all waiting.
  void wake();

 private:
  struct Delivery;
  explicit Queue(Surroundings& surroundings) : around_(surroundings), deduplication_(surroundings.store) {}

  Result<void> load(const Description& description);
  Millis now() const { return millis(around_.clock.now()); }
  Result<std::vector<Received>> receive_now(const ReceiveRequest& request);
  Result<std::vector<Received>> deliver(const std::vector<Place>& places, const ReceiveRequest& request);
  Result<std::optional<Delivery>> prepare(const Place& place, Millis visible_at, Millis now);
  Result<bool> bury(Delivery& delivery, const std::string& source_arn);
  void finish(Delivery& delivery, std::vector<Received>& out);
  Result<std::optional<std::vector<Received>>> repeat(const ReceiveRequest& request, Millis visible_at);
  void remember_attempt(const ReceiveRequest& request, const std::vector<Received>& received);

  Result<std::optional<State>> state_of(Sequence sequence, std::string& bytes) const;
  Result<std::optional<Message>> message_of(Sequence sequence) const;
  std::vector<storage::Write> arrival_writes(Sequence sequence, const Message& message, const State& state) const;
  std::vector<storage::Write> departure_writes(Sequence sequence, const State& state, const std::string& bytes) const;
  std::vector<storage::Write> change_writes(Sequence sequence, const State& from, const std::string& bytes,
                                            const State& to) const;
  Result<void> check(const Description& description, const Outgoing& message) const;
  Result<Sent> send_one(const Description& description, Outgoing& message, std::vector<storage::Write>& writes,
                        std::vector<std::pair<Sequence, State>>& begun);
  void arrived(std::size_t count);
  void count(std::string_view metric, double value, metrics::Unit unit = metrics::Unit::Count) const;

  Surroundings& around_;
  Deduplication deduplication_;
  domain::KeyLatches sending_;  // deduplication ids

  mutable std::shared_mutex life_;  // shared: uses the contents; alone: purges, removes or changes the queue
  mutable std::mutex description_mutex_;
  std::shared_ptr<const Description> description_;
  bool gone_ = false;
  std::unique_ptr<Line> line_;
  mutable Tally tally_;

  std::mutex waiting_mutex_;
  std::condition_variable waiting_;
  std::uint64_t arrivals_ = 0;

  struct Attempt {
    Millis at = 0;
    std::vector<std::pair<Sequence, std::uint64_t>> messages;  // with nonces
  };
  std::mutex attempts_mutex_;
  std::map<std::string, Attempt> attempts_;
};

}  // namespace likeness::queues
