#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace likeness::queues {

/// Milliseconds since 1970: what visibility is counted in.
using Millis = std::int64_t;
/// Of a message within its queue, ascending in the order of sending.
using Sequence = std::uint64_t;

Millis millis(TimePoint time);
TimePoint time_of(Millis time);

struct Attribute {
  std::string type;  // "String", "Number.int", "Binary.png"
  std::string value;
  bool binary = false;
};
using Attributes = std::map<std::string, Attribute>;

/// What a sender gives.
struct Outgoing {
  std::string body;
  Attributes attributes;
  Attributes system;  // AWSTraceHeader
  std::optional<std::int64_t> delay_seconds;
  std::optional<std::string> group;
  std::optional<std::string> deduplication;
  std::string sender;  // SenderId
};

/// What the sender is told.
struct Sent {
  std::string id;
  std::string body_md5;
  std::string attributes_md5;  // empty: there are none
  std::string system_md5;
  std::string sequence;  // FIFO only
};

/// What does not change of a message as long as it is in a queue.
struct Message {
  std::string id;
  std::string sender;
  Millis sent = 0;
  std::string body;
  Attributes attributes;
  Attributes system;
  std::optional<std::string> group;
  std::string deduplication;  // FIFO: as sent, or made of the body
  std::string source_arn;     // of the queue whose dead letter it is
};

/// What does: it is written anew with each receive, so it is small.
struct State {
  Millis visible_at = 0;
  std::uint64_t receives = 0;
  Millis first_received = 0;
  std::uint64_t nonce = 0;  // of the last receive: in its receipt handle
  Millis sent = 0;
  std::string group;  // FIFO: the line is rebuilt from states alone
};

/// A message as a receiver gets it.
struct Received {
  Message message;
  State state;
  Sequence sequence = 0;
  std::string receipt;
};

/// Lower-case hex digest; of attributes by AWS's rule: sorted names, each with lengths, type and a transport byte.
std::string md5_of(std::string_view text);
std::string md5_of(const Attributes& attributes);

/// Bytes that count against the limit: the body, and names, types and values of attributes.
std::size_t size_of(const Outgoing& message);

/// Body and attributes by themselves, whatever the queue: characters, names, types, values.
Result<void> check_content(const Outgoing& message);

/// "18850000000000000123": twenty digits, ascending.
std::string sequence_number(Sequence sequence);

/// Records for the store. A value there has a limit just where a message has it, so a message is in one or two parts.
std::vector<std::string> encode(const Message& message);
Result<Message> decode_message(std::string_view first, std::string_view second);
std::string encode(const State& state);
Result<State> decode_state(std::string_view bytes);

/// Big-endian, so that bytewise order is that of the numbers.
void append_number(std::string& out, std::uint64_t number);
std::uint64_t read_number(std::string_view bytes);

}  // namespace likeness::queues
