#include <algorithm>
#include <utility>

#include "services/rekognition/convert.hpp"
#include "services/rekognition/defaults.hpp"
#include "services/rekognition/operations.hpp"

namespace likeness::rekognition {

namespace {

std::vector<shapes::FaceMatch> to_matches(std::vector<domain::FaceMatch> matches) {
  std::vector<shapes::FaceMatch> shape;
  shape.reserve(matches.size());
  for (auto& match : matches)
    shape.push_back({.similarity = match.similarity, .face = to_shape(std::move(match.face))});
  return shape;
}

Result<shapes::IndexFacesResponse> index_faces(domain::Recognition& recognition, const aws::RequestContext& context,
                                               const shapes::IndexFacesRequest& in) {
  const auto wanted = wanted_of(in.detection_attributes);
  auto indexed =
      recognition.faces.index(caller_of(context), *in.collection_id,
                              {.image = source_of(*in.image),
                               .external_image_id = in.external_image_id,
                               .attributes = wanted.features,
                               .filter = filter_of(in.quality_filter, domain::QualityFilter::Auto),
                               .max_faces = std::min(count_of(in.max_faces, kMaxFacesToIndex), kMaxFacesToIndex)});
  if (!indexed) return fail(indexed);
  shapes::IndexFacesResponse out;
  auto& records = out.face_records.emplace();
  for (auto& record : indexed->records)
    records.push_back(
        {.face = to_shape(std::move(record.face)), .face_detail = to_detail(record.detail, wanted.all_landmarks)});
  auto& unindexed = out.unindexed_faces.emplace();
  for (const auto& refused : indexed->unindexed)
    unindexed.push_back(
        {.reasons = to_reasons(refused.reasons), .face_detail = to_detail(refused.face, wanted.all_landmarks)});
  out.face_model_version = std::move(indexed->face_model_version);
  return out;
}

Result<shapes::ListFacesResponse> list_faces(domain::Recognition& recognition, const aws::RequestContext& context,
                                             const shapes::ListFacesRequest& in) {
  auto listing = recognition.faces.list(caller_of(context), *in.collection_id, count_of(in.max_results, kPageSize),
                                        in.next_token, in.face_ids, in.user_id);
  if (!listing) return fail(listing);
  shapes::ListFacesResponse out;
  auto& faces = out.faces.emplace();
  faces.reserve(listing->faces.size());
  for (auto& face : listing->faces) faces.push_back(to_shape(std::move(face)));
  out.next_token = std::move(listing->next_token);
  out.face_model_version = std::move(listing->face_model_version);
  return out;
}

Result<shapes::DeleteFacesResponse> delete_faces(domain::Recognition& recognition, const aws::RequestContext& context,
                                                 const shapes::DeleteFacesRequest& in) {
  auto deleted = recognition.faces.remove(caller_of(context), *in.collection_id, *in.face_ids);
  if (!deleted) return fail(deleted);
  shapes::DeleteFacesResponse out;
  out.deleted_faces = std::move(deleted->face_ids);
  auto& unsuccessful = out.unsuccessful_face_deletions.emplace();
  for (auto& face : deleted->unsuccessful)
    unsuccessful.push_back({.face_id = std::move(face.face_id),
                            .user_id = std::move(face.user_id),
                            .reasons = {{face.reason == domain::Faces::NotDeleted::FaceNotFound
                                             ? shapes::UnsuccessfulFaceDeletionReason::FaceNotFound
                                             : shapes::UnsuccessfulFaceDeletionReason::AssociatedToAnExistingUser}}});
  return out;
}

Result<shapes::SearchFacesResponse> search_faces(domain::Recognition& recognition, const aws::RequestContext& context,
                                                 const shapes::SearchFacesRequest& in) {
  auto found =
      recognition.faces.search(caller_of(context), *in.collection_id, *in.face_id, count_of(in.max_faces, kMaxMatches),
                               in.face_match_threshold.value_or(kFaceMatchThreshold));
  if (!found) return fail(found);
  return shapes::SearchFacesResponse{.searched_face_id = in.face_id,
                                     .face_matches = to_matches(std::move(found->matches)),
                                     .face_model_version = std::move(found->face_model_version)};
}

Result<shapes::SearchFacesByImageResponse> search_faces_by_image(domain::Recognition& recognition,
                                                                 const aws::RequestContext& context,
                                                                 const shapes::SearchFacesByImageRequest& in) {
  auto found = recognition.faces.search_by_image(caller_of(context), *in.collection_id, source_of(*in.image),
                                                 filter_of(in.quality_filter, domain::QualityFilter::None),
                                                 count_of(in.max_faces, kMaxMatches),
                                                 in.face_match_threshold.value_or(kFaceMatchThreshold));
  if (!found) return fail(found);
  return shapes::SearchFacesByImageResponse{.searched_face_bounding_box = to_shape(found->searched->box),
                                            .searched_face_confidence = found->searched->confidence,
                                            .face_matches = to_matches(std::move(found->matches)),
                                            .face_model_version = std::move(found->face_model_version)};
}

}  // namespace

void register_faces(aws::Service& service, domain::Recognition& recognition) {
  const auto with = [&](auto function) {
    return [&recognition, function](const auto& context, const auto& in) { return function(recognition, context, in); };
  };
  service.on<shapes::IndexFaces>(with(index_faces),
                                 "The bars of QualityFilter are ours: AWS does not publish its own.");
  service.on<shapes::ListFaces>(with(list_faces));
  service.on<shapes::DeleteFaces>(with(delete_faces));
  service.on<shapes::SearchFaces>(with(search_faces),
                                  "A face can be found as soon as IndexFaces has answered; AWS may need some seconds.");
  service.on<shapes::SearchFacesByImage>(with(search_faces_by_image));
}

}  // namespace likeness::rekognition
