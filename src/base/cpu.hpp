#pragma once

#include <string>

namespace likeness {

/// What this processor, and the system's saving of its registers, allow. Read once; AMX is not judged here because a
/// processor may advertise it and still fault (vision/cpu_probe tries it).
struct CpuFeatures {
  bool avx2 = false;         // with FMA
  bool avx512 = false;       // F, BW, DQ and VL
  bool avx512_vnni = false;  // 8-bit dot products
  bool avx512_bf16 = false;
  bool avx_vnni = false;  // 8-bit dot products in 256 bits
};

const CpuFeatures& cpu_features();
/// "AMD EPYC 9B14", from the processor itself.
std::string cpu_name();

}  // namespace likeness
