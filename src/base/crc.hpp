#pragma once

#include <cstdint>

#include "base/bytes.hpp"

/// Cyclic redundancy checks, each with the processor's own instructions where it has them. Every function takes the
/// value so far (0 at the beginning) and gives that of the bytes so far, so data can come in pieces.
namespace likeness {

/// The CRC of zlib and of HTTP's gzip.
std::uint32_t crc32(std::uint32_t so_far, BytesView bytes);
/// Castagnoli's.
std::uint32_t crc32c(std::uint32_t so_far, BytesView bytes);
/// CRC-64/NVME.
std::uint64_t crc64nvme(std::uint64_t so_far, BytesView bytes);

/// Of A followed by B, from the values of both and the length of B.
std::uint32_t combine_crc32(std::uint32_t a, std::uint32_t b, std::uint64_t length_of_b);
std::uint32_t combine_crc32c(std::uint32_t a, std::uint32_t b, std::uint64_t length_of_b);
std::uint64_t combine_crc64nvme(std::uint64_t a, std::uint64_t b, std::uint64_t length_of_b);

}  // namespace likeness
