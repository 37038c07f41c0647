#include "index/reader_gate.hpp"

#include <chrono>
#include <functional>
#include <thread>

namespace likeness::index {

std::atomic<std::uint64_t>& ReaderGate::enter() const {
  const std::size_t start = std::hash<std::thread::id>{}(std::this_thread::get_id());
  while (true) {
    for (std::size_t i = 0; i < kPlaces; ++i) {
      std::atomic<std::uint64_t>& place = places_[(start + i) % kPlaces].since;
      std::uint64_t free = 0;
      if (place.load(std::memory_order_relaxed) == 0 && place.compare_exchange_strong(free, era_.load())) return place;
    }
    std::this_thread::yield();
  }
}

void ReaderGate::wait_for_readers() const {
  const std::uint64_t now = ++era_;
  for (const Place& place : places_)
    for (int tries = 0;; ++tries) {
      const std::uint64_t since = place.since.load();
      if (since == 0 || since >= now) break;
      if (tries < 100)
        std::this_thread::yield();
      else
        std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
}

}  // namespace likeness::index
