#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"

namespace likeness::states {

/// The digest of a text in hexadecimal digits, by an algorithm's name as States.Hash and $hash have it: "SHA-256".
/// nullopt: there is no such algorithm.
inline std::optional<std::string> named_digest(std::string_view algorithm, std::string_view text) {
  using Kind = Digest::Kind;
  std::optional<Kind> kind;
  if (algorithm == "MD5") kind = Kind::Md5;
  if (algorithm == "SHA-1") kind = Kind::Sha1;
  if (algorithm == "SHA-256") kind = Kind::Sha256;
  if (algorithm == "SHA-384") kind = Kind::Sha384;
  if (algorithm == "SHA-512") kind = Kind::Sha512;
  if (!kind) return std::nullopt;
  Digest digest(*kind);
  digest.update(as_bytes(text));
  return to_hex(digest.finish());
}

}  // namespace likeness::states
