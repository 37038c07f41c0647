#include "domain/identity/aws_policies.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <string>

#include "base/bytes.hpp"

namespace likeness::identity {
namespace json = boost::json;
namespace {

/// "2015-02-06".
TimePoint day(std::string_view text) {
  const auto number = [&](std::size_t at, std::size_t length) {
    return std::stoi(std::string(text.substr(at, length)));
  };
  return std::chrono::sys_days(std::chrono::year(number(0, 4)) / number(5, 2) / number(8, 2));
}

std::string text_of(const json::object& entry, json::string_view name) {
  const auto& text = entry.at(name).as_string();
  return {text.data(), text.size()};
}

/// The same on every installation, as AWS's are for everybody.
std::string id_of(std::string_view arn) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id = "ANPA";
  const auto digest = sha256(as_bytes(arn));
  for (std::size_t at = 0; at < 17; ++at) id += kDigits[digest[at] & 31];
  return id;
}

}  // namespace

Result<void> add_aws_policies(State& state) {
  const auto text = aws_policies_json();
  const json::value parsed = json::parse(json::string_view(text.data(), text.size()));
  for (const auto& item : parsed.as_array()) {
    const auto& entry = item.as_object();
    auto policy = std::make_shared<ManagedPolicy>();
    policy->of_aws = true;
    policy->name = text_of(entry, "name");
    policy->path = text_of(entry, "path");
    policy->arn = policy_arn("aws", policy->path, policy->name);
    policy->id = id_of(policy->arn);
    policy->created = day(text_of(entry, "created"));
    policy->updated = day(text_of(entry, "updated"));
    policy->default_version = text_of(entry, "version");
    const auto serialized = json::serialize(entry.at("document"));
    auto document = policy::Document::parse(serialized, policy::DocumentKind::Identity);
    if (!document)
      return server_error("ServiceFailure", "An AWS-managed policy is broken.",
                          policy->name + ": " + document.error().message);
    policy->versions.push_back({policy->default_version, {serialized, std::move(*document)}, policy->updated});
    state.policies.emplace(policy->arn, std::move(policy));
  }
  return {};
}

}  // namespace likeness::identity
