#include "domain/lambda/records.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <concepts>
#include <type_traits>

#include "domain/lambda/policies.hpp"

namespace likeness::lambda {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

// One list of members for each type serves both directions: `Archive` is a Writer or a Reader.
template <class Archive>
void members(Archive& a, CodeRef& v) {
  a("sha256", v.sha256), a("size", v.size), a("unpacked", v.unpacked);
}
template <class Archive>
void members(Archive& a, StoredCode& v) {
  a("code", v.code), a("blob", v.blob);
}
template <class Archive>
void members(Archive& a, LayerRef& v) {
  a("arn", v.arn), a("code", v.code);
}
template <class Archive>
void members(Archive& a, Logging& v) {
  a("format", v.format), a("application_level", v.application_level), a("system_level", v.system_level);
  a("group", v.group);
}
template <class Archive>
void members(Archive& a, Configuration& v) {
  a("version", v.version), a("description", v.description), a("runtime", v.runtime), a("role", v.role);
  a("handler", v.handler), a("package_type", v.package_type), a("image_uri", v.image_uri), a("code", v.code);
  a("timeout", v.timeout), a("memory", v.memory), a("ephemeral", v.ephemeral), a("environment", v.environment);
  a("layers", v.layers), a("dead_letter", v.dead_letter), a("tracing", v.tracing);
  a("architectures", v.architectures), a("kms_key", v.kms_key), a("snap_start", v.snap_start);
  a("logging", v.logging), a("modified", v.modified), a("revision", v.revision);
}
template <class Archive>
void members(Archive& a, Alias& v) {
  a("name", v.name), a("version", v.version), a("description", v.description), a("weights", v.weights);
  a("revision", v.revision);
}
template <class Archive>
void members(Archive& a, Policy::Statement& v) {
  a("sid", v.sid), a("json", v.json);
}
template <class Archive>
void members(Archive& a, Policy& v) {
  a("statements", v.statements), a("revision", v.revision);
}
template <class Archive>
void members(Archive& a, EventInvokeConfig& v) {
  a("retries", v.retries), a("max_age", v.max_age), a("on_success", v.on_success), a("on_failure", v.on_failure);
  a("modified", v.modified);
}
template <class Archive>
void members(Archive& a, Cors& v) {
  a("credentials", v.credentials), a("allow_headers", v.allow_headers), a("allow_methods", v.allow_methods);
  a("allow_origins", v.allow_origins), a("expose_headers", v.expose_headers), a("max_age", v.max_age);
}
template <class Archive>
void members(Archive& a, UrlConfig& v) {
  a("id", v.id), a("auth", v.auth), a("mode", v.mode), a("cors", v.cors), a("created", v.created);
  a("modified", v.modified);
}
template <class Archive>
void members(Archive& a, ProvisionedConcurrency& v) {
  a("requested", v.requested), a("modified", v.modified);
}
template <class Archive>
void members(Archive& a, Function& v) {
  a("account", v.account), a("region", v.region), a("name", v.name), a("id", v.id);
  a("next_version", v.next_version), a("latest", v.latest), a("aliases", v.aliases), a("policies", v.policies);
  a("event_invokes", v.event_invokes), a("urls", v.urls), a("provisioned", v.provisioned);
  a("runtime_updates", v.runtime_updates), a("reserved", v.reserved), a("recursive_loop", v.recursive_loop);
  a("tags", v.tags);
}
template <class Archive>
void members(Archive& a, LayerVersion& v) {
  a("account", v.account), a("region", v.region), a("layer", v.layer), a("version", v.version);
  a("description", v.description), a("license", v.license), a("code", v.code), a("runtimes", v.runtimes);
  a("architectures", v.architectures), a("created", v.created), a("policy", v.policy);
}
template <class Archive>
void members(Archive& a, Mapping& v) {
  a("uuid", v.uuid), a("account", v.account), a("region", v.region), a("source", v.source);
  a("function", v.function), a("enabled", v.enabled), a("batch_size", v.batch_size), a("window", v.window);
  a("filters", v.filters), a("partial_responses", v.partial_responses), a("max_concurrency", v.max_concurrency);
  a("starting_position", v.starting_position), a("starting_time", v.starting_time);
  a("parallelization", v.parallelization), a("bisect", v.bisect), a("max_age", v.max_age);
  a("max_attempts", v.max_attempts), a("tumbling", v.tumbling), a("on_failure", v.on_failure), a("tags", v.tags);
  a("modified", v.modified);
}

class Writer {
 public:
  template <class T>
  static json::value value(const T& v) {
    if constexpr (std::same_as<T, TimePoint>) {
      return std::chrono::duration_cast<milliseconds>(v.time_since_epoch()).count();
    } else if constexpr (std::is_arithmetic_v<T>) {
      return v;
    } else if constexpr (std::same_as<T, std::string>) {
      return json::string(v);
    } else if constexpr (std::same_as<T, ConfigurationPtr> || requires { v.has_value(); }) {
      return v ? value(*v) : json::value();
    } else if constexpr (requires { typename T::mapped_type; }) {
      json::object out;
      for (const auto& [key, item] : v) out[key] = value(item);
      return out;
    } else if constexpr (requires { v.front(); }) {
      json::array out;
      for (const auto& item : v) out.push_back(value(item));
      return out;
    } else {
      Writer writer;
      members(writer, const_cast<T&>(v));  // the list of members takes what both directions can; nothing is changed
      return std::move(writer.out_);
    }
  }
  template <class T>
  void operator()(const char* name, const T& v) {
    out_[name] = value(v);
  }

 private:
  json::object out_;
};

/// Throws what Boost.JSON throws; decode() catches.
class Reader {
 public:
  explicit Reader(const json::object& in) : in_(in) {}

  template <class T>
  static void read(const json::value& from, T& v) {
    if constexpr (std::same_as<T, TimePoint>) {
      v = TimePoint(milliseconds(from.to_number<std::int64_t>()));
    } else if constexpr (std::same_as<T, bool>) {
      v = from.as_bool();
    } else if constexpr (std::is_arithmetic_v<T>) {
      v = from.to_number<T>();
    } else if constexpr (std::same_as<T, std::string>) {
      v = std::string(from.as_string());
    } else if constexpr (std::same_as<T, ConfigurationPtr>) {
      if (from.is_null()) return;
      auto made = std::make_shared<Configuration>();
      read(from, *made);
      v = std::move(made);
    } else if constexpr (requires { v.has_value(); }) {
      if (from.is_null()) return;
      read(from, v.emplace());
    } else if constexpr (requires { typename T::mapped_type; }) {
      for (const auto& [key, item] : from.as_object()) read(item, v[std::string(key)]);
    } else if constexpr (requires { v.front(); }) {
      v.clear();
      for (const auto& item : from.as_array()) read(item, v.emplace_back());
    } else {
      Reader reader(from.as_object());
      members(reader, v);
    }
  }
  template <class T>
  void operator()(const char* name, T& v) {
    if (const auto* found = in_.if_contains(name)) read(*found, v);
  }

 private:
  const json::object& in_;
};

template <class T>
std::string write(const T& value) {
  return json::serialize(Writer::value(value));
}

template <class T>
Result<T> decode(std::string_view text, std::string_view what) {
  try {
    T out;
    Reader::read(json::parse(json::string_view(text.data(), text.size())), out);
    return out;
  } catch (const std::exception& failure) {
    return server_error("ServiceException", "Service encountered an error.",
                        "a stored " + std::string(what) + " is damaged: " + failure.what());
  }
}

}  // namespace

std::string encode(const Function& function) { return write(function); }
std::string encode(const Configuration& version) { return write(version); }
std::string encode(const LayerVersion& layer) { return write(layer); }
std::string encode(const Mapping& mapping) { return write(mapping); }
std::string encode(const CodeRef& code, std::string_view blob) { return write(StoredCode{code, std::string(blob)}); }

Result<Function> decode_function(std::string_view text) {
  auto out = decode<Function>(text, "function");
  if (!out) return out;
  for (auto& [qualifier, policy] : out->policies)
    if (auto parsed = parse_policy(policy); !parsed) return fail(parsed);
  if (out->name.empty() || !out->latest)
    return server_error("ServiceException", "Service encountered an error.", "a stored function is damaged");
  return out;
}
Result<Configuration> decode_configuration(std::string_view text) { return decode<Configuration>(text, "version"); }
Result<LayerVersion> decode_layer(std::string_view text) {
  auto out = decode<LayerVersion>(text, "layer");
  if (out)
    if (auto parsed = parse_policy(out->policy); !parsed) return fail(parsed);
  return out;
}
Result<Mapping> decode_mapping(std::string_view text) { return decode<Mapping>(text, "event source mapping"); }
Result<StoredCode> decode_code(std::string_view text) { return decode<StoredCode>(text, "package"); }

}  // namespace likeness::lambda
