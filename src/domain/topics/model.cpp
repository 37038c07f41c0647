#include "domain/topics/model.hpp"

#include "domain/record.hpp"
#include "domain/topics/errors.hpp"

namespace likeness::topics {
namespace {

// Fields of the record.
constexpr std::uint8_t kId = 1;
constexpr std::uint8_t kTopic = 2;
constexpr std::uint8_t kTime = 3;
constexpr std::uint8_t kSequence = 4;
constexpr std::uint8_t kMessage = 5;
constexpr std::uint8_t kSubject = 6;
constexpr std::uint8_t kByProtocol = 7;
constexpr std::uint8_t kAttribute = 8;
constexpr std::uint8_t kGroup = 9;
constexpr std::uint8_t kDeduplication = 10;
// Fields of the record of a part.
constexpr std::uint8_t kName = 1;
constexpr std::uint8_t kType = 2;
constexpr std::uint8_t kValue = 3;
constexpr std::uint8_t kBinary = 4;

std::string part(const std::string& name, const std::string& type, const std::string& value, bool binary) {
  domain::RecordWriter out;
  out.text(kName, name);
  if (!type.empty()) out.text(kType, type);
  out.text(kValue, value);
  if (binary) out.number(kBinary, 1);
  return out.take();
}

std::pair<std::string, queues::Attribute> read_part(std::string_view bytes) {
  std::pair<std::string, queues::Attribute> out;
  domain::RecordReader in(bytes);
  while (in.next()) switch (in.field()) {
      case kName: out.first = in.text(); break;
      case kType: out.second.type = in.text(); break;
      case kValue: out.second.value = in.text(); break;
      case kBinary: out.second.binary = in.number() != 0; break;
      default: break;
    }
  return out;
}

}  // namespace

std::string Topic::attribute(std::string_view attribute_name) const {
  const auto at = attributes.find(std::string(attribute_name));
  return at == attributes.end() ? std::string() : at->second;
}

bool Subscription::raw() const {
  const auto at = attributes.find("RawMessageDelivery");
  return at != attributes.end() && at->second == "true";
}

const std::string& Notification::text_for(const std::string& protocol) const {
  const auto at = publication.by_protocol.find(protocol);
  return at == publication.by_protocol.end() ? publication.message : at->second;
}

std::string encode(const Notification& notification) {
  const auto& publication = notification.publication;
  domain::RecordWriter out;
  out.text(kId, notification.id);
  out.text(kTopic, notification.topic_arn);
  out.number(kTime, static_cast<std::uint64_t>(queues::millis(notification.time)));
  out.text(kSequence, notification.sequence);
  out.text(kMessage, publication.message);
  if (publication.subject) out.text(kSubject, *publication.subject);
  for (const auto& [protocol, text] : publication.by_protocol) out.text(kByProtocol, part(protocol, {}, text, false));
  for (const auto& [name, attribute] : publication.attributes)
    out.text(kAttribute, part(name, attribute.type, attribute.value, attribute.binary));
  if (publication.group) out.text(kGroup, *publication.group);
  if (publication.deduplication) out.text(kDeduplication, *publication.deduplication);
  return out.take();
}

Result<Notification> decode_notification(std::string_view bytes) {
  Notification out;
  domain::RecordReader in(bytes);
  while (in.next()) switch (in.field()) {
      case kId: out.id = in.text(); break;
      case kTopic: out.topic_arn = in.text(); break;
      case kTime: out.time = queues::time_of(static_cast<queues::Millis>(in.number())); break;
      case kSequence: out.sequence = in.text(); break;
      case kMessage: out.publication.message = in.text(); break;
      case kSubject: out.publication.subject = in.text(); break;
      case kByProtocol: {
        auto [protocol, text] = read_part(in.text());
        out.publication.by_protocol[protocol] = std::move(text.value);
        break;
      }
      case kAttribute: out.publication.attributes.insert(read_part(in.text())); break;
      case kGroup: out.publication.group = in.text(); break;
      case kDeduplication: out.publication.deduplication = in.text(); break;
      default: break;
    }
  if (!in.ok()) return server_error("InternalErrorException", "A stored notification is damaged.");
  return out;
}

}  // namespace likeness::topics
