#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/logs/event.hpp"

/// What is known of groups and streams besides their events, and how it is stored.
namespace likeness::logs {

inline constexpr const char* kGroups = "log_groups";    // ("groups"; name)
inline constexpr const char* kStreams = "log_streams";  // (group's uid; name)
inline constexpr const char* kEvents = "log_events";    // (stream's uid; chunk key)
inline constexpr const char* kErasures =
    "log_erasures";  // ("groups"; uid) of groups whose streams are still to be erased

struct MetricTransformation {
  std::string name, name_space, value;
  std::optional<double> default_value;
  std::map<std::string, std::string> dimensions;
  std::string unit;  // AWS's word; empty: none
};

struct MetricFilter {
  std::string name, pattern;
  Millis created = 0;
  std::vector<MetricTransformation> transformations;
};

struct SubscriptionFilter {
  std::string name, pattern, destination_arn, role_arn, distribution;
  Millis created = 0;
};

struct Group {
  std::string name;
  std::string uid;  // never used again, also when a group of that name is made anew
  Millis created = 0;
  int retention_days = 0;  // 0: for ever
  std::string group_class = "STANDARD";
  std::string kms_key;
  bool deletion_protected = false;
  std::map<std::string, std::string> tags;
  std::vector<MetricFilter> metric_filters;              // by name
  std::vector<SubscriptionFilter> subscription_filters;  // by name
};

struct Stream {
  std::string name;
  std::string uid;
  Millis created = 0;
  // Of the events put so far; those that retention has taken away count.
  std::optional<Millis> first_event, last_event, last_ingestion;
  std::uint64_t last_chunk = 0;
  Millis span = 0;  // no chunk spans more
};

std::string encode(const Group& group);
Result<Group> decode_group(std::string_view name, std::string_view bytes);
std::string encode(const Stream& stream);
Result<Stream> decode_stream(std::string_view name, std::string_view bytes);

}  // namespace likeness::logs
