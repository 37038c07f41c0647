#include "index/kernels.hpp"

#include "base/cpu.hpp"

namespace likeness::index {

bool has_isa(Isa isa) {
  const CpuFeatures& cpu = cpu_features();
  switch (isa) {
    case Isa::Portable: return true;
    case Isa::Avx2: return cpu.avx2;
    case Isa::AvxVnni: return cpu.avx2 && cpu.avx_vnni;
    case Isa::Avx512: return cpu.avx512;
    case Isa::Avx512Vnni: return cpu.avx512_vnni && __builtin_cpu_supports("avx512vpopcntdq");
  }
  return false;
}

Isa best_isa() {
  for (const Isa isa : {Isa::Avx512Vnni, Isa::Avx512, Isa::AvxVnni, Isa::Avx2})
    if (has_isa(isa)) return isa;
  return Isa::Portable;
}

const Kernels& kernels_for(Isa isa) {
  switch (isa) {
    case Isa::Portable: break;
    case Isa::Avx2: return kAvx2Kernels;
    case Isa::AvxVnni: return kAvxVnniKernels;
    case Isa::Avx512: return kAvx512Kernels;
    case Isa::Avx512Vnni: return kAvx512VnniKernels;
  }
  return kPortableKernels;
}

}  // namespace likeness::index
