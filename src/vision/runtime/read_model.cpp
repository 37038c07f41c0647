#include "vision/runtime/read_model.hpp"

#include <fmt/format.h>

#include <openvino/openvino.hpp>

#include "vision/runtime/model_registry.hpp"
#include "vision/runtime/tfjs_graph.hpp"

namespace likeness::vision {
namespace {

bool is_model_static(const ov::Model& model) {
  for (const auto& input : model.inputs())
    if (input.get_partial_shape().is_dynamic()) return false;
  return true;
}

std::shared_ptr<ov::Model> read_file(ov::Core& core, const ModelSpec& spec) {
  const std::string first = (spec.folder / spec.files[0].file).string();
  if (spec.format == ModelFormat::OpenVinoIr)
    return core.read_model(first, (spec.folder / spec.files[1].file).string());
  return core.read_model(first);
}

}  // namespace

Result<std::shared_ptr<ov::Model>> read_model(ov::Core& core, const ModelSpec& spec) {
  if (auto verified = verify_files(spec); !verified) return fail(verified);
  try {
    std::shared_ptr<ov::Model> model;
    if (spec.format == ModelFormat::TfjsGraph) {
      auto imported =
          import_tfjs_graph(spec.folder / spec.files[0].file, spec.folder / spec.files[1].file, spec.input.shape);
      if (!imported) return fail(imported);
      model = *imported;
    } else {
      model = read_file(core, spec);
    }
    if (!is_model_static(*model))
      model->reshape(ov::PartialShape(ov::Shape(spec.input.shape.begin(), spec.input.shape.end())));
    return model;
  } catch (const std::exception& e) {
    return server_error("ModelUnreadable", fmt::format("Model {} ({}) cannot be read", spec.role, spec.name), e.what());
  }
}

}  // namespace likeness::vision
