#include "app/cli/inputs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

namespace likeness::app {
namespace {

namespace fs = std::filesystem;

bool is_photo(const fs::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png" || extension == ".webp";
}

std::vector<std::string> photos_below(const fs::path& folder, std::error_code& error) {
  std::vector<std::string> found;
  fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error), end;
  while (!error && at != end) {
    std::error_code ignored;
    const bool hidden = at->path().filename().string().starts_with('.');
    if (hidden && at->is_directory(ignored)) at.disable_recursion_pending();
    if (!hidden && is_photo(at->path()) && at->is_regular_file(ignored)) found.push_back(at->path().string());
    at.increment(error);
  }
  std::ranges::sort(found);
  return found;
}

std::vector<std::string> matches(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (glob(pattern.c_str(), GLOB_BRACE | GLOB_TILDE, nullptr, &found) == 0)
    for (std::size_t i = 0; i < found.gl_pathc; ++i) paths.emplace_back(found.gl_pathv[i]);
  globfree(&found);
  return paths;
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ > STDIN_FILENO) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

std::string reason() { return std::strerror(errno); }

}  // namespace

Result<std::vector<std::string>> find_photos(const std::vector<std::string>& arguments) {
  std::vector<std::string> photos;
  std::set<std::string> seen;
  const auto add = [&](const std::string& path) {
    if (seen.insert(path).second) photos.push_back(path);
  };
  const auto add_folder = [&](const std::string& folder) -> Result<void> {
    std::error_code error;
    const auto found = photos_below(folder, error);
    if (error)
      return client_error("NoPhotos", fmt::format("{}: the folder cannot be read: {}", folder, error.message()));
    if (found.empty())
      return client_error("NoPhotos", fmt::format("{}: no JPEG, PNG or WebP file in this folder", folder));
    for (const std::string& path : found) add(path);
    return {};
  };
  for (const std::string& argument : arguments) {
    std::error_code ignored;
    if (argument != "-" && fs::is_directory(argument, ignored)) {
      if (auto added = add_folder(argument); !added) return fail(added);
    } else if (argument.find_first_of("*?[{") != std::string::npos && !fs::exists(argument, ignored)) {
      const auto found = matches(argument);
      if (found.empty()) return client_error("NoPhotos", fmt::format("{}: no file matches this pattern", argument));
      for (const std::string& path : found) {
        if (!fs::is_directory(path, ignored)) {
          add(path);
        } else if (auto added = add_folder(path); !added) {
          return fail(added);
        }
      }
    } else {
      add(argument);
    }
  }
  return photos;
}

Result<Bytes> read_file(const std::string& path, std::size_t most_bytes) {
  const Descriptor file(path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return client_error(errno == ENOENT ? "NotFound" : "NotReadable", reason());
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return client_error("NotReadable", reason());
  if (S_ISDIR(status.st_mode)) return client_error("NotReadable", "Is a directory");
  const auto too_large = [&] {
    return client_error("TooLarge", fmt::format("The file has more than {} MB.", most_bytes / 1'000'000));
  };
  if (S_ISREG(status.st_mode) && static_cast<std::size_t>(status.st_size) > most_bytes) return too_large();
  Bytes content;
  content.reserve(S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) : 0);
  std::array<std::uint8_t, 1 << 16> chunk{};
  for (;;) {
    const ssize_t count = ::read(file.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return client_error("NotReadable", reason());
    if (count == 0) return content;
    if (content.size() + static_cast<std::size_t>(count) > most_bytes) return too_large();
    content.insert(content.end(), chunk.begin(), chunk.begin() + count);
  }
}

Result<void> write_file(const std::string& path, BytesView content) {
  const std::string partial = fmt::format("{}.{}.partial", path, ::getpid());
  const auto refused = [&] {
    const std::string why = reason();
    ::unlink(partial.c_str());
    return client_error("NotWritable", fmt::format("{} cannot be written: {}", path, why));
  };
  {
    const Descriptor file(::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.get() < 0) return refused();
    while (!content.empty()) {
      const ssize_t count = ::write(file.get(), content.data(), content.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return refused();
      content = content.subspan(static_cast<std::size_t>(count));
    }
  }
  if (::rename(partial.c_str(), path.c_str()) != 0) return refused();
  return {};
}

}  // namespace likeness::app
