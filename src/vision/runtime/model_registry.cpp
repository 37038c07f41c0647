#include "vision/runtime/model_registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>

#include "base/log.hpp"

namespace likeness::vision {
namespace {

namespace fs = std::filesystem;

/// The variable's value, or `otherwise` where it is unset or empty.
fs::path from_environment(const char* variable, const fs::path& otherwise) {
  const char* value = std::getenv(variable);  // read at start, before threads change the environment
  return value != nullptr && *value != '\0' ? fs::path(value) : otherwise;
}

fs::path home() { return from_environment("HOME", "/"); }

Result<std::string> read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) return server_error("InvalidManifest", fmt::format("{} cannot be read", path.string()));
  return text;
}

}  // namespace

fs::path default_cache_folder() {
  return from_environment("LIKENESS_CACHE", from_environment("XDG_CACHE_HOME", home() / ".cache") / "likeness");
}

fs::path default_models_folder() { return from_environment("LIKENESS_MODELS", default_cache_folder() / "models"); }

fs::path default_drop_in_folder() {
  return from_environment("LIKENESS_MODELS_D",
                          from_environment("XDG_CONFIG_HOME", home() / ".config") / "likeness" / "models.d");
}

Result<ModelRegistry> ModelRegistry::load() { return load(Folders{}); }

Result<ModelRegistry> ModelRegistry::load(const Folders& folders) {
  ModelRegistry registry;
  auto built_in = parse_manifest(built_in_manifest(), folders.models, "the built-in manifest");
  if (!built_in) return fail(built_in);
  registry.specs_ = std::move(*built_in);

  std::vector<fs::path> manifests;
  std::error_code error;
  for (auto entry = fs::directory_iterator(folders.drop_in, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    if (entry->path().extension() == ".json") manifests.push_back(entry->path());
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return server_error("InvalidManifest",
                        fmt::format("{} cannot be listed: {}", folders.drop_in.string(), error.message()));
  std::sort(manifests.begin(), manifests.end());
  for (const fs::path& manifest : manifests) {
    auto text = read_text(manifest);
    if (!text) return fail(text);
    auto specs = parse_manifest(*text, folders.drop_in, manifest.string());
    if (!specs) return fail(specs);
    for (ModelSpec& spec : *specs) {
      spec.drop_in = true;
      const auto same_role = std::find_if(registry.specs_.begin(), registry.specs_.end(),
                                          [&](const ModelSpec& other) { return other.role == spec.role; });
      if (same_role == registry.specs_.end()) {
        registry.specs_.push_back(std::move(spec));
      } else {
        log::info("model {} {} takes the role {} from {}", spec.name, spec.version, spec.role, same_role->name);
        *same_role = std::move(spec);
      }
    }
  }
  return registry;
}

Result<const ModelSpec*> ModelRegistry::find(std::string_view role) const {
  const auto found =
      std::find_if(specs_.begin(), specs_.end(), [&](const ModelSpec& spec) { return spec.role == role; });
  if (found == specs_.end())
    return server_error("ModelMissing", fmt::format("No manifest has a model for the role {}", role));
  return &*found;
}

Result<void> verify_files(const ModelSpec& spec) {
  for (const ModelFile& file : spec.files) {
    const fs::path path = spec.folder / file.file;
    std::ifstream stream(path, std::ios::binary | std::ios::ate);
    const std::string cure = spec.drop_in ? "check the drop-in folder" : "run scripts/setup.sh, which fetches it";
    if (!stream)
      return server_error("ModelMissing", fmt::format("Model {} ({}) is not there: {}", spec.role, file.file, cure),
                          path.string());
    Bytes content(static_cast<std::size_t>(stream.tellg()));
    stream.seekg(0);
    stream.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(content.size()));
    if (!stream)
      return server_error("ModelMissing", fmt::format("Model {} ({}) cannot be read: {}", spec.role, file.file, cure),
                          path.string());
    if (const Sha256 digest = sha256(content); digest != file.sha256)
      return server_error(
          "ModelDamaged",
          fmt::format("Model {} ({}) is not the file that its manifest names: {}", spec.role, file.file, cure),
          fmt::format("{} has SHA-256 {}, the manifest says {}", path.string(), to_hex(digest), to_hex(file.sha256)));
  }
  return {};
}

}  // namespace likeness::vision
