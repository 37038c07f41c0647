#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"

namespace likeness::functions {

/// The control group (version 2) of one worker; removed with the object, which must come after the processes' end.
class Cgroup {
 public:
  explicit Cgroup(std::string folder) : folder_(std::move(folder)) {}
  ~Cgroup();
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;

  /// The file by which a process joins.
  std::string processes() const { return folder_ + "/cgroup.procs"; }
  /// Whether the kernel has ended a process of the group because its memory was used up.
  bool out_of_memory() const;
  /// From now on no more of the processors than Lambda gives for that memory. A start takes what it needs, as on AWS.
  void limit_cpu(int memory_mb) const;
  /// Ends all of it at once.
  void kill() const;

 private:
  std::string folder_;
};

/// Where the groups of workers are made.
class CgroupTree {
 public:
  /// Null where groups of version 2 with memory and pids cannot be made (not delegated to us, version 1).
  static std::unique_ptr<CgroupTree> open();
  ~CgroupTree();
  CgroupTree(const CgroupTree&) = delete;
  CgroupTree& operator=(const CgroupTree&) = delete;

  /// Null when it could not be made. `memory_mb` of the function: when processors are scarce, groups share them by it.
  std::unique_ptr<Cgroup> make(const std::string& name, std::uint64_t memory_bytes, int processes, int memory_mb) const;

 private:
  explicit CgroupTree(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
};

/// The path of version 2 in the text of /proc/self/cgroup: "/user.slice/x" of "0::/user.slice/x"; "" if there is none.
std::string own_cgroup(const std::string& text);

/// Lambda gives a whole processor for 1769 MB, less for less and more for more: as cpu.max and as cpu.weight have it.
std::string cpu_max(int memory_mb);
int cpu_weight(int memory_mb);

}  // namespace likeness::functions
