#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "aws/service.hpp"
#include "base/bytes.hpp"
#include "domain/identity/directory.hpp"
#include "domain/identity/rules.hpp"
#include "policy/permission.hpp"
#include "services/iam/convert.hpp"
#include "services/iam/usage.hpp"

namespace likeness::iam {

/// Whose policies, tags and boundary an input is about.
template <class In>
constexpr identity::Owner owner_of() {
  if constexpr (requires(In in) { in.role_name; })
    return identity::Owner::Role;
  else if constexpr (requires(In in) { in.group_name; })
    return identity::Owner::Group;
  else
    return identity::Owner::User;
}

template <class In>
const std::string& name_in(const In& in) {
  if constexpr (requires { in.role_name; })
    return *in.role_name;
  else if constexpr (requires { in.group_name; })
    return *in.group_name;
  else
    return *in.user_name;
}

/// The name of the user that is meant: himself, where the input names none.
template <class In>
Result<std::string> user_in(const aws::RequestContext& context, const In& in) {
  if (in.user_name) return *in.user_name;
  if (context.principal.kind == policy::Principal::Kind::User) return context.principal.name;
  return client_error("ValidationError", "Must specify userName when calling with non-User credentials");
}

/// The permission for an operation on what its input names. Members may be absent.
template <class In>
policy::Permission permission_for(const identity::State& state, const aws::RequestContext& context, const In& in,
                                  std::string action, std::string_view listed);

/// Fills a page of a listing: `all` are items by the key that orders them, the marker is where the page before ended.
template <class Out, class T, class In>
Result<Out> listed(std::optional<std::vector<T>> Out::* member, std::vector<std::pair<std::string, T>> all,
                   const In& in, Out out = {}) {
  constexpr std::size_t kPage = 100;
  std::ranges::sort(all, {}, [](const auto& item) -> const std::string& { return item.first; });
  auto at = all.begin();
  if (in.marker) {
    const auto after = from_base64(*in.marker);
    if (!after || after->empty()) return client_error("ValidationError", "Invalid Marker.");
    at = std::ranges::upper_bound(all, std::string(as_text(*after)), {},
                                  [](const auto& item) -> const std::string& { return item.first; });
  }
  const std::size_t limit = in.max_items ? static_cast<std::size_t>(*in.max_items) : kPage;
  auto& page = (out.*member).emplace();
  std::string last;
  for (; at != all.end() && page.size() < limit; ++at) {
    last = std::move(at->first);
    page.push_back(std::move(at->second));
  }
  out.is_truncated = at != all.end();
  if (at != all.end()) out.marker = to_base64(as_bytes(last));
  return out;
}

/// Registers operations over the directory, each with its permission.
class Registrar {
 public:
  Registrar(aws::Service& service, identity::Directory& directory) : service_(service), directory_(directory) {}

  /// `function(const State&, const RequestContext&, const Input&) -> Result<Output>`. `listed` is the kind of entity
  /// that an operation lists: "user", "role".
  template <class Op, class Function>
  void read(Function function, std::string_view listed = {}, std::string difference = {}) {
    service_.on<Op>(
        [&directory = directory_, function](const aws::RequestContext& context, const typename Op::Input& in)
            -> Result<typename Op::Output> { return function(*directory.read(), context, in); },
        std::move(difference));
    permit<Op>(listed);
  }

  /// `function(State&, const RequestContext&, const Input&) -> Result<Output>`, or Result<void> where there is no
  /// output.
  template <class Op, class Function>
  void change(Function function, std::string difference = {}) {
    service_.on<Op>(
        [&directory = directory_, function](const aws::RequestContext& context,
                                            const typename Op::Input& in) -> Result<typename Op::Output> {
          auto done = directory.change([&](identity::State& state) { return function(state, context, in); });
          if (!done) return fail(done);
          if constexpr (std::is_same_v<decltype(done), Result<void>>)
            return typename Op::Output{};
          else
            return std::move(*done);
        },
        std::move(difference));
    permit<Op>({});
  }

 private:
  template <class Op>
  void permit(std::string_view listed) {
    service_.permissions<Op>(
        [&directory = directory_, listed](const aws::RequestContext& context, const typename Op::Input& in) {
          return std::vector{permission_for(*directory.read(), context, in, "iam:" + std::string(Op::kName), listed)};
        });
  }

  aws::Service& service_;
  identity::Directory& directory_;
};

template <class In>
policy::Permission permission_for(const identity::State& state, const aws::RequestContext& context, const In& in,
                                  std::string action, std::string_view listed) {
  policy::Permission out;
  out.action = std::move(action);
  const std::string base = "arn:aws:iam::" + state.account + ":";
  std::string path = "/";
  if constexpr (requires { in.path; }) path = in.path.value_or("/");
  if constexpr (requires { in.path_prefix; }) path = in.path_prefix.value_or("/");
  const auto add_tags = [&](const identity::Tags& tags) {
    for (const auto& [key, value] : tags) {
      out.context["aws:ResourceTag/" + key] = {value};
      out.context["iam:ResourceTag/" + key] = {value};
    }
  };
  const auto name_resource = [&](const auto& entities, std::string_view kind, const std::optional<std::string>& name) {
    if (!name) return false;
    const auto at = entities.find(identity::key_of(*name));
    const bool there = at != entities.end();
    out.resource = base + std::string(kind) + (there ? at->second->path : path) + (there ? at->second->name : *name);
    if (there) add_tags(at->second->tags);
    return true;
  };
  bool named = false;
  if constexpr (requires { in.instance_profile_name; })
    named = name_resource(state.profiles, "instance-profile", in.instance_profile_name);
  if constexpr (requires { in.group_name; }) named = named || name_resource(state.groups, "group", in.group_name);
  if constexpr (requires { in.role_name; }) named = named || name_resource(state.roles, "role", in.role_name);
  if constexpr (requires { in.user_name; }) {
    std::optional<std::string> user = in.user_name;
    if (!user && context.principal.kind == policy::Principal::Kind::User) user = context.principal.name;
    named = named || name_resource(state.users, "user", user);
  }
  if constexpr (requires { in.policy_arn; }) {
    if (in.policy_arn && named) out.context["iam:PolicyARN"] = {*in.policy_arn};
    if (in.policy_arn && !named) {
      out.resource = *in.policy_arn;
      if (const auto at = state.policies.find(*in.policy_arn); at != state.policies.end()) add_tags(at->second->tags);
    }
  }
  if constexpr (requires {
                  in.policy_name;
                  in.path;
                })
    if (in.policy_name && !named) out.resource = base + "policy" + path + *in.policy_name;
  if constexpr (requires { in.open_id_connect_provider_arn; })
    out.resource = in.open_id_connect_provider_arn.value_or("*");
  if constexpr (requires { in.policy_source_arn; }) out.resource = in.policy_source_arn.value_or("*");
  if (!listed.empty() && !named) out.resource = base + std::string(listed) + path;
  if constexpr (requires { in.permissions_boundary; })
    if (in.permissions_boundary) out.context["iam:PermissionsBoundary"] = {*in.permissions_boundary};
  if constexpr (requires { in.tags->front().key; }) {
    if (in.tags)
      for (const auto& tag : *in.tags) {
        out.context["aws:RequestTag/" + tag.key.value_or("")] = {tag.value.value_or("")};
        out.context["aws:TagKeys"].push_back(tag.key.value_or(""));
      }
  }
  if constexpr (requires { in.tag_keys; })
    if (in.tag_keys) out.context["aws:TagKeys"] = *in.tag_keys;
  return out;
}

inline constexpr const char* kSinceStart = "Uses since the server's start.";

/// The operations in groups; `make_iam` calls each once.
void register_users(Registrar& registrar, const Usage& usage);
void register_roles(Registrar& registrar, const Usage& usage);
void register_policies(Registrar& registrar);
void register_account(Registrar& registrar);
void register_simulation(Registrar& registrar);

}  // namespace likeness::iam
