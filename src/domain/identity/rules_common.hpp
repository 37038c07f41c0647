#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>

#include "domain/identity/rules.hpp"

/// What the files of rules share.
namespace likeness::identity {

/// A copy of the entity under that key, in its place, to be changed.
template <class T>
T& edit(Entities<T>& entities, const std::string& key) {
  auto copy = std::make_shared<T>(*entities.at(key));
  T& out = *copy;
  entities[key] = std::move(copy);
  return out;
}

inline Failure already_exists(std::string message) { return client_error("EntityAlreadyExists", std::move(message)); }
inline Failure delete_conflict(std::string message) { return client_error("DeleteConflict", std::move(message)); }
inline Failure over_quota(std::string_view what, std::size_t limit) {
  return client_error("LimitExceeded", fmt::format("Cannot exceed quota for {}: {}", what, limit));
}

Result<PolicyText> parse_policy(std::string_view text, policy::DocumentKind kind);
/// The trust policy of a role: the identities of this account that it names have to be there.
Result<PolicyText> parse_trust(const State& state, std::string_view text);
Result<void> check_boundary(const State& state, std::string_view arn);
Result<void> check_path(std::string_view path);
/// Adds to `out`; Error InvalidInput or LimitExceeded.
Result<void> add_tags(Tags& out, const Tags& more);
void remove_tags(Tags& out, const std::vector<std::string>& keys);

}  // namespace likeness::identity
