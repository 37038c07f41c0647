#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.hpp"

namespace ov {
class Model;
}

namespace likeness::vision {

/// Reads a TensorFlow.js graph model (`model.json` with format "graph-model" and one file of weights, plain or
/// quantised to float16, uint8 or uint16) as an OpenVINO model with its layout (NHWC) kept. `input_shape` replaces the
/// shape of the first placeholder, whose batch is usually open. Outputs carry the names of their TensorFlow nodes,
/// without ":0". Error "ModelUnreadable"; an operation that is not known is named.
Result<std::shared_ptr<ov::Model>> import_tfjs_graph(const std::filesystem::path& model_json,
                                                     const std::filesystem::path& weights,
                                                     const std::vector<std::int64_t>& input_shape);

}  // namespace likeness::vision
