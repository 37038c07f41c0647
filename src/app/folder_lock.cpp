#include "app/folder_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace likeness::app {

Result<FolderLock> FolderLock::take(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "LOCK";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0)
    return server_error("StorageFailure",
                        fmt::format("The data folder {} cannot be used: {}.", folder.string(), std::strerror(errno)));
  FolderLock lock(file);
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    char holder[32] = {};
    const ssize_t count = ::pread(file, holder, sizeof(holder) - 1, 0);
    const std::string process(holder, count > 0 ? static_cast<std::size_t>(count) : 0);
    return client_error("DataInUse",
                        fmt::format("The data folder {} is in use by process {}: stop that server, or give "
                                    "this one another folder with --data.",
                                    folder.string(), process.substr(0, process.find('\n'))));
  }
  // Only for people: the lock itself is what counts, so a full disk does not matter here.
  const std::string process = fmt::format("{}\n", ::getpid());
  if (::ftruncate(file, 0) != 0 || ::pwrite(file, process.data(), process.size(), 0) < 0) errno = 0;
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
FolderLock::~FolderLock() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace likeness::app
