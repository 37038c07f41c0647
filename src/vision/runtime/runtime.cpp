#include "vision/runtime/runtime.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <openvino/openvino.hpp>
#include <optional>
#include <sstream>

#include "base/cpu.hpp"
#include "base/log.hpp"
#include "vision/runtime/compiled_cache.hpp"
#include "vision/runtime/read_model.hpp"

namespace likeness::vision {
namespace {

ElementType element_type(const ov::element::Type& type) {
  if (type == ov::element::f32) return ElementType::Float32;
  if (type == ov::element::u8) return ElementType::UInt8;
  if (type == ov::element::i64) return ElementType::Int64;
  if (type == ov::element::i32) return ElementType::Int32;
  return ElementType::Other;
}

std::vector<TensorInfo> describe(const std::vector<ov::Output<const ov::Node>>& ports) {
  std::vector<TensorInfo> infos;
  for (const auto& port : ports) {
    TensorInfo info;
    if (!port.get_names().empty()) info.name = port.get_any_name();
    info.type = element_type(port.get_element_type());
    for (const ov::Dimension& size : port.get_partial_shape())
      info.shape.push_back(size.is_static() ? size.get_length() : 0);
    infos.push_back(std::move(info));
  }
  return infos;
}

template <class T>
std::span<T> elements(ov::Tensor& tensor, const ov::element::Type& type) {
  if (tensor.get_element_type() != type) return {};
  return {static_cast<T*>(tensor.data()), tensor.get_size()};
}

class Inputs final : public InputTensors {
 public:
  explicit Inputs(std::vector<ov::Tensor>& tensors) : tensors_(tensors) {}
  std::size_t count() const override { return tensors_.size(); }
  std::span<float> floats(std::size_t index) override { return elements<float>(tensors_[index], ov::element::f32); }
  std::span<std::uint8_t> bytes(std::size_t index) override {
    return elements<std::uint8_t>(tensors_[index], ov::element::u8);
  }

 private:
  std::vector<ov::Tensor>& tensors_;
};

class Outputs final : public OutputTensors {
 public:
  Outputs(ov::InferRequest& request, std::size_t count) : request_(request), count_(count) {}
  std::size_t count() const override { return count_; }
  std::span<const float> floats(std::size_t index) const override {
    ov::Tensor tensor = request_.get_output_tensor(index);
    return elements<const float>(tensor, ov::element::f32);
  }
  std::span<const std::int64_t> integers(std::size_t index) const override {
    ov::Tensor tensor = request_.get_output_tensor(index);
    return elements<const std::int64_t>(tensor, ov::element::i64);
  }
  std::vector<std::int64_t> shape(std::size_t index) const override {
    const ov::Shape shape = request_.get_output_tensor(index).get_shape();
    return {shape.begin(), shape.end()};
  }

 private:
  ov::InferRequest& request_;
  std::size_t count_;
};

/// One compiled model with as many streams as there are workers, and one request a worker: `infer()` computes on the
/// calling thread, which a worker owns, so there is neither a lock nor a change of thread on the way.
class OpenVinoPool final : public ModelPool {
 public:
  OpenVinoPool(Workers& workers, const ModelSpec& spec, ov::CompiledModel compiled, Metrics* metrics)
      : ModelPool(workers),
        spec_(spec),
        compiled_(std::move(compiled)),
        inputs_(describe(compiled_.inputs())),
        outputs_(describe(compiled_.outputs())),
        slots_(workers.threads()) {
    if (metrics != nullptr)
      counters_.emplace(Counters{
          metrics->counter("likeness_model_runs_total", "Inferences", {{"model", spec.role}}),
          metrics->counter("likeness_model_seconds_total", "Time spent in inferences", {{"model", spec.role}})});
  }

  const ModelSpec& spec() const override { return spec_; }
  const std::vector<TensorInfo>& inputs() const override { return inputs_; }
  const std::vector<TensorInfo>& outputs() const override { return outputs_; }

  Result<void> infer(const FillInputs& fill, const ReadOutputs& read) override {
    const std::size_t worker = workers_.this_worker();
    if (worker == workers_.threads()) return workers_.run([&] { return infer(fill, read); });
    try {
      Slot& slot = slots_[worker];
      // A model within the callbacks of the same model would write over the tensors being read.
      if (slot.busy) return server_error("Internal", "The analysis failed", "a model was run from its own callback");
      if (!slot.request) prepare(slot);
      slot.busy = true;
      const Release release{slot};
      Inputs inputs(slot.inputs);
      fill(inputs);
      const auto begin = std::chrono::steady_clock::now();
      slot.request.infer();
      if (counters_) {
        counters_->runs.add();
        counters_->seconds.add(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
      }
      read(Outputs(slot.request, outputs_.size()));
      return {};
    } catch (const std::exception& e) {
      return server_error("Internal", "The analysis failed", fmt::format("model {}: {}", spec_.role, e.what()));
    }
  }

 private:
  struct Counters {
    Counter runs;
    Counter seconds;
  };
  struct Slot {
    ov::InferRequest request;
    std::vector<ov::Tensor> inputs;
    bool busy = false;
  };
  struct Release {
    Slot& slot;
    ~Release() { slot.busy = false; }
  };

  /// Only ever called by the worker that the slot belongs to.
  void prepare(Slot& slot) {
    slot.request = compiled_.create_infer_request();
    for (std::size_t i = 0; i < inputs_.size(); ++i) slot.inputs.push_back(slot.request.get_input_tensor(i));
  }

  const ModelSpec spec_;
  ov::CompiledModel compiled_;
  const std::vector<TensorInfo> inputs_;
  const std::vector<TensorInfo> outputs_;
  std::vector<Slot> slots_;
  std::optional<Counters> counters_;
};

/// The manifest must describe the model that is there: code above fills tensors by it.
Result<void> check_shapes(const ModelSpec& spec, const std::vector<TensorInfo>& inputs,
                          const std::vector<TensorInfo>& outputs) {
  if (inputs.empty() || inputs[0].shape != spec.input.shape)
    return server_error("ModelMismatch", fmt::format("Model {} does not have the input [{}] that its manifest says",
                                                     spec.role, fmt::join(spec.input.shape, ",")));
  for (const OutputForm& wanted : spec.outputs) {
    bool found = false;
    for (const TensorInfo& output : outputs)
      found = found || (output.name == wanted.name && output.shape == wanted.shape);
    if (!found)
      return server_error("ModelMismatch", fmt::format("Model {} has no output {} [{}], which its manifest says",
                                                       spec.role, wanted.name, fmt::join(wanted.shape, ",")));
  }
  return {};
}

}  // namespace

std::string inference_version() { return ov::get_openvino_version().buildNumber; }

struct Runtime::State {
  struct Entry {
    std::mutex mutex;  // held while loading: others that want the model wait for it
    std::unique_ptr<ModelPool> pool;
  };

  State(ModelRegistry found, const RuntimeOptions& options)
      : registry(std::move(found)),
        workers(options.threads, options.queue_limit),
        cache(options.compiled_folder),
        metrics(options.metrics) {
    for (const ModelSpec& spec : registry.specs()) entries[spec.role];
  }

  Result<std::unique_ptr<ModelPool>> load(const ModelSpec& spec);

  ModelRegistry registry;
  Workers workers;
  CompiledCache cache;
  Metrics* metrics;
  ov::Core core;
  std::map<std::string, Entry, std::less<>> entries;  // made once: the map itself does not change
};

Result<std::unique_ptr<ModelPool>> Runtime::State::load(const ModelSpec& spec) {
  const auto streams = static_cast<std::int32_t>(workers.threads());
  const ov::AnyMap properties{ov::hint::inference_precision(ov::element::f32),
                              ov::hint::execution_mode(ov::hint::ExecutionMode::ACCURACY), ov::num_streams(streams),
                              ov::inference_num_threads(streams), ov::hint::enable_cpu_pinning(false)};
  // Whatever changes the compiled form is in the key: contents, library, processor, streams, instruction limit.
  const char* isa = std::getenv("ONEDNN_MAX_CPU_ISA");
  const std::string key =
      fmt::format("1 {} {} {} {} {} {}", to_hex(spec.content_sha256()), fmt::join(spec.input.shape, ","),
                  inference_version(), cpu_name(), streams, isa == nullptr ? "" : isa);
  const auto begin = std::chrono::steady_clock::now();
  try {
    std::optional<ov::CompiledModel> compiled;
    if (auto blob = cache.read(spec.role, sha256(as_bytes(key)))) {
      try {
        std::istringstream stream(std::move(*blob));
        compiled = core.import_model(stream, "CPU", properties);
      } catch (const std::exception& e) {
        log::warn("the compiled form of model {} is refused and will be made anew: {}", spec.role, e.what());
      }
    }
    const bool from_cache = compiled.has_value();
    if (!compiled) {
      auto model = read_model(core, spec);
      if (!model) return fail(model);
      compiled = core.compile_model(*model, "CPU", properties);
      std::ostringstream stream;
      compiled->export_model(stream);
      cache.write(spec.role, sha256(as_bytes(key)), std::move(stream).str());
    }
    auto pool = std::make_unique<OpenVinoPool>(workers, spec, std::move(*compiled), metrics);
    if (auto fits = check_shapes(spec, pool->inputs(), pool->outputs()); !fits) return fail(fits);
    log::debug("model {} ({} {}) {} in {:.0f} ms", spec.role, spec.name, spec.version,
               from_cache ? "taken from the cache" : "compiled",
               std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
    return pool;
  } catch (const std::exception& e) {
    return server_error("ModelUnreadable", fmt::format("Model {} ({}) cannot be loaded", spec.role, spec.name),
                        e.what());
  }
}

Result<std::unique_ptr<Runtime>> Runtime::create(const RuntimeOptions& options) {
  auto registry = ModelRegistry::load(options.folders);
  if (!registry) return fail(registry);
  try {
    return std::unique_ptr<Runtime>(new Runtime(std::make_unique<State>(std::move(*registry), options)));
  } catch (const std::exception& e) {
    return server_error("Internal", "The inference library cannot be started", e.what());
  }
}

Runtime::Runtime(std::unique_ptr<State> state) : state_(std::move(state)) {}
Runtime::~Runtime() = default;

const ModelRegistry& Runtime::registry() const { return state_->registry; }
Workers& Runtime::workers() { return state_->workers; }

Result<ModelPool*> Runtime::model(std::string_view role) {
  auto spec = state_->registry.find(role);
  if (!spec) return fail(spec);
  State::Entry& entry = state_->entries.find(role)->second;
  const std::lock_guard lock(entry.mutex);
  if (!entry.pool) {
    auto pool = state_->load(**spec);
    if (!pool) return fail(pool);
    entry.pool = std::move(*pool);
  }
  return entry.pool.get();
}

Result<void> Runtime::load(const std::vector<std::string>& roles) {
  return state_->workers.run(roles.size(), [&](std::size_t i) -> Result<void> {
    auto pool = model(roles[i]);
    if (!pool) return fail(pool);
    return {};
  });
}

}  // namespace likeness::vision
