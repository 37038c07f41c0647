#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "domain/lambda/zip.hpp"

/// A package of a stranger: what is unpacked stays in its folder, is no more than allowed, and is what the check let
/// through.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace fs = std::filesystem;
  using namespace likeness;
  const lambda::ZipLimits limits{.unpacked = 1 << 20, .entries = 200};
  const BytesView bytes(data, size);
  const auto checked = lambda::check_zip(bytes, limits);
  if (checked && *checked > limits.unpacked) std::abort();
  if (!checked) {
    if (checked.error().code != "InvalidParameterValueException") std::abort();
    return 0;
  }
  // Beside the folder there is a file that nothing may touch.
  static const fs::path around = [] {
    std::string name = (fs::temp_directory_path() / "zip_fuzz_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    return fs::path(name);
  }();
  const fs::path folder = around / "package";
  fs::create_directory(folder);
  const auto unpacked = lambda::unpack_zip(bytes, folder, limits);
  std::uint64_t total = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (unpacked && entry.is_symlink()) {
      std::error_code failed;
      const auto inside = fs::weakly_canonical(entry.path(), failed).lexically_relative(fs::canonical(folder));
      if (failed || inside.empty() || *inside.begin() == "..") std::abort();
    }
    if (!entry.is_symlink() && entry.is_regular_file()) total += entry.file_size();
  }
  if (total > limits.unpacked) std::abort();
  for (const auto& entry : fs::directory_iterator(around))
    if (entry.path() != folder) std::abort();
  fs::remove_all(folder);
  return 0;
}
