#include "functions/memory_watch.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace likeness::functions {
namespace {

constexpr auto kInterval = std::chrono::milliseconds(100);
constexpr int kIdleEvery = 20;  // intervals
constexpr std::size_t kMaxProcesses = 4096;

std::string read_small(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return "";
  std::array<char, 16384> text;
  const ssize_t count = ::read(file, text.data(), text.size());
  ::close(file);
  return {text.data(), static_cast<std::size_t>(count > 0 ? count : 0)};
}

}  // namespace

std::uint64_t tree_memory_kb(pid_t process, bool exact) {
  static const auto kPage = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 1024;
  std::uint64_t total = 0;
  std::vector<pid_t> waiting = {process};
  for (std::size_t seen = 0; !waiting.empty() && seen < kMaxProcesses; ++seen) {
    const pid_t pid = waiting.back();
    waiting.pop_back();
    const std::string memory = read_small(fmt::format("/proc/{}/statm", pid));
    char* rest = nullptr;
    std::strtoull(memory.c_str(), &rest, 10);
    const std::uint64_t resident = std::strtoull(rest, &rest, 10);
    const std::uint64_t shared = std::strtoull(rest, &rest, 10);
    std::uint64_t own = (resident > shared ? resident - shared : 0) * kPage;
    if (exact) {
      const std::string rollup = read_small(fmt::format("/proc/{}/smaps_rollup", pid));
      if (const std::size_t at = rollup.find("Pss_Anon:"); at != std::string::npos)
        own = std::strtoull(rollup.c_str() + at + 9, nullptr, 10);
    }
    total += own;
    // Each thread has its own list of children.
    const std::string tasks = fmt::format("/proc/{}/task", pid);
    DIR* folder = ::opendir(tasks.c_str());
    if (folder == nullptr) continue;
    for (const dirent* entry = ::readdir(folder); entry != nullptr; entry = ::readdir(folder)) {
      if (entry->d_name[0] == '.') continue;
      const std::string children = read_small(fmt::format("{}/{}/children", tasks, entry->d_name));
      for (char* at = const_cast<char*>(children.c_str()); *at != '\0';) {
        char* end = nullptr;
        const long child = std::strtol(at, &end, 10);
        if (end == at) break;
        waiting.push_back(static_cast<pid_t>(child));
        at = end;
      }
    }
    ::closedir(folder);
  }
  return total;
}

MemoryWatch::MemoryWatch(std::function<void(pid_t)> over) : over_(std::move(over)), thread_([this] { run(); }) {
  ::pthread_setname_np(thread_.native_handle(), "fn-memory");
}

MemoryWatch::~MemoryWatch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void MemoryWatch::add(pid_t process, int limit_mb) {
  const std::lock_guard lock(mutex_);
  watched_[process] = {limit_mb, true};
}

void MemoryWatch::set_busy(pid_t process, bool busy) {
  const std::lock_guard lock(mutex_);
  if (const auto found = watched_.find(process); found != watched_.end()) found->second.busy = busy;
}

void MemoryWatch::remove(pid_t process) {
  const std::lock_guard lock(mutex_);
  watched_.erase(process);
}

void MemoryWatch::run() {
  std::vector<std::pair<pid_t, int>> due;
  for (int round = 0;; ++round) {
    due.clear();
    {
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, kInterval, [&] { return stopping_; })) return;
      for (const auto& [pid, watched] : watched_)
        if (watched.busy || round % kIdleEvery == 0) due.emplace_back(pid, watched.limit_mb);
    }
    for (const auto& [pid, limit] : due) {
      const auto most = static_cast<std::uint64_t>(limit) * 1024;
      if (tree_memory_kb(pid, false) > most && tree_memory_kb(pid, true) > most) over_(pid);
    }
  }
}

}  // namespace likeness::functions
