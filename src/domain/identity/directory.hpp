#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/identity/model.hpp"
#include "policy/evaluate.hpp"
#include "storage/store.hpp"

namespace likeness::identity {

/// The identities of the account: all of them in memory (AWS's quotas bound them), the store is the truth. Readers take
/// the state of a moment and never wait for a change; changes go one after the other, each in one commit. Thread-safe.
class Directory {
 public:
  static Result<std::unique_ptr<Directory>> open(storage::Store& store, const Clock& clock, const std::string& account);

  std::shared_ptr<const State> read() const;

  /// Calls `function(State&)`, which returns a Result and may change the state it is given. What it changed is
  /// committed, and then seen by readers; nothing is if it fails.
  ///
  ///     auto made = directory.change([&](State& state) { return create_user(state, wanted); });
  template <class Function>
  auto change(Function function) -> decltype(function(std::declval<State&>())) {
    const std::lock_guard lock(writing_);
    auto next = std::make_shared<State>(*read());
    next->now = clock_.now();
    auto result = function(*next);
    if (!result) return result;
    if (auto done = commit(std::move(next)); !done) return fail(done);
    return result;
  }

 private:
  Directory(storage::Store& store, const Clock& clock) : store_(store), clock_(clock) {}
  Result<void> load(const std::string& account);
  Result<void> commit(std::shared_ptr<State> next);

  storage::Store& store_;
  const Clock& clock_;
  std::mutex writing_;  // one change at a time
  mutable std::mutex mutex_;
  std::shared_ptr<const State> state_;
};

/// What is attached to a caller at this moment: to the user and its groups, or to the role.
policy::IdentityPolicies policies_of(const State& state, const policy::Principal& principal);
policy::IdentityPolicies policies_of(const State& state, const User& user);
policy::IdentityPolicies policies_of(const State& state, const Group& group);
policy::IdentityPolicies policies_of(const State& state, const Role& role);

/// The caller that a user's key stands for.
policy::Principal principal_of(const State& state, const User& user);

}  // namespace likeness::identity
