#include "vision/runtime/compiled_cache.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "base/log.hpp"

namespace likeness::vision {
namespace {

namespace fs = std::filesystem;

/// Several, because programs of different settings (threads, say) may share the folder.
constexpr std::size_t kKeptForEachName = 4;

std::string file_name(const std::string& name, const Sha256& key) {
  return name + "-" + to_hex(key).substr(0, 32) + ".blob";
}

}  // namespace

std::optional<std::string> CompiledCache::read(const std::string& name, const Sha256& key) const {
  if (folder_.empty()) return std::nullopt;
  const fs::path path = folder_ / file_name(name, key);
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return std::nullopt;
  const std::streamoff size = file.tellg();
  Sha256 expected{};
  if (size < static_cast<std::streamoff>(expected.size())) return std::nullopt;
  std::string blob(static_cast<std::size_t>(size) - expected.size(), '\0');
  file.seekg(0);
  file.read(blob.data(), static_cast<std::streamsize>(blob.size()));
  file.read(reinterpret_cast<char*>(expected.data()), static_cast<std::streamsize>(expected.size()));
  if (!file || sha256(as_bytes(blob)) != expected) {
    log::warn("the compiled model {} is damaged and will be made anew", path.string());
    return std::nullopt;
  }
  return blob;
}

void CompiledCache::write(const std::string& name, const Sha256& key, const std::string& blob) const {
  if (folder_.empty()) return;
  std::error_code error;
  fs::create_directories(folder_, error);
  const fs::path path = folder_ / file_name(name, key);
  const fs::path partial = folder_ / (path.filename().string() + "." + std::to_string(getpid()) + ".partial");
  const Sha256 digest = sha256(as_bytes(blob));
  {
    std::ofstream file(partial, std::ios::binary | std::ios::trunc);
    file.write(blob.data(), static_cast<std::streamsize>(blob.size()));
    file.write(reinterpret_cast<const char*>(digest.data()), static_cast<std::streamsize>(digest.size()));
    file.close();
    if (!file) {
      log::warn("the compiled model {} cannot be kept; starts will be slower", path.string());
      fs::remove(partial, error);
      return;
    }
  }
  fs::rename(partial, path, error);
  if (error) {
    fs::remove(partial, error);
    return;
  }
  remove_old(name);
}

void CompiledCache::remove_old(const std::string& name) const {
  std::error_code error;
  std::vector<std::pair<fs::file_time_type, fs::path>> entries;
  for (auto entry = fs::directory_iterator(folder_, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string file = entry->path().filename().string();
    if (file.size() != file_name(name, {}).size() || !file.starts_with(name + "-") || !file.ends_with(".blob"))
      continue;
    std::error_code gone;  // another process may remove it meanwhile
    if (const auto written = entry->last_write_time(gone); !gone) entries.emplace_back(written, entry->path());
  }
  if (entries.size() <= kKeptForEachName) return;
  std::sort(entries.begin(), entries.end());
  for (std::size_t i = 0; i + kKeptForEachName < entries.size(); ++i) fs::remove(entries[i].second, error);
}

}  // namespace likeness::vision
