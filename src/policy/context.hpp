#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "policy/permission.hpp"
#include "policy/principal.hpp"

namespace likeness::policy {

/// What the request around a permission tells: the source of the global condition keys. Views must outlive their use.
struct Environment {
  TimePoint time{};
  std::string_view account{};  // of this installation
  std::string_view region{};
  std::string_view source_ip{};
  std::string_view user_agent{};
  std::string_view referer{};
  std::optional<bool> secure{};  // over TLS; nullopt: there was no connection (simulations)
  /// Where names of keys are put that conditions asked for and that were not there; may be null.
  std::set<std::string>* missing = nullptr;
};

/// The condition keys of one call: those that the permission states, then the global ones, made when asked for.
class Context {
 public:
  Context(const Principal& principal, const Permission& permission, const Environment& environment)
      : principal_(principal), permission_(permission), environment_(environment) {}

  /// Empty: the key is not there. Keys are the same in any case.
  std::vector<std::string> find(std::string_view key) const;

  const Principal& principal() const { return principal_; }
  const Permission& permission() const { return permission_; }
  const Environment& environment() const { return environment_; }

 private:
  std::optional<std::string> global(std::string_view key) const;

  const Principal& principal_;
  const Permission& permission_;
  const Environment& environment_;
};

/// The account that a resource belongs to: as stated, as in its ARN, else this installation's.
std::string_view account_of(const Permission& permission, const Environment& environment);

}  // namespace likeness::policy
