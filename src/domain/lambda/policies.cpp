#include "domain/lambda/policies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/bytes.hpp"
#include "domain/lambda/errors.hpp"

namespace likeness::lambda {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxPolicy = 20 * 1024;

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// AWS writes accounts as the ARN of their root.
std::optional<json::value> principal_of(const std::string& text) {
  if (text == "*") return json::value("*");
  if (text.size() == 12 && all_digits(text)) return json::value({{"AWS", "arn:aws:iam::" + text + ":root"}});
  if (text.starts_with("arn:")) return json::value({{"AWS", text}});
  if (text.find('.') != std::string::npos) return json::value({{"Service", text}});
  return std::nullopt;
}

}  // namespace

std::string Policy::text() const {
  std::string out = R"({"Version":"2012-10-17","Id":"default","Statement":[)";
  for (const auto& statement : statements) {
    if (&statement != &statements.front()) out += ',';
    out += statement.json;
  }
  return out + "]}";
}

Result<void> parse_policy(Policy& policy) {
  policy.document.reset();
  if (policy.statements.empty()) return {};
  auto document = policy::Document::parse(policy.text(), policy::DocumentKind::Resource);
  if (!document) return invalid("The policy is not valid: " + document.error().message);
  policy.document = std::move(*document);
  return {};
}

Result<std::string> add_statement(Policy& policy, const Grant& grant) {
  if (std::ranges::any_of(policy.statements, [&](const auto& statement) { return statement.sid == grant.sid; }))
    return conflict(
        fmt::format("The statement id ({}) provided already exists. Please provide a new statement id, or remove the "
                    "existing statement.",
                    grant.sid));
  auto principal = principal_of(grant.principal);
  if (!principal) return invalid("The provided principal was invalid. Please check the principal and try again.");
  json::object statement;
  statement["Sid"] = grant.sid;
  statement["Effect"] = "Allow";
  statement["Principal"] = std::move(*principal);
  statement["Action"] = grant.action;
  statement["Resource"] = grant.resource;
  json::object conditions;
  const auto add = [&](const char* test, const char* key, json::value value) {
    auto& block = conditions[test];
    if (!block.is_object()) block = json::object();
    block.as_object()[key] = std::move(value);
  };
  if (!grant.source_account.empty()) add("StringEquals", "AWS:SourceAccount", json::string(grant.source_account));
  if (!grant.event_source_token.empty())
    add("StringEquals", "lambda:EventSourceToken", json::string(grant.event_source_token));
  if (!grant.organization.empty()) add("StringEquals", "aws:PrincipalOrgID", json::string(grant.organization));
  if (!grant.url_auth.empty()) add("StringEquals", "lambda:FunctionUrlAuthType", json::string(grant.url_auth));
  if (!grant.source_arn.empty()) add("ArnLike", "AWS:SourceArn", json::string(grant.source_arn));
  if (grant.via_url) add("Bool", "lambda:InvokedViaFunctionUrl", *grant.via_url ? "true" : "false");
  if (!conditions.empty()) statement["Condition"] = std::move(conditions);

  policy.statements.push_back({grant.sid, json::serialize(statement)});
  if (policy.text().size() > kMaxPolicy)
    return client_error(
        "PolicyLengthExceededException",
        fmt::format("The final policy size ({}) is bigger than the limit ({}).", policy.text().size(), kMaxPolicy));
  if (auto parsed = parse_policy(policy); !parsed) return fail(parsed);
  policy.revision = uuid_v4();
  return policy.statements.back().json;
}

Result<void> remove_statement(Policy& policy, std::string_view sid) {
  const auto removed = std::erase_if(policy.statements, [&](const auto& statement) { return statement.sid == sid; });
  if (removed == 0) return not_found(fmt::format("Statement {} is not found in resource policy.", sid));
  policy.revision = uuid_v4();
  return parse_policy(policy);
}

}  // namespace likeness::lambda
