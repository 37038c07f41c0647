#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "storage/store.hpp"

namespace likeness::domain {

/// Makes deletions real. What was deleted is out of every answer at once; its bytes are in the store's files until
/// those are rewritten, which this does in the background:
///  - of a deleted collection, all that it had is removed and the files rewritten, and an unfinished job goes on after
///    a restart, because the record of the deletion is committed together with the deletion;
///  - after single deletions, a collection's files are rewritten once, `kPurgeDelay` after the first of them, so that
///    many deletions cost one rewrite.
/// Owns one thread. Thread-safe. The destructor stops between two steps and waits.
class Eraser {
 public:
  static constexpr std::chrono::seconds kPurgeDelay{60};

  explicit Eraser(storage::Store& store);
  ~Eraser();
  Eraser(const Eraser&) = delete;
  Eraser& operator=(const Eraser&) = delete;

  /// Call after the commit that wrote `generation` to the table of deleted collections. Small collections are erased
  /// before this returns, large ones go on in the background.
  void collection_deleted(const std::string& generation);
  /// Call after faces, users or images of a collection were removed.
  void items_deleted(const std::string& generation);
  /// Runs `job` on this thread when nothing more urgent waits; not at all if the eraser stops first. The job must not
  /// refer to what may be gone before the eraser is.
  void run_later(std::function<void()> job);
  /// Waits until nothing is left to erase; purges that wait for their time are done now. For tests and shutdown.
  void flush();

 private:
  void run();
  /// Removes up to `batches` batches of the items of a deleted collection; true when none is left.
  Result<bool> erase_some(const std::string& generation, std::size_t batches);
  Result<void> finish(const std::string& generation);

  storage::Store& store_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::vector<std::string> deleted_;                                       // generations to erase
  std::map<std::string, std::chrono::steady_clock::time_point> to_purge_;  // generation -> when
  std::vector<std::function<void()>> jobs_;
  bool busy_ = false;
  bool hurry_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace likeness::domain
