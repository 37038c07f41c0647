#include "vision/runtime/model_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

namespace likeness::vision {
namespace {

std::size_t elements_of(const std::vector<std::int64_t>& shape) {
  return static_cast<std::size_t>(std::accumulate(shape.begin(), shape.end(), std::int64_t{1},
                                                  [](std::int64_t a, std::int64_t b) { return a * b; }));
}

}  // namespace

Result<std::size_t> ModelPool::output_named(std::string_view name) const {
  for (std::size_t i = 0; i < outputs().size(); ++i)
    if (outputs()[i].name == name) return i;
  return server_error("ModelMismatch", fmt::format("Model {} has no output {}", spec().role, name));
}

Result<std::size_t> ModelPool::output_of_size(std::size_t elements) const {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < outputs().size(); ++i) {
    if (elements_of(outputs()[i].shape) != elements) continue;
    if (found)
      return server_error("ModelMismatch",
                          fmt::format("Model {} has two outputs of {} elements", spec().role, elements));
    found = i;
  }
  if (!found)
    return server_error("ModelMismatch", fmt::format("Model {} has no output of {} elements", spec().role, elements));
  return *found;
}

Result<void> ModelPool::infer_many(std::size_t count, const std::function<void(std::size_t, InputTensors&)>& fill,
                                   const std::function<void(std::size_t, const OutputTensors&)>& read) {
  return workers_.run(count, [&](std::size_t i) {
    return infer([&](InputTensors& inputs) { fill(i, inputs); },
                 [&](const OutputTensors& outputs) { read(i, outputs); });
  });
}

Result<std::vector<Tensor>> ModelPool::run(std::span<const std::vector<float>> values) {
  if (values.size() != inputs().size())
    return server_error("ModelMismatch", fmt::format("Model {} takes {} inputs", spec().role, inputs().size()));
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i].size() != elements_of(inputs()[i].shape) || inputs()[i].type != ElementType::Float32)
      return server_error("ModelMismatch", fmt::format("Input {} of model {} takes {} floats", i, spec().role,
                                                       elements_of(inputs()[i].shape)));
  std::vector<Tensor> results(outputs().size());
  auto done = infer(
      [&](InputTensors& tensors) {
        for (std::size_t i = 0; i < values.size(); ++i)
          std::copy(values[i].begin(), values[i].end(), tensors.floats(i).begin());
      },
      [&](const OutputTensors& tensors) {
        for (std::size_t i = 0; i < results.size(); ++i) {
          const auto floats = tensors.floats(i);
          results[i] = {tensors.shape(i), {floats.begin(), floats.end()}};
        }
      });
  if (!done) return fail(done);
  return results;
}

}  // namespace likeness::vision
