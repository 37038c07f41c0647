#pragma once

#include <filesystem>

#include "base/result.hpp"

namespace likeness::app {

/// Holds a data folder for this process, so that two servers cannot share it. Ends with the process, however that ends.
class FolderLock {
 public:
  /// Locks the file LOCK in `folder` and writes our process id into it. Errors: "DataInUse" (names the process that
  /// holds it), "StorageFailure".
  static Result<FolderLock> take(const std::filesystem::path& folder);

  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;

 private:
  explicit FolderLock(int file) : file_(file) {}
  int file_;
};

}  // namespace likeness::app
