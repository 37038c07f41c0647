#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/objects/types.hpp"

/// How buckets, versions, uploads and parts lie in the store. `decode_...` fails with "StorageFailure" where a value is
/// damaged.
namespace likeness::objects {

std::string encode(const Bucket& bucket);
Result<Bucket> decode_bucket(std::string_view name, std::string_view value);

/// The current version of a key knows what else there is of it.
struct Current {
  Version version = {};
  bool has_others = false;      // there may be noncurrent versions
  std::string null_order = {};  // of the noncurrent version whose id is "null"; empty if there is none
};

std::string encode(const Version& version);
std::string encode(const Current& current);
Result<Version> decode_version(std::string_view key, std::string_view value);
Result<Current> decode_current(std::string_view key, std::string_view value);

std::string encode(const std::vector<Piece>& pieces);
Result<std::vector<Piece>> decode_pieces(std::string_view value);

std::string encode(const Upload& upload);
Result<Upload> decode_upload(std::string_view id, std::string_view value);

std::string encode(const Part& part);
Result<Part> decode_part(int number, std::string_view value);

}  // namespace likeness::objects
