#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace likeness::config {

/// Every setting with its default. settings.cpp declares name, bounds and help of each; docs/configuration.md is made
/// from there.
struct Settings {
  // identity
  std::string account = "000000000000";
  std::string region = "us-east-1";
  std::string listen = "127.0.0.1:4600";
  std::string tls_listen;       // "" = no HTTPS
  std::string tls_certificate;  // "" = self-signed, if asked for
  std::string tls_key;
  bool tls_self_signed = false;
  std::string tls_names;  // "a,b": further names of the self-signed one

  // places
  std::string data;                // "" = the user's data folder
  std::string models;              // "" = the set-up's cache
  std::string models_d;            // "" = the configuration folder
  std::string credentials_folder;  // "" = DATA

  std::string oidc_keys;  // "" = oidc in DATA

  // who may what
  std::string policies = "enforce";

  // executors; 0 lets the program choose by the processor
  std::int64_t io_threads = 1;
  std::int64_t work_threads = 0;
  std::int64_t work_queue = 512;
  std::int64_t waiting_threads = 512;
  std::int64_t infer_threads = 0;
  std::int64_t infer_queue = 256;

  // images
  std::int64_t image_max_bytes = 5 * 1024 * 1024;
  std::int64_t image_max_s3_bytes = 15 * 1024 * 1024;
  std::int64_t image_min_side = 80;
  std::int64_t image_max_side = 10'000;
  std::int64_t image_max_pixels = 100'000'000;
  std::int64_t max_faces = 100;

  // quotas and throttling; AWS's own are named in the help
  std::int64_t quota_faces_per_collection = 20'000'000;
  std::int64_t quota_collections = 0;
  std::string throttling = "off";
  std::map<std::string, double> throttle_rates;  // operation -> requests a second

  // objects
  std::int64_t object_cache = 32 * 1024 * 1024;
  std::chrono::milliseconds lifecycle_interval{3'600'000};

  // functions
  std::int64_t function_concurrency = 1000;
  std::int64_t function_workers = 256;
  std::chrono::milliseconds function_idle_time{300'000};
  std::chrono::milliseconds function_retry_wait{60'000};
  std::string function_isolation = "auto";
  std::string function_cpu = "shared";
  std::string function_url_domain;  // "" = function URLs are paths

  // messages
  std::string smtp;  // "" = mails are kept in the outbox
  std::string smtp_from = "no-reply@localhost";
  std::int64_t outbox_limit = 1000;
  bool outbox_anywhere = false;
  bool http_private_targets = false;
  std::string public_url;  // "" = where the server listens

  // HTTP
  std::int64_t max_connections = 1024;
  std::int64_t max_request_head = 64 * 1024;
  std::int64_t max_request_body = 72 * 1024 * 1024;
  std::int64_t max_request_memory = 1024 * 1024 * 1024;
  std::chrono::milliseconds idle_timeout{65'000};
  std::chrono::milliseconds head_timeout{10'000};
  std::chrono::milliseconds body_grace{10'000};
  std::int64_t min_body_rate = 4096;
  std::chrono::milliseconds drain_timeout{25'000};

  // what it tells
  std::string log_level = "info";
  std::string access_log = "stderr";
  std::string access_log_format = "logfmt";
  bool metrics = true;
};

/// Where the values come from; later ones win: defaults, file, environment, command line.
struct Sources {
  std::string file;  // YAML; "" = none
  /// Value of an environment variable, or nullptr; ::getenv in the program.
  std::function<const char*(const char*)> environment;
  std::vector<std::string> set;  // "key=value"
};

/// Error "InvalidSetting": the message says which setting, from where, and what it may be.
Result<Settings> load(const Sources& sources);

/// One setting as people read it.
struct Description {
  std::string name;
  std::string environment;  // LIKENESS_NAME
  std::string type;         // "integer", "size", "duration", "text", "yes/no", "off | aws"
  std::string bounds;       // "1 to 64", "" where any
  std::string default_value;
  std::string value;  // in the settings given
  std::string help;
};
std::vector<Description> describe(const Settings& settings);

/// The table of `likeness config`, and docs/configuration.md.
std::string as_table(const Settings& settings);
std::string as_markdown();

}  // namespace likeness::config
