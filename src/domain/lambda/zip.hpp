#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "base/bytes.hpp"
#include "base/result.hpp"

/// Packages of functions and layers: ZIP files of strangers.
namespace likeness::lambda {

struct ZipLimits {
  std::uint64_t unpacked = 262'144'000;  // AWS's 250 MB
  std::size_t entries = 100'000;
};

/// Reads the directory and every file of a package, writes nothing. Gives the sum of the files' sizes.
/// Error: InvalidParameterValueException, with AWS's words for what is no ZIP file, empty, or too large.
Result<std::uint64_t> check_zip(BytesView zip, const ZipLimits& limits = {});

/// Writes a package's files below `folder`, which must be there and empty. What is written is read-only and for
/// everybody to read, and executable where the package says so. Refused are paths that lead out of the folder, names
/// that occur twice, links that lead out of it, and more bytes than the directory of the package or the limits say: no
/// byte of a file is believed before it was counted. Errors: those of check_zip, "StorageFull", "StorageFailure".
Result<void> unpack_zip(BytesView zip, const std::filesystem::path& folder, const ZipLimits& limits = {});

}  // namespace likeness::lambda
