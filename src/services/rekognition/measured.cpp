#include "services/rekognition/measured.hpp"

#include "services/rekognition/convert.hpp"

namespace likeness::rekognition {

namespace {

/// `faces_in` says of an output how many faces the image has.
template <class Op, class Faces>
void count_faces(aws::Service& service, metrics::Recorder& recorder, Faces faces_in) {
  service.observe<Op>(
      [&recorder, faces_in](const auto&, const auto&, const typename Op::Output* out, const Error*, auto) {
        if (out == nullptr) return;
        recorder.record("AWS/Rekognition", "DetectedFaceCount", {{"Operation", std::string(Op::operation().name)}},
                        static_cast<double>(faces_in(*out)), metrics::Unit::Count);
      });
}

template <class List>
std::size_t size_of(const std::optional<List>& list) {
  return list ? list->size() : 0;
}

}  // namespace

void measure(aws::Service& service, metrics::Recorder& recorder) {
  count_faces<shapes::DetectFaces>(service, recorder, [](const auto& out) { return size_of(out.face_details); });
  count_faces<shapes::IndexFaces>(
      service, recorder, [](const auto& out) { return size_of(out.face_records) + size_of(out.unindexed_faces); });
}

}  // namespace likeness::rekognition
