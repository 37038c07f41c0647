#pragma once

#include <optional>
#include <string>
#include <vector>

namespace likeness::app {

/// The options of `likeness serve` as typed; what is not given comes from the settings.
struct ServeOptions {
  std::optional<std::string> data;
  std::optional<std::string> listen;
  std::optional<std::string> tls_listen;
  std::optional<std::string> tls_certificate;
  std::optional<std::string> tls_key;
  bool tls_self_signed = false;
  std::optional<std::string> config_file;
  std::vector<std::string> set;  // "key=value"
};

/// Serves until SIGTERM or SIGINT, then drains. Prints one line "ready http://HOST:PORT" on stdout when it takes
/// requests; everything else goes to the log on stderr. Returns the exit code of the process.
int run_serve(const ServeOptions& options);

}  // namespace likeness::app
