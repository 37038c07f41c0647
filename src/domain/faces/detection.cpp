#include "domain/faces/detection.hpp"

#include <algorithm>
#include <utility>

#include "domain/errors.hpp"

namespace likeness::domain {

Result<std::vector<vision::Face>> Detection::detect(const Caller& caller, const ImageSource& source,
                                                    vision::Features attributes) {
  auto image = load_image(caller, source, objects_, limits_);
  if (!image) return fail(image);
  auto faces = analyzer_.analyze(image->pixels, {.wanted = attributes});
  if (!faces) return from_below(faces);
  return faces;
}

Result<Detection::Comparison> Detection::compare(const Caller& caller, const ImageSource& source,
                                                 const ImageSource& target, float threshold, QualityFilter filter) {
  const auto faces_of = [&](const ImageSource& from, int max_faces,
                            std::size_t keep) -> Result<std::vector<vision::Face>> {
    auto image = load_image(caller, from, objects_, limits_);
    if (!image) return fail(image);
    auto found = analyzer_.analyze(image->pixels, {.wanted = vision::Feature::Embedding, .max_faces = max_faces});
    if (!found) return from_below(found);
    return sift(*found, filter, keep, image->pixels.width(), image->pixels.height()).kept;
  };
  auto sources = faces_of(source, filter == QualityFilter::None ? 1 : 100, 1);
  if (!sources) return fail(sources);
  if (sources->empty()) return invalid_parameters();
  auto targets = faces_of(target, 100, 100);
  if (!targets) return fail(targets);
  if (targets->empty()) return invalid_parameters();

  Comparison comparison;
  comparison.source = sources->front();
  const auto& wanted = *comparison.source.embedding;
  for (auto& face : *targets) {
    float cosine = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) cosine += wanted[i] * (*face.embedding)[i];
    const float similarity = analyzer_.similarity(cosine);
    face.embedding.reset();
    if (similarity >= threshold) {
      comparison.matches.push_back({similarity, face});
    } else {
      comparison.unmatched.push_back(face);
    }
  }
  std::sort(comparison.matches.begin(), comparison.matches.end(), [](const auto& a, const auto& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.face.box.area() > b.face.box.area();
  });
  comparison.source.embedding.reset();
  return comparison;
}

}  // namespace likeness::domain
