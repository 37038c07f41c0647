#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "vision/runtime/model_spec.hpp"

namespace likeness::vision {

/// $LIKENESS_CACHE, else $XDG_CACHE_HOME/likeness, else ~/.cache/likeness.
std::filesystem::path default_cache_folder();
/// $LIKENESS_MODELS, else `models` in the cache folder.
std::filesystem::path default_models_folder();
/// $LIKENESS_MODELS_D, else $XDG_CONFIG_HOME/likeness/models.d, else ~/.config/likeness/models.d. Need not exist.
std::filesystem::path default_drop_in_folder();

/// Which model plays which role, and where its files lie: the built-in manifest, with an operator's own models laid
/// over it role by role. Immutable once loaded; safe from any thread.
class ModelRegistry {
 public:
  struct Folders {
    std::filesystem::path models = default_models_folder();
    /// Every `*.json` in it is a manifest of its own, read in the order of the names; its files lie beside it. A role
    /// in it takes the place of the built-in one. A folder that does not exist is an empty one.
    std::filesystem::path drop_in = default_drop_in_folder();
  };

  /// Reads manifests only: no model file is opened. Error "InvalidManifest".
  static Result<ModelRegistry> load(const Folders& folders);
  static Result<ModelRegistry> load();

  const std::vector<ModelSpec>& specs() const { return specs_; }
  /// Error "ModelMissing" for a role that no manifest has.
  Result<const ModelSpec*> find(std::string_view role) const;

 private:
  std::vector<ModelSpec> specs_;
};

/// Reads every file of a model and compares its digest with the manifest's. Error "ModelMissing" (says which command
/// fetches it) or "ModelDamaged".
Result<void> verify_files(const ModelSpec& spec);

/// The text of models/manifest.json as it was when the program was built.
std::string_view built_in_manifest();

}  // namespace likeness::vision
