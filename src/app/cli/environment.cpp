#include "app/cli/environment.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <sstream>

#include "app/cli/inputs.hpp"

namespace likeness::app {
namespace {

constexpr std::size_t kMostCredentialBytes = 1 << 20;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

std::optional<ClientKey> key_of_file(const std::filesystem::path& file, const std::string& profile) {
  const auto content = read_file(file.string(), kMostCredentialBytes);
  if (!content) return std::nullopt;
  auto key = key_of_profile(std::string(as_text(*content)), profile);
  if (key) key->source = file.string();
  return key;
}

}  // namespace

std::filesystem::path default_data_folder() {
  if (std::string set = variable("LIKENESS_DATA"); !set.empty()) return set;
  if (const std::string base = variable("XDG_DATA_HOME"); !base.empty())
    return std::filesystem::path(base) / "likeness";
  const std::string home = variable("HOME");
  return std::filesystem::path(home.empty() ? "." : home) / ".local" / "share" / "likeness";
}

std::optional<ClientKey> key_of_profile(const std::string& text, const std::string& profile) {
  ClientKey key;
  bool here = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    line = trimmed(line);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '[') {
      here = line == "[" + profile + "]" || line == "[profile " + profile + "]";
      continue;
    }
    const auto equals = line.find('=');
    if (!here || equals == std::string::npos) continue;
    const std::string name = trimmed(line.substr(0, equals)), value = trimmed(line.substr(equals + 1));
    if (name == "aws_access_key_id") key.id = value;
    if (name == "aws_secret_access_key") key.secret = value;
    if (name == "aws_session_token") key.session_token = value;
  }
  if (key.id.empty() || key.secret.empty()) return std::nullopt;
  return key;
}

Result<ClientKey> find_client_key(const std::filesystem::path& data_folder) {
  ClientKey key{variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"), variable("AWS_SESSION_TOKEN"),
                "the environment"};
  if (!key.id.empty() && !key.secret.empty()) return key;
  const std::string profile = variable("AWS_PROFILE").empty() ? "default" : variable("AWS_PROFILE");
  const std::string shared = variable("AWS_SHARED_CREDENTIALS_FILE");
  const std::filesystem::path file =
      shared.empty() ? std::filesystem::path(variable("HOME")) / ".aws" / "credentials" : std::filesystem::path(shared);
  if (auto found = key_of_file(file, profile)) return *found;
  if (auto found = key_of_file(data_folder / "credentials", "default")) return *found;
  return client_error(
      "NoCredentials",
      fmt::format("no access key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name the server's "
                  "data folder with --data (looked in the environment, {} and {})",
                  file.string(), (data_folder / "credentials").string()));
}

}  // namespace likeness::app
