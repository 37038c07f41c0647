#include "vision/runtime/cpu_probe.hpp"

#include <cpuid.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/log.hpp"

namespace likeness::vision {
namespace {

// From <asm/prctl.h> of Linux 5.16 and later; the kernel hands the tile registers out on request only.
constexpr int kArchRequestPermission = 0x1023;
constexpr int kTileDataFeature = 18;

struct alignas(64) TileConfig {
  std::uint8_t palette = 0;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

/// A product of two small tiles: configure, zero, load, multiply, store, release.
__attribute__((target("amx-tile,amx-int8"))) void use_tiles() {
  if (syscall(SYS_arch_prctl, kArchRequestPermission, kTileDataFeature) != 0) _exit(1);
  TileConfig config;
  config.palette = 1;
  for (int i = 0; i < 3; ++i) {
    config.row_bytes[i] = 64;
    config.rows[i] = 16;
  }
  alignas(64) static std::uint8_t a[1024];
  alignas(64) static std::uint8_t b[1024];
  alignas(64) static std::uint8_t c[1024];
  std::memset(a, 1, sizeof a);
  std::memset(b, 1, sizeof b);
  const std::uint64_t stride = 64;
  __asm__ volatile(
      "ldtilecfg %[config]\n\t"
      "tilezero %%tmm0\n\t"
      "tileloadd (%[a],%[stride],1), %%tmm1\n\t"
      "tileloadd (%[b],%[stride],1), %%tmm2\n\t"
      "tdpbuud %%tmm2, %%tmm1, %%tmm0\n\t"
      "tilestored %%tmm0, (%[c],%[stride],1)\n\t"
      "tilerelease\n\t"
      :
      : [config] "m"(config), [a] "r"(a), [b] "r"(b), [c] "r"(c), [stride] "r"(stride)
      : "memory");
  // 64 products of 1 in each element: anything else means the unit does not work either.
  std::int32_t first = 0;
  std::memcpy(&first, c, sizeof first);
  if (first != 64) _exit(1);
}

}  // namespace

ChildEnd survives_in_child(void (*act)()) {
  const pid_t child = fork();
  if (child < 0) return ChildEnd::NotStarted;
  if (child == 0) {
    // Handlers of the parent (sanitizers, crash reports) have no business with a fault that is expected.
    for (const int number : {SIGILL, SIGSEGV, SIGBUS, SIGFPE}) std::signal(number, SIG_DFL);
    act();
    _exit(0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return ChildEnd::NotStarted;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? ChildEnd::Survived : ChildEnd::Killed;
}

bool amx_advertised() {
  unsigned int eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  constexpr unsigned int kTileBit = 1U << 24, kInt8Bit = 1U << 25, kBf16Bit = 1U << 22;
  // Any of them counts: the library looks at each by itself.
  return (edx & (kTileBit | kInt8Bit | kBf16Bit)) != 0;
}

CpuProbe judge_amx(bool advertised, ChildEnd end, std::string_view user_limit) {
  CpuProbe probe;
  if (!advertised) {
    probe.amx = CpuProbe::Amx::Absent;
    probe.summary = "AMX is absent";
  } else if (end == ChildEnd::Survived) {
    probe.amx = CpuProbe::Amx::Works;
    probe.summary = "AMX works";
  } else {
    probe.amx = CpuProbe::Amx::Faults;
    probe.summary = end == ChildEnd::Killed ? "AMX is advertised but faults" : "AMX could not be tried";
    if (user_limit.empty()) probe.instruction_limit = "AVX512_CORE_FP16";
  }
  if (!user_limit.empty()) {
    probe.summary += ", ONEDNN_MAX_CPU_ISA=" + std::string(user_limit) + " was set by the user";
  } else if (!probe.instruction_limit.empty()) {
    probe.summary += ", ONEDNN_MAX_CPU_ISA set to " + probe.instruction_limit;
  }
  return probe;
}

CpuProbe probe_cpu_before_inference() {
  const char* user = std::getenv("ONEDNN_MAX_CPU_ISA");
  const bool advertised = amx_advertised();
  const CpuProbe probe = judge_amx(advertised, advertised ? survives_in_child(use_tiles) : ChildEnd::Survived,
                                   user == nullptr ? "" : user);
  if (!probe.instruction_limit.empty()) setenv("ONEDNN_MAX_CPU_ISA", probe.instruction_limit.c_str(), 0);
  log::info("processor: {}", probe.summary);
  return probe;
}

}  // namespace likeness::vision
