#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/logs/event.hpp"

/// How events lie in the store: those that came together and belong to about the same time are one value, a chunk,
/// which is never changed. Its key is (stream; time of the first event, number), so that a range of time is a range of
/// keys.
namespace likeness::logs {

/// A chunk never spans more. A batch may span a day, so it is at most 97 chunks.
inline constexpr Millis kMaxChunkSpan = 15 * 60 * 1000;

struct TimedMessage {
  Millis time = 0;
  std::string_view message;
};

/// `events` in the order of their times, not empty.
std::string encode_chunk(const std::vector<TimedMessage>& events);
/// The views point into `bytes`. Error: "StorageFailure".
Result<std::vector<TimedMessage>> decode_chunk(std::string_view bytes);

/// Binary, of the same order as the numbers.
std::string chunk_key(Millis first, std::uint64_t chunk);
/// Sorts before each chunk that begins at `time` or later.
std::string chunk_key_from(Millis time);
struct ChunkName {
  Millis first = 0;
  std::uint64_t chunk = 0;
};
ChunkName read_chunk_key(std::string_view key);

}  // namespace likeness::logs
