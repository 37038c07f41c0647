#include "domain/lambda/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/bytes.hpp"
#include "domain/lambda/errors.hpp"

namespace likeness::lambda {
namespace {

constexpr std::size_t kMaxEnvironment = 4096;

/// Names that the runtime sets itself. AWS lists them under "Defined runtime environment variables"; the others of that
/// list may be set.
constexpr auto kReserved = std::to_array<std::string_view>({
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
});

Result<void> check_environment(const std::map<std::string, std::string>& variables) {
  std::string reserved, measured = "{";
  for (const auto& [name, value] : variables) {
    if (std::ranges::find(kReserved, name) != kReserved.end()) reserved += (reserved.empty() ? "" : ", ") + name;
    // AWS measures the variables as JSON.
    if (measured.size() > 1) measured += ',';
    measured.append("\"").append(name).append("\":\"").append(value).append("\"");
  }
  measured += '}';
  if (!reserved.empty())
    return invalid(
        "Lambda was unable to configure your environment variables because the environment variables you have provided "
        "contains reserved keys that are currently not supported for modification. Reserved keys used in this "
        "request: " +
        reserved);
  if (measured.size() > kMaxEnvironment)
    return invalid(
        "Lambda was unable to configure your environment variables because the environment variables you have provided "
        "exceeded the 4KB limit. String measured: " +
        measured);
  return {};
}

Result<void> in_range(std::int64_t value, const char* member, std::int64_t least, std::int64_t most) {
  if (value < least)
    return validation(std::to_string(value), member,
                      fmt::format("Member must have value greater than or equal to {}", least));
  if (value > most)
    return validation(std::to_string(value), member,
                      fmt::format("Member must have value less than or equal to {}", most));
  return {};
}

std::string alias_arn(const Function& function, const std::string& name) { return function.arn(name); }

Result<void> check_alias(const Function& function, const Alias& alias) {
  if (!is_version(alias.version) || !function.version(alias.version))
    return function_not_found(function.arn(alias.version));
  if (alias.weights.empty()) return {};
  if (alias.weights.size() > 1) return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1");
  if (alias.version == kLatest) return invalid("$LATEST is not supported for an alias pointing to more than 1 version");
  const auto& [version, weight] = *alias.weights.begin();
  if (version == alias.version)
    return invalid(
        fmt::format("Invalid function version {}. Function version {} is already included in routing "
                    "configuration.",
                    version, version));
  if (version == kLatest) return invalid("$LATEST is not supported for an alias pointing to more than 1 version");
  if (!is_version(version) || !function.version(version)) return function_not_found(function.arn(version));
  if (!(weight >= 0 && weight <= 1))
    return validation(fmt::format("{{{}={}}}", version, weight), "routingConfig.additionalVersionWeights",
                      "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member "
                      "must have value greater than or equal to 0.0, Member must not be null]");
  return {};
}

}  // namespace

Result<void> check_new_name(const std::string& name) {
  if (name.size() > 64) return validation(name, "functionName", "Member must have length less than or equal to 64");
  return {};
}

Result<void> check(const Configuration& in) {
  if (in.native()) {
    if (!in.image_uri.starts_with("native:") || in.native_name().empty())
      return invalid(
          "Container images do not run here. A function of PackageType Image is a native function: its ImageUri is "
          "\"native:NAME\".");
    if (!in.layers.empty()) return invalid("Layers are not supported for functions packaged as container images.");
  } else if (in.runtime.empty() || in.handler.empty()) {
    return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.");
  }
  if (in.architectures != std::vector<std::string>{"x86_64"})
    return invalid("Functions run on the processor of this machine: the only architecture is x86_64.");
  if (auto fine = in_range(in.timeout, "timeout", 1, 900); !fine) return fine;
  if (auto fine = in_range(in.memory, "memorySize", 128, 10240); !fine) return fine;
  if (auto fine = in_range(in.ephemeral, "ephemeralStorage.size", 512, 10240); !fine) return fine;
  if (auto fine = check_environment(in.environment); !fine) return fine;
  if (!in.dead_letter.empty() && in.dead_letter.find(":sqs:") == std::string::npos &&
      in.dead_letter.find(":sns:") == std::string::npos)
    return invalid("The provided target arn " + in.dead_letter + " is invalid: it names neither queue nor topic.");
  std::uint64_t unpacked = in.code.unpacked;
  for (const auto& layer : in.layers) unpacked += layer.code.unpacked;
  if (unpacked > kMaxUnpacked)
    return invalid(
        fmt::format("Function code combined with layers exceeds the maximum allowed size of {} bytes. The "
                    "actual size is {} bytes.",
                    kMaxUnpacked, unpacked));
  return {};
}

Result<std::vector<LayerRef>> find_layers(const Registry& registry, const Place& place,
                                          const std::vector<std::string>& arns) {
  std::vector<LayerRef> out;
  if (arns.size() > kMaxLayers) return invalid("Cannot reference more than 5 layers.");
  for (const auto& arn : arns) {
    const auto name = parse_layer_name(place, arn);
    if (!name || name->version.empty())
      return validation(fmt::format("[{}]", arn), "layers",
                        "Member must satisfy constraint: [Member must have length less than or equal to 2048, Member "
                        "must have length greater than or equal to 1, Member must satisfy regular expression pattern: "
                        "arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+]");
    auto layer = registry.find_layer(*name);
    if (!layer) return invalid(fmt::format("Layer version {} does not exist.", arn));
    for (const auto& other : out)
      if (other.arn.substr(0, other.arn.rfind(':')) == (*layer)->layer_arn())
        return invalid(
            fmt::format("Two different versions of the same layer are not allowed to be referenced in the "
                        "same function. {} and {} are versions of the same layer.",
                        other.arn, arn));
    out.push_back({(*layer)->arn(), (*layer)->code});
  }
  return out;
}

ConfigurationPtr publish(Function& function, const std::optional<std::string>& description, TimePoint now) {
  if (!function.versions.empty()) {
    // AWS makes a version only of what has changed since the last one.
    const auto& last = function.versions.rbegin()->second;
    auto same = std::make_shared<Configuration>(*function.latest);
    same->version = last->version;
    same->revision = last->revision;
    same->modified = last->modified;
    same->description = last->description;
    const auto& a = *same;
    const auto& b = *last;
    if (a.runtime == b.runtime && a.role == b.role && a.handler == b.handler && a.image_uri == b.image_uri &&
        a.code == b.code && a.timeout == b.timeout && a.memory == b.memory && a.ephemeral == b.ephemeral &&
        a.environment == b.environment && a.layers == b.layers && a.dead_letter == b.dead_letter &&
        a.tracing == b.tracing && a.kms_key == b.kms_key && a.logging == b.logging && a.snap_start == b.snap_start)
      return last;
  }
  auto made = std::make_shared<Configuration>(*function.latest);
  made->version = std::to_string(function.next_version);
  if (description) made->description = *description;
  made->modified = now;
  made->revision = uuid_v4();
  function.versions[function.next_version++] = made;
  return made;
}

Result<void> delete_version(Function& function, const std::string& version) {
  if (version == kLatest) return invalid("$LATEST version cannot be deleted without deleting the function.");
  if (!is_version(version)) return invalid("Deletion of aliases is not currently supported.");
  const auto found = function.version(version);
  if (!found) return {};  // AWS answers as if it had been there
  for (const auto& [name, alias] : function.aliases)
    if (alias.version == version || alias.weights.contains(version))
      return conflict(fmt::format("Aliases reference version {}: {}", version, name));
  std::erase_if(function.versions, [&](const auto& entry) { return entry.second == found; });
  function.policies.erase(version);
  function.event_invokes.erase(version);
  function.provisioned.erase(version);
  return {};
}

Result<void> check_qualifier(const Function& function, const std::string& qualifier) {
  if (is_version(qualifier) ? function.version(qualifier) != nullptr : function.aliases.contains(qualifier)) return {};
  return function_not_found(function.arn(qualifier));
}

Result<Alias> create_alias(Function& function, const std::string& name, const AliasChange& wanted) {
  if (is_version(name))
    return validation(name, "name", "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)");
  if (function.aliases.contains(name)) return conflict("Alias already exists: " + alias_arn(function, name));
  Alias alias{name, wanted.version.value_or(""), wanted.description.value_or(""),
              wanted.weights.value_or(std::map<std::string, double>()), uuid_v4()};
  if (auto fine = check_alias(function, alias); !fine) return fail(fine);
  function.aliases[name] = alias;
  return alias;
}

Result<Alias> update_alias(Function& function, const std::string& name, const AliasChange& wanted) {
  const auto at = function.aliases.find(name);
  if (at == function.aliases.end()) return not_found("Alias not found: " + alias_arn(function, name));
  Alias alias = at->second;
  if (wanted.revision && *wanted.revision != alias.revision) return revision_mismatch("Function/GetAlias");
  if (wanted.version) alias.version = *wanted.version;
  if (wanted.description) alias.description = *wanted.description;
  if (wanted.weights) alias.weights = *wanted.weights;
  if (auto fine = check_alias(function, alias); !fine) return fail(fine);
  alias.revision = uuid_v4();
  at->second = alias;
  return alias;
}

Result<void> delete_alias(Function& function, const std::string& name) {
  if (function.aliases.erase(name) == 0) return {};
  function.policies.erase(name);
  function.event_invokes.erase(name);
  function.provisioned.erase(name);
  function.urls.erase(name);
  return {};
}

}  // namespace likeness::lambda
