#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "vision/runtime/model_spec.hpp"
#include "vision/runtime/workers.hpp"

namespace likeness::vision {

enum class ElementType : std::uint8_t { Float32, UInt8, Int64, Int32, Other };

/// An input or output of a model. A size of 0 in `shape` is not known before the model has run.
struct TensorInfo {
  std::string name;
  ElementType type = ElementType::Float32;
  std::vector<std::int64_t> shape;
};

struct Tensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// The inputs of one request, to be written in place: what `fill` gets. Valid during the call only. The memory holds
/// what the request before left there, so every element must be written.
class InputTensors {
 public:
  virtual ~InputTensors() = default;
  virtual std::size_t count() const = 0;
  /// Empty if the input is not of this type.
  virtual std::span<float> floats(std::size_t index = 0) = 0;
  virtual std::span<std::uint8_t> bytes(std::size_t index = 0) = 0;
};

/// The outputs of one request, to be read in place: what `read` gets. Valid during the call only.
class OutputTensors {
 public:
  virtual ~OutputTensors() = default;
  virtual std::size_t count() const = 0;
  /// Empty if the output is not of this type.
  virtual std::span<const float> floats(std::size_t index) const = 0;
  virtual std::span<const std::int64_t> integers(std::size_t index) const = 0;
  virtual std::vector<std::int64_t> shape(std::size_t index) const = 0;
};

using FillInputs = std::function<void(InputTensors&)>;
using ReadOutputs = std::function<void(const OutputTensors&)>;

/// One compiled model and one inference request for each worker. Inference is single-threaded, in float32 and one
/// input at a time, so that the same input gives the same bits whatever else runs (docs/decisions/inference.md has the
/// measurements behind that). Thread-safe, blocking.
class ModelPool {
 public:
  virtual ~ModelPool() = default;

  virtual const ModelSpec& spec() const = 0;
  virtual const std::vector<TensorInfo>& inputs() const = 0;
  virtual const std::vector<TensorInfo>& outputs() const = 0;

  /// Index of an output by name or by its number of elements; to be asked once, when the model is set up, so that a
  /// model that does not fit is found at start. Error "ModelMismatch" (also if two outputs have that size).
  Result<std::size_t> output_named(std::string_view name) const;
  Result<std::size_t> output_of_size(std::size_t elements) const;

  /// Runs the model once. `fill` writes the inputs and `read` takes the outputs, both on the thread that computes. From
  /// a piece of work of the Workers it runs at once on this thread; from any other thread it waits in their line.
  /// Errors: "Throttling" (see Workers::run), "Internal".
  virtual Result<void> infer(const FillInputs& fill, const ReadOutputs& read) = 0;

  /// Runs the model `count` times, spread over the workers, in any order. Errors as `infer`.
  Result<void> infer_many(std::size_t count, const std::function<void(std::size_t, InputTensors&)>& fill,
                          const std::function<void(std::size_t, const OutputTensors&)>& read);

  /// Copies in and out: for tools and tests. `inputs` in the order of inputs(), all outputs in that of outputs().
  /// Error "ModelMismatch" if an input has the wrong size.
  Result<std::vector<Tensor>> run(std::span<const std::vector<float>> inputs);

 protected:
  explicit ModelPool(Workers& workers) : workers_(workers) {}
  Workers& workers_;
};

}  // namespace likeness::vision
