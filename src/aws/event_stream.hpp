#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

/// The framing of streams of events (application/vnd.amazon.eventstream): messages of headers and a payload, each with
/// its length and two checksums. https://smithy.io/2.0/aws/amazon-eventstream.html
namespace likeness::aws {

inline constexpr std::string_view kEventStreamType = "application/vnd.amazon.eventstream";

/// Headers here are texts only, which is what services use.
using EventHeaders = std::map<std::string, std::string>;

struct EventMessage {
  EventHeaders headers;
  std::string payload;
};

/// The bytes of a message.
std::string write_event_message(const EventHeaders& headers, std::string_view payload);
/// An event of the model: ":event-type" is the member's name in the union, `content_type` "application/json",
/// "application/octet-stream", or empty for no payload.
std::string write_event(std::string_view event_type, std::string_view content_type, std::string_view payload);
/// A modelled exception in a stream that has begun.
std::string write_event_exception(std::string_view exception_type, std::string_view json);

inline constexpr std::size_t kMaxEventMessage = 24u << 20;

/// The first message of `bytes`, which loses it; nullopt if there is not a whole one yet. Error "InvalidEventStream":
/// wrong checksums, lengths or headers. Headers that are no texts are skipped.
Result<std::optional<EventMessage>> read_event_message(BytesView& bytes);

}  // namespace likeness::aws
