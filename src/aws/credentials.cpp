#include "aws/credentials.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "base/bytes.hpp"

namespace likeness::aws {
namespace {

constexpr std::string_view kProfile = "default";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// Neither may break the lines of the file or the fields of a signature.
bool is_usable(std::string_view text) {
  if (text.empty() || text.size() > 256) return false;
  for (const char c : text)
    if (c <= ' ' || c >= 0x7F) return false;
  return true;
}

/// Id and secret of the default profile; empty where it lacks them.
AccessKey read_profile(std::istream& file) {
  AccessKey key;
  bool in_profile = false;
  for (std::string line; std::getline(file, line);) {
    const auto text = trim(line);
    if (text.empty() || text.front() == '#' || text.front() == ';') continue;
    if (text.front() == '[') {
      in_profile = text.back() == ']' && trim(text.substr(1, text.size() - 2)) == kProfile;
      continue;
    }
    const auto equals = text.find('=');
    if (!in_profile || equals == std::string_view::npos) continue;
    const auto name = trim(text.substr(0, equals));
    const auto value = trim(text.substr(equals + 1));
    if (name == "aws_access_key_id") key.id = value;
    if (name == "aws_secret_access_key") key.secret = value;
  }
  return key;
}

/// Twenty characters as AWS's ids have, of the alphabet of base 32; the prefix tells them from AWS's.
AccessKey random_key() {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  AccessKey key;
  key.id = "LKIA";
  for (const auto byte : random_bytes(16)) key.id += kDigits[byte & 31];
  key.secret = to_base64(random_bytes(30));
  return key;
}

Failure cannot(std::string_view what, const std::filesystem::path& path) {
  return server_error("CredentialsFile", fmt::format("{} {}: {}", what, path.string(), std::strerror(errno)));
}

/// Beside the file and then renamed, so that a reader sees the old one or the new one whole.
Result<void> write_profile(const std::filesystem::path& path, const AccessKey& key, const std::string& region) {
  const std::string text = fmt::format(
      "# The root access key of this Likeness installation. Keep it to yourself.\n[{}]\naws_access_key_id = {}\n"
      "aws_secret_access_key = {}\nregion = {}\n",
      kProfile, key.id, key.secret, region);
  const std::filesystem::path part = path.string() + ".new";
  ::unlink(part.c_str());
  const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return cannot("cannot write", part);
  const bool written =
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  if (::close(file) != 0 || !written) return cannot("cannot write", part);
  if (::rename(part.c_str(), path.c_str()) != 0) return cannot("cannot write", path);
  return {};
}

}  // namespace

void StaticCredentials::add(AccessKey key) {
  const std::lock_guard lock(mutex_);
  std::string id = key.id;
  keys_.insert_or_assign(std::move(id), std::move(key));
}

std::optional<AccessKey> StaticCredentials::find(std::string_view access_key_id, std::string_view) const {
  const std::lock_guard lock(mutex_);
  const auto at = keys_.find(access_key_id);
  if (at == keys_.end()) return std::nullopt;
  return at->second;
}

Result<AccessKey> load_or_create_root_key(const std::filesystem::path& folder, const std::string& account,
                                          const std::string& region) {
  const std::filesystem::path path = folder / "credentials";
  AccessKey stored;
  if (std::ifstream file(path); file) {
    stored = read_profile(file);
  } else if (std::error_code ec; std::filesystem::exists(path, ec)) {
    return cannot("cannot read", path);
  }

  AccessKey key = stored;
  const char* id = std::getenv("AWS_ACCESS_KEY_ID");
  const char* secret = std::getenv("AWS_SECRET_ACCESS_KEY");
  if (id != nullptr && secret != nullptr && *id != '\0' && *secret != '\0') {
    key.id = id;
    key.secret = secret;
    if (!is_usable(key.id) || !is_usable(key.secret))
      return client_error("BadCredentials",
                          "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY have to be 1 to 256 visible ASCII characters");
  } else if (!is_usable(key.id) || !is_usable(key.secret)) {
    key = random_key();
  }
  if (key.id != stored.id || key.secret != stored.secret) {
    if (auto written = write_profile(path, key, region); !written) return fail(written);
  } else if (::chmod(path.c_str(), 0600) != 0) {
    return cannot("cannot protect", path);
  }
  key.principal = policy::Principal::root(account);
  return key;
}

}  // namespace likeness::aws
