#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "storage/store.hpp"

namespace likeness::topics {

/// A mail or text message that was not sent, as there is nothing to send it with.
struct OutboxEntry {
  std::uint64_t number = 0;  // ascending
  TimePoint time;
  std::string kind;  // "email", "email-json", "sms"
  std::string to;
  std::string subject;  // of mails
  std::string body;
  std::string topic_arn;                                   // empty: none
  std::vector<std::pair<std::string, std::string>> links;  // what it says, where it leads
};

/// Keeps them on disk, the latest `limit` of them. Thread-safe; blocks for the store.
class Outbox {
 public:
  static Result<std::unique_ptr<Outbox>> open(storage::Store& store, const Clock& clock, std::size_t limit);

  /// Its number and time are set here.
  Result<void> add(OutboxEntry entry);
  /// The latest first, those with a number below `before` (0: all).
  Result<std::vector<OutboxEntry>> list(std::size_t limit, std::uint64_t before = 0) const;

 private:
  Outbox(storage::Store& store, const Clock& clock, std::size_t limit) : store_(store), clock_(clock), limit_(limit) {}

  storage::Store& store_;
  const Clock& clock_;
  const std::size_t limit_;
  std::mutex mutex_;
  std::uint64_t next_ = 1;
  std::uint64_t oldest_ = 1;
};

}  // namespace likeness::topics
