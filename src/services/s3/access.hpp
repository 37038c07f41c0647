#pragma once

#include <optional>
#include <string>

#include "services/s3/common.hpp"

/// Who may do what: permissions with bucket policies and ACLs behind them.
namespace likeness::s3 {

/// The right to `action` on a bucket (`key` empty) or an object, with what the bucket itself says to it. The request's
/// x-amz- headers are condition keys.
policy::Permission permission(State& state, const aws::RequestContext& context, std::string action,
                              const std::string& bucket, const std::string& key = {},
                              const std::optional<std::string>& version_id = {}, policy::ContextKeys keys = {});

/// For an object that is not there: its absence is no secret for those who may list the bucket. Gives the error to
/// answer with.
Failure absent(State& state, const aws::RequestContext& context, const std::string& bucket, Error error);

/// Whether ACLs have a meaning for the bucket.
bool has_acls(const objects::Bucket& bucket);

/// The ACL that headers of a write ask for, in the stored form; empty if they ask for none. Errors:
/// AccessControlListNotSupported, AccessDenied (public ones are blocked), InvalidRequest.
struct AclHeaders {
  std::optional<std::string> canned;
  std::optional<std::string> full_control, read, write, read_acp, write_acp;
};
template <class In>
AclHeaders acl_headers(const In& in) {
  AclHeaders headers;
  if (in.acl) headers.canned = std::string(shapes::to_text(*in.acl));
  headers.full_control = in.grant_full_control;
  headers.read = in.grant_read;
  headers.read_acp = in.grant_read_acp;
  headers.write_acp = in.grant_write_acp;
  if constexpr (requires { in.grant_write; }) headers.write = in.grant_write;
  return headers;
}
Result<std::string> acl_of(const objects::Bucket& bucket, const AclHeaders& headers);

/// Adds the right to an operation on its bucket or object. With a version id `of_version` is the action, if there is
/// one.
template <class Op>
void needs(aws::Service& service, State& state, const char* action, const char* of_version = nullptr) {
  service.permissions<Op>(
      [&state, action, of_version](const aws::RequestContext& context, const typename Op::Input& in) {
        std::optional<std::string> version;
        if constexpr (requires { in.version_id; }) version = non_empty(in.version_id);
        policy::ContextKeys keys;
        if constexpr (requires { in.prefix; })
          if (in.prefix) keys["s3:prefix"] = {*in.prefix};
        if constexpr (requires { in.delimiter; })
          if (in.delimiter) keys["s3:delimiter"] = {*in.delimiter};
        if constexpr (requires { in.max_keys; })
          if (in.max_keys) keys["s3:max-keys"] = {std::to_string(*in.max_keys)};
        const std::string name = version && of_version != nullptr ? of_version : action;
        return std::vector{permission(state, context, name, bucket_name(in), key_name(in), version, std::move(keys))};
      });
}

}  // namespace likeness::s3
