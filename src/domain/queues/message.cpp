#include "domain/queues/message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.hpp"
#include "domain/queues/errors.hpp"
#include "domain/record.hpp"

namespace likeness::queues {
namespace {

constexpr std::size_t kFirstPart = 512u << 10;
constexpr std::size_t kMostAttributes = 10;

// Fields of the record of a message.
constexpr std::uint8_t kId = 1;
constexpr std::uint8_t kSender = 2;
constexpr std::uint8_t kSent = 3;
constexpr std::uint8_t kBody = 4;
constexpr std::uint8_t kAttribute = 5;
constexpr std::uint8_t kSystem = 6;
constexpr std::uint8_t kGroup = 7;
constexpr std::uint8_t kDeduplication = 8;
constexpr std::uint8_t kSource = 9;
// Fields of the record of an attribute.
constexpr std::uint8_t kName = 1;
constexpr std::uint8_t kType = 2;
constexpr std::uint8_t kValue = 3;
constexpr std::uint8_t kBinary = 4;
// Fields of the record of a state.
constexpr std::uint8_t kVisibleAt = 1;
constexpr std::uint8_t kReceives = 2;
constexpr std::uint8_t kFirstReceived = 3;
constexpr std::uint8_t kNonce = 4;
constexpr std::uint8_t kStateSent = 5;
constexpr std::uint8_t kStateGroup = 6;

std::string encode(const std::string& name, const Attribute& attribute) {
  domain::RecordWriter out;
  out.text(kName, name);
  out.text(kType, attribute.type);
  out.text(kValue, attribute.value);
  if (attribute.binary) out.number(kBinary, 1);
  return out.take();
}

bool decode(std::string_view bytes, Attributes& into) {
  domain::RecordReader in(bytes);
  std::string name;
  Attribute attribute;
  while (in.next()) switch (in.field()) {
      case kName: name = in.text(); break;
      case kType: attribute.type = in.text(); break;
      case kValue: attribute.value = in.text(); break;
      case kBinary: attribute.binary = in.number() != 0; break;
      default: break;
    }
  into[name] = std::move(attribute);
  return in.ok();
}

void append_length(std::string& out, std::size_t length) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>((length >> shift) & 0xff));
}
void append_counted(std::string& out, std::string_view text) {
  append_length(out, text.size());
  out += text;
}

/// The characters of XML 1.0, in valid UTF-8: 9, A, D, 20-D7FF, E000-FFFD, 10000-10FFFF.
bool is_allowed_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20) {
      if (c != '\t' && c != '\n' && c != '\r') return false;
    } else if (c == 0xEF && i + 2 < text.size() && static_cast<unsigned char>(text[i + 1]) == 0xBF &&
               static_cast<unsigned char>(text[i + 2]) >= 0xBE) {
      return false;  // U+FFFE, U+FFFF
    }
  }
  return true;
}

bool is_name(std::string_view name) {
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  });
}

bool is_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && read.ec != std::errc::invalid_argument && read.ptr == text.data() + text.size();
}

Result<void> check_attribute(const std::string& name, const Attribute& attribute) {
  if (name.empty() || name.size() > 256 || !is_name(name) || name.starts_with('.') || name.ends_with('.') ||
      name.find("..") != std::string::npos || name.starts_with("AWS.") || name.starts_with("Amazon."))
    return invalid_parameter(fmt::format(
        "The message attribute name '{}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen "
        "(-), and period (.) characters.",
        name.substr(0, 256)));
  const auto base = std::string_view(attribute.type).substr(0, attribute.type.find('.'));
  if (attribute.type.empty())
    return invalid_parameter(
        fmt::format("The message attribute '{}' must contain a non-empty message attribute type.", name));
  if (attribute.type.size() > 256 || (base != "String" && base != "Number" && base != "Binary"))
    return invalid_parameter(
        fmt::format("The message attribute '{}' has an invalid message attribute type, the set of supported type "
                    "prefixes is Binary, Number, and String.",
                    name));
  if (attribute.value.empty())
    return invalid_parameter(fmt::format(
        "The message attribute '{}' must contain a non-empty message attribute value for message attribute type '{}'.",
        name, base));
  if (attribute.binary != (base == "Binary"))
    return invalid_parameter(fmt::format("The message attribute '{}' with type '{}' must use field '{}'.", name, base,
                                         base == "Binary" ? "Binary" : "String"));
  if (base == "Number" && !is_number(attribute.value))
    return invalid_parameter(fmt::format("Can't cast the value of message (user) attribute '{}' to a number.", name));
  if (!attribute.binary && !is_allowed_text(attribute.value))
    return invalid_parameter(fmt::format("The message attribute '{}' contains characters that are not allowed.", name));
  return {};
}

}  // namespace

Millis millis(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}
TimePoint time_of(Millis time) { return TimePoint(std::chrono::milliseconds(time)); }

void append_number(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>((number >> shift) & 0xff));
}

std::uint64_t read_number(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char c : bytes.substr(0, 8)) number = (number << 8) | static_cast<unsigned char>(c);
  return number;
}

std::string md5_of(std::string_view text) { return to_hex(md5(as_bytes(text))); }

std::string md5_of(const Attributes& attributes) {
  std::string all;
  for (const auto& [name, attribute] : attributes) {
    append_counted(all, name);
    append_counted(all, attribute.type);
    all.push_back(attribute.binary ? '\2' : '\1');
    append_counted(all, attribute.value);
  }
  return md5_of(all);
}

std::size_t size_of(const Outgoing& message) {
  std::size_t size = message.body.size();
  for (const auto& [name, attribute] : message.attributes)
    size += name.size() + attribute.type.size() + attribute.value.size();
  return size;
}

Result<void> check_content(const Outgoing& message) {
  if (message.body.empty()) return missing_parameter("MessageBody");
  if (!is_allowed_text(message.body))
    return client_error("InvalidMessageContents",
                        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | "
                        "#xE000 to #xFFFD | #x10000 to #x10FFFF");
  if (message.attributes.size() > kMostAttributes)
    return invalid_parameter(
        fmt::format("Number of message attributes [{}] exceeds the allowed maximum [10].", message.attributes.size()));
  for (const auto& [name, attribute] : message.attributes)
    if (auto fine = check_attribute(name, attribute); !fine) return fine;
  for (const auto& [name, attribute] : message.system) {
    if (name != "AWSTraceHeader")
      return invalid_parameter(fmt::format("Message system attribute name '{}' is invalid.", name.substr(0, 256)));
    if (attribute.type != "String")
      return invalid_parameter(
          fmt::format("The message system attribute '{}' has an invalid message system attribute type, the set of "
                      "supported type prefixes is String.",
                      name));
    if (attribute.value.empty())
      return invalid_parameter(fmt::format(
          "The message system attribute '{}' must contain a non-empty message system attribute value for message "
          "system attribute type 'String'.",
          name));
  }
  return {};
}

std::string sequence_number(Sequence sequence) {
  constexpr std::uint64_t kTwentyDigits = 10'000'000'000'000'000'000u;
  return std::to_string(kTwentyDigits + sequence);
}

std::vector<std::string> encode(const Message& message) {
  domain::RecordWriter out;
  out.text(kId, message.id);
  out.text(kSender, message.sender);
  out.number(kSent, static_cast<std::uint64_t>(message.sent));
  if (message.group) out.text(kGroup, *message.group);
  if (!message.deduplication.empty()) out.text(kDeduplication, message.deduplication);
  if (!message.source_arn.empty()) out.text(kSource, message.source_arn);
  std::size_t attributes = 0;
  for (const auto& [name, attribute] : message.attributes) {
    attributes += name.size() + attribute.value.size();
    out.text(kAttribute, encode(name, attribute));
  }
  for (const auto& [name, attribute] : message.system) out.text(kSystem, encode(name, attribute));
  // Attributes stay together in the first part; the body fills what they leave of it.
  const std::size_t room = attributes < kFirstPart ? kFirstPart - attributes : 0;
  const std::string_view body = message.body;
  out.text(kBody, body.substr(0, room));
  std::vector<std::string> parts{out.take()};
  if (body.size() > room) parts.emplace_back(body.substr(room));
  return parts;
}

Result<Message> decode_message(std::string_view first, std::string_view second) {
  domain::RecordReader in(first);
  Message message;
  bool fine = true;
  while (in.next()) switch (in.field()) {
      case kId: message.id = in.text(); break;
      case kSender: message.sender = in.text(); break;
      case kSent: message.sent = static_cast<Millis>(in.number()); break;
      case kBody: message.body = in.text(); break;
      case kAttribute: fine = decode(in.text(), message.attributes) && fine; break;
      case kSystem: fine = decode(in.text(), message.system) && fine; break;
      case kGroup: message.group = in.text(); break;
      case kDeduplication: message.deduplication = in.text(); break;
      case kSource: message.source_arn = in.text(); break;
      default: break;
    }
  if (!in.ok() || !fine) return server_error("InternalError", "A message is damaged.");
  message.body += second;
  return message;
}

std::string encode(const State& state) {
  domain::RecordWriter out;
  out.number(kVisibleAt, static_cast<std::uint64_t>(state.visible_at));
  if (state.receives != 0) {
    out.number(kReceives, state.receives);
    out.number(kFirstReceived, static_cast<std::uint64_t>(state.first_received));
    out.number(kNonce, state.nonce);
  }
  out.number(kStateSent, static_cast<std::uint64_t>(state.sent));
  if (!state.group.empty()) out.text(kStateGroup, state.group);
  return out.take();
}

Result<State> decode_state(std::string_view bytes) {
  domain::RecordReader in(bytes);
  State state;
  while (in.next()) switch (in.field()) {
      case kVisibleAt: state.visible_at = static_cast<Millis>(in.number()); break;
      case kReceives: state.receives = in.number(); break;
      case kFirstReceived: state.first_received = static_cast<Millis>(in.number()); break;
      case kNonce: state.nonce = in.number(); break;
      case kStateSent: state.sent = static_cast<Millis>(in.number()); break;
      case kStateGroup: state.group = in.text(); break;
      default: break;
    }
  if (!in.ok()) return server_error("InternalError", "The state of a message is damaged.");
  return state;
}

}  // namespace likeness::queues
