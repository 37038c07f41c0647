#include "storage/backup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/bytes.hpp"
#include "base/crc.hpp"
#include "storage/blob_file.hpp"
#include "storage/data_folder.hpp"
#include "storage/embedded.hpp"

namespace likeness::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kManifest = "BACKUP";
constexpr std::string_view kFirstLine = "likeness backup, format ";
constexpr int kBackupFormat = 1;

/// What a data folder has only while a server runs on it, or what we write ourselves.
bool is_of_the_server(const fs::path& name) {
  return name == "store" || name == "blobs" || name == "FORMAT" || name == "LOCK" || name == kManifest ||
         name.extension() == ".sock";
}

Result<void> copy_one(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::copy_file(from, to, error);
  if (error) return file_failure("copying", from, error.value());
  // Keys stay as private as they were.
  fs::permissions(to, fs::status(from, error).permissions(), error);
  return {};
}

Result<void> require_empty(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (status.type() == fs::file_type::not_found) return {};
  if (status.type() != fs::file_type::directory || !fs::is_empty(folder, error) || error)
    return client_error(
        "NotEmpty", fmt::format("{} is there already and not an empty folder; nothing was changed.", folder.string()));
  return {};
}

Result<void> make_private_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return file_failure("making", folder, error.value());
  ::chmod(folder.c_str(), 0700);
  return {};
}

Result<void> sync_all(const fs::path& folder) {
  const FileHandle file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file || ::syncfs(file.get()) != 0) return file_failure("syncing", folder, errno);
  return {};
}

Failure not_a_backup(const fs::path& source, std::string_view why) {
  return client_error("NotABackup", fmt::format("{} is not a whole backup: {}.", source.string(), why));
}

struct Listed {
  std::uint64_t size;
  fs::path path;
};

Result<std::vector<Listed>> read_manifest(const fs::path& source) {
  std::ifstream file(source / kManifest);
  if (!file) return not_a_backup(source, "it has no file BACKUP");
  std::string line;
  int format = 0;
  if (!std::getline(file, line) || !line.starts_with(kFirstLine) ||
      std::from_chars(line.data() + kFirstLine.size(), line.data() + line.size(), format).ec != std::errc{})
    return not_a_backup(source, "its file BACKUP cannot be understood");
  if (format > kBackupFormat)
    return server_error("DataFromNewerVersion",
                        fmt::format("{} was made by a newer version of this program; use that.", source.string()));
  std::vector<Listed> files;
  bool ended = false;
  while (std::getline(file, line)) {
    ended = line == "end";
    if (ended) break;
    Listed listed{};
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), listed.size);
    const auto after = static_cast<std::size_t>(rest - line.data());
    if (error != std::errc{} || after + 1 >= line.size() || line[after] != ' ')
      return not_a_backup(source, "its file BACKUP cannot be understood");
    listed.path = line.substr(after + 1);
    if (listed.path.is_absolute() || std::ranges::any_of(listed.path, [](const fs::path& p) { return p == ".."; }))
      return not_a_backup(source, "its file BACKUP names files elsewhere");
    files.push_back(std::move(listed));
  }
  if (!ended) return not_a_backup(source, "its file BACKUP has no end");
  return files;
}

Result<void> verify_blob(const fs::path& path) {
  auto file = open_blob_file(path, 0, UINT64_MAX);
  if (!file) return fail(file);
  Bytes buffer(1u << 20);
  while (true) {
    auto count = file->reader->read(buffer);
    if (!count) return fail(count);
    if (*count == 0) return {};
  }
}

Result<BackupReport> copy_and_verify(const fs::path& source, const std::vector<Listed>& files, const fs::path& data,
                                     bool sync) {
  BackupReport report;
  for (const auto& [size, path] : files) {
    std::error_code error;
    if (fs::file_size(source / path, error) != size || error)
      return not_a_backup(source, fmt::format("{} is missing or has another size", path.string()));
    if (auto made = make_private_folder((data / path).parent_path()); !made) return fail(made);
    if (auto copied = copy_one(source / path, data / path); !copied) return fail(copied);
    ++report.files;
    report.bytes += size;
  }
  // From here on the copies are read, so that what the disk made of them is checked as well.
  for (const auto& [size, path] : files)
    if (*path.begin() == "blobs")
      if (auto whole = verify_blob(data / path); !whole) return fail(whole);
  EmbeddedOptions options;
  options.store.sync = sync;
  auto storage = EmbeddedStorage::open(data, options);
  if (!storage) return fail(storage);
  if (auto whole = (*storage)->verify(); !whole) return fail(whole);
  storage->reset();
  if (sync)
    if (auto synced = sync_all(data); !synced) return fail(synced);
  return report;
}

}  // namespace

Result<void> begin_backup(const fs::path& destination) {
  if (auto empty = require_empty(destination); !empty) return empty;
  return make_private_folder(destination);
}

Result<void> copy_other_files(const fs::path& data, const fs::path& destination) {
  std::error_code error;
  fs::recursive_directory_iterator files(data, error);
  if (error) return file_failure("listing", data, error.value());
  for (; files != fs::recursive_directory_iterator(); files.increment(error)) {
    const fs::path path = files->path().lexically_relative(data);
    if (files.depth() == 0 && is_of_the_server(path)) {
      files.disable_recursion_pending();
      continue;
    }
    // A backup that somebody put into the data folder itself.
    std::error_code ignored;
    if (files->is_directory() && fs::equivalent(files->path(), destination, ignored)) {
      files.disable_recursion_pending();
      continue;
    }
    if (!files->is_regular_file()) continue;
    if (auto made = make_private_folder((destination / path).parent_path()); !made) return made;
    if (auto copied = copy_one(files->path(), destination / path); !copied) return copied;
  }
  if (error) return file_failure("listing", data, error.value());
  return {};
}

Result<BackupReport> finish_backup(const fs::path& destination, bool sync) {
  BackupReport report;
  std::string text = fmt::format("{}{}\n", kFirstLine, kBackupFormat);
  std::error_code error;
  fs::recursive_directory_iterator files(destination, error);
  for (; !error && files != fs::recursive_directory_iterator(); files.increment(error)) {
    if (!files->is_regular_file()) continue;
    const std::uint64_t size = files->file_size();
    ++report.files;
    report.bytes += size;
    text += fmt::format("{} {}\n", size, files->path().lexically_relative(destination).string());
  }
  if (error) return file_failure("listing", destination, error.value());
  if (sync)
    if (auto synced = sync_all(destination); !synced) return fail(synced);
  const fs::path part = destination / "BACKUP.part";
  {
    std::ofstream file(part, std::ios::binary);
    file << text << "end\n";
    if (!file.flush()) return file_failure("writing", part, ENOSPC);
  }
  fs::rename(part, destination / kManifest, error);
  if (error) return file_failure("naming", part, error.value());
  const FileHandle manifest(::open((destination / kManifest).c_str(), O_RDONLY | O_CLOEXEC));
  if (!manifest || (sync && ::fsync(manifest.get()) != 0)) return file_failure("syncing", part, errno);
  if (sync)
    if (auto synced = sync_directory(destination); !synced) return fail(synced);
  return report;
}

Result<BackupReport> restore_backup(const fs::path& source, const fs::path& data, bool sync) {
  if (auto empty = require_empty(data); !empty) return fail(empty);
  auto files = read_manifest(source);
  if (!files) return fail(files);
  std::error_code error;
  const bool was_there = fs::exists(data, error);
  if (auto made = make_private_folder(data); !made) return fail(made);
  auto report = copy_and_verify(source, *files, data, sync);
  if (!report) {
    // A data folder that is not whole must not be served from.
    for (const auto& entry : fs::directory_iterator(data, error)) fs::remove_all(entry.path(), error);
    if (!was_there) fs::remove(data, error);
  }
  return report;
}

}  // namespace likeness::storage
