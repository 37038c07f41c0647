#include "domain/identity/model.hpp"

#include <fmt/format.h>

#include "base/bytes.hpp"

namespace likeness::identity {
namespace {

std::string arn(std::string_view account, std::string_view kind, std::string_view path, std::string_view name) {
  return fmt::format("arn:aws:iam::{}:{}{}{}", account, kind, path, name);
}

}  // namespace

std::string key_of(std::string_view name) {
  std::string key(name);
  for (char& c : key)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return key;
}

std::string user_arn(const State& state, const Identity& user) {
  return arn(state.account, "user", user.path, user.name);
}
std::string group_arn(const State& state, const Identity& group) {
  return arn(state.account, "group", group.path, group.name);
}
std::string role_arn(const State& state, const Identity& role) {
  return arn(state.account, "role", role.path, role.name);
}
std::string policy_arn(std::string_view account, std::string_view path, std::string_view name) {
  return arn(account, "policy", path, name);
}
std::string profile_arn(const State& state, const InstanceProfile& profile) {
  return arn(state.account, "instance-profile", profile.path, profile.name);
}

std::string new_id(std::string_view prefix, std::size_t length) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id(prefix);
  for (const auto byte : random_bytes(length - prefix.size())) id += kDigits[byte & 31];
  return id;
}

std::string new_secret() { return to_base64(random_bytes(30)); }

}  // namespace likeness::identity
