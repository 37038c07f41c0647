#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace likeness::index {

/// Lets a writer wait until every reader that may still see what it took away is gone, without ever making a reader
/// wait for a writer (the idea of read-copy-update). A reader holds a Visit while it reads; a writer first makes a
/// thing unreachable, then calls wait_for_readers(), then overwrites it. Loads and stores of what makes things
/// reachable have to be sequentially consistent.
class ReaderGate {
 public:
  class Visit {
   public:
    explicit Visit(const ReaderGate& gate) : place_(gate.enter()) {}
    ~Visit() { place_.store(0, std::memory_order_release); }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    std::atomic<std::uint64_t>& place_;
  };

  /// Returns when no visit is left that began before the call. Must not be called during a visit of one's own.
  void wait_for_readers() const;

 private:
  static constexpr std::size_t kPlaces = 64;  // more readers than this at once wait for one another
  struct alignas(64) Place {
    std::atomic<std::uint64_t> since{0};  // 0: free; else the era the visit began in
  };

  std::atomic<std::uint64_t>& enter() const;

  mutable std::array<Place, kPlaces> places_;
  mutable std::atomic<std::uint64_t> era_{1};
};

}  // namespace likeness::index
