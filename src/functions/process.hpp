#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace likeness::functions {

/// A descriptor that is closed with its owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      descriptor_ = std::exchange(other.descriptor_, -1);
    }
    return *this;
  }
  int get() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }
  void close();

 private:
  int descriptor_ = -1;
};

/// A program to be started in a session of its own, with nothing of ours but what is named here.
struct Launch {
  std::vector<std::string> argv{};
  std::vector<std::string> environment{};          // "NAME=value"
  std::vector<std::pair<int, int>> descriptors{};  // ours -> its; ours are above 9
  std::string folder{};                            // to begin in; "" = /
  std::optional<uid_t> user{};                     // user and group; needs root
  std::string cgroup{};                            // its cgroup.procs; "" = none
  std::uint64_t max_file_bytes = 0;                // 0 = no limit
  std::uint64_t max_data_bytes = 0;
  int max_files = 1024;
  int max_processes = 0;  // of the user; 0 = no limit
};

struct Process {
  pid_t pid = -1;
  Descriptor watch;  // readable when the process has ended
};

/// The thread that calls this must live as long as the process may: the process is killed when it ends.
/// Errors: "WorkerStartFailed".
Result<Process> launch(const Launch& what);

/// Kills the process and its group, and with `user` everything that runs as that user.
void kill_all(pid_t process, std::optional<uid_t> user);

/// How a process ended, in the words of Lambda: "exit status 1", "signal: killed"; "" for a clean end. Reaps it.
/// `shell_like`: a status above 128 stands for a signal.
std::string reap(pid_t process, bool shell_like);

/// The output of a program that ends within five seconds; nothing if it fails.
std::optional<std::string> output_of(const std::vector<std::string>& argv);

/// A pipe: what is read here and does not block, and what the other process writes (above 9).
struct Pipe {
  Descriptor read;
  Descriptor write;
};
Result<Pipe> make_pipe();
/// A file in memory with this content, readable by everybody who has it (above 9).
Result<Descriptor> memory_file(const std::string& content);

}  // namespace likeness::functions
