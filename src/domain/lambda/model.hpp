#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "policy/document.hpp"

/// Functions, layers and event source mappings, as values.
namespace likeness::lambda {

using Tags = std::map<std::string, std::string>;

inline constexpr std::string_view kLatest = "$LATEST";

/// A package in the code store.
struct CodeRef {
  std::string sha256;          // base64, AWS's CodeSha256
  std::uint64_t size = 0;      // zipped
  std::uint64_t unpacked = 0;  // the sum of its files

  bool operator==(const CodeRef&) const = default;
};

/// A layer as a function has it: with its code, so that removing the layer's version leaves the function whole.
struct LayerRef {
  std::string arn;  // of the version
  CodeRef code;

  bool operator==(const LayerRef&) const = default;
};

struct Logging {
  std::string format = "Text";    // or "JSON"
  std::string application_level;  // empty: not set
  std::string system_level;       // empty: not set
  std::string group;              // empty: "/aws/lambda/NAME"
  bool operator==(const Logging&) const = default;
};

/// What one version of a function is: code and settings. Published versions never change.
struct Configuration {
  std::string version{kLatest};
  std::string description;
  std::string runtime;  // empty: a native function
  std::string role;
  std::string handler;
  std::string package_type = "Zip";  // or "Image"
  std::string image_uri;             // "native:NAME"
  CodeRef code;
  std::int32_t timeout = 3;      // seconds
  std::int32_t memory = 128;     // MB
  std::int32_t ephemeral = 512;  // MB of /tmp
  std::map<std::string, std::string> environment;
  std::vector<LayerRef> layers;
  std::string dead_letter;  // ARN; empty: none
  std::string tracing = "PassThrough";
  std::vector<std::string> architectures{"x86_64"};
  std::string kms_key;
  std::string snap_start = "None";
  Logging logging;
  TimePoint modified{};
  std::string revision;  // UUID: another after every change

  bool native() const { return package_type == "Image"; }
  std::string native_name() const { return image_uri.substr(image_uri.find(':') + 1); }
};
using ConfigurationPtr = std::shared_ptr<const Configuration>;

struct Alias {
  std::string name;
  std::string version;
  std::string description;
  std::map<std::string, double> weights;  // of further versions
  std::string revision;
};

/// A resource policy: statements in the order in which they were added.
struct Policy {
  struct Statement {
    std::string sid;
    std::string json;
  };
  std::vector<Statement> statements;
  std::string revision;
  std::shared_ptr<const policy::Document> document;  // of all statements; not stored

  std::string text() const;  // {"Version":"2012-10-17","Id":"default","Statement":[...]}
};

/// How asynchronous invokes of a function, version or alias are treated.
struct EventInvokeConfig {
  std::optional<std::int32_t> retries;  // 0 to 2
  std::optional<std::int32_t> max_age;  // seconds
  std::string on_success, on_failure;   // ARNs; empty: none
  TimePoint modified{};
};

struct Cors {
  bool credentials = false;
  std::vector<std::string> allow_headers{}, allow_methods{}, allow_origins{}, expose_headers{};
  std::int32_t max_age = 0;
};

struct UrlConfig {
  std::string id;  // the first label of the host name
  std::string auth = "AWS_IAM";
  std::string mode = "BUFFERED";
  std::optional<Cors> cors{};
  TimePoint created{}, modified{};
};

struct ProvisionedConcurrency {
  std::int32_t requested = 0;
  TimePoint modified{};
};

/// One function with all that belongs to it. Never changes; a change puts another in its place.
struct Function {
  std::string account, region, name;
  std::string id;  // UUID: a function made anew under the same name is another
  std::uint64_t next_version = 1;
  ConfigurationPtr latest;
  std::map<std::uint64_t, ConfigurationPtr> versions;  // published
  std::map<std::string, Alias> aliases;
  // By qualifier; "" is the function itself.
  std::map<std::string, Policy> policies;
  std::map<std::string, EventInvokeConfig> event_invokes;  // by version or alias; "$LATEST" for the function
  std::map<std::string, UrlConfig> urls;
  std::map<std::string, ProvisionedConcurrency> provisioned;
  std::map<std::string, std::string> runtime_updates;  // qualifier -> "Auto", "FunctionUpdate", "Manual"
  std::optional<std::int32_t> reserved;                // concurrency; nullopt: shares the account's
  std::string recursive_loop = "Terminate";
  Tags tags;

  std::string scope() const { return account + "/" + region; }
  std::string arn() const { return "arn:aws:lambda:" + region + ":" + account + ":function:" + name; }
  std::string arn(std::string_view qualifier) const {
    return qualifier.empty() ? arn() : arn() + ":" + std::string(qualifier);
  }
  /// Null if there is none: of "$LATEST" or a number.
  ConfigurationPtr version(std::string_view version) const;
};
using FunctionPtr = std::shared_ptr<const Function>;

struct LayerVersion {
  std::string account, region, layer;
  std::uint64_t version = 0;
  std::string description, license;
  CodeRef code;
  std::vector<std::string> runtimes, architectures;
  TimePoint created{};
  Policy policy;

  std::string layer_arn() const { return "arn:aws:lambda:" + region + ":" + account + ":layer:" + layer; }
  std::string arn() const { return layer_arn() + ":" + std::to_string(version); }
};
using LayerVersionPtr = std::shared_ptr<const LayerVersion>;

/// From where a function gets batches of events.
struct Mapping {
  std::string uuid;
  std::string account, region;
  std::string source;    // ARN of the queue or stream
  std::string function;  // ARN of function, version or alias
  bool enabled = true;
  std::int32_t batch_size = 10;
  std::int32_t window = 0;  // seconds to gather a batch
  std::vector<std::string> filters;
  bool partial_responses = false;
  std::optional<std::int32_t> max_concurrency;
  // Of streams.
  std::string starting_position;  // "TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"
  TimePoint starting_time{};
  std::int32_t parallelization = 1;
  bool bisect = false;
  std::int32_t max_age = -1;       // seconds; -1: for ever
  std::int32_t max_attempts = -1;  // retries; -1: for ever
  std::int32_t tumbling = 0;       // seconds
  std::string on_failure;
  Tags tags;
  TimePoint modified{};

  std::string arn() const { return "arn:aws:lambda:" + region + ":" + account + ":event-source-mapping:" + uuid; }
  bool of_queue() const { return source.find(":sqs:") != std::string::npos; }
};
using MappingPtr = std::shared_ptr<const Mapping>;

}  // namespace likeness::lambda
