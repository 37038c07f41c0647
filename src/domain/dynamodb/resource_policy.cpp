#include "domain/dynamodb/resource_policy.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include "domain/dynamodb/errors.hpp"
#include "policy/context.hpp"
#include "policy/document.hpp"
#include "policy/permission.hpp"
#include "policy/principal.hpp"

namespace likeness::dynamodb {

namespace {

constexpr std::string_view kNoPolicy = "NO_POLICY";

// AWS takes no others: a policy that names an action which it could not decide would seem to do what it does not.
constexpr std::array<std::string_view, 44> kTableActions = {"BatchGetItem",
                                                            "BatchWriteItem",
                                                            "ConditionCheckItem",
                                                            "CreateBackup",
                                                            "CreateTableReplica",
                                                            "DeleteItem",
                                                            "DeleteResourcePolicy",
                                                            "DeleteTable",
                                                            "DeleteTableReplica",
                                                            "DescribeContinuousBackups",
                                                            "DescribeContributorInsights",
                                                            "DescribeKinesisStreamingDestination",
                                                            "DescribeTable",
                                                            "DescribeTableReplicaAutoScaling",
                                                            "DescribeTimeToLive",
                                                            "DisableKinesisStreamingDestination",
                                                            "EnableKinesisStreamingDestination",
                                                            "ExportTableToPointInTime",
                                                            "GetItem",
                                                            "GetResourcePolicy",
                                                            "ListTagsOfResource",
                                                            "PartiQLDelete",
                                                            "PartiQLInsert",
                                                            "PartiQLSelect",
                                                            "PartiQLUpdate",
                                                            "PutItem",
                                                            "PutResourcePolicy",
                                                            "Query",
                                                            "ReadDataForReplication",
                                                            "ReplicateSettings",
                                                            "RestoreTableToPointInTime",
                                                            "Scan",
                                                            "TagResource",
                                                            "TransactGetItems",
                                                            "TransactWriteItems",
                                                            "UntagResource",
                                                            "UpdateContinuousBackups",
                                                            "UpdateContributorInsights",
                                                            "UpdateItem",
                                                            "UpdateKinesisStreamingDestination",
                                                            "UpdateTable",
                                                            "UpdateTableReplicaAutoScaling",
                                                            "UpdateTimeToLive",
                                                            "WriteDataForReplication"};
constexpr std::array<std::string_view, 6> kStreamActions = {"DeleteResourcePolicy", "DescribeStream",
                                                            "GetRecords",           "GetResourcePolicy",
                                                            "GetShardIterator",     "PutResourcePolicy"};

Failure invalid_document(std::string_view why) {
  return invalid_parameter(fmt::format("Invalid policy document: {}", why));
}

/// White space between the parts of a JSON text is not kept.
std::string without_space(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool quoted = false, escaped = false;
  for (const char c : text) {
    if (!quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) continue;
    out += c;
    if (c == '"' && !escaped) quoted = !quoted;
    escaped = quoted && c == '\\' && !escaped;
  }
  return out;
}

bool is_account(std::string_view text) {
  return text.size() == 12 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// Whether it has the form of one: that it exists is not asked.
bool is_principal(std::string_view text) {
  if (is_account(text) || text.starts_with("AIDA") || text.starts_with("AROA")) return true;
  const bool of_sts = text.starts_with("arn:aws:sts::");
  if (!of_sts && !text.starts_with("arn:aws:iam::")) return false;
  text.remove_prefix(13);
  if (text.size() < 14 || !is_account(text.substr(0, 12)) || text[12] != ':') return false;
  const auto rest = text.substr(13);
  if (of_sts) return rest.starts_with("assumed-role/") || rest.starts_with("federated-user/");
  return rest == "root" || rest.starts_with("user/") || rest.starts_with("role/");
}

template <class Names>
std::vector<std::string> unknown_actions(const policy::Document& document, const Names& names) {
  const policy::Principal principal;
  const policy::Permission permission;
  const policy::Environment environment;
  const policy::Context context(principal, permission, environment);
  std::vector<std::string> out;
  for (const auto& statement : document.statements())
    for (const auto& action : statement.actions) {
      const bool known = std::ranges::any_of(
          names, [&](std::string_view name) { return action.matches("dynamodb:" + std::string(name), context); });
      if (!known) out.push_back(fmt::format("\"{}\"", action.text()));
    }
  return out;
}

Result<void> check_resources(const policy::Document& document, PolicyOf of) {
  for (const auto& statement : document.statements())
    for (const auto& pattern : statement.resources) {
      const std::string& resource = pattern.text();
      if (resource == "*") continue;
      // arn:aws:dynamodb:REGION:ACCOUNT:table/...
      std::string_view rest = resource;
      for (int i = 0; i < 5; ++i) {
        const auto colon = rest.find(':');
        if (colon == std::string_view::npos || !resource.starts_with("arn:"))
          return invalid_document(fmt::format("Resource {} must be in ARN format or \"*\".", resource));
        rest.remove_prefix(colon + 1);
      }
      const bool names_stream = rest.find("/stream/") != std::string_view::npos;
      const bool open = rest.find('*') != std::string_view::npos;
      if (of == PolicyOf::Table ? names_stream : !names_stream && !open)
        return invalid_document(fmt::format("The relative-id \"{}\" is invalid for ARN \"{}\"", rest, resource));
    }
  return {};
}

/// The table or stream that an ARN names.
struct Place {
  std::string_view table;
  std::string_view label;  // "" for the table
  std::string_view name;   // "TABLE" or "TABLE/stream/LABEL"
};

Result<Place> place_of(const domain::Caller& caller, std::string_view arn) {
  if (!arn.starts_with("arn:")) return invalid_parameter(fmt::format("ARNs must start with 'arn:': {}", arn));
  std::array<std::string_view, 5> parts;
  std::string_view rest = arn;
  for (auto& part : parts) {
    const auto colon = rest.find(':');
    if (colon == std::string_view::npos)
      return invalid_parameter(fmt::format("Provided Arn is not a DynamoDB resource arn: {}", arn));
    part = rest.substr(0, colon);
    rest.remove_prefix(colon + 1);
  }
  if (parts[1] != "aws" || parts[2] != "dynamodb" || parts[3] != caller.region)
    return invalid_parameter(fmt::format("Invalid resource Arn: {}", arn));
  if (parts[4] != caller.account)
    return validation("This action is only supported by accounts that match the resource owner\u2019s account.");
  constexpr std::string_view kTable = "table/", kStream = "stream/", kIndex = "index/";
  if (!rest.starts_with(kTable))
    return invalid_parameter(fmt::format("Provided Arn is not a DynamoDB resource arn: {}", arn));
  rest.remove_prefix(kTable.size());
  const auto slash = rest.find('/');
  Place place{rest.substr(0, slash), {}, rest};
  if (slash == std::string_view::npos) return place;
  const auto below = rest.substr(slash + 1);
  if (below.starts_with(kIndex))
    return invalid_parameter(
        fmt::format("Invalid resource arn provided, only table or stream is accepted. Provided resource arn: {}", arn));
  if (!below.starts_with(kStream) || below.size() == kStream.size())
    return invalid_parameter(fmt::format("Provided Arn is not a DynamoDB resource arn: {}", arn));
  place.label = below.substr(kStream.size());
  return place;
}

bool has_stream(const Table& table, std::string_view label) {
  return table.stream.label == label || table.stream_policies.contains(label);
}

Result<TablePtr> find_table(const Tables& tables, const domain::Caller& caller, const Place& place) {
  auto table = tables.find(caller, place.table);
  if (!table) return table_not_found(place.table);
  if (!place.label.empty() && !has_stream(**table, place.label))
    return client_error(
        "ResourceNotFoundException",
        fmt::format("Requested resource not found: Stream: {} not found for Table: {}", place.label, place.table));
  return table;
}

ResourcePolicyPtr attached(const Table& table, const Place& place) {
  if (place.label.empty()) return table.policy;
  const auto found = table.stream_policies.find(place.label);
  return found == table.stream_policies.end() ? nullptr : found->second;
}

Failure policy_not_found(std::string_view what) {
  return client_error("PolicyNotFoundException",
                      fmt::format("Resource-based policy not found for the provided ResourceArn: {}", what));
}

Result<void> check_expected(const PolicyChange& change, const ResourcePolicyPtr& now, const Place& place) {
  if (!change.expected_revision) return {};
  const std::string& expected = *change.expected_revision;
  if (expected == kNoPolicy && !now) return {};
  if (expected == kNoPolicy)
    return policy_not_found(fmt::format(
        "Requested policy update expecting none to be present for table {}, but a policy exists with revision id {}.",
        place.name, now->revision));
  if (!now)
    return policy_not_found(
        fmt::format("Requested update for policy with revision id {}, but no policy is associated to target table {}.",
                    expected, place.name));
  if (now->revision != expected)
    return policy_not_found(
        fmt::format("Requested update for policy with revision id {}, but the policy associated to target table {} has "
                    "revision id {}.",
                    expected, place.name, now->revision));
  return {};
}

/// Forgets policies of former streams of which nothing is left to read.
void forget_old_stream_policies(Table& table, TimePoint now) {
  // A label is when its stream began, which is not before the one before it ended: what began more than a day ago
  // leaves nothing to read of its predecessors.
  const std::string before = iso8601(now - std::chrono::hours(25));
  for (auto it = table.stream_policies.begin(); it != table.stream_policies.end();) {
    const auto next = std::next(it);
    const std::string& successor = next != table.stream_policies.end() ? next->first : table.stream.label;
    it = it->first < successor && successor < before ? table.stream_policies.erase(it) : next;
  }
}

}  // namespace

Result<ResourcePolicy> read_policy(std::string_view text, PolicyOf of) {
  if (text.size() > kMaxPolicyBytes)
    return invalid_parameter(fmt::format("Maximum policy size of {} bytes exceeded", kMaxPolicyBytes));
  auto document = policy::Document::parse(text, policy::DocumentKind::Resource);
  if (!document) {
    const std::string& why = document.error().message;
    return invalid_document(why.starts_with("Policies must be valid JSON") ? "This policy contains invalid Json" : why);
  }
  const auto unknown =
      of == PolicyOf::Table ? unknown_actions(**document, kTableActions) : unknown_actions(**document, kStreamActions);
  if (!unknown.empty())
    return invalid_document(fmt::format("The following action names are invalid: {}", fmt::join(unknown, ", ")));
  if (auto fine = check_resources(**document, of); !fine) return fail(fine);
  for (const auto& statement : (*document)->statements())
    if (statement.principals && !std::ranges::all_of(statement.principals->aws, is_principal))
      return invalid_parameter("Invalid principal in policy document.");
  return ResourcePolicy{without_space(text), {}, std::move(*document)};
}

Result<ResourcePolicyPtr> restore_policy(std::string text, std::string revision) {
  auto document = policy::Document::parse(text, policy::DocumentKind::Resource);
  if (!document) return internal_error("a table's policy is damaged: " + document.error().message);
  return std::make_shared<const ResourcePolicy>(
      ResourcePolicy{std::move(text), std::move(revision), std::move(*document)});
}

ResourcePolicyPtr revised(ResourcePolicy policy, Table& table, TimePoint now) {
  const std::int64_t time = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  table.policy_revision = std::max(time, table.policy_revision + 1);
  policy.revision = std::to_string(table.policy_revision);
  return std::make_shared<const ResourcePolicy>(std::move(policy));
}

std::shared_ptr<const policy::Document> policy_document(const Table& table, std::string_view arn) {
  constexpr std::string_view kStream = "/stream/";
  const auto at = arn.find(kStream);
  if (at == std::string_view::npos) return table.policy ? table.policy->document : nullptr;
  const auto found = table.stream_policies.find(arn.substr(at + kStream.size()));
  return found == table.stream_policies.end() ? nullptr : found->second->document;
}

Result<ResourcePolicyPtr> get_policy(const Tables& tables, const domain::Caller& caller, std::string_view arn) {
  auto place = place_of(caller, arn);
  if (!place) return fail(place);
  auto table = find_table(tables, caller, *place);
  if (!table) return fail(table);
  auto policy = attached(**table, *place);
  if (!policy) return policy_not_found(arn);
  return policy;
}

Result<ResourcePolicyPtr> put_policy(Tables& tables, const domain::Caller& caller, const PolicyChange& change,
                                     std::string_view text, TimePoint now,
                                     const std::function<Result<void>(const ResourcePolicy&)>& may_go_on) {
  auto place = place_of(caller, change.arn);
  if (!place) return fail(place);
  auto checked = read_policy(text, place->label.empty() ? PolicyOf::Table : PolicyOf::Stream);
  if (!checked) return fail(checked);
  auto table = find_table(tables, caller, *place);
  if (!table) return fail(table);
  if (auto fine = check_expected(change, attached(**table, *place), *place); !fine) return fail(fine);
  if (auto fine = may_go_on(*checked); !fine) return fail(fine);
  ResourcePolicyPtr out = attached(**table, *place);
  if (out && out->text == checked->text) return out;
  auto changed = tables.change(**table, [&](Table& next) -> Result<void> {
    if (auto fine = check_expected(change, attached(next, *place), *place); !fine) return fine;
    const bool further = !place->label.empty() && !attached(next, *place);
    if (further) forget_old_stream_policies(next, now);
    if (further && next.stream_policies.size() >= kMaxStreamPolicies)
      return limit_exceeded(fmt::format(
          "Subscriber limit exceeded: There is a limit of {} policies of a table's streams", kMaxStreamPolicies));
    out = revised(*checked, next, now);
    if (place->label.empty())
      next.policy = out;
    else
      next.stream_policies[std::string(place->label)] = out;
    return {};
  });
  if (!changed) return fail(changed);
  return out;
}

Result<ResourcePolicyPtr> delete_policy(Tables& tables, const domain::Caller& caller, const PolicyChange& change) {
  auto place = place_of(caller, change.arn);
  if (!place) return fail(place);
  auto table = find_table(tables, caller, *place);
  if (!table) return fail(table);
  ResourcePolicyPtr out = attached(**table, *place);
  if (auto fine = check_expected(change, out, *place); !fine) return fail(fine);
  if (!out) return out;
  auto changed = tables.change(**table, [&](Table& next) -> Result<void> {
    out = attached(next, *place);
    if (auto fine = check_expected(change, out, *place); !fine) return fine;
    if (place->label.empty())
      next.policy = nullptr;
    else if (const auto found = next.stream_policies.find(place->label); found != next.stream_policies.end())
      next.stream_policies.erase(found);
    return {};
  });
  if (!changed) return fail(changed);
  return out;
}

}  // namespace likeness::dynamodb
