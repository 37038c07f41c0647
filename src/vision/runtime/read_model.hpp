#pragma once

#include <memory>

#include "base/result.hpp"
#include "vision/runtime/model_spec.hpp"

namespace ov {
class Core;
class Model;
}  // namespace ov

namespace likeness::vision {

/// The model of a manifest as a graph of the inference library, its files checked, its input shape as declared. Errors
/// of verify_files, "ModelUnreadable".
Result<std::shared_ptr<ov::Model>> read_model(ov::Core& core, const ModelSpec& spec);

}  // namespace likeness::vision
