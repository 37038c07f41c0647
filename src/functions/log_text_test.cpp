#include "functions/log_text.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "functions/cgroup.hpp"
#include "functions/peer.hpp"
#include "functions/worker.hpp"

namespace likeness::functions {
namespace {

using Lines = std::vector<std::string>;

TEST(LineSplitter, CutsLinesWhereverThePiecesEnd) {
  LineSplitter splitter(10);
  Lines lines;
  splitter.feed("one\ntw", lines);
  splitter.feed("o\n\nthree", lines);
  EXPECT_EQ(lines, (Lines{"one", "two"}));
  splitter.flush(lines);
  EXPECT_EQ(lines.back(), "three");
}

TEST(LineSplitter, CutsWhatIsTooLong) {
  LineSplitter splitter(4);
  Lines lines;
  splitter.feed("abcdefghij\nk\n", lines);
  EXPECT_EQ(lines, (Lines{"abcd", "efgh", "ij", "k"}));
}

TEST(LineSplitter, KeepsOneEventOfSeveralLinesTogether) {
  LineSplitter splitter(100);
  Lines lines;
  splitter.feed("[ERROR] x\rTraceback\r  line 1\r\n", lines);
  EXPECT_EQ(lines, (Lines{"[ERROR] x\nTraceback\n  line 1"}));
}

std::string frame(std::uint32_t type, std::uint64_t microseconds, const std::string& text) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(type >> shift);
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(text.size() >> shift);
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(microseconds >> shift);
  return bytes + text;
}

TEST(FrameReader, ReadsFramesByteByByte) {
  FrameReader reader(100);
  std::vector<LogLine> lines;
  for (const char byte : frame(0xA55A0003, 1'700'000'000'000'000, "one\ntwo\n") + frame(0xA55A0017, 5, "three"))
    EXPECT_TRUE(reader.feed(std::string_view(&byte, 1), lines));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].text, "one\ntwo");
  EXPECT_EQ(lines[0].time, TimePoint(std::chrono::seconds(1'700'000'000)));
  EXPECT_EQ(lines[1].text, "three");
}

TEST(FrameReader, BoundsAMessageAndStopsAtGarbage) {
  FrameReader reader(5);
  std::vector<LogLine> lines;
  EXPECT_TRUE(reader.feed(frame(0xA55A0003, ~0ULL, "much too long"), lines));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].text, "much ");
  EXPECT_FALSE(reader.feed("this is no frame, is it?", lines));
  EXPECT_FALSE(reader.feed(frame(0xA55A0003, 0, "late"), lines));
  EXPECT_EQ(lines.size(), 1U);
}

TEST(PlatformLines, AreThoseOfLambda) {
  const PlatformLines lines(LogFormat::Text, "INFO");
  const TimePoint now(std::chrono::milliseconds(1'700'000'000'123));
  EXPECT_EQ(lines.start("id", "7", now), "START RequestId: id Version: 7");
  EXPECT_EQ(lines.report({.request_id = "id",
                          .duration = std::chrono::microseconds(3000'000),
                          .billed = std::chrono::milliseconds(3000),
                          .memory_mb = 512,
                          .max_memory_mb = 40,
                          .status = "timeout"},
                         now),
            "REPORT RequestId: id\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 512 MB\t"
            "Max Memory Used: 40 MB\tStatus: timeout");
  const PlatformLines json(LogFormat::Json, "INFO");
  EXPECT_EQ(json.start("id", "7", now), R"({"time":"2023-11-14T22:13:20.123Z","type":"platform.start",)"
                                        R"("record":{"requestId":"id","version":"7"}})");
  EXPECT_EQ(json.end("id", "", now), "");
  EXPECT_EQ(PlatformLines(LogFormat::Json, "WARN").start("id", "7", now), "");
}

TEST(LogText, BilledTimeIsRoundedUp) {
  EXPECT_EQ(billed(std::chrono::microseconds(1)).count(), 1);
  EXPECT_EQ(billed(std::chrono::microseconds(2000)).count(), 2);
  EXPECT_EQ(billed(std::chrono::microseconds(2001)).count(), 3);
}

TEST(LogText, FindsTheTypeOfAnError) {
  EXPECT_EQ(error_type_in(R"({"errorMessage":"x","errorType":"KeyError"})"), "KeyError");
  EXPECT_EQ(error_type_in("not json"), "");
  EXPECT_EQ(error_type_in(R"({"errorType":7})"), "");
}

TEST(LogTail, IsTheLastFourKilobytes) {
  LogTail tail;
  for (int i = 0; i < 10'000; ++i) tail.add(std::to_string(i));
  EXPECT_EQ(tail.text().size(), 4096U);
  EXPECT_TRUE(tail.text().ends_with("9998\n9999\n"));
}

TEST(Paths, NameTheInvocation) {
  EXPECT_EQ(invocation_in("/2018-06-01/runtime/invocation/abc/response", "response"), "abc");
  for (const char* path : {"/2018-06-01/runtime/invocation//response", "/2018-06-01/runtime/invocation/response",
                           "/2018-06-01/runtime/invocation/a/b/response", "/2018-06-01/runtime/invocation/a/error", ""})
    EXPECT_EQ(invocation_in(path, "response"), std::nullopt) << path;
}

TEST(Trailers, AreFoundByName) {
  const std::string trailers = "lambda-runtime-function-error-type: Boom \nOther:x\n";
  EXPECT_EQ(trailer(trailers, "Lambda-Runtime-Function-Error-Type"), "Boom");
  EXPECT_EQ(trailer(trailers, "Lambda-Runtime-Function-Error-Body"), "");
}

TEST(Peer, IsFoundInTheTableOfConnections) {
  const std::string table =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n"
      "   1: 0100007F:D431 05C8537F:9C40 01 00000000:00000000 00:00000000 00000000 610003        0 2 1\n";
  EXPECT_EQ(user_in_table(table, "0100007F:D431", "05C8537F:9C40"), 610003U);
  EXPECT_EQ(user_in_table(table, "05C8537F:9C40", "0100007F:D431"), std::nullopt);
}

TEST(Cgroup, IsFoundInItsList) {
  EXPECT_EQ(own_cgroup("12:memory:/a\n0::/user.slice/b\n"), "/user.slice/b");
  EXPECT_EQ(own_cgroup("12:memory:/a\n"), "");
}

TEST(Cgroup, ProcessorsGoByMemory) {
  EXPECT_EQ(cpu_max(1769), "100000 100000");
  EXPECT_EQ(cpu_max(128), "7235 100000");
  EXPECT_EQ(cpu_max(10240), "578858 100000");
  EXPECT_EQ(cpu_max(1), "1000 100000");
  EXPECT_EQ(cpu_weight(1769), 100);
  EXPECT_EQ(cpu_weight(128), 7);
  EXPECT_EQ(cpu_weight(1), 1);
}

TEST(Cgroup, ItsProcessorsAreLimitedByItsFile) {
  const auto folder = std::filesystem::temp_directory_path() / ("likeness-cgroup-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  Cgroup(folder.string()).limit_cpu(3538);
  std::string text;
  std::getline(std::ifstream(folder / "cpu.max"), text);
  EXPECT_EQ(text, "200000 100000");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace likeness::functions
