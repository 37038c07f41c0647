#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace likeness::app {

/// What the command line reads of one file; AWS takes 5 or 15 MB.
constexpr std::size_t kMostPhotoBytes = 200'000'000;

/// The photos that the arguments of a command mean, in the order given: a file is itself, a folder all JPEG, PNG and
/// WebP files below it (sorted, hidden ones left out, links to folders not followed), a pattern ("a/*.jpg" that the
/// shell left alone) the files it matches, "-" standard input. A path that does not exist stays in the list, so that it
/// is reported as unreadable with the others. Nothing appears twice.
/// Error "NoPhotos" when an argument stands for nothing (an empty folder, a pattern without a match).
Result<std::vector<std::string>> find_photos(const std::vector<std::string>& arguments);

/// The whole file, or standard input for "-". Errors: "NotFound", "NotReadable" (the message says why), "TooLarge".
Result<Bytes> read_file(const std::string& path, std::size_t most_bytes);

/// Written beside the target and renamed, so that nobody sees half of it. Errors: "NotWritable".
Result<void> write_file(const std::string& path, BytesView content);

}  // namespace likeness::app
