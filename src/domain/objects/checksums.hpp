#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace likeness::objects {

/// The checksum of an object as clients see it.
struct Checksum {
  enum class Algorithm : std::uint8_t { Crc32, Crc32c, Crc64Nvme, Sha1, Sha256 };
  /// Of all bytes, or of the checksums of the parts (then "-N" follows the value).
  enum class Type : std::uint8_t { FullObject, Composite };

  Algorithm algorithm = Algorithm::Crc64Nvme;
  Type type = Type::FullObject;
  std::string value = {};  // base64

  bool operator==(const Checksum&) const = default;
};

/// "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256".
std::string_view name_of(Checksum::Algorithm algorithm);
std::optional<Checksum::Algorithm> algorithm_named(std::string_view name);
/// Bytes of a value.
std::size_t size_of(Checksum::Algorithm algorithm);
/// Whether `value` is base64 of the right number of bytes.
bool is_well_formed(Checksum::Algorithm algorithm, std::string_view value);

/// Computes one over data that comes in pieces. Used by one thread.
class ChecksumStream {
 public:
  explicit ChecksumStream(Checksum::Algorithm algorithm);
  ~ChecksumStream();
  ChecksumStream(ChecksumStream&&) noexcept;

  Checksum::Algorithm algorithm() const { return algorithm_; }
  void update(BytesView bytes);
  /// Base64. Once.
  std::string finish();

 private:
  struct State;
  Checksum::Algorithm algorithm_;
  std::unique_ptr<State> state_;
};

/// The checksum of a multipart object from those of its parts. FullObject needs a CRC.
struct PartChecksum {
  std::string value = {};
  std::uint64_t size = 0;
};
std::string checksum_of_parts(Checksum::Algorithm algorithm, Checksum::Type type,
                              const std::vector<PartChecksum>& parts);

}  // namespace likeness::objects
