#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/bytes.hpp"

namespace likeness::vision {

/// Compiled models on disk, by key. An entry ends in the digest of its contents, so one that was cut short or damaged
/// is not found instead of being trusted; entries appear whole (written aside, then renamed). No entry is ever needed:
/// failures are logged and the model is compiled anew. Thread-safe, and safe between processes.
class CompiledCache {
 public:
  /// Made when first written. An empty path keeps nothing.
  explicit CompiledCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::optional<std::string> read(const std::string& name, const Sha256& key) const;
  /// Replaces the entry. Of those of the same name with other keys the newest few are kept.
  void write(const std::string& name, const Sha256& key, const std::string& blob) const;

 private:
  void remove_old(const std::string& name) const;

  std::filesystem::path folder_;
};

}  // namespace likeness::vision
