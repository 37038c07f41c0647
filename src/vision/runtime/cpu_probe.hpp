#pragma once

#include <string>
#include <string_view>

namespace likeness::vision {

struct CpuProbe {
  enum class Amx { Absent, Works, Faults };
  Amx amx = Amx::Absent;
  /// What ONEDNN_MAX_CPU_ISA was set to; empty if it was left alone.
  std::string instruction_limit;
  /// One line for the log.
  std::string summary;
};

/// Tries, in a forked child, the tile instructions that the processor advertises, and where they fault keeps the
/// inference library from using them (ONEDNN_MAX_CPU_ISA=AVX512_CORE_FP16): some virtual machines advertise AMX and die
/// with SIGILL on its first instruction. Must be called first thing in main: before other threads exist, and before the
/// inference library loads its processor code. A limit that the user has set already is left alone.
CpuProbe probe_cpu_before_inference();

/// The three parts of it, for tests.
enum class ChildEnd { Survived, Killed, NotStarted };
/// Runs `act` in a forked child that then ends; says whether it lived through it.
ChildEnd survives_in_child(void (*act)());
/// Does the processor say that it has AMX with its registers enabled?
bool amx_advertised();
/// What follows from both; `user_limit` is the value of the variable before.
CpuProbe judge_amx(bool advertised, ChildEnd end, std::string_view user_limit);

}  // namespace likeness::vision
