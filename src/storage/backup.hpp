#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"

/// A backup is a folder with the layout of a data folder, made while the server runs, and the file BACKUP, written
/// last: a line that names the format and one per file, its size and path. A folder without it is no whole backup.
namespace likeness::storage {

struct BackupReport {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  /// Files of blobs that are not whole: left by a crash and known to nobody, or damaged. Not in the backup.
  std::vector<std::string> not_whole;
};

/// Copies the backup in `source` to `data`, which must not exist or be empty, and checks every byte: sizes, the
/// checksums of the tables and of the blobs. What was copied is removed if anything is wrong.
/// Errors: "NotABackup", "DataFromNewerVersion", "NotEmpty", "StorageFull", "StorageFailure".
/// `sync` false: scratch data, that need not survive a crash of the machine.
Result<BackupReport> restore_backup(const std::filesystem::path& source, const std::filesystem::path& data,
                                    bool sync = true);

/// The parts of a backup below EmbeddedStorage: see there for the whole.
/// Makes `destination`, which must not exist or be empty.
Result<void> begin_backup(const std::filesystem::path& destination);
/// Copies what a data folder holds beside tables and blobs: keys and certificates.
Result<void> copy_other_files(const std::filesystem::path& data, const std::filesystem::path& destination);
/// Syncs everything, if wanted, and writes BACKUP.
Result<BackupReport> finish_backup(const std::filesystem::path& destination, bool sync);

}  // namespace likeness::storage
