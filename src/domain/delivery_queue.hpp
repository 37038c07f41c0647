#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/elastic_pool.hpp"
#include "base/result.hpp"
#include "storage/store.hpp"

namespace likeness::domain {

/// Something that has to be handed over to somebody.
struct Delivery {
  std::string lane;     // of one lane only so many run at once: a function, a subscription, a target
  std::string body;     // in the form of the service that wrote it
  TimePoint due{};      // not before; the past means now
  std::string id{};     // of its own; made if empty
  TimePoint created{};  // set by the queue
  int attempts = 0;     // how many failed so far
};

/// What became of an attempt.
struct Verdict {
  enum class Kind { Done, Retry };
  Kind kind = Kind::Done;
  TimePoint due{};                    // of a retry
  std::optional<std::string> body{};  // of a retry: instead of the one it had

  /// Delivered, or given up: it is forgotten.
  static Verdict done() { return {}; }
  static Verdict retry(TimePoint at) { return {.kind = Kind::Retry, .due = at}; }
};

/// Things to hand over, kept on disk until they are: whatever is accepted is tried at least once, again as often as its
/// handler asks for, and a restart goes on where the last process was. One that was delivered just before a crash may
/// be delivered again. Within a lane the order is that of `due`, then of acceptance; with per_lane = 1 no two overlap.
/// Lanes do not hold up one another as long as threads last; memory is bounded whatever the backlog.
///
/// Lives as long as the server; thread-safe.
class DeliveryQueue {
 public:
  struct Options {
    std::size_t threads = 64;      // handlers that run at once
    std::size_t per_lane = 8;      // of one lane
    std::size_t in_memory = 4096;  // deliveries; those that are due later stay on disk alone
  };
  /// Makes one attempt; may block. What it throws counts as a retry after a minute.
  using Handler = std::function<Verdict(const Delivery&)>;

  /// A delivery that is about to be committed.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();  // without committed(): forgets it

    /// To go into the commit that makes the delivery necessary.
    const storage::Write& write() const { return write_; }
    const std::string& id() const { return delivery_.id; }
    /// The commit has returned: the delivery may begin.
    void committed();

   private:
    friend class DeliveryQueue;
    Ticket(DeliveryQueue* queue, std::string sort, Delivery delivery, storage::Write write)
        : queue_(queue), sort_(std::move(sort)), delivery_(std::move(delivery)), write_(std::move(write)) {}
    DeliveryQueue* queue_;
    std::string sort_;
    Delivery delivery_;
    storage::Write write_;
  };

  /// `name` is that of the owner ("lambda"); one queue of a name in a store at a time. Nothing runs before start().
  static Result<std::unique_ptr<DeliveryQueue>> open(storage::Store& store, std::string name, const Clock& clock,
                                                     Options options, Handler handler);
  ~DeliveryQueue();
  DeliveryQueue(const DeliveryQueue&) = delete;
  DeliveryQueue& operator=(const DeliveryQueue&) = delete;

  void start();
  /// Begins no more attempts and waits for those that run. Safe to call twice.
  void stop();

  Ticket begin(Delivery delivery);
  /// Commits by itself, all or none.
  Result<void> add(std::vector<Delivery> deliveries);

  /// Of a lane: how many are waiting in memory and how many run. For metrics and tests.
  std::pair<std::size_t, std::size_t> load(const std::string& lane) const;

 private:
  using Entry = std::pair<std::string, Delivery>;  // sort key in the store
  struct Lane {
    std::deque<Entry> ready;
    std::size_t running = 0;
  };

  DeliveryQueue(storage::Store& store, std::string name, const Clock& clock, Options options, Handler handler);

  storage::Write removal(const std::string& sort) const;
  std::string sort_of(TimePoint due);
  void accept(std::string sort, Delivery delivery);
  void release(const std::string& sort);
  void run();                        // the thread that waits for what is due
  void attempt(const Entry& entry);  // on the pool
  void finish(const Entry& entry, Verdict verdict);
  std::size_t in_memory() const;  // these with mutex_ held:
  void place(std::string sort, Delivery delivery);
  void move_due(TimePoint now);
  void dispatch();
  bool load_more(std::unique_lock<std::mutex>& lock);
  void forget_done(std::unique_lock<std::mutex>& lock);

  storage::Store& store_;
  const std::string name_;
  const Clock& clock_;
  const Options options_;
  const Handler handler_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool started_ = false, stopping_ = false;
  std::uint64_t sequence_ = 0;
  std::map<std::string, Delivery> later_;  // not due yet, by sort key
  std::map<std::string, Lane> lanes_;
  std::deque<std::string> turns_;  // lanes with something ready, each once, in the order of their turns
  std::size_t ready_ = 0, running_ = 0;
  /// Every delivery on disk whose key is below this is in memory; nullopt: all are.
  std::optional<std::string> loaded_until_ = std::string();
  std::set<std::string> known_;  // keys that are not to be loaded: being committed, in memory, running, done
  bool loading_ = false;
  std::vector<Entry> arrived_;     // while loading: what was read may lack them
  std::vector<std::string> done_;  // delivered, still on disk
  TimePoint last_forgotten_{};
  std::thread thread_;
  ElasticPool pool_;
};

}  // namespace likeness::domain
