#include "vision/runtime/cpu_probe.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

namespace likeness::vision {
namespace {

void illegal() { raise(SIGILL); }
void harmless() {}
void quits() { _exit(3); }

TEST(CpuProbe, AFaultInTheChildIsSeenAndDoesNotHurtTheParent) {
  EXPECT_EQ(survives_in_child(illegal), ChildEnd::Killed);
  EXPECT_EQ(survives_in_child(quits), ChildEnd::Killed);
  EXPECT_EQ(survives_in_child(harmless), ChildEnd::Survived);
}

TEST(CpuProbe, AnUndefinedInstructionKillsTheChildOnly) {
  EXPECT_EQ(survives_in_child([] { __asm__ volatile("ud2"); }), ChildEnd::Killed);
}

TEST(CpuProbe, TheLimitIsSetOnlyWhereAmxIsAdvertisedAndFaults) {
  EXPECT_EQ(judge_amx(false, ChildEnd::Survived, "").instruction_limit, "");
  EXPECT_EQ(judge_amx(true, ChildEnd::Survived, "").instruction_limit, "");
  EXPECT_EQ(judge_amx(true, ChildEnd::Survived, "").amx, CpuProbe::Amx::Works);
  EXPECT_EQ(judge_amx(true, ChildEnd::Killed, "").instruction_limit, "AVX512_CORE_FP16");
  EXPECT_EQ(judge_amx(true, ChildEnd::Killed, "").amx, CpuProbe::Amx::Faults);
  // A machine that cannot fork just now must not lose the protection.
  EXPECT_EQ(judge_amx(true, ChildEnd::NotStarted, "").instruction_limit, "AVX512_CORE_FP16");
}

TEST(CpuProbe, TheUsersOwnLimitIsLeftAlone) {
  const CpuProbe probe = judge_amx(true, ChildEnd::Killed, "AVX2");
  EXPECT_EQ(probe.instruction_limit, "");
  EXPECT_NE(probe.summary.find("ONEDNN_MAX_CPU_ISA=AVX2 was set by the user"), std::string::npos);
}

TEST(CpuProbe, ProbingThisMachineEndsInAWordOnIt) {
  const CpuProbe probe = probe_cpu_before_inference();
  EXPECT_EQ(probe.amx == CpuProbe::Amx::Absent, !amx_advertised());
  EXPECT_FALSE(probe.summary.empty());
}

}  // namespace
}  // namespace likeness::vision
