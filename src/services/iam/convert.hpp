#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/gen/iam.hpp"
#include "domain/identity/model.hpp"
#include "domain/identity/rules.hpp"

/// Entities in the shapes of the service.
namespace likeness::iam {

namespace shapes = aws::iam;

std::vector<shapes::Tag> tags_of(const identity::Tags& tags);
/// Tags by the key that orders them, for a listing.
std::vector<std::pair<std::string, shapes::Tag>> sorted_tags(const identity::Tags& tags);
Result<identity::Tags> tags_in(const std::optional<std::vector<shapes::Tag>>& tags);

/// Documents travel in the encoding of URLs (RFC 3986).
std::string encoded(std::string_view document);

shapes::User shape_of(const identity::State& state, const identity::User& user, bool whole);
shapes::Group shape_of(const identity::State& state, const identity::Group& group);
/// Lists leave tags and boundary out.
shapes::Role shape_of(const identity::State& state, const identity::Role& role, bool whole);
shapes::Policy shape_of(const identity::State& state, const identity::ManagedPolicy& policy, bool whole);
shapes::PolicyVersion shape_of(const identity::ManagedPolicy& policy, const identity::PolicyVersion& version,
                               bool with_document);
shapes::InstanceProfile shape_of(const identity::State& state, const identity::InstanceProfile& profile, bool whole);
std::optional<shapes::AttachedPermissionsBoundary> boundary_of(const identity::Identity& identity);
std::vector<shapes::AttachedPolicy> attached_to(const identity::State& state, const identity::Identity& identity,
                                                std::string_view path_prefix = "/");
std::vector<shapes::PolicyDetail> inline_policies_of(const identity::Identity& identity);

}  // namespace likeness::iam
