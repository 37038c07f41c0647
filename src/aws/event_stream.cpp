#include "aws/event_stream.hpp"

#include <array>

#include "base/crc.hpp"

namespace likeness::aws {
namespace {

constexpr std::size_t kPrelude = 12, kEnd = 4;
constexpr std::size_t kMaxHeaders = 128u << 10;
constexpr std::uint8_t kText = 7;

void put32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 0xff));
}
void put16(std::string& out, std::size_t value) {
  out.push_back(static_cast<char>(value >> 8 & 0xff));
  out.push_back(static_cast<char>(value & 0xff));
}
std::uint32_t get32(BytesView bytes, std::size_t at) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i) out = out << 8 | bytes[at + i];
  return out;
}

Failure broken(const char* why) { return client_error("InvalidEventStream", why); }

/// How long the value of a header of that type is; nullopt: it says so itself, in two bytes.
constexpr std::array<std::optional<std::size_t>, 10> kSizes{
    std::size_t{0}, std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{4},
    std::size_t{8}, std::nullopt,   std::nullopt,   std::size_t{8}, std::size_t{16}};

Result<EventHeaders> read_headers(BytesView bytes) {
  EventHeaders out;
  while (!bytes.empty()) {
    const std::size_t name_size = bytes[0];
    if (name_size == 0 || bytes.size() < 1 + name_size + 1) return broken("A header is cut off.");
    std::string name(as_text(bytes.subspan(1, name_size)));
    const std::uint8_t type = bytes[1 + name_size];
    bytes = bytes.subspan(1 + name_size + 1);
    if (type >= kSizes.size()) return broken("A header has an unknown type.");
    std::size_t size = 0;
    if (kSizes[type]) {
      size = *kSizes[type];
    } else {
      if (bytes.size() < 2) return broken("A header is cut off.");
      size = static_cast<std::size_t>(bytes[0]) << 8 | bytes[1];
      bytes = bytes.subspan(2);
    }
    if (bytes.size() < size) return broken("A header is cut off.");
    if (type == kText && !out.emplace(std::move(name), as_text(bytes.first(size))).second)
      return broken("A header occurs twice.");
    bytes = bytes.subspan(size);
  }
  return out;
}

}  // namespace

std::string write_event_message(const EventHeaders& headers, std::string_view payload) {
  std::string encoded;
  for (const auto& [name, value] : headers) {
    encoded.push_back(static_cast<char>(name.size()));
    encoded += name;
    encoded.push_back(static_cast<char>(kText));
    put16(encoded, value.size());
    encoded += value;
  }
  std::string out;
  out.reserve(kPrelude + encoded.size() + payload.size() + kEnd);
  put32(out, static_cast<std::uint32_t>(kPrelude + encoded.size() + payload.size() + kEnd));
  put32(out, static_cast<std::uint32_t>(encoded.size()));
  put32(out, crc32(0, as_bytes(out)));
  out += encoded;
  out += payload;
  put32(out, crc32(0, as_bytes(out)));
  return out;
}

std::string write_event(std::string_view event_type, std::string_view content_type, std::string_view payload) {
  EventHeaders headers{{":message-type", "event"}, {":event-type", std::string(event_type)}};
  if (!content_type.empty()) headers[":content-type"] = content_type;
  return write_event_message(headers, payload);
}

std::string write_event_exception(std::string_view exception_type, std::string_view json) {
  return write_event_message({{":message-type", "exception"},
                              {":exception-type", std::string(exception_type)},
                              {":content-type", "application/json"}},
                             json);
}

Result<std::optional<EventMessage>> read_event_message(BytesView& bytes) {
  if (bytes.size() < kPrelude) return std::nullopt;
  const std::size_t total = get32(bytes, 0), headers = get32(bytes, 4);
  if (crc32(0, bytes.first(8)) != get32(bytes, 8)) return broken("The checksum of a message's head is wrong.");
  if (total > kMaxEventMessage || headers > kMaxHeaders || total < kPrelude + headers + kEnd)
    return broken("The lengths of a message are wrong.");
  if (bytes.size() < total) return std::nullopt;
  if (crc32(0, bytes.first(total - kEnd)) != get32(bytes, total - kEnd))
    return broken("The checksum of a message is wrong.");
  auto read = read_headers(bytes.subspan(kPrelude, headers));
  if (!read) return fail(read);
  EventMessage out;
  out.headers = std::move(*read);
  out.payload = as_text(bytes.subspan(kPrelude + headers, total - kPrelude - headers - kEnd));
  bytes = bytes.subspan(total);
  return out;
}

}  // namespace likeness::aws
