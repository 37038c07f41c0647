#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "aws/gen/rekognition.hpp"
#include "aws/service.hpp"
#include "domain/caller.hpp"
#include "domain/faces/quality_filter.hpp"
#include "domain/faces/records.hpp"
#include "domain/image_source.hpp"
#include "vision/face.hpp"

/// Between the generated shapes and those of vision and domain.
namespace likeness::rekognition {

namespace shapes = aws::rekognition;

domain::Caller caller_of(const aws::RequestContext& context);

/// Borrows the image's bytes.
domain::ImageSource source_of(const shapes::Image& image);

/// What `Attributes` or `DetectionAttributes` ask for. The DEFAULT members (BoundingBox, Confidence, Pose, Quality and
/// five landmarks) are always there; only ALL brings the other 25 landmarks.
struct Wanted {
  vision::Features features;
  bool all_landmarks = false;
};
Wanted wanted_of(const std::optional<std::vector<shapes::Attribute>>& attributes);

domain::QualityFilter filter_of(const std::optional<shapes::QualityFilter>& filter, domain::QualityFilter otherwise);

/// `value` if it is there and not 0, else `otherwise`.
std::size_t count_of(const std::optional<std::int32_t>& value, std::size_t otherwise);

shapes::BoundingBox to_shape(const vision::Box& box);
/// Has exactly the members that were asked for.
shapes::FaceDetail to_detail(const vision::Face& face, bool all_landmarks);
shapes::ComparedFace to_compared(const vision::Face& face);
shapes::Face to_shape(domain::IndexedFace face);
shapes::UserStatus to_shape(domain::UserStatus status);
std::vector<shapes::Reason> to_reasons(const std::vector<domain::Reason>& reasons);
std::vector<shapes::UnsearchedFaceReason> to_unsearched_reasons(const std::vector<domain::Reason>& reasons);

}  // namespace likeness::rekognition
