#include "app/tls_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/log.hpp"
#include "net/server.hpp"

namespace likeness::app {
namespace {

using config::Settings;
using net::TlsIdentity;

// Some clients refuse a certificate that is for longer.
constexpr auto kLifetime = std::chrono::hours(24) * 820;
constexpr auto kRenewBefore = std::chrono::hours(24) * 30;

Result<std::string> read_file(const std::filesystem::path& path, std::string_view setting) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad())
    return client_error("InvalidSetting", fmt::format("{}: the file {} cannot be read.", setting, path.string()));
  return text;
}

/// As a whole or not at all.
Result<void> write_file(const std::filesystem::path& path, std::string_view text, mode_t mode) {
  const auto failed = [&] {
    return server_error("StorageFailure", fmt::format("The file {} cannot be written: {}.", path.string(),
                                                      std::system_category().message(errno)));
  };
  const std::string draft = path.string() + ".new";
  ::unlink(draft.c_str());
  const int file = ::open(draft.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);
  if (file < 0) return failed();
  const bool written =
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  if (::close(file) != 0 || !written || ::rename(draft.c_str(), path.c_str()) != 0) return failed();
  return {};
}

/// Those that clients on this machine and on others are likely to call it by.
std::vector<std::string> names_of(const Settings& settings) {
  std::vector<std::string> names = {"localhost", "s3.localhost", "*.s3.localhost", "127.0.0.1", "::1"};
  const auto add = [&](std::string name) {
    if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  };
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) add(host.data());
  const auto listen = net::parse_host_port(settings.tls_listen);
  if (listen && listen->host != "0.0.0.0" && listen->host != "::") add(listen->host);
  std::string_view rest = settings.tls_names;
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    add(std::string(rest.substr(0, comma)));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return names;
}

bool still_good(const TlsIdentity& identity, const std::vector<std::string>& names, TimePoint now) {
  const auto facts = net::read_certificate(identity.certificate);
  if (!facts || facts->not_after < now + kRenewBefore || facts->not_before > now) return false;
  if (!net::TlsContext::open(identity)) return false;
  return std::ranges::all_of(
      names, [&](const std::string& name) { return std::ranges::find(facts->names, name) != facts->names.end(); });
}

Result<TlsIdentity> self_signed(const Settings& settings, const std::filesystem::path& folder, TimePoint now) {
  const auto names = names_of(settings);
  const auto certificate = folder / "certificate.pem", key = folder / "key.pem";
  if (auto text = read_file(certificate, "tls_self_signed")) {
    auto key_text = read_file(key, "tls_self_signed");
    if (TlsIdentity kept{*text, key_text.value_or("")}; still_good(kept, names, now)) return kept;
  }
  auto made = net::make_self_signed(names, now, kLifetime);
  if (!made) return made;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (auto written = write_file(key, made->private_key, 0600); !written) return fail(written);
  if (auto written = write_file(certificate, made->certificate, 0644); !written) return fail(written);
  log::info("made a certificate for {}: {}", fmt::join(names, ", "), certificate.string());
  return made;
}

}  // namespace

Result<TlsIdentity> tls_identity(const Settings& settings, const std::filesystem::path& data, TimePoint now) {
  const bool given = !settings.tls_certificate.empty() || !settings.tls_key.empty();
  if (given && settings.tls_self_signed)
    return client_error("InvalidSetting",
                        "tls_self_signed makes a certificate, and tls_certificate gives one: leave "
                        "one of them out.");
  if (settings.tls_self_signed) return self_signed(settings, data / "tls", now);
  if (settings.tls_certificate.empty() || settings.tls_key.empty())
    return client_error("InvalidSetting",
                        "HTTPS needs a certificate: give --tls-certificate and --tls-key, or have one "
                        "made with --tls-self-signed.");
  auto certificate = read_file(settings.tls_certificate, "tls_certificate");
  if (!certificate) return fail(certificate);
  auto key = read_file(settings.tls_key, "tls_key");
  if (!key) return fail(key);
  return TlsIdentity{std::move(*certificate), std::move(*key)};
}

}  // namespace likeness::app
