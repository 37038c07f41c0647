#include <utility>

#include "services/rekognition/convert.hpp"
#include "services/rekognition/defaults.hpp"
#include "services/rekognition/operations.hpp"

namespace likeness::rekognition {

namespace {

Result<shapes::DetectFacesResponse> detect_faces(domain::Recognition& recognition, const aws::RequestContext& context,
                                                 const shapes::DetectFacesRequest& in) {
  const auto wanted = wanted_of(in.attributes);
  auto faces = recognition.detection.detect(caller_of(context), source_of(*in.image), wanted.features);
  if (!faces) return fail(faces);
  shapes::DetectFacesResponse out;
  auto& details = out.face_details.emplace();
  details.reserve(faces->size());
  for (const auto& face : *faces) details.push_back(to_detail(face, wanted.all_landmarks));
  return out;
}

Result<shapes::CompareFacesResponse> compare_faces(domain::Recognition& recognition, const aws::RequestContext& context,
                                                   const shapes::CompareFacesRequest& in) {
  auto comparison =
      recognition.detection.compare(caller_of(context), source_of(*in.source_image), source_of(*in.target_image),
                                    in.similarity_threshold.value_or(kSimilarityThreshold),
                                    filter_of(in.quality_filter, domain::QualityFilter::None));
  if (!comparison) return fail(comparison);
  shapes::CompareFacesResponse out;
  out.source_image_face = shapes::ComparedSourceImageFace{.bounding_box = to_shape(comparison->source.box),
                                                          .confidence = comparison->source.confidence};
  auto& matches = out.face_matches.emplace();
  for (const auto& match : comparison->matches)
    matches.push_back({.similarity = match.similarity, .face = to_compared(match.face)});
  auto& unmatched = out.unmatched_faces.emplace();
  for (const auto& face : comparison->unmatched) unmatched.push_back(to_compared(face));
  return out;
}

}  // namespace

void register_detection(aws::Service& service, domain::Recognition& recognition) {
  service.on<shapes::DetectFaces>(
      [&](const auto& context, const auto& in) { return detect_faces(recognition, context, in); });
  service.on<shapes::CompareFaces>(
      [&](const auto& context, const auto& in) { return compare_faces(recognition, context, in); });
}

}  // namespace likeness::rekognition
