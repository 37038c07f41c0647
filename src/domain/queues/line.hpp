#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "domain/queues/message.hpp"
#include "storage/store.hpp"

namespace likeness::queues {

/// A message and when it can be received.
struct Place {
  Millis at = 0;
  Sequence sequence = 0;
  auto operator<=>(const Place&) const = default;
};

// The tables of a queue's messages; the partition is that of the queue's contents, the sort key begins with a sequence
// (kTimes: with the time, then the sequence).
inline constexpr std::string_view kBodies = "queue_bodies";
inline constexpr std::string_view kStates = "queue_states";
inline constexpr std::string_view kTimes = "queue_times";

std::string sequence_key(Sequence sequence);
std::string time_key(const Place& place);
Place place_of(std::string_view time_key);

/// Who is next: which messages of a queue can be received. Holds a bounded part of that in memory and reads on from the
/// store, so a queue may be of any length. Every message that a commit puts, moves or removes is told to the line
/// around that commit. Thread-safe; `take` and `next_due` may read the store, with nothing locked that the others need.
class Line {
 public:
  virtual ~Line() = default;

  /// Before the commit of a new message: its sequence. Ends with `added` or `dropped`.
  virtual Sequence expect(const std::string& group) = 0;
  virtual void added(const Place& place) = 0;
  virtual void dropped(Sequence sequence) = 0;

  /// Up to `limit` messages that may be received at `now`. Nobody else gets them until one of the following was called
  /// for each. May name one that has been moved or removed meanwhile: the message's state tells.
  virtual Result<std::vector<Place>> take(std::size_t limit, Millis now) = 0;
  /// Will be visible at another time: received, or its visibility was changed. `received`: it is in flight until then.
  virtual void moved(const Place& to, bool received) = 0;
  virtual void removed(Sequence sequence) = 0;
  virtual void put_back(const Place& place) = 0;

  /// When there may be something to take, if not before; nullopt: not without a new message.
  virtual Result<std::optional<Millis>> next_due(Millis now) = 0;
};

/// In about the order of sending: the index of times in the store, read in batches from where everything before is
/// known.
std::unique_ptr<Line> make_standard_line(const storage::Store& store, std::string partition, Sequence last);

/// In the order of sending within each message group; a group with a message in flight waits. Looks at the oldest
/// `window` messages only, as AWS does (120,000).
Result<std::unique_ptr<Line>> make_fifo_line(const storage::Store& store, std::string partition, Sequence last,
                                             std::size_t window = 120'000);

}  // namespace likeness::queues
