#include "services/iam/registrar.hpp"

namespace likeness::iam {
namespace {

using identity::State;

template <class In>
Result<identity::NewEntity> entity_in(const In& in, const std::string& name) {
  identity::NewEntity out{.name = name, .path = in.path.value_or("/")};
  if constexpr (requires { in.permissions_boundary; }) out.boundary = in.permissions_boundary.value_or("");
  if constexpr (requires { in.tags; }) {
    auto tags = tags_in(in.tags);
    if (!tags) return fail(tags);
    out.tags = std::move(*tags);
  }
  return out;
}

shapes::AccessKeyMetadata metadata_of(const identity::User& user, const identity::AccessKey& key) {
  return {.user_name = user.name,
          .access_key_id = key.id,
          .status = key.active ? shapes::statusType::Active : shapes::statusType::Inactive,
          .create_date = key.created};
}

void register_access_keys(Registrar& registrar, const Usage& usage) {
  registrar.change<shapes::CreateAccessKey>(
      [](State& state, const auto& context, const auto& in) -> Result<shapes::CreateAccessKeyResponse> {
        const auto user = user_in(context, in);
        if (!user) return Failure(user.error());
        auto key = identity::create_access_key(state, *user);
        if (!key) return fail(key);
        return shapes::CreateAccessKeyResponse{
            .access_key = shapes::AccessKey{.user_name = (*identity::find_user(state, *user))->name,
                                            .access_key_id = key->id,
                                            .status = shapes::statusType::Active,
                                            .secret_access_key = key->secret,
                                            .create_date = key->created}};
      });
  registrar.change<shapes::UpdateAccessKey>([](State& state, const auto& context, const auto& in) -> Result<void> {
    const auto user = user_in(context, in);
    if (!user) return Failure(user.error());
    return identity::update_access_key(state, *user, *in.access_key_id, *in.status == shapes::statusType::Active);
  });
  registrar.change<shapes::DeleteAccessKey>([](State& state, const auto& context, const auto& in) -> Result<void> {
    const auto user = user_in(context, in);
    if (!user) return Failure(user.error());
    return identity::delete_access_key(state, *user, *in.access_key_id);
  });
  registrar.read<shapes::ListAccessKeys>(
      [](const State& state, const auto& context, const auto& in) -> Result<shapes::ListAccessKeysResponse> {
        const auto name = user_in(context, in);
        if (!name) return Failure(name.error());
        const auto user = identity::find_user(state, *name);
        if (!user) return Failure(user.error());
        std::vector<std::pair<std::string, shapes::AccessKeyMetadata>> all;
        for (const auto& key : (*user)->keys) all.emplace_back(key.id, metadata_of(**user, key));
        return listed(&shapes::ListAccessKeysResponse::access_key_metadata, std::move(all), in);
      });
  registrar.read<shapes::GetAccessKeyLastUsed>(
      [&usage](const State& state, const auto&, const auto& in) -> Result<shapes::GetAccessKeyLastUsedResponse> {
        const auto owner = state.key_owners.find(*in.access_key_id);
        // As AWS: nobody finds out which keys there are.
        if (owner == state.key_owners.end())
          return client_error(std::string(aws::kAccessDenied),
                              "User is not authorized to perform: iam:GetAccessKeyLastUsed");
        shapes::AccessKeyLastUsed last{.service_name = "N/A", .region = "N/A"};
        if (const auto used = usage.find(*in.access_key_id))
          last = {.last_used_date = used->time, .service_name = used->service, .region = used->region};
        return shapes::GetAccessKeyLastUsedResponse{.user_name = state.users.at(owner->second)->name,
                                                    .access_key_last_used = std::move(last)};
      },
      {}, kSinceStart);
}

shapes::SigningCertificate certificate_of(const identity::User& user, const identity::SigningCertificate& certificate) {
  return {.user_name = user.name,
          .certificate_id = certificate.id,
          .certificate_body = certificate.body,
          .status = certificate.active ? shapes::statusType::Active : shapes::statusType::Inactive,
          .upload_date = certificate.uploaded};
}

void register_certificates(Registrar& registrar) {
  registrar.change<shapes::UploadSigningCertificate>(
      [](State& state, const auto& context, const auto& in) -> Result<shapes::UploadSigningCertificateResponse> {
        const auto user = user_in(context, in);
        if (!user) return Failure(user.error());
        const auto made = identity::upload_certificate(state, *user, *in.certificate_body);
        if (!made) return Failure(made.error());
        return shapes::UploadSigningCertificateResponse{.certificate =
                                                            certificate_of(**identity::find_user(state, *user), *made)};
      });
  registrar.change<shapes::UpdateSigningCertificate>(
      [](State& state, const auto& context, const auto& in) -> Result<void> {
        const auto user = user_in(context, in);
        if (!user) return Failure(user.error());
        return identity::update_certificate(state, *user, *in.certificate_id, *in.status == shapes::statusType::Active);
      });
  registrar.change<shapes::DeleteSigningCertificate>(
      [](State& state, const auto& context, const auto& in) -> Result<void> {
        const auto user = user_in(context, in);
        if (!user) return Failure(user.error());
        return identity::delete_certificate(state, *user, *in.certificate_id);
      });
  registrar.read<shapes::ListSigningCertificates>(
      [](const State& state, const auto& context, const auto& in) -> Result<shapes::ListSigningCertificatesResponse> {
        const auto name = user_in(context, in);
        if (!name) return Failure(name.error());
        const auto user = identity::find_user(state, *name);
        if (!user) return Failure(user.error());
        std::vector<std::pair<std::string, shapes::SigningCertificate>> all;
        for (const auto& certificate : (*user)->certificates)
          all.emplace_back(certificate.id, certificate_of(**user, certificate));
        return listed(&shapes::ListSigningCertificatesResponse::certificates, std::move(all), in);
      });
}

void register_groups(Registrar& registrar) {
  registrar.change<shapes::CreateGroup>(
      [](State& state, const auto&, const auto& in) -> Result<shapes::CreateGroupResponse> {
        const auto wanted = entity_in(in, *in.group_name);
        if (!wanted) return Failure(wanted.error());
        auto made = identity::create_group(state, *wanted);
        if (!made) return fail(made);
        return shapes::CreateGroupResponse{.group = shape_of(state, **made)};
      });
  registrar.read<shapes::GetGroup>(
      [](const State& state, const auto&, const auto& in) -> Result<shapes::GetGroupResponse> {
        const auto group = identity::find_group(state, *in.group_name);
        if (!group) return Failure(group.error());
        std::vector<std::pair<std::string, shapes::User>> all;
        for (const auto& user : identity::members_of(state, *in.group_name))
          all.emplace_back(identity::key_of(user->name), shape_of(state, *user, false));
        return listed(&shapes::GetGroupResponse::users, std::move(all), in,
                      shapes::GetGroupResponse{.group = shape_of(state, **group)});
      });
  registrar.change<shapes::UpdateGroup>([](State& state, const auto&, const auto& in) {
    return identity::update_group(state, *in.group_name, in.new_group_name, in.new_path);
  });
  registrar.change<shapes::DeleteGroup>(
      [](State& state, const auto&, const auto& in) { return identity::delete_group(state, *in.group_name); });
  registrar.change<shapes::AddUserToGroup>([](State& state, const auto&, const auto& in) {
    return identity::add_to_group(state, *in.group_name, *in.user_name);
  });
  registrar.change<shapes::RemoveUserFromGroup>([](State& state, const auto&, const auto& in) {
    return identity::remove_from_group(state, *in.group_name, *in.user_name);
  });
  registrar.read<shapes::ListGroups>(
      [](const State& state, const auto&, const auto& in) {
        std::vector<std::pair<std::string, shapes::Group>> all;
        for (const auto& [key, group] : state.groups)
          if (group->path.starts_with(in.path_prefix.value_or("/"))) all.emplace_back(key, shape_of(state, *group));
        return listed(&shapes::ListGroupsResponse::groups, std::move(all), in);
      },
      "group");
  registrar.read<shapes::ListGroupsForUser>(
      [](const State& state, const auto&, const auto& in) -> Result<shapes::ListGroupsForUserResponse> {
        const auto user = identity::find_user(state, *in.user_name);
        if (!user) return Failure(user.error());
        std::vector<std::pair<std::string, shapes::Group>> all;
        for (const auto& key : (*user)->groups) all.emplace_back(key, shape_of(state, *state.groups.at(key)));
        return listed(&shapes::ListGroupsForUserResponse::groups, std::move(all), in);
      });
}

}  // namespace

void register_users(Registrar& registrar, const Usage& usage) {
  registrar.change<shapes::CreateUser>(
      [](State& state, const auto&, const auto& in) -> Result<shapes::CreateUserResponse> {
        const auto wanted = entity_in(in, *in.user_name);
        if (!wanted) return Failure(wanted.error());
        auto made = identity::create_user(state, *wanted);
        if (!made) return fail(made);
        return shapes::CreateUserResponse{.user = shape_of(state, **made, true)};
      });
  registrar.read<shapes::GetUser>([](const State& state, const auto& context,
                                     const auto& in) -> Result<shapes::GetUserResponse> {
    if (!in.user_name && context.principal.kind == policy::Principal::Kind::Root)
      return shapes::GetUserResponse{
          .user = shapes::User{.user_id = state.account, .arn = context.principal.arn, .create_date = state.opened}};
    const auto name = user_in(context, in);
    if (!name) return Failure(name.error());
    const auto user = identity::find_user(state, *name);
    if (!user) return Failure(user.error());
    return shapes::GetUserResponse{.user = shape_of(state, **user, true)};
  });
  registrar.change<shapes::UpdateUser>([](State& state, const auto&, const auto& in) {
    return identity::update_user(state, *in.user_name, in.new_user_name, in.new_path);
  });
  registrar.change<shapes::DeleteUser>(
      [](State& state, const auto&, const auto& in) { return identity::delete_user(state, *in.user_name); });
  registrar.read<shapes::ListUsers>(
      [](const State& state, const auto&, const auto& in) {
        std::vector<std::pair<std::string, shapes::User>> all;
        for (const auto& [key, user] : state.users)
          if (user->path.starts_with(in.path_prefix.value_or("/")))
            all.emplace_back(key, shape_of(state, *user, false));
        return listed(&shapes::ListUsersResponse::users, std::move(all), in);
      },
      "user");
  register_access_keys(registrar, usage);
  register_certificates(registrar);
  register_groups(registrar);
}

}  // namespace likeness::iam
