#include "domain/lambda/zip.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/lambda/errors.hpp"

namespace likeness::lambda {
namespace {

namespace fs = std::filesystem;

Failure not_a_zip(const std::string& why) {
  Failure failure = invalid("Could not unzip uploaded file. Please check your file, then try to upload again.");
  failure.value().detail = why;
  return failure;
}
Failure too_large(const ZipLimits& limits) {
  return invalid(fmt::format("Unzipped size must be smaller than {} bytes", limits.unpacked));
}
Failure disk_failure(const char* what) {
  const int error = errno;
  return server_error(error == ENOSPC || error == EDQUOT ? "StorageFull" : "StorageFailure",
                      "The package could not be unpacked.", fmt::format("{}: {}", what, std::strerror(error)));
}

struct CloseZip {
  void operator()(zip_t* zip) const { zip_discard(zip); }
};
struct CloseFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using Zip = std::unique_ptr<zip_t, CloseZip>;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

Result<Zip> open_zip(BytesView bytes) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  zip_t* zip = source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error);
  if (zip == nullptr) {
    auto failure = not_a_zip(zip_error_strerror(&error));
    if (source != nullptr) zip_source_free(source);
    zip_error_fini(&error);
    return failure;
  }
  zip_error_fini(&error);
  return Zip(zip);
}

struct Entry {
  zip_uint64_t index = 0;
  std::vector<std::string> path;  // without "." and empty parts
  std::uint64_t size = 0;
  mode_t mode = 0;  // of Unix; 0 where the package does not say
  bool folder = false;
  bool link() const { return S_ISLNK(mode); }
};

/// The parts of a name; nullopt for one that leads elsewhere.
std::optional<std::vector<std::string>> path_of(std::string_view name) {
  std::vector<std::string> parts;
  if (name.starts_with('/') || name.find('\0') != std::string_view::npos) return std::nullopt;
  while (!name.empty()) {
    const auto end = name.find('/');
    const auto part = name.substr(0, end);
    if (part == "..") return std::nullopt;
    if (part.size() > 255) return std::nullopt;
    if (!part.empty() && part != ".") parts.emplace_back(part);
    name = end == std::string_view::npos ? std::string_view() : name.substr(end + 1);
  }
  if (parts.size() > 100) return std::nullopt;
  return parts;
}

Result<std::vector<Entry>> entries_of(zip_t* zip, const ZipLimits& limits) {
  const zip_int64_t count = zip_get_num_entries(zip, 0);
  if (count <= 0) return invalid("Uploaded file must be a non-empty zip");
  if (static_cast<std::uint64_t>(count) > limits.entries)
    return not_a_zip(fmt::format("{} entries are more than the {} that are taken", count, limits.entries));
  std::vector<Entry> entries;
  std::uint64_t total = 0;
  for (zip_uint64_t index = 0; index < static_cast<zip_uint64_t>(count); ++index) {
    zip_stat_t stat;
    if (zip_stat_index(zip, index, 0, &stat) != 0 || (stat.valid & ZIP_STAT_NAME) == 0 ||
        (stat.valid & ZIP_STAT_SIZE) == 0)
      return not_a_zip("an entry without name or size");
    Entry entry;
    entry.index = index;
    const std::string_view name = stat.name;
    auto path = path_of(name);
    if (!path) return not_a_zip(fmt::format("the path '{}' leads out of the package", name.substr(0, 200)));
    entry.path = std::move(*path);
    entry.folder = name.ends_with('/');
    entry.size = stat.size;
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    if (zip_file_get_external_attributes(zip, index, 0, &system, &attributes) == 0 && system == ZIP_OPSYS_UNIX)
      entry.mode = static_cast<mode_t>(attributes >> 16);
    if (S_ISDIR(entry.mode)) entry.folder = true;
    const auto kind = entry.mode & S_IFMT;
    if (kind != 0 && kind != S_IFREG && kind != S_IFDIR && kind != S_IFLNK)
      return not_a_zip("an entry that is neither file, folder nor link");
    if (entry.path.empty()) continue;  // "./"
    if (entry.size > limits.unpacked - total) return too_large(limits);
    total += entry.size;
    entries.push_back(std::move(entry));
  }
  if (entries.empty()) return invalid("Uploaded file must be a non-empty zip");
  return entries;
}

/// Gives `take` the file piece by piece, never more than the directory promised.
Result<void> read_file(zip_t* zip, const Entry& entry, const std::function<Result<void>(BytesView)>& take) {
  const std::unique_ptr<zip_file_t, CloseFile> file(zip_fopen_index(zip, entry.index, 0));
  if (!file) return not_a_zip(zip_error_strerror(zip_get_error(zip)));
  std::array<std::uint8_t, 64 * 1024> buffer;
  std::uint64_t left = entry.size;
  while (true) {
    const zip_int64_t got = zip_fread(file.get(), buffer.data(), buffer.size());
    if (got < 0) return not_a_zip("a file of the package is damaged");
    if (got == 0) break;
    if (static_cast<std::uint64_t>(got) > left) return not_a_zip("a file is larger than the directory says");
    left -= static_cast<std::uint64_t>(got);
    if (auto taken = take(BytesView(buffer).first(static_cast<std::size_t>(got))); !taken) return taken;
  }
  if (left != 0) return not_a_zip("a file is smaller than the directory says");
  return {};
}

/// The folder that an entry belongs into, made as needed. Folders are opened one by one without following links, so
/// that nothing in the package can lead a write elsewhere.
Result<Descriptor> folder_for(int root, const std::vector<std::string>& path, std::size_t depth) {
  Descriptor at(::dup(root));
  if (!at.ok()) return disk_failure("dup");
  for (std::size_t i = 0; i < depth; ++i) {
    if (::mkdirat(at.get(), path[i].c_str(), 0755) != 0 && errno != EEXIST) return disk_failure("mkdir");
    Descriptor next(::openat(at.get(), path[i].c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next.ok()) {
      if (errno == ENOTDIR || errno == ELOOP) return not_a_zip("a file and a folder have the same path");
      return disk_failure("open");
    }
    at = std::move(next);
  }
  return at;
}

}  // namespace

Result<std::uint64_t> check_zip(BytesView bytes, const ZipLimits& limits) {
  auto zip = open_zip(bytes);
  if (!zip) return fail(zip);
  auto entries = entries_of(zip->get(), limits);
  if (!entries) return fail(entries);
  std::uint64_t total = 0;
  for (const auto& entry : *entries) {
    if (entry.folder) continue;
    if (auto read = read_file(zip->get(), entry, [](BytesView) { return Result<void>(); }); !read) return fail(read);
    total += entry.size;
  }
  return total;
}

Result<void> unpack_zip(BytesView bytes, const fs::path& folder, const ZipLimits& limits) {
  auto zip = open_zip(bytes);
  if (!zip) return fail(zip);
  auto entries = entries_of(zip->get(), limits);
  if (!entries) return fail(entries);
  const Descriptor root(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.ok()) return disk_failure("open");

  for (const auto& entry : *entries) {
    if (entry.link()) continue;
    auto parent = folder_for(root.get(), entry.path, entry.folder ? entry.path.size() : entry.path.size() - 1);
    if (!parent) return fail(parent);
    if (entry.folder) continue;
    const mode_t mode = (entry.mode & 0111) != 0 ? 0555 : 0444;
    const Descriptor file(
        ::openat(parent->get(), entry.path.back().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.ok()) {
      if (errno == EEXIST) return not_a_zip("a path occurs twice");
      return disk_failure("create");
    }
    auto written = read_file(zip->get(), entry, [&](BytesView piece) -> Result<void> {
      while (!piece.empty()) {
        const auto count = ::write(file.get(), piece.data(), piece.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return disk_failure("write");
        piece = piece.subspan(static_cast<std::size_t>(count));
      }
      return {};
    });
    if (!written) return written;
    if (::fchmod(file.get(), mode) != 0) return disk_failure("chmod");
  }
  // Links last: nothing is written after them, so none can be written through.
  std::vector<fs::path> targets;
  for (const auto& entry : *entries) {
    if (!entry.link()) continue;
    if (entry.size == 0 || entry.size > 4000) return not_a_zip("a link without a target");
    std::string target;
    auto read = read_file(zip->get(), entry, [&](BytesView piece) -> Result<void> {
      target += as_text(piece);
      return {};
    });
    if (!read) return read;
    if (target.starts_with('/') || target.find('\0') != std::string::npos)
      return not_a_zip("a link that leads out of the package");
    auto parent = folder_for(root.get(), entry.path, entry.path.size() - 1);
    if (!parent) return fail(parent);
    if (::symlinkat(target.c_str(), parent->get(), entry.path.back().c_str()) != 0) {
      if (errno == EEXIST) return not_a_zip("a path occurs twice");
      return disk_failure("symlink");
    }
    fs::path path = folder;
    for (const auto& part : entry.path) path /= part;
    targets.push_back(path.parent_path() / target);
  }
  // Where links lead is asked of the system, now that all are there: what one means depends on the others.
  if (!targets.empty()) {
    std::error_code failed;
    const auto home = fs::canonical(folder, failed);
    for (const auto& target : targets) {
      const auto resolved = fs::weakly_canonical(target, failed);
      const auto relative = failed ? fs::path("..") : resolved.lexically_relative(home);
      if (relative.empty() || *relative.begin() == "..") return not_a_zip("a link that leads out of the package");
    }
  }
  return {};
}

}  // namespace likeness::lambda
