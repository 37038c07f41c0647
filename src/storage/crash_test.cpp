// What happens to the data when the process is killed or the disk fills up. Both need a process of their own: the test
// program starts itself again for the tests whose names begin with DISABLED_.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "storage/testing.hpp"

namespace likeness::storage {
namespace {

constexpr int kWriters = 3;
constexpr int kNotPermitted = 77;

struct Acknowledged {
  std::int32_t writer;
  std::int32_t number;
};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Runs one disabled test of this program in a new process.
pid_t start(const std::string& test, const std::vector<std::pair<std::string, std::string>>& environment) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
  const std::string filter = "--gtest_filter=" + test;
  ::execl("/proc/self/exe", "storage_test", filter.c_str(), "--gtest_also_run_disabled_tests", "--gtest_brief=1",
          static_cast<char*>(nullptr));
  ::_exit(127);
}

std::string sort_key(int number) {
  std::string text = std::to_string(number);
  return std::string(8 - text.size(), '0') + text;
}
std::string value_for(int writer, int number) {
  return std::string(static_cast<std::size_t>(20 + number % 500), static_cast<char>('a' + writer)) +
         std::to_string(number);
}

/// Every write puts an item into two tables; every fifth also takes away the last but one of both.
bool removes(int number) { return number % 5 == 4; }

// Not a test: the process that is killed. It writes until then and tells what was acknowledged.
TEST(Killed, DISABLED_Writer) {
  auto store = open_embedded_store(variable("LIKENESS_TEST_FOLDER"));
  ASSERT_TRUE(store) << store.error().message << store.error().detail;
  const int pipe = std::stoi(variable("LIKENESS_TEST_PIPE"));
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w)
    writers.emplace_back([&, w] {
      const std::string partition = variable("LIKENESS_TEST_ROUND") + "." + std::to_string(w);
      for (int number = 0;; ++number) {
        std::vector<Write> writes;
        for (const char* table : {"a", "b"}) {
          writes.push_back({table, {partition, sort_key(number)}, value_for(w, number), Write::Expect::Absent, {}});
          if (removes(number))
            writes.push_back({table, {partition, sort_key(number - 2)}, std::nullopt, Write::Expect::Present, {}});
        }
        const auto done = (*store)->commit(std::move(writes));
        if (!done) {
          std::fprintf(stderr, "%s %s\n", done.error().message.c_str(), done.error().detail.c_str());
          std::_Exit(1);
        }
        const Acknowledged acknowledged{w, number};
        if (::write(pipe, &acknowledged, sizeof acknowledged) != sizeof acknowledged) std::_Exit(1);
      }
    });
  for (auto& writer : writers) writer.join();
}

/// Reads acknowledgements until `deadline`, or to the end of the pipe.
void read_acknowledged(int pipe, std::array<int, kWriters>& last,
                       std::optional<std::chrono::steady_clock::time_point> deadline) {
  while (!deadline || std::chrono::steady_clock::now() < *deadline) {
    pollfd ready{pipe, POLLIN, 0};
    if (::poll(&ready, 1, 5) <= 0) continue;
    Acknowledged one{};
    if (::read(pipe, &one, sizeof one) != sizeof one) return;
    last[static_cast<std::size_t>(one.writer)] = one.number;
  }
}

std::map<std::string, std::string> contents(Store& store, const std::string& table, const std::string& partition) {
  std::map<std::string, std::string> out;
  const auto done = store.scan(table, partition, [&](std::string_view sort, std::string_view value) {
    out.emplace(sort, value);
    return true;
  });
  EXPECT_TRUE(done);
  return out;
}

TEST(Killed, EveryAcknowledgedCommitIsThereAndNoneIsThereByHalf) {
  const TemporaryFolder folder;
  const int rounds = variable("LIKENESS_LONG").empty() ? 10 : 100;
  std::mt19937 random(std::random_device{}());
  std::map<std::pair<int, int>, std::map<std::string, std::string>> earlier;
  for (int round = 0; round < rounds; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    ::fcntl(pipe[0], F_SETFD, FD_CLOEXEC);
    const pid_t child = start("Killed.DISABLED_Writer", {{"LIKENESS_TEST_FOLDER", folder.path() / "store"},
                                                         {"LIKENESS_TEST_PIPE", std::to_string(pipe[1])},
                                                         {"LIKENESS_TEST_ROUND", std::to_string(round)}});
    ASSERT_GT(child, 0);
    ::close(pipe[1]);
    std::array<int, kWriters> last;
    last.fill(-1);
    // Sometimes at once, amid the recovery of the round before; mostly amid writing.
    const std::chrono::milliseconds life(random() % 5 == 0 ? random() % 30 : 50 + random() % 250);
    read_acknowledged(pipe[0], last, std::chrono::steady_clock::now() + life);
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself";
    read_acknowledged(pipe[0], last, std::nullopt);
    ::close(pipe[0]);

    auto store = open_embedded_store(folder.path() / "store");
    ASSERT_TRUE(store) << store.error().message << store.error().detail;
    for (const auto& [who, items] : earlier)
      EXPECT_EQ(contents(**store, "a", std::to_string(who.first) + "." + std::to_string(who.second)), items);
    for (int w = 0; w < kWriters; ++w) {
      const std::string partition = std::to_string(round) + "." + std::to_string(w);
      const auto items = contents(**store, "a", partition);
      EXPECT_EQ(items, contents(**store, "b", partition));
      // The one after the last acknowledged may have been committed too, as a whole.
      const int acknowledged = last[static_cast<std::size_t>(w)];
      const bool one_more = items.contains(sort_key(acknowledged + 1));
      std::map<std::string, std::string> expected;
      for (int number = 0; number <= acknowledged + (one_more ? 1 : 0); ++number) {
        expected[sort_key(number)] = value_for(w, number);
        if (removes(number)) expected.erase(sort_key(number - 2));
      }
      EXPECT_EQ(items, expected) << "writer " << w << " in round " << round;
      earlier[{round, w}] = items;
    }
  }
}

// Not a test: fills a small disk of its own, then makes room.
TEST(FullDisk, DISABLED_Filler) {
  const std::filesystem::path disk = variable("LIKENESS_TEST_FOLDER");
  if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) std::_Exit(kNotPermitted);
  ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=24m") != 0) std::_Exit(kNotPermitted);
  {
    std::ofstream ballast(disk / "ballast");
    ballast << std::string(8u << 20, 'x');
    ASSERT_TRUE(ballast.flush());
  }
  StoreOptions options;
  options.min_free_bytes = 0;  // let the engine itself hit the wall
  options.write_buffer_bytes = 1u << 20;
  int stored = 0;
  const auto value = [](int number) {
    std::mt19937 bytes(static_cast<unsigned>(number));  // the engine compresses what repeats
    std::string text(40'000, '\0');
    for (char& c : text) c = static_cast<char>(bytes());
    return text;
  };
  const auto put = [&](Store& store, int number) {
    return store.commit({{"t", {"p", sort_key(number)}, value(number), Write::Expect::Absent, {}}});
  };
  const auto check = [&](Store& store) {
    for (int number = 0; number < stored; ++number)
      ASSERT_EQ(**store.get("t", {"p", sort_key(number)}), value(number)) << number;
  };
  {
    auto store = open_embedded_store(disk / "store", options);
    ASSERT_TRUE(store) << store.error().detail;
    Result<void> done;
    while ((done = put(**store, stored)) && stored < 5000) ++stored;
    ASSERT_FALSE(done) << "the disk did not fill";
    EXPECT_EQ(done.error().code, "StorageFull") << done.error().detail;
    EXPECT_FALSE(put(**store, stored));
    check(**store);
    std::filesystem::remove(disk / "ballast");
    for (int tries = 0; !(done = put(**store, stored)) && tries < 50; ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ASSERT_TRUE(done) << done.error().message << done.error().detail;
    ++stored;
    check(**store);
  }
  auto store = open_embedded_store(disk / "store", options);
  ASSERT_TRUE(store) << store.error().detail;
  check(**store);
  EXPECT_FALSE((*store)->get("t", {"p", sort_key(stored)})->has_value());
}

TEST(FullDisk, LosesNothingAnswersStorageFullAndWorksAgainOnceThereIsRoom) {
  const TemporaryFolder folder;
  const pid_t child = start("FullDisk.DISABLED_Filler", {{"LIKENESS_TEST_FOLDER", folder.path()}});
  ASSERT_GT(child, 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kNotPermitted) GTEST_SKIP() << "making a small disk is not permitted here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace likeness::storage
