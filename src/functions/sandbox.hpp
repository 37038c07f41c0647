#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "functions/cgroup.hpp"
#include "functions/installed.hpp"
#include "functions/process.hpp"
#include "functions/runner.hpp"

namespace likeness::functions {

/// What a worker may see and use. Thread-safe.
class Sandbox {
 public:
  /// Chooses what works here. Errors: "IsolationUnavailable", "StorageFailure".
  static Result<std::unique_ptr<Sandbox>> open(const RunnerOptions& options);
  ~Sandbox();

  Isolation isolation() const { return isolation_; }
  /// Whether a program's end by a signal is told as a status above 128.
  bool shell_like() const { return isolation_ == Isolation::Bubblewrap; }
  /// The user that the workers of a slot run as; nothing: ours.
  std::optional<uid_t> user(std::size_t slot) const;

  /// A place for one worker. `slot` is used by no other worker meanwhile.
  struct Place {
    View view{};
    std::filesystem::path folder{};  // removed with the worker; empty = none
    std::filesystem::path task{};    // ours
    std::filesystem::path opt{};     // ours; empty = no layers
    std::unique_ptr<Cgroup> cgroup{};
  };
  /// Errors: "WorkerStartFailed".
  Result<Place> prepare(const FunctionSpec& function, const InstalledRuntime& runtime, std::size_t slot);
  /// After the worker has ended.
  void remove(Place& place) const;

  /// The program that puts the worker into its place and becomes it. `environment_file` receives what must live until
  /// it has started; log and frames are the write ends of the worker's output.
  Result<Launch> launch_of(const FunctionSpec& function, const InstalledRuntime& runtime, const Place& place,
                           std::size_t slot, const std::map<std::string, std::string>& environment, int log, int frames,
                           int nothing, Descriptor& environment_file) const;

 private:
  explicit Sandbox(const RunnerOptions& options);
  Result<std::filesystem::path> merged_layers(const std::vector<std::filesystem::path>& layers);
  Result<std::filesystem::path> published_runtime(const std::filesystem::path& folder);
  std::vector<std::string> bubblewrap(const FunctionSpec& function, const InstalledRuntime& runtime, const Place& place,
                                      std::size_t slot) const;

  const RunnerOptions options_;
  Isolation isolation_ = Isolation::Limits;
  bool root_ = false;
  std::filesystem::path public_;  // with Isolation::User: where other users find what they may
  std::unique_ptr<CgroupTree> cgroups_;
  std::mutex mutex_;
  std::map<std::string, std::filesystem::path> merged_;     // guarded by mutex_
  std::map<std::string, std::filesystem::path> published_;  // guarded by mutex_
  std::size_t places_ = 0;                                  // guarded by mutex_
};

}  // namespace likeness::functions
