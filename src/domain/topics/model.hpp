#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/queues/message.hpp"
#include "domain/topics/filter.hpp"
#include "policy/document.hpp"

namespace likeness::topics {

using AttributeTexts = std::map<std::string, std::string>;

/// A topic at one moment. Immutable.
struct Topic {
  std::string name;
  std::string arn;
  bool fifo = false;
  AttributeTexts attributes;  // those that were set, by AWS's names
  std::map<std::string, std::string> tags;
  std::uint64_t number = 0;  // of this topic and no other, also one of the same name
  std::shared_ptr<const policy::Document> policy;

  std::string attribute(std::string_view attribute_name) const;
  bool content_deduplication() const { return attribute("ContentBasedDeduplication") == "true"; }
  /// Of signed messages: 1 (SHA-1) or 2 (SHA-256).
  int signature_version() const { return attribute("SignatureVersion") == "2" ? 2 : 1; }
};

/// A subscription at one moment. Immutable.
struct Subscription {
  std::string arn;
  std::string topic_arn;
  std::string protocol;  // "sqs", "email-json"
  std::string endpoint;
  std::string owner;  // account
  bool confirmed = false;
  bool confirmed_authenticated = false;
  bool authenticate_unsubscribe = false;
  std::string token;
  TimePoint token_expires;
  AttributeTexts attributes;

  std::shared_ptr<const FilterPolicy> filter;  // null: takes everything
  std::string dead_letter_arn;                 // of RedrivePolicy; empty: none

  bool raw() const;
};

/// What is published, to one topic or one phone.
struct Publication {
  std::string message;
  std::optional<std::string> subject;
  /// Texts for single protocols (MessageStructure=json); what has none here gets `message`.
  std::map<std::string, std::string> by_protocol;
  queues::Attributes attributes;
  std::optional<std::string> group;
  std::optional<std::string> deduplication;
};

/// A publication as it is delivered.
struct Notification {
  std::string id;
  std::string topic_arn;
  TimePoint time;
  std::string sequence;  // FIFO only
  Publication publication;

  const std::string& text_for(const std::string& protocol) const;
};

/// Records for deliveries that wait.
std::string encode(const Notification& notification);
Result<Notification> decode_notification(std::string_view bytes);

}  // namespace likeness::topics
