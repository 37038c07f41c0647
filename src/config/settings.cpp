#include "config/settings.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "config/values.hpp"

namespace likeness::config {
namespace {

/// How one setting is read, written and bounded.
struct Definition {
  std::string name;
  std::string type;
  std::string bounds;
  std::string help;
  /// False if the text is not a value of this setting.
  std::function<bool(Settings&, std::string_view)> set;
  std::function<std::string(const Settings&)> get;
};

using Integer = std::int64_t Settings::*;
using Duration = std::chrono::milliseconds Settings::*;
using Text = std::string Settings::*;

Definition integer(std::string name, Integer member, std::int64_t low, std::int64_t high, std::string help) {
  return {std::move(name),
          "integer",
          fmt::format("{} to {}", low, high),
          std::move(help),
          [=](Settings& settings, std::string_view text) {
            const auto value = parse_integer(text);
            if (value && *value >= low && *value <= high) settings.*member = *value;
            return value && *value >= low && *value <= high;
          },
          [=](const Settings& settings) { return std::to_string(settings.*member); }};
}

Definition size(std::string name, Integer member, std::int64_t low, std::int64_t high, std::string help) {
  return {std::move(name),
          "size",
          fmt::format("{} to {}", format_size(low), format_size(high)),
          std::move(help),
          [=](Settings& settings, std::string_view text) {
            const auto value = parse_size(text);
            if (value && *value >= low && *value <= high) settings.*member = *value;
            return value && *value >= low && *value <= high;
          },
          [=](const Settings& settings) { return format_size(settings.*member); }};
}

Definition duration(std::string name, Duration member, std::chrono::milliseconds low, std::chrono::milliseconds high,
                    std::string help) {
  return {std::move(name),
          "duration",
          fmt::format("{} to {}", format_duration(low), format_duration(high)),
          std::move(help),
          [=](Settings& settings, std::string_view text) {
            const auto value = parse_duration(text);
            if (value && *value >= low && *value <= high) settings.*member = *value;
            return value && *value >= low && *value <= high;
          },
          [=](const Settings& settings) { return format_duration(settings.*member); }};
}

Definition text(std::string name, Text member, std::string bounds, bool (*valid)(std::string_view), std::string help) {
  return {std::move(name),
          "text",
          std::move(bounds),
          std::move(help),
          [=](Settings& settings, std::string_view value) {
            if (valid(value)) settings.*member = std::string(value);
            return valid(value);
          },
          [=](const Settings& settings) { return settings.*member; }};
}

Definition choice(std::string name, Text member, const std::vector<std::string>& choices, std::string help) {
  std::string bounds;
  for (const std::string& one : choices) bounds += (bounds.empty() ? "" : ", ") + one;
  return {std::move(name),
          "choice",
          std::move(bounds),
          std::move(help),
          [=](Settings& settings, std::string_view value) {
            const bool known = std::ranges::find(choices, value) != choices.end();
            if (known) settings.*member = std::string(value);
            return known;
          },
          [=](const Settings& settings) { return settings.*member; }};
}

Definition yes_no(std::string name, bool Settings::* member, std::string help) {
  return {std::move(name),
          "yes/no",
          "true, false",
          std::move(help),
          [=](Settings& settings, std::string_view value) {
            const auto parsed = parse_bool(value);
            if (parsed) settings.*member = *parsed;
            return parsed.has_value();
          },
          [=](const Settings& settings) { return settings.*member ? "true" : "false"; }};
}

Definition rates(std::string name, std::map<std::string, double> Settings::* member, std::string help) {
  return {std::move(name),
          "rates",
          "Operation=number,...",
          std::move(help),
          [=](Settings& settings, std::string_view value) {
            const auto parsed = parse_rates(value);
            if (parsed) settings.*member = *parsed;
            return parsed.has_value();
          },
          [=](const Settings& settings) { return format_rates(settings.*member); }};
}

bool anything(std::string_view) { return true; }
bool not_empty(std::string_view text) { return !text.empty(); }
bool is_smtp_or_empty(std::string_view text) {
  return text.empty() || (text.starts_with("smtp://") && text.size() > 7) ||
         (text.starts_with("smtps://") && text.size() > 8);
}
bool is_url_or_empty(std::string_view text) {
  return text.empty() || ((text.starts_with("http://") || text.starts_with("https://")) && !text.ends_with('/'));
}
bool is_domain_or_empty(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':';
  });
}
bool is_account(std::string_view text) {
  return text.size() == 12 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}
bool is_region(std::string_view text) {
  return !text.empty() && text.size() <= 32 &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}
bool is_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const auto port = parse_integer(text.substr(colon + 1));
  return port && *port >= 0 && *port <= 65535;
}

bool is_host_port_or_empty(std::string_view text) { return text.empty() || is_host_port(text); }

const std::vector<Definition>& definitions() {
  using namespace std::chrono_literals;
  constexpr std::int64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB;
  static const std::vector<Definition> all = {
      text("account", &Settings::account, "12 digits", is_account, "Account id in ARNs."),
      text("region", &Settings::region, "a-z, 0-9, -", is_region, "Region in ARNs and in signatures."),
      text("listen", &Settings::listen, "HOST:PORT", is_host_port,
           "Address to take requests on; port 0 picks a free one."),
      text("tls_listen", &Settings::tls_listen, "HOST:PORT", is_host_port_or_empty,
           "Address to take HTTPS requests on, besides those on listen; empty: none."),
      text("tls_certificate", &Settings::tls_certificate, "a file", anything,
           "Certificate of the HTTPS server in PEM form, with those that vouch for it after it. Read anew on SIGHUP."),
      text("tls_key", &Settings::tls_key, "a file", anything,
           "Private key of tls_certificate in PEM form, without a passphrase."),
      yes_no("tls_self_signed", &Settings::tls_self_signed,
             "Instead of tls_certificate: make a certificate that vouches for itself. It is kept in the folder tls of "
             "the data folder, where clients find what to trust (tls/certificate.pem), and is made anew a month before "
             "it ends."),
      text("tls_names", &Settings::tls_names, "NAME,...", anything,
           "Host names and addresses that the self-signed certificate is for, besides localhost, those of this machine "
           "and of tls_listen."),
      text("data", &Settings::data, "a folder", anything,
           "Folder of everything that is kept; made if missing. Empty: likeness in XDG_DATA_HOME, else in "
           "~/.local/share."),
      text("models", &Settings::models, "a folder", anything,
           "Folder of the models that set-up fetched; empty: models in the cache folder (LIKENESS_CACHE, else "
           "XDG_CACHE_HOME/likeness, else ~/.cache/likeness)."),
      text("models_d", &Settings::models_d, "a folder", anything,
           "Folder of models of your own, which take the place of ours; empty: likeness/models.d in XDG_CONFIG_HOME, "
           "else in "
           "~/.config."),
      text("credentials_folder", &Settings::credentials_folder, "a folder", anything,
           "Folder of the file `credentials`, which holds the root access key in AWS's profile form; empty: the data "
           "folder."),

      text("oidc_keys", &Settings::oidc_keys, "a folder", anything,
           "Folder of the public keys of OIDC providers: the JSON Web Key Set of https://idp.example.org/pool in "
           "idp.example.org_pool.json; empty: oidc in the data folder."),

      choice("policies", &Settings::policies, {"enforce", "off"},
             "enforce: callers may what the policies of IAM and of resources allow. off: every signed call is allowed; "
             "signatures are checked all the same."),

      integer("io_threads", &Settings::io_threads, 1, 8, "Threads that read and write connections."),
      integer("work_threads", &Settings::work_threads, 0, 1024,
              "Threads that answer requests; 0: four for each processor, at least 16."),
      integer("work_queue", &Settings::work_queue, 1, 100'000,
              "Requests that may wait for a thread; more are refused as throttled."),
      integer("waiting_threads", &Settings::waiting_threads, 1, 10'000,
              "Requests that may wait at once for something else (long polls, functions that run); more are refused as "
              "throttled. Each has a thread while it waits."),
      integer("infer_threads", &Settings::infer_threads, 0, 256,
              "Threads that run the models; 0: one for each processor."),
      integer("infer_queue", &Settings::infer_queue, 1, 100'000,
              "Inferences that may wait for a thread; more are refused as throttled."),

      size("image_max_bytes", &Settings::image_max_bytes, kKiB, 100 * kMiB, "Largest image sent as bytes. AWS: 5 MiB."),
      size("image_max_s3_bytes", &Settings::image_max_s3_bytes, kKiB, 100 * kMiB,
           "Largest image read from the object store. AWS: 15 MiB."),
      integer("image_min_side", &Settings::image_min_side, 1, 10'000, "Least width and height in pixels. AWS: 80."),
      integer("image_max_side", &Settings::image_max_side, 1, 65'535, "Most width and height in pixels. AWS: 10000."),
      integer("image_max_pixels", &Settings::image_max_pixels, 1, 1'000'000'000,
              "Most pixels; bounds the memory of one image at three bytes a pixel."),
      integer("max_faces", &Settings::max_faces, 1, 1'000,
              "Most faces found in one image; the largest are kept. AWS: 100."),

      integer("quota_faces_per_collection", &Settings::quota_faces_per_collection, 0, 1'000'000'000,
              "Faces a collection may hold; 0: no limit. AWS: 20 million."),
      integer("quota_collections", &Settings::quota_collections, 0, 1'000'000'000, "Collections; 0: no limit."),
      choice("throttling", &Settings::throttling, {"off", "aws"},
             "off: only the rates of throttle_rates hold. aws: AWS's default rates for each operation."),
      rates("throttle_rates", &Settings::throttle_rates,
            "Requests a second for single operations, over those of throttling; 0 refuses all. In YAML a map."),

      size("object_cache", &Settings::object_cache, 0, 64 * kGiB,
           "Memory for small objects (64 to 256 KiB) that were read lately; 0: none."),
      duration("lifecycle_interval", &Settings::lifecycle_interval, 1s, 24h,
               "How often the lifecycle rules of buckets are applied."),

      integer("function_concurrency", &Settings::function_concurrency, 1, 100'000,
              "Invokes of functions that run at once; more are throttled. AWS: 1000 for an account."),
      integer("function_workers", &Settings::function_workers, 1, 10'000,
              "Worker processes of all functions together; invokes wait for a free one."),
      duration("function_idle_time", &Settings::function_idle_time, 1s, 24h,
               "After which a worker process that has nothing to do is ended."),
      duration("function_retry_wait", &Settings::function_retry_wait, 1ms, 1h,
               "Before the second attempt of an asynchronous invoke that failed; twice that before the third. AWS: one "
               "minute."),
      choice("function_isolation", &Settings::function_isolation, {"auto", "bubblewrap", "user", "limits"},
             "What keeps worker processes from the rest of the machine; auto is the best that works here."),
      choice(
          "function_cpu", &Settings::function_cpu, {"shared", "aws"},
          "shared: functions share processors by their memory when these are scarce. aws: they never get more than on "
          "AWS, a whole processor for 1769 MB. Both where control groups (version 2) can be made."),
      text(
          "function_url_domain", &Settings::function_url_domain, "DOMAIN or DOMAIN:PORT", is_domain_or_empty,
          "Function URLs are told as http://ID.lambda-url.REGION.DOMAIN:PORT/ (the port of the call if none is given); "
          "the names below it must lead here, as those below localhost do in browsers and curl. Empty: as paths of "
          "this "
          "server, which need no names."),

      text("smtp", &Settings::smtp, "smtp://USER:PASSWORD@HOST:PORT", is_smtp_or_empty,
           "Mail server that takes the mails of topics (smtps:// for TLS from the start); empty: they are kept in the "
           "outbox."),
      text("smtp_from", &Settings::smtp_from, "an address", not_empty, "Sender of mails."),
      integer("outbox_limit", &Settings::outbox_limit, 1, 1'000'000, "Messages kept in the outbox; the oldest go."),
      yes_no("outbox_anywhere", &Settings::outbox_anywhere,
             "Show /_likeness/outbox to other machines too; without it to this one only."),
      yes_no("http_private_targets", &Settings::http_private_targets,
             "Let topics send to web servers on private addresses and on this machine."),
      text("public_url", &Settings::public_url, "http://HOST:PORT", is_url_or_empty,
           "Where links in messages lead; empty: where the server listens."),

      integer("max_connections", &Settings::max_connections, 1, 1'000'000,
              "Open connections; at the limit the one that has been idle for longest makes room."),
      size("max_request_head", &Settings::max_request_head, kKiB, kMiB,
           "Request line and headers; more is answered 431."),
      size("max_request_body", &Settings::max_request_body, kKiB, 4 * kGiB, "Body of a request; more is answered 413."),
      size("max_request_memory", &Settings::max_request_memory, kMiB, 1024 * kGiB,
           "Bodies of all requests held at once; more is answered 503."),
      duration("idle_timeout", &Settings::idle_timeout, 1s, 24h,
               "How long a connection may wait for its next request."),
      duration("head_timeout", &Settings::head_timeout, 100ms, 1h, "How long the head of a request may take."),
      duration("body_grace", &Settings::body_grace, 100ms, 1h,
               "What a body, sent or received, may take on top of its size divided by min_body_rate."),
      integer("min_body_rate", &Settings::min_body_rate, 1, 1'000'000'000,
              "Bytes a second below which a client is too slow and is cut off."),
      duration("drain_timeout", &Settings::drain_timeout, 0ms, 1h,
               "How long running requests may take to finish after SIGTERM."),

      choice("log_level", &Settings::log_level, {"debug", "info", "warn", "error", "off"}, "Least level of the log."),
      text("access_log", &Settings::access_log, "off, stderr, a file", not_empty,
           "Where one line for each request goes; a file is appended to, and opened anew on SIGHUP."),
      choice("access_log_format", &Settings::access_log_format, {"logfmt", "json"}, "Form of the access log."),
      yes_no("metrics", &Settings::metrics, "Serve /_likeness/metrics."),
  };
  return all;
}

std::string environment_name(const std::string& name) {
  std::string out = "LIKENESS_";
  for (const char c : name) out.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  return out;
}

/// The known name that is nearest by single-letter edits, if near enough to be a slip.
std::string nearest_name(std::string_view name) {
  std::string best;
  std::size_t best_distance = 4;
  for (const Definition& definition : definitions()) {
    const std::string_view other = definition.name;
    std::vector<std::size_t> row(other.size() + 1);
    for (std::size_t j = 0; j <= other.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= name.size(); ++i) {
      std::size_t diagonal = std::exchange(row[0], i);
      for (std::size_t j = 1; j <= other.size(); ++j) {
        const std::size_t changed = diagonal + (name[i - 1] == other[j - 1] ? 0 : 1);
        diagonal = std::exchange(row[j], std::min({changed, row[j] + 1, row[j - 1] + 1}));
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = definition.name;
    }
  }
  return best;
}

Result<void> apply(Settings& settings, std::string_view name, std::string_view value, std::string_view from) {
  const auto& all = definitions();
  const auto found = std::ranges::find(all, name, &Definition::name);
  if (found == all.end()) {
    const std::string near = nearest_name(name);
    return client_error("InvalidSetting",
                        fmt::format("{}: there is no setting '{}'{}. `likeness config` lists them all.", from, name,
                                    near.empty() ? "" : "; did you mean '" + near + "'?"));
  }
  if (!found->set(settings, value))
    return client_error("InvalidSetting", fmt::format("{}: '{}' is not a value of {}, which is of type {} ({}).", from,
                                                      value, name, found->type, found->bounds));
  return {};
}

/// A scalar's text, or a map's as "key=value,...".
std::optional<std::string> text_of(const YAML::Node& node) {
  if (node.IsNull()) return "";
  if (node.IsScalar()) return node.Scalar();
  if (!node.IsMap()) return std::nullopt;
  std::string out;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar() || !entry.second.IsScalar()) return std::nullopt;
    out += (out.empty() ? "" : ",") + entry.first.Scalar() + "=" + entry.second.Scalar();
  }
  return out;
}

Result<void> apply_file(Settings& settings, const std::string& file) {
  YAML::Node root;
  try {
    root = YAML::LoadFile(file);
  } catch (const YAML::BadFile&) {
    return client_error("InvalidSetting", fmt::format("The settings file {} cannot be read.", file));
  } catch (const YAML::Exception& error) {
    return client_error("InvalidSetting", fmt::format("{}: not YAML: {}.", file, error.what()));
  }
  if (root.IsNull()) return {};
  if (!root.IsMap())
    return client_error("InvalidSetting", fmt::format("{}: settings are lines of `name: value`.", file));
  std::vector<std::string> seen;
  for (const auto& entry : root) {
    const std::string from = fmt::format("{}:{}", file, entry.first.Mark().line + 1);
    const auto value = text_of(entry.second);
    if (!entry.first.IsScalar() || !value)
      return client_error("InvalidSetting", fmt::format("{}: settings are lines of `name: value`.", from));
    const std::string& name = entry.first.Scalar();
    if (std::ranges::find(seen, name) != seen.end())
      return client_error("InvalidSetting", fmt::format("{}: {} is set twice.", from, name));
    seen.push_back(name);
    if (auto applied = apply(settings, name, *value, from); !applied) return applied;
  }
  return {};
}

}  // namespace

Result<Settings> load(const Sources& sources) {
  Settings settings;
  if (!sources.file.empty())
    if (auto read = apply_file(settings, sources.file); !read) return fail(read);
  for (const Definition& definition : definitions()) {
    const std::string name = environment_name(definition.name);
    const char* value = sources.environment ? sources.environment(name.c_str()) : nullptr;
    if (value == nullptr) continue;
    if (auto applied = apply(settings, definition.name, value, "environment " + name); !applied) return fail(applied);
  }
  for (const std::string& pair : sources.set) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos)
      return client_error("InvalidSetting", fmt::format("--set {}: the form is key=value.", pair));
    const std::string_view all = pair;
    if (auto applied = apply(settings, all.substr(0, equals), all.substr(equals + 1), "--set"); !applied)
      return fail(applied);
  }
  if (settings.image_min_side > settings.image_max_side)
    return client_error("InvalidSetting", "image_min_side is larger than image_max_side.");
  return settings;
}

std::vector<Description> describe(const Settings& settings) {
  const Settings defaults;
  std::vector<Description> all;
  for (const Definition& d : definitions())
    all.push_back({d.name, environment_name(d.name), d.type, d.bounds, d.get(defaults), d.get(settings), d.help});
  return all;
}

std::string as_table(const Settings& settings) {
  std::string out = fmt::format("{:<28}{:<24}{:<20}{}\n", "setting", "value", "default", "may be");
  for (const Description& d : describe(settings)) {
    out += fmt::format("{:<28}{:<24}{:<20}{}\n", d.name, d.value, d.value == d.default_value ? "" : d.default_value,
                       d.bounds);
    out += fmt::format("    {}\n", d.help);
  }
  return out;
}

std::string as_markdown() {
  std::string out =
      "# Settings\n\n"
      "Made by `likeness config --markdown`; the list itself is in `src/config/settings.cpp`.\n\n"
      "A setting is given, in rising order of precedence, in a YAML file (`--config FILE`, lines of `name: value`), in "
      "the\n"
      "environment (`LIKENESS_` and the name in capitals, so `LIKENESS_LOG_LEVEL`), or on the command line (`--set "
      "name=value`;\n"
      "`--data` and `--listen` are short forms). An unknown name or a value out of bounds stops the start with a "
      "sentence that\n"
      "says so; an environment variable that is no setting is left alone. Sizes take KiB, MiB, GiB, KB, MB, GB; "
      "durations ms, s,\n"
      "m, h. `likeness config` prints the values in force.\n\n"
      "| setting | type | default | may be | what it does |\n|---|---|---|---|---|\n";
  for (const Description& d : describe(Settings()))
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", d.name, d.type,
                       d.default_value.empty() ? "" : "`" + d.default_value + "`", d.bounds, d.help);
  return out;
}

}  // namespace likeness::config
