#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "policy/document.hpp"

namespace likeness::queues {

/// Attributes of a queue by AWS's names, values as texts.
using AttributeTexts = std::map<std::string, std::string>;

/// What a queue is set to. Immutable once it belongs to a queue: a change makes another.
struct Settings {
  bool fifo = false;
  std::int64_t visibility = 30;  // seconds, as all that follow
  std::int64_t delay = 0;
  std::int64_t retention = 345'600;
  std::int64_t wait = 0;
  std::int64_t max_size = 1'048'576;  // bytes
  bool content_deduplication = false;
  std::string deduplication_scope = "queue";
  std::string throughput_limit = "perQueue";
  std::string kms_key;  // kept and told; messages lie on the disk as they are
  std::int64_t kms_reuse = 300;
  bool managed_sse = true;

  std::string policy;  // as set; empty: none
  std::shared_ptr<const policy::Document> policy_document;

  std::string redrive;  // RedrivePolicy as set; empty: none
  std::string dead_letter_arn;
  std::uint64_t max_receives = 0;

  std::string redrive_allow;  // RedriveAllowPolicy as set; empty: none
  enum class Allow { All, None, ByQueue } allow = Allow::All;
  std::vector<std::string> allowed_sources;

  /// Whether a queue with that ARN may have this one for its dead letters.
  bool allows_source(std::string_view arn) const;
};

/// `from` with `changes` applied; an empty Policy or RedrivePolicy takes it away. Errors: InvalidAttributeName,
/// InvalidAttributeValue, with AWS's texts. `creating`: FifoQueue may be told. `account` and `region` are the only ones
/// in which a dead letter queue can be.
Result<Settings> changed(const Settings& from, const AttributeTexts& changes, bool creating);

/// Every attribute that the settings hold, as GetQueueAttributes tells them.
AttributeTexts texts_of(const Settings& settings);

/// The first attribute of `wanted` that an existing queue has otherwise; empty: none.
std::string difference(const Settings& existing, const AttributeTexts& wanted);

/// Statement of AddPermission put into a policy (or into a new one), and taken out again. Errors as the operations have
/// them.
Result<std::string> policy_with(const std::string& policy, const std::string& queue_arn, const std::string& label,
                                const std::vector<std::string>& accounts, const std::vector<std::string>& actions);
Result<std::string> policy_without(const std::string& policy, const std::string& label);

}  // namespace likeness::queues
