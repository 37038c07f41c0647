#include "domain/delivery_queue.hpp"

#include <algorithm>
#include <exception>

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "domain/record.hpp"

namespace likeness::domain {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::string_view kTable = "deliveries";
constexpr std::uint8_t kLane = 1, kBody = 2, kId = 3, kCreated = 4, kAttempts = 5;
/// Of what was delivered a crash may repeat as much as was done in this time.
constexpr milliseconds kForgetEvery{50};
constexpr std::size_t kForgetAtOnce = 500;

std::uint64_t micros(TimePoint time) {
  const auto count = std::chrono::duration_cast<microseconds>(time.time_since_epoch()).count();
  return count < 0 ? 0 : static_cast<std::uint64_t>(count);
}

void append_big_endian(std::uint64_t value, std::string& out) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

/// When the delivery of that key is due.
TimePoint due_of(std::string_view sort) {
  std::uint64_t value = 0;
  for (const char byte : sort.substr(0, 8)) value = value << 8 | static_cast<std::uint8_t>(byte);
  return TimePoint(microseconds(static_cast<std::int64_t>(value)));
}

std::string encode(const Delivery& delivery) {
  RecordWriter record;
  record.text(kLane, delivery.lane);
  record.text(kBody, delivery.body);
  record.text(kId, delivery.id);
  record.number(kCreated, micros(delivery.created));
  record.number(kAttempts, static_cast<std::uint64_t>(delivery.attempts));
  return record.take();
}

Result<Delivery> decode(const storage::Item& item) {
  Delivery delivery;
  delivery.due = due_of(item.key.sort);
  RecordReader reader(item.value);
  while (reader.next()) {
    switch (reader.field()) {
      case kLane: delivery.lane = reader.text(); break;
      case kBody: delivery.body = reader.text(); break;
      case kId: delivery.id = reader.text(); break;
      case kCreated: delivery.created = TimePoint(microseconds(static_cast<std::int64_t>(reader.number()))); break;
      case kAttempts: delivery.attempts = static_cast<int>(reader.number()); break;
      default: break;
    }
  }
  if (!reader.ok()) return server_error("StorageFailure", "a delivery is damaged");
  return delivery;
}

}  // namespace

// -- tickets

DeliveryQueue::Ticket::Ticket(Ticket&& other) noexcept
    : queue_(std::exchange(other.queue_, nullptr)),
      sort_(std::move(other.sort_)),
      delivery_(std::move(other.delivery_)),
      write_(std::move(other.write_)) {}

DeliveryQueue::Ticket::~Ticket() {
  if (queue_ != nullptr) queue_->release(sort_);
}

void DeliveryQueue::Ticket::committed() {
  std::exchange(queue_, nullptr)->accept(std::move(sort_), std::move(delivery_));
}

// -- life

Result<std::unique_ptr<DeliveryQueue>> DeliveryQueue::open(storage::Store& store, std::string name, const Clock& clock,
                                                           Options options, Handler handler) {
  auto first = store.range(kTable, name, {.first = {}, .last = {}, .limit = 1});
  if (!first) return fail(first);
  return std::unique_ptr<DeliveryQueue>(new DeliveryQueue(store, std::move(name), clock, options, std::move(handler)));
}

DeliveryQueue::DeliveryQueue(storage::Store& store, std::string name, const Clock& clock, Options options,
                             Handler handler)
    : store_(store),
      name_(std::move(name)),
      clock_(clock),
      options_(options),
      handler_(std::move(handler)),
      sequence_(micros(clock.now())),
      // A thread that has just handed in its verdict is not free at once.
      pool_(name_, 2 * options.threads) {}

DeliveryQueue::~DeliveryQueue() { stop(); }

void DeliveryQueue::start() {
  const std::lock_guard lock(mutex_);
  if (started_ || stopping_) return;
  started_ = true;
  thread_ = std::thread([this] { run(); });
}

void DeliveryQueue::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  pool_.stop();
  std::unique_lock lock(mutex_);
  forget_done(lock);
}

// -- accepting

/// Unique, and ascending among those that are due at the same time.
std::string DeliveryQueue::sort_of(TimePoint due) {
  std::string sort;
  sort.reserve(16);
  append_big_endian(micros(due), sort);
  append_big_endian(++sequence_, sort);
  return sort;
}

storage::Write DeliveryQueue::removal(const std::string& sort) const {
  storage::Write write;
  write.table = std::string(kTable);
  write.key = {name_, sort};
  return write;
}

DeliveryQueue::Ticket DeliveryQueue::begin(Delivery delivery) {
  const TimePoint now = clock_.now();
  if (delivery.id.empty()) delivery.id = uuid_v4();
  delivery.created = now;
  delivery.due = std::max(delivery.due, now);
  storage::Write write;
  write.table = std::string(kTable);
  write.value = encode(delivery);
  const std::lock_guard lock(mutex_);
  std::string sort = sort_of(delivery.due);
  write.key = {name_, sort};
  known_.insert(sort);
  return {this, std::move(sort), std::move(delivery), std::move(write)};
}

Result<void> DeliveryQueue::add(std::vector<Delivery> deliveries) {
  std::vector<Ticket> tickets;
  std::vector<storage::Write> writes;
  tickets.reserve(deliveries.size());
  writes.reserve(deliveries.size());
  for (auto& delivery : deliveries) {
    tickets.push_back(begin(std::move(delivery)));
    writes.push_back(tickets.back().write());
  }
  if (writes.empty()) return {};
  if (auto done = store_.commit(std::move(writes)); !done) return fail(done);
  for (auto& ticket : tickets) ticket.committed();
  return {};
}

void DeliveryQueue::release(const std::string& sort) {
  const std::lock_guard lock(mutex_);
  known_.erase(sort);
}

void DeliveryQueue::accept(std::string sort, Delivery delivery) {
  {
    const std::lock_guard lock(mutex_);
    place(std::move(sort), std::move(delivery));
    move_due(clock_.now());
    dispatch();
  }
  wake_.notify_one();
}

// -- what is in memory

std::size_t DeliveryQueue::in_memory() const { return later_.size() + ready_; }

/// Into memory, unless there are so many before it that it had better be read again when its time comes.
void DeliveryQueue::place(std::string sort, Delivery delivery) {
  if (loaded_until_ && sort >= *loaded_until_) {
    known_.erase(sort);
    if (loading_) arrived_.emplace_back(std::move(sort), std::move(delivery));
    return;
  }
  known_.insert(sort);
  later_.emplace(std::move(sort), std::move(delivery));
  if (in_memory() <= options_.in_memory || later_.empty()) return;
  const auto last = std::prev(later_.end());
  loaded_until_ = last->first;
  known_.erase(last->first);
  later_.erase(last);
}

void DeliveryQueue::move_due(TimePoint now) {
  while (!later_.empty() && due_of(later_.begin()->first) <= now) {
    auto first = later_.extract(later_.begin());
    Lane& lane = lanes_[first.mapped().lane];
    if (lane.ready.empty()) turns_.push_back(first.mapped().lane);
    lane.ready.emplace_back(std::move(first.key()), std::move(first.mapped()));
    ++ready_;
  }
}

/// Every lane in turn, as far as it and the threads allow.
void DeliveryQueue::dispatch() {
  if (!started_ || stopping_) return;
  for (std::size_t passed = 0; passed < turns_.size() && running_ < options_.threads;) {
    std::string name = std::move(turns_.front());
    turns_.pop_front();
    Lane& lane = lanes_[name];
    if (lane.running >= options_.per_lane) {
      turns_.push_back(std::move(name));
      ++passed;
      continue;
    }
    const auto entry = std::make_shared<Entry>(std::move(lane.ready.front()));
    if (!pool_.submit([this, entry] { attempt(*entry); })) {
      lane.ready.front() = std::move(*entry);
      turns_.push_front(std::move(name));
      return;
    }
    lane.ready.pop_front();
    --ready_;
    ++lane.running;
    ++running_;
    passed = 0;
    if (!lane.ready.empty()) turns_.push_back(std::move(name));
  }
}

/// Reads on where memory ends. False if there was nothing to read or it failed.
bool DeliveryQueue::load_more(std::unique_lock<std::mutex>& lock) {
  if (!loaded_until_ || in_memory() > options_.in_memory / 2) return false;
  const std::string from = *loaded_until_;
  loading_ = true;
  lock.unlock();
  auto page = store_.range(kTable, name_,
                           {.first = from, .last = {}, .limit = std::max<std::size_t>(options_.in_memory / 2, 1)});
  lock.lock();
  loading_ = false;
  auto arrived = std::exchange(arrived_, {});
  if (!page) {
    log::error("deliveries of {} cannot be read: {}", name_, page.error().message);
    return false;
  }
  if (loaded_until_ != from) return true;  // moved back meanwhile
  // First the bound, so that place() keeps what is read and what others accept from now on.
  loaded_until_ = page->next;
  bool any = false;
  for (auto& item : page->items) {
    if (known_.contains(item.key.sort)) continue;
    auto delivery = decode(item);
    if (!delivery) {
      log::error("a delivery of {} is damaged and left alone", name_);
      continue;
    }
    place(std::move(item.key.sort), std::move(*delivery));
    any = true;
  }
  for (auto& [sort, delivery] : arrived) place(std::move(sort), std::move(delivery));
  return any || page->next.has_value();
}

std::pair<std::size_t, std::size_t> DeliveryQueue::load(const std::string& lane) const {
  const std::lock_guard lock(mutex_);
  std::size_t waiting = 0;
  for (const auto& [sort, delivery] : later_) waiting += delivery.lane == lane ? 1 : 0;
  const auto at = lanes_.find(lane);
  if (at == lanes_.end()) return {waiting, 0};
  return {waiting + at->second.ready.size(), at->second.running};
}

// -- running

void DeliveryQueue::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    while (!stopping_ && load_more(lock)) {
    }
    move_due(clock_.now());
    dispatch();
    const TimePoint now = clock_.now();
    if (done_.size() >= kForgetAtOnce || (!done_.empty() && now - last_forgotten_ >= kForgetEvery)) forget_done(lock);
    if (stopping_) break;
    // Clocks of tests do not move by themselves, so no sleep is long.
    milliseconds sleep = done_.empty() ? milliseconds(1000) : kForgetEvery;
    if (!later_.empty())
      sleep = std::clamp(std::chrono::ceil<milliseconds>(due_of(later_.begin()->first) - now), milliseconds(1), sleep);
    wake_.wait_for(lock, sleep);
  }
}

void DeliveryQueue::attempt(const Entry& entry) {
  Verdict verdict;
  try {
    verdict = handler_(entry.second);
  } catch (const std::exception& failure) {
    log::error("a delivery of {} ended with an exception: {}", name_, failure.what());
    verdict = Verdict::retry(clock_.now() + std::chrono::minutes(1));
  }
  finish(entry, std::move(verdict));
}

void DeliveryQueue::finish(const Entry& entry, Verdict verdict) {
  const auto& [sort, delivery] = entry;
  std::optional<Entry> again;
  bool stored = true;
  if (verdict.kind == Verdict::Kind::Retry) {
    again.emplace(std::string(), delivery);
    again->second.due = verdict.due;
    ++again->second.attempts;
    if (verdict.body) again->second.body = std::move(*verdict.body);
    {
      const std::lock_guard lock(mutex_);
      again->first = sort_of(verdict.due);
      known_.insert(again->first);
    }
    storage::Write write;
    write.table = std::string(kTable);
    write.key = {name_, again->first};
    write.value = encode(again->second);
    // Where that fails it is on disk as it was, and is tried again from memory all the same.
    if (auto done = store_.commit({removal(sort), std::move(write)}); !done) {
      stored = false;
      log::error("a retry of {} could not be stored: {}", name_, done.error().message);
    }
  }
  {
    const std::lock_guard lock(mutex_);
    --running_;
    const auto lane = lanes_.find(delivery.lane);
    --lane->second.running;
    if (lane->second.running == 0 && lane->second.ready.empty()) lanes_.erase(lane);
    if (stored) done_.push_back(sort);
    if (again) place(std::move(again->first), std::move(again->second));
    move_due(clock_.now());
    dispatch();
  }
  wake_.notify_one();
}

void DeliveryQueue::forget_done(std::unique_lock<std::mutex>& lock) {
  last_forgotten_ = clock_.now();
  const std::vector<std::string> sorts = std::exchange(done_, {});
  if (sorts.empty()) return;
  lock.unlock();
  const std::size_t at_once = std::min(kForgetAtOnce, store_.max_writes());
  std::vector<std::string> left;
  for (std::size_t from = 0; from < sorts.size(); from += at_once) {
    const std::size_t to = std::min(from + at_once, sorts.size());
    std::vector<storage::Write> writes;
    writes.reserve(to - from);
    for (std::size_t i = from; i < to; ++i) writes.push_back(removal(sorts[i]));
    if (auto done = store_.commit(std::move(writes)); !done) {
      log::error("deliveries of {} that were made could not be forgotten: {}", name_, done.error().message);
      left.insert(left.end(), sorts.begin() + static_cast<std::ptrdiff_t>(from),
                  sorts.begin() + static_cast<std::ptrdiff_t>(to));
    }
  }
  lock.lock();
  for (const auto& sort : sorts) known_.erase(sort);
  for (auto& sort : left) {
    known_.insert(sort);
    done_.push_back(std::move(sort));
  }
}

}  // namespace likeness::domain
