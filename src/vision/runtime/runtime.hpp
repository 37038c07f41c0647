#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.hpp"
#include "base/result.hpp"
#include "vision/runtime/model_pool.hpp"
#include "vision/runtime/model_registry.hpp"
#include "vision/runtime/workers.hpp"

namespace likeness::vision {

struct RuntimeOptions {
  ModelRegistry::Folders folders;
  /// Where compiled models are kept from one start to the next; empty: nowhere. Safe to share between processes and to
  /// delete at any time.
  std::filesystem::path compiled_folder = default_cache_folder() / "compiled";
  std::size_t threads = 0;  // workers; 0 = one a usable core
  std::size_t queue_limit = 256;
  /// Where runs and seconds of each model are counted; must live longer than the Runtime. Not needed.
  Metrics* metrics = nullptr;
};

/// The models of the program, each loaded once, by role. Owns the workers. Thread-safe. `probe_cpu_before_inference`
/// must have been called before the first one is made.
class Runtime {
 public:
  static Result<std::unique_ptr<Runtime>> create(const RuntimeOptions& options);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  const ModelRegistry& registry() const;
  Workers& workers();

  /// The model that plays this role, loaded now if it is not yet. The reference holds as long as this object. Errors:
  /// "ModelMissing", "ModelDamaged" (with the command that cures it), "ModelMismatch" (not what its manifest says),
  /// "ModelUnreadable".
  Result<ModelPool*> model(std::string_view role);

  /// Loads these now, in parallel; the first error in the order of `roles`.
  Result<void> load(const std::vector<std::string>& roles);

 private:
  struct State;
  explicit Runtime(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Version of the inference library, "2026.4.1-...", for `doctor` and logs.
std::string inference_version();

}  // namespace likeness::vision
