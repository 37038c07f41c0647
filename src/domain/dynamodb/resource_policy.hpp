#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/caller.hpp"
#include "domain/dynamodb/table.hpp"
#include "domain/dynamodb/tables.hpp"

namespace likeness::policy {
class Document;
}

/// Policies of tables and of their streams: who may do what to them. They are part of the table's definition, so they
/// are in memory where a call is judged, and go with the table. A table's policy is that of its indexes too.
namespace likeness::dynamodb {

struct ResourcePolicy {
  std::string text;      // without the white space between its parts
  std::string revision;  // decimal digits, greater with each change
  std::shared_ptr<const policy::Document> document;
};

enum class PolicyOf : std::uint8_t { Table, Stream };

inline constexpr std::size_t kMaxPolicyBytes = 20480;  // white space counts
/// Of a table's former streams, readable for a day after they were turned off, and of the newest one.
inline constexpr std::size_t kMaxStreamPolicies = 20;

/// Checks a policy that somebody wants to attach. Errors: ValidationException.
Result<ResourcePolicy> read_policy(std::string_view text, PolicyOf of);
/// Gives it a revision that the table has not had: `now` in milliseconds, or more.
ResourcePolicyPtr revised(ResourcePolicy policy, Table& table, TimePoint now);
/// One that was checked when it was attached. Error: InternalServerError.
Result<ResourcePolicyPtr> restore_policy(std::string text, std::string revision);

/// The document that decides about the table, its indexes (`arn` of either) or its stream; null: there is none.
std::shared_ptr<const policy::Document> policy_document(const Table& table, std::string_view arn);

/// What is attached. Errors: PolicyNotFoundException, ResourceNotFoundException, ValidationException (the ARN).
Result<ResourcePolicyPtr> get_policy(const Tables& tables, const domain::Caller& caller, std::string_view arn);

struct PolicyChange {
  std::string_view arn;
  std::optional<std::string> expected_revision;  // "NO_POLICY": there must be none
};

/// Attaches it; `may_go_on` is asked whether the caller could still change it under the new one. What was attached
/// already stays, with its revision. Errors: as above, what `may_go_on` says, LimitExceededException.
Result<ResourcePolicyPtr> put_policy(Tables& tables, const domain::Caller& caller, const PolicyChange& change,
                                     std::string_view text, TimePoint now,
                                     const std::function<Result<void>(const ResourcePolicy&)>& may_go_on);
/// What was attached; null if there was nothing.
Result<ResourcePolicyPtr> delete_policy(Tables& tables, const domain::Caller& caller, const PolicyChange& change);

}  // namespace likeness::dynamodb
