#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "domain/queues/message.hpp"
#include "storage/store.hpp"

namespace likeness::queues {

/// What a receipt handle says: which message of which queue, and which receive of it.
struct Receipt {
  std::uint64_t queue = 0;  // the queue's number
  Sequence sequence = 0;
  std::uint64_t nonce = 0;
};

/// Makes receipt handles, signed with a secret of the data folder, and reads them back: one that was made up or changed
/// is none. Immutable, thread-safe.
class Receipts {
 public:
  static Result<Receipts> open(storage::Store& store);

  std::string make(const Receipt& receipt) const;
  std::optional<Receipt> read(std::string_view handle) const;

 private:
  explicit Receipts(Bytes secret) : secret_(std::move(secret)) {}
  Bytes secret_;
};

}  // namespace likeness::queues
