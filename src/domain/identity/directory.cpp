#include "domain/identity/directory.hpp"

#include <charconv>
#include <chrono>
#include <string_view>
#include <vector>

#include "domain/identity/aws_policies.hpp"
#include "domain/identity/records.hpp"

namespace likeness::identity {
namespace {

constexpr std::string_view kAlias = "alias", kOpened = "opened";

Failure from_store(const Error& error) {
  const bool full = error.code == "StorageFull";
  return server_error("ServiceFailure",
                      full ? "The disk is full: nothing was changed."
                           : "The request processing has failed because of an internal error.",
                      error.code + ": " + error.message + " " + error.detail);
}

/// What has to be written to come from one set of entities to another.
template <class T>
void differences(const std::string& account, std::string_view kind, const Entities<T>& before, const Entities<T>& after,
                 std::vector<storage::Write>& writes) {
  const auto write = [&](const std::string& key, std::optional<std::string> value) {
    storage::Write out;
    out.table = std::string(kTable);
    out.key = {account, std::string(kind) + "/" + key};
    out.value = std::move(value);
    writes.push_back(std::move(out));
  };
  auto old = before.begin();
  auto now = after.begin();
  while (old != before.end() || now != after.end()) {
    if (now == after.end() || (old != before.end() && old->first < now->first)) {
      write(old->first, std::nullopt);
      ++old;
    } else if (old == before.end() || now->first < old->first) {
      write(now->first, encode(*now->second));
      ++now;
    } else {
      if (old->second != now->second) write(now->first, encode(*now->second));
      ++old;
      ++now;
    }
  }
}

template <class T>
Result<void> load_one(std::string_view key, std::string_view value, Entities<T>& into) {
  auto entity = std::make_shared<T>();
  if (auto read = decode(value, *entity); !read) return fail(read);
  into.emplace(std::string(key), std::move(entity));
  return {};
}

Result<void> load_item(std::string_view sort, std::string_view value, State& state) {
  if (sort == kAlias) {
    state.alias = std::make_shared<const std::string>(value);
    return {};
  }
  if (sort == kOpened) {
    std::int64_t count = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), count);
    if (read.ec == std::errc()) state.opened = TimePoint(std::chrono::seconds(count));
    return {};
  }
  const auto slash = sort.find('/');
  const auto kind = sort.substr(0, slash);
  const auto key = slash == std::string_view::npos ? std::string_view() : sort.substr(slash + 1);
  if (kind == "user") return load_one(key, value, state.users);
  if (kind == "group") return load_one(key, value, state.groups);
  if (kind == "role") return load_one(key, value, state.roles);
  if (kind == "policy") return load_one(key, value, state.policies);
  if (kind == "profile") return load_one(key, value, state.profiles);
  if (kind == "provider") return load_one(key, value, state.providers);
  return {};  // of a later version
}

void index_keys(State& state) {
  state.key_owners.clear();
  for (const auto& [name, user] : state.users)
    for (const auto& key : user->keys) state.key_owners[key.id] = name;
}

void add_policies(const State& state, std::string_view owner, const Identity& identity, policy::IdentityPolicies& out) {
  for (const auto& [name, inline_policy] : identity.inline_policies)
    out.identity.push_back({std::string(owner) + "/" + identity.name + "/" + name, inline_policy.document});
  for (const auto& arn : identity.attached)
    if (const auto at = state.policies.find(arn); at != state.policies.end())
      out.identity.push_back({arn, at->second->in_force().policy.document});
}

void add_boundary(const State& state, const Identity& identity, policy::IdentityPolicies& out) {
  if (identity.boundary.empty()) return;
  const auto at = state.policies.find(identity.boundary);
  // A boundary that is gone bounds everything.
  out.boundary =
      policy::NamedPolicy{identity.boundary, at == state.policies.end() ? std::make_shared<const policy::Document>()
                                                                        : at->second->in_force().policy.document};
}

}  // namespace

Result<std::unique_ptr<Directory>> Directory::open(storage::Store& store, const Clock& clock,
                                                   const std::string& account) {
  std::unique_ptr<Directory> directory(new Directory(store, clock));
  if (auto loaded = directory->load(account); !loaded) return fail(loaded);
  return directory;
}

Result<void> Directory::load(const std::string& account) {
  auto state = std::make_shared<State>();
  state->account = account;
  if (auto added = add_aws_policies(*state); !added) return fail(added);
  Result<void> loaded;
  auto scanned = store_.scan(kTable, account, [&](std::string_view sort, std::string_view value) {
    loaded = load_item(sort, value, *state);
    return loaded.has_value();
  });
  if (!scanned) return from_store(scanned.error());
  if (!loaded) return fail(loaded);
  if (state->opened == TimePoint{}) {
    const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now());
    storage::Write opened;
    opened.table = std::string(kTable);
    opened.key = {account, std::string(kOpened)};
    opened.value = std::to_string(now.time_since_epoch().count());
    if (auto written = store_.commit({std::move(opened)}); !written) return from_store(written.error());
    state->opened = now;
  }
  index_keys(*state);
  state_ = std::move(state);
  return {};
}

std::shared_ptr<const State> Directory::read() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

Result<void> Directory::commit(std::shared_ptr<State> next) {
  const auto before = read();
  std::vector<storage::Write> writes;
  differences(next->account, "user", before->users, next->users, writes);
  differences(next->account, "group", before->groups, next->groups, writes);
  differences(next->account, "role", before->roles, next->roles, writes);
  differences(next->account, "policy", before->policies, next->policies, writes);
  differences(next->account, "profile", before->profiles, next->profiles, writes);
  differences(next->account, "provider", before->providers, next->providers, writes);
  if (before->alias != next->alias) {
    storage::Write alias;
    alias.table = std::string(kTable);
    alias.key = {next->account, std::string(kAlias)};
    if (next->alias) alias.value = *next->alias;
    writes.push_back(std::move(alias));
  }
  if (writes.empty()) return {};
  if (auto written = store_.commit(std::move(writes)); !written) return from_store(written.error());
  index_keys(*next);
  const std::lock_guard lock(mutex_);
  state_ = std::move(next);
  return {};
}

policy::IdentityPolicies policies_of(const State& state, const User& user) {
  policy::IdentityPolicies out;
  add_policies(state, "user", user, out);
  for (const auto& name : user.groups)
    if (const auto at = state.groups.find(name); at != state.groups.end())
      add_policies(state, "group", *at->second, out);
  add_boundary(state, user, out);
  return out;
}

policy::IdentityPolicies policies_of(const State& state, const Group& group) {
  policy::IdentityPolicies out;
  add_policies(state, "group", group, out);
  return out;
}

policy::IdentityPolicies policies_of(const State& state, const Role& role) {
  policy::IdentityPolicies out;
  add_policies(state, "role", role, out);
  add_boundary(state, role, out);
  return out;
}

policy::IdentityPolicies policies_of(const State& state, const policy::Principal& principal) {
  using Kind = policy::Principal::Kind;
  const auto key = key_of(principal.name);
  if (principal.kind == Kind::User || principal.kind == Kind::FederatedUser) {
    if (principal.kind == Kind::FederatedUser && principal.federated_by.empty()) {
      // Root's: only the session's policies bound it.
      policy::IdentityPolicies out;
      const std::string everything = policy_arn("aws", "/", "AdministratorAccess");
      if (const auto at = state.policies.find(everything); at != state.policies.end())
        out.identity.push_back({everything, at->second->in_force().policy.document});
      return out;
    }
    // A federated user acts within what the user may who asked for its token.
    const auto owner = principal.kind == Kind::User ? key : key_of(principal.federated_by);
    if (const auto at = state.users.find(owner); at != state.users.end()) return policies_of(state, *at->second);
  }
  if (principal.kind == Kind::AssumedRole)
    if (const auto at = state.roles.find(key); at != state.roles.end()) return policies_of(state, *at->second);
  return {};
}

policy::Principal principal_of(const State& state, const User& user) {
  policy::Principal out;
  out.kind = policy::Principal::Kind::User;
  out.account = state.account;
  out.arn = user_arn(state, user);
  out.user_id = user.id;
  out.name = user.name;
  out.tags = user.tags;
  return out;
}

}  // namespace likeness::identity
