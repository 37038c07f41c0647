#include "functions/cgroup.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string_view>

#include "base/log.hpp"

namespace likeness::functions {
namespace {

constexpr std::string_view kMount = "/sys/fs/cgroup";

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  return static_cast<bool>(file.flush());
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

constexpr std::int64_t kMegabytesOfProcessor = 1769;

/// Lets a group's children be limited. Memory and processes are needed; processors are not everywhere to be had.
bool delegate(const std::string& folder) {
  if (!write_file(folder + "/cgroup.subtree_control", "+memory +pids")) return false;
  write_file(folder + "/cgroup.subtree_control", "+cpu");
  return true;
}

}  // namespace

std::string cpu_max(int memory_mb) {
  constexpr std::int64_t kPeriod = 100'000, kLeast = 1'000;  // microseconds
  return fmt::format("{} {}", std::max(kLeast, memory_mb * kPeriod / kMegabytesOfProcessor), kPeriod);
}

int cpu_weight(int memory_mb) {
  constexpr std::int64_t kWhole = 100;  // what a group has that nobody gave another
  return static_cast<int>(std::clamp<std::int64_t>(memory_mb * kWhole / kMegabytesOfProcessor, 1, 10'000));
}

std::string own_cgroup(const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    if (line.starts_with("0::/")) return line.substr(3);
    at = end + 1;
  }
  return "";
}

std::unique_ptr<CgroupTree> CgroupTree::open() {
  const std::string own = own_cgroup(read_file("/proc/self/cgroup"));
  if (own.empty() || read_file(fmt::format("{}/cgroup.controllers", kMount)).find("memory") == std::string::npos)
    return nullptr;
  const std::string base = fmt::format("{}{}", kMount, own == "/" ? "" : own);
  if (!delegate(base)) {
    // A group with processes cannot have groups with limits below it. Where we are its only process we step aside.
    const std::string mine = std::to_string(::getpid());
    if (read_file(base + "/cgroup.procs") != mine + "\n") return nullptr;
    const std::string aside = base + "/likeness-server";
    if (::mkdir(aside.c_str(), 0755) != 0 && read_file(aside + "/cgroup.type").find("domain") == std::string::npos)
      return nullptr;
    if (!write_file(aside + "/cgroup.procs", mine)) return nullptr;
    if (!delegate(base)) {
      write_file(base + "/cgroup.procs", mine);
      ::rmdir(aside.c_str());
      return nullptr;
    }
  }
  const std::string folder = fmt::format("{}/likeness-functions-{}", base, ::getpid());
  if (::mkdir(folder.c_str(), 0755) != 0) return nullptr;
  if (!delegate(folder)) {
    ::rmdir(folder.c_str());
    return nullptr;
  }
  return std::unique_ptr<CgroupTree>(new CgroupTree(folder));
}

CgroupTree::~CgroupTree() {
  if (::rmdir(folder_.c_str()) != 0) log::debug("functions: the group {} is not empty", folder_);
}

std::unique_ptr<Cgroup> CgroupTree::make(const std::string& name, std::uint64_t memory_bytes, int processes,
                                         int memory_mb) const {
  const std::string folder = folder_ + "/" + name;
  if (::mkdir(folder.c_str(), 0755) != 0) return nullptr;
  auto group = std::make_unique<Cgroup>(folder);
  if (!write_file(folder + "/memory.max", std::to_string(memory_bytes)) ||
      !write_file(folder + "/pids.max", std::to_string(processes)))
    return nullptr;
  // Not everywhere: without swap a limit of memory is one; a group is ended as a whole.
  write_file(folder + "/memory.swap.max", "0");
  write_file(folder + "/memory.oom.group", "1");
  write_file(folder + "/cpu.weight", std::to_string(cpu_weight(memory_mb)));
  return group;
}

Cgroup::~Cgroup() { ::rmdir(folder_.c_str()); }

bool Cgroup::out_of_memory() const {
  const std::string events = read_file(folder_ + "/memory.events");
  const std::size_t at = events.find("oom_kill ");
  return at != std::string::npos && events[at + 9] != '0';
}

void Cgroup::limit_cpu(int memory_mb) const { write_file(folder_ + "/cpu.max", cpu_max(memory_mb)); }

void Cgroup::kill() const { write_file(folder_ + "/cgroup.kill", "1"); }

}  // namespace likeness::functions
