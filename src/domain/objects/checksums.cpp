#include "domain/objects/checksums.hpp"

#include <array>
#include <utility>

#include "base/crc.hpp"
#include "base/digest.hpp"

namespace likeness::objects {

namespace {

constexpr std::array<std::pair<Checksum::Algorithm, std::string_view>, 5> kNames{{
    {Checksum::Algorithm::Crc32, "CRC32"},
    {Checksum::Algorithm::Crc32c, "CRC32C"},
    {Checksum::Algorithm::Crc64Nvme, "CRC64NVME"},
    {Checksum::Algorithm::Sha1, "SHA1"},
    {Checksum::Algorithm::Sha256, "SHA256"},
}};

Bytes big_endian(std::uint64_t value, std::size_t size) {
  Bytes out(size);
  for (std::size_t i = size; i-- > 0; value >>= 8) out[i] = static_cast<std::uint8_t>(value & 0xff);
  return out;
}

std::uint64_t number_of(BytesView bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

bool is_digest(Checksum::Algorithm algorithm) {
  return algorithm == Checksum::Algorithm::Sha1 || algorithm == Checksum::Algorithm::Sha256;
}

}  // namespace

std::string_view name_of(Checksum::Algorithm algorithm) {
  for (const auto& [known, name] : kNames)
    if (known == algorithm) return name;
  return {};
}

std::optional<Checksum::Algorithm> algorithm_named(std::string_view name) {
  for (const auto& [algorithm, known] : kNames)
    if (known == name) return algorithm;
  return std::nullopt;
}

std::size_t size_of(Checksum::Algorithm algorithm) {
  switch (algorithm) {
    case Checksum::Algorithm::Crc32:
    case Checksum::Algorithm::Crc32c: return 4;
    case Checksum::Algorithm::Crc64Nvme: return 8;
    case Checksum::Algorithm::Sha1: return 20;
    case Checksum::Algorithm::Sha256: return 32;
  }
  return 0;
}

bool is_well_formed(Checksum::Algorithm algorithm, std::string_view value) {
  const auto bytes = from_base64(value);
  return bytes && bytes->size() == size_of(algorithm);
}

struct ChecksumStream::State {
  std::uint64_t crc = 0;
  std::optional<Digest> digest;
};

ChecksumStream::ChecksumStream(Checksum::Algorithm algorithm)
    : algorithm_(algorithm), state_(std::make_unique<State>()) {
  if (is_digest(algorithm))
    state_->digest.emplace(algorithm == Checksum::Algorithm::Sha1 ? Digest::Kind::Sha1 : Digest::Kind::Sha256);
}
ChecksumStream::~ChecksumStream() = default;
ChecksumStream::ChecksumStream(ChecksumStream&&) noexcept = default;

void ChecksumStream::update(BytesView bytes) {
  switch (algorithm_) {
    case Checksum::Algorithm::Crc32: state_->crc = crc32(static_cast<std::uint32_t>(state_->crc), bytes); break;
    case Checksum::Algorithm::Crc32c: state_->crc = crc32c(static_cast<std::uint32_t>(state_->crc), bytes); break;
    case Checksum::Algorithm::Crc64Nvme: state_->crc = crc64nvme(state_->crc, bytes); break;
    case Checksum::Algorithm::Sha1:
    case Checksum::Algorithm::Sha256: state_->digest->update(bytes); break;
  }
}

std::string ChecksumStream::finish() {
  if (state_->digest) return to_base64(state_->digest->finish());
  return to_base64(big_endian(state_->crc, size_of(algorithm_)));
}

std::string checksum_of_parts(Checksum::Algorithm algorithm, Checksum::Type type,
                              const std::vector<PartChecksum>& parts) {
  if (type == Checksum::Type::Composite) {
    ChecksumStream stream(algorithm);
    for (const auto& part : parts) stream.update(from_base64(part.value).value_or(Bytes{}));
    return stream.finish() + "-" + std::to_string(parts.size());
  }
  std::uint64_t crc = 0;
  for (const auto& part : parts) {
    const std::uint64_t value = number_of(from_base64(part.value).value_or(Bytes{}));
    const auto narrow = static_cast<std::uint32_t>(crc);
    const auto of_part = static_cast<std::uint32_t>(value);
    if (algorithm == Checksum::Algorithm::Crc32)
      crc = combine_crc32(narrow, of_part, part.size);
    else if (algorithm == Checksum::Algorithm::Crc32c)
      crc = combine_crc32c(narrow, of_part, part.size);
    else
      crc = combine_crc64nvme(crc, value, part.size);
  }
  return to_base64(big_endian(crc, size_of(algorithm)));
}

}  // namespace likeness::objects
