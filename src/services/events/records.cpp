#include "services/events/records.hpp"

#include <fmt/format.h>

#include <utility>

#include "aws/json_reader.hpp"
#include "aws/json_writer.hpp"
#include "domain/record.hpp"

namespace likeness::eventbridge {

namespace {

using domain::RecordReader;
using domain::RecordWriter;

// Of buses, rules and archives alike.
constexpr std::uint8_t kName = 1, kDescription = 2, kCreated = 3, kTag = 4;
constexpr std::uint8_t kPolicy = 10, kModified = 11, kDeadLetter = 12, kKmsKey = 13;
constexpr std::uint8_t kBus = 20, kPattern = 21, kSchedule = 22, kState = 23, kRole = 24, kTarget = 25;
constexpr std::uint8_t kRetention = 30;

std::uint64_t milliseconds(TimePoint time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

TimePoint time_of(std::uint64_t value) {
  return TimePoint(std::chrono::milliseconds(static_cast<std::int64_t>(value)));
}

void write_tags(RecordWriter& writer, const Tags& tags) {
  for (const auto& [key, value] : tags) writer.text(kTag, fmt::format("{}{}{}", key, '\0', value));
}

void read_tag(std::string_view text, Tags& tags) {
  const std::size_t zero = text.find('\0');
  if (zero != std::string_view::npos) tags.emplace(text.substr(0, zero), text.substr(zero + 1));
}

void write_optional(RecordWriter& writer, std::uint8_t field, const std::optional<std::string>& text) {
  if (text) writer.text(field, *text);
}

Failure damaged(const char* what) {
  return server_error("InternalException", "Internal error.", std::string("a record of ") + what + " is damaged");
}

}  // namespace

std::string encode(const Bus& bus) {
  RecordWriter writer;
  writer.text(kName, bus.name);
  write_optional(writer, kDescription, bus.description);
  writer.number(kCreated, milliseconds(bus.created));
  writer.number(kModified, milliseconds(bus.modified));
  write_optional(writer, kDeadLetter, bus.dead_letter_arn);
  write_optional(writer, kKmsKey, bus.kms_key);
  writer.text(kPolicy, bus.policy);
  write_tags(writer, bus.tags);
  return writer.take();
}

Result<Bus> decode_bus(std::string_view bytes) {
  Bus bus;
  RecordReader reader(bytes);
  while (reader.next()) {
    switch (reader.field()) {
      case kName: bus.name = reader.text(); break;
      case kDescription: bus.description = reader.text(); break;
      case kCreated: bus.created = time_of(reader.number()); break;
      case kModified: bus.modified = time_of(reader.number()); break;
      case kDeadLetter: bus.dead_letter_arn = reader.text(); break;
      case kKmsKey: bus.kms_key = reader.text(); break;
      case kPolicy: bus.policy = reader.text(); break;
      case kTag: read_tag(reader.text(), bus.tags); break;
      default: break;
    }
  }
  if (!reader.ok()) return damaged("an event bus");
  return bus;
}

std::string encode(const Rule& rule) {
  RecordWriter writer;
  writer.text(kName, rule.name);
  writer.text(kBus, rule.bus);
  writer.text(kPattern, rule.pattern);
  writer.text(kSchedule, rule.schedule);
  writer.text(kState, shapes::to_text(rule.state));
  write_optional(writer, kDescription, rule.description);
  write_optional(writer, kRole, rule.role_arn);
  writer.number(kCreated, milliseconds(rule.created));
  write_tags(writer, rule.tags);
  for (const auto& target : rule.targets) writer.text(kTarget, write_target(target.shape));
  return writer.take();
}

Result<Rule> decode_rule(std::string_view bytes) {
  Rule rule;
  RecordReader reader(bytes);
  while (reader.next()) {
    switch (reader.field()) {
      case kName: rule.name = reader.text(); break;
      case kBus: rule.bus = reader.text(); break;
      case kPattern: rule.pattern = reader.text(); break;
      case kSchedule: rule.schedule = reader.text(); break;
      case kState:
        for (const auto state : {shapes::RuleState::Enabled, shapes::RuleState::Disabled,
                                 shapes::RuleState::EnabledWithAllCloudtrailManagementEvents})
          if (shapes::to_text(state) == reader.text()) rule.state = state;
        break;
      case kDescription: rule.description = reader.text(); break;
      case kRole: rule.role_arn = reader.text(); break;
      case kCreated: rule.created = time_of(reader.number()); break;
      case kTag: read_tag(reader.text(), rule.tags); break;
      case kTarget: {
        auto target = read_target(reader.text());
        if (!target) return fail(target);
        rule.targets.push_back({.shape = std::move(*target)});
        break;
      }
      default: break;
    }
  }
  if (!reader.ok()) return damaged("a rule");
  return rule;
}

std::string encode(const Archive& archive) {
  RecordWriter writer;
  writer.text(kName, archive.name);
  writer.text(kBus, archive.bus_arn);
  write_optional(writer, kDescription, archive.description);
  writer.text(kPattern, archive.pattern);
  writer.number(kRetention, static_cast<std::uint64_t>(archive.retention_days));
  writer.number(kCreated, milliseconds(archive.created));
  return writer.take();
}

Result<Archive> decode_archive(std::string_view bytes) {
  Archive archive;
  RecordReader reader(bytes);
  while (reader.next()) {
    switch (reader.field()) {
      case kName: archive.name = reader.text(); break;
      case kBus: archive.bus_arn = reader.text(); break;
      case kDescription: archive.description = reader.text(); break;
      case kPattern: archive.pattern = reader.text(); break;
      case kRetention: archive.retention_days = static_cast<int>(reader.number()); break;
      case kCreated: archive.created = time_of(reader.number()); break;
      default: break;
    }
  }
  if (!reader.ok()) return damaged("an archive");
  return archive;
}

std::string write_target(const shapes::Target& target) {
  std::string json;
  aws::write_json(shape_named("Target"), &target, json);
  return json;
}

Result<shapes::Target> read_target(std::string_view json) {
  shapes::Target target;
  if (auto read = aws::read_json(json, shape_named("Target"), &target, {.lenient = true}); !read)
    return damaged("a target");
  return target;
}

}  // namespace likeness::eventbridge
