#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/gen/s3.hpp"
#include "base/clock.hpp"
#include "domain/change_feed.hpp"
#include "domain/objects/changes.hpp"

/// What S3 tells others of a change, in AWS's forms.
namespace likeness::notifications {

/// One entry of the feed, read.
struct Told {
  std::uint64_t position = 0;
  TimePoint time{};
  std::string kind;    // "ObjectCreated:Put"
  std::string bucket;  // by name
  objects::ObjectChange change;
};

/// A target of the classic form that wants to hear of a change.
struct Interested {
  std::string arn;
  std::string id;  // of the configuration
};
std::vector<Interested> interested_in(const Told& told, const aws::s3::NotificationConfiguration& configuration);

/// {"Records": [...]}
std::string records_message(const Told& told, const std::string& configuration_id);
/// What a queue or topic gets when it is named as a target.
std::string test_message(std::string_view bucket, TimePoint now, std::string_view request_id);

/// The event for EventBridge: its detail-type and its detail. Empty detail: that change is none there.
struct BusEvent {
  std::string detail_type;
  std::string detail;
};
BusEvent bus_event(const Told& told);

/// As keys are written in the classic form: "a b@c/d" is "a+b%40c/d".
std::string encoded_key(std::string_view key);
/// Rises with every change: 18 hexadecimal digits.
std::string sequencer(std::uint64_t position);

}  // namespace likeness::notifications
