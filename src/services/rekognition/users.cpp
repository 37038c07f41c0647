#include <utility>

#include "services/rekognition/convert.hpp"
#include "services/rekognition/defaults.hpp"
#include "services/rekognition/operations.hpp"

namespace likeness::rekognition {

namespace {

using domain::Users;

std::vector<shapes::UserMatch> to_matches(std::vector<domain::UserMatch> matches) {
  std::vector<shapes::UserMatch> shape;
  shape.reserve(matches.size());
  for (auto& match : matches)
    shape.push_back(
        {.similarity = match.similarity,
         .user = shapes::MatchedUser{.user_id = std::move(match.user_id), .user_status = to_shape(match.status)}});
  return shape;
}

Result<shapes::CreateUserResponse> create(domain::Recognition& recognition, const aws::RequestContext& context,
                                          const shapes::CreateUserRequest& in) {
  if (auto done = recognition.users.create(caller_of(context), *in.collection_id, *in.user_id, in.client_request_token);
      !done)
    return fail(done);
  return shapes::CreateUserResponse{};
}

Result<shapes::DeleteUserResponse> remove(domain::Recognition& recognition, const aws::RequestContext& context,
                                          const shapes::DeleteUserRequest& in) {
  if (auto done = recognition.users.remove(caller_of(context), *in.collection_id, *in.user_id, in.client_request_token);
      !done)
    return fail(done);
  return shapes::DeleteUserResponse{};
}

Result<shapes::ListUsersResponse> list(domain::Recognition& recognition, const aws::RequestContext& context,
                                       const shapes::ListUsersRequest& in) {
  auto listing = recognition.users.list(caller_of(context), *in.collection_id, count_of(in.max_results, kUserPageSize),
                                        in.next_token);
  if (!listing) return fail(listing);
  shapes::ListUsersResponse out;
  auto& users = out.users.emplace();
  for (auto& user : listing->users)
    users.push_back({.user_id = std::move(user.id), .user_status = to_shape(user.status)});
  out.next_token = std::move(listing->next_token);
  return out;
}

Result<shapes::AssociateFacesResponse> associate(domain::Recognition& recognition, const aws::RequestContext& context,
                                                 const shapes::AssociateFacesRequest& in) {
  auto done =
      recognition.users.associate(caller_of(context), *in.collection_id, *in.user_id, *in.face_ids,
                                  in.user_match_threshold.value_or(kAssociationThreshold), in.client_request_token);
  if (!done) return fail(done);
  shapes::AssociateFacesResponse out;
  auto& associated = out.associated_faces.emplace();
  for (auto& id : done->face_ids) associated.push_back({.face_id = std::move(id)});
  auto& unsuccessful = out.unsuccessful_face_associations.emplace();
  for (auto& face : done->unsuccessful) {
    using From = Users::NotAssociated;
    using To = shapes::UnsuccessfulFaceAssociationReason;
    std::vector<To> reasons;
    if (face.reason)
      reasons.push_back(*face.reason == From::FaceNotFound                 ? To::FaceNotFound
                        : *face.reason == From::AssociatedToADifferentUser ? To::AssociatedToADifferentUser
                                                                           : To::LowMatchConfidence);
    unsuccessful.push_back({.face_id = std::move(face.face_id),
                            .user_id = std::move(face.user_id),
                            .confidence = face.confidence,
                            .reasons = std::move(reasons)});
  }
  out.user_status = to_shape(done->status);
  return out;
}

Result<shapes::DisassociateFacesResponse> disassociate(domain::Recognition& recognition,
                                                       const aws::RequestContext& context,
                                                       const shapes::DisassociateFacesRequest& in) {
  auto done = recognition.users.disassociate(caller_of(context), *in.collection_id, *in.user_id, *in.face_ids,
                                             in.client_request_token);
  if (!done) return fail(done);
  shapes::DisassociateFacesResponse out;
  auto& disassociated = out.disassociated_faces.emplace();
  for (auto& id : done->face_ids) disassociated.push_back({.face_id = std::move(id)});
  auto& unsuccessful = out.unsuccessful_face_disassociations.emplace();
  for (auto& face : done->unsuccessful) {
    using To = shapes::UnsuccessfulFaceDisassociationReason;
    unsuccessful.push_back(
        {.face_id = std::move(face.face_id),
         .user_id = std::move(face.user_id),
         .reasons = {
             {face.reason == Users::NotAssociated::FaceNotFound ? To::FaceNotFound : To::AssociatedToADifferentUser}}});
  }
  out.user_status = to_shape(done->status);
  return out;
}

Result<shapes::SearchUsersResponse> search(domain::Recognition& recognition, const aws::RequestContext& context,
                                           const shapes::SearchUsersRequest& in) {
  auto found = recognition.users.search(caller_of(context), *in.collection_id, in.user_id, in.face_id,
                                        count_of(in.max_users, kMaxUsers),
                                        in.user_match_threshold.value_or(kUserMatchThreshold));
  if (!found) return fail(found);
  shapes::SearchUsersResponse out;
  out.user_matches = to_matches(std::move(found->matches));
  out.face_model_version = std::move(found->face_model_version);
  if (in.face_id) out.searched_face = shapes::SearchedFace{.face_id = in.face_id};
  if (in.user_id) out.searched_user = shapes::SearchedUser{.user_id = in.user_id};
  return out;
}

Result<shapes::SearchUsersByImageResponse> search_by_image(domain::Recognition& recognition,
                                                           const aws::RequestContext& context,
                                                           const shapes::SearchUsersByImageRequest& in) {
  auto found = recognition.users.search_by_image(caller_of(context), *in.collection_id, source_of(*in.image),
                                                 filter_of(in.quality_filter, domain::QualityFilter::None),
                                                 count_of(in.max_users, kMaxUsers),
                                                 in.user_match_threshold.value_or(kUserMatchThreshold));
  if (!found) return fail(found);
  shapes::SearchUsersByImageResponse out;
  out.user_matches = to_matches(std::move(found->matches));
  out.face_model_version = std::move(found->face_model_version);
  if (found->searched)
    out.searched_face = shapes::SearchedFaceDetails{.face_detail = to_detail(*found->searched, false)};
  auto& unsearched = out.unsearched_faces.emplace();
  for (const auto& face : found->unsearched)
    unsearched.push_back({.face_details = to_detail(face.face, false), .reasons = to_unsearched_reasons(face.reasons)});
  return out;
}

}  // namespace

void register_users(aws::Service& service, domain::Recognition& recognition) {
  const auto with = [&](auto function) {
    return [&recognition, function](const auto& context, const auto& in) { return function(recognition, context, in); };
  };
  const std::string at_once =
      "UserStatus is ACTIVE in the answer: the change is complete then. AWS answers UPDATING and completes it later.";
  service.on<shapes::CreateUser>(with(create));
  service.on<shapes::DeleteUser>(with(remove));
  service.on<shapes::ListUsers>(with(list), "Users are listed by UserId; AWS lists them by an id of its own.");
  service.on<shapes::AssociateFaces>(with(associate), at_once);
  service.on<shapes::DisassociateFaces>(with(disassociate), at_once);
  service.on<shapes::SearchUsers>(with(search));
  service.on<shapes::SearchUsersByImage>(with(search_by_image));
}

}  // namespace likeness::rekognition
