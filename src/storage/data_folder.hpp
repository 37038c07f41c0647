#pragma once

#include <filesystem>

#include "base/result.hpp"

namespace likeness::storage {

/// The format this program writes. Raised when an older program could no longer read the folder; the newer one then
/// converts what it finds. 1: tables. 2: blobs and logs as well.
inline constexpr int kDataFormat = 2;

/// Makes `path` a data folder or checks that it is one of a format we can read. The file FORMAT in it says so.
/// Errors: "DataFromNewerVersion", "StorageFailure".
Result<void> prepare_data_folder(const std::filesystem::path& path);

}  // namespace likeness::storage
