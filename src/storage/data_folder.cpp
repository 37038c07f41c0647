#include "storage/data_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace likeness::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormatLine = "likeness data, format ";

Failure folder_failure(std::string_view doing, const fs::path& path, int error) {
  if (error == ENOSPC || error == EDQUOT) return server_error("StorageFull", "The disk is full.", path.string());
  return server_error("StorageFailure", "The data folder cannot be used.",
                      fmt::format("{} {}: {}", doing, path.string(), std::strerror(error)));
}

/// Writes under another name, syncs, renames: the file is there as a whole or not at all.
Result<void> write_format(const fs::path& folder) {
  const fs::path path = folder / "FORMAT";
  const fs::path part = folder / "FORMAT.part";
  const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return folder_failure("creating", part, errno);
  const std::string text = fmt::format("{}{}\n", kFormatLine, kDataFormat);
  const bool written =
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  if (!written) return folder_failure("writing", part, error);
  if (::rename(part.c_str(), path.c_str()) != 0) return folder_failure("naming", path, errno);
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return folder_failure("opening", folder, errno);
  const bool synced = ::fsync(directory) == 0;
  const int sync_error = errno;
  ::close(directory);
  if (!synced) return folder_failure("syncing", folder, sync_error);
  return {};
}

}  // namespace

Result<void> prepare_data_folder(const fs::path& path) {
  std::error_code error;
  const bool made = fs::create_directories(path, error);
  if (error) return folder_failure("creating", path, error.value());
  if (made) ::chmod(path.c_str(), 0700);

  std::ifstream file(path / "FORMAT");
  if (!file) {
    // The marker is written before anything else, so data without it is not ours or was tampered with.
    if (fs::exists(path / "tables", error))
      return server_error("StorageFailure", "The data folder lacks its FORMAT file.", path.string());
    return write_format(path);
  }
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  int format = 0;
  if (!text.starts_with(kFormatLine) ||
      std::from_chars(text.data() + kFormatLine.size(), text.data() + text.size(), format).ec != std::errc{} ||
      format < 1)
    return server_error("StorageFailure", "The FORMAT file of the data folder cannot be understood.", path.string());
  if (format > kDataFormat)
    return server_error("DataFromNewerVersion",
                        fmt::format("The data folder was written by a newer version of this program (format {}; this "
                                    "one reads up to {}). Nothing was changed; use the newer version.",
                                    format, kDataFormat),
                        path.string());
  if (format < kDataFormat) return write_format(path);
  return {};
}

}  // namespace likeness::storage
