#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "domain/identity/model.hpp"

/// What is stored, one item an entity. Table "identity", partition = the account:
///
///   user/KEY  group/KEY  role/KEY  policy/ARN  profile/KEY  provider/ARN  alias  opened
namespace likeness::identity {

inline constexpr std::string_view kTable = "identity";

std::string encode(const User& user);
std::string encode(const Group& group);
std::string encode(const Role& role);
std::string encode(const ManagedPolicy& policy);
std::string encode(const InstanceProfile& profile);
std::string encode(const OidcProvider& provider);

/// Error "ServiceFailure" for a value that is damaged.
Result<void> decode(std::string_view bytes, User& user);
Result<void> decode(std::string_view bytes, Group& group);
Result<void> decode(std::string_view bytes, Role& role);
Result<void> decode(std::string_view bytes, ManagedPolicy& policy);
Result<void> decode(std::string_view bytes, InstanceProfile& profile);
Result<void> decode(std::string_view bytes, OidcProvider& provider);

}  // namespace likeness::identity
