#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "net/server.hpp"

namespace likeness::net {

struct Counters {
  std::atomic<std::uint64_t> accepted = 0, turned_away = 0, requests = 0, refused = 0, timeouts = 0;
  std::atomic<std::uint64_t> bytes_in = 0, bytes_out = 0, gathered = 0, failed_handshakes = 0;
  std::atomic<std::size_t> connections = 0, idle = 0, read_ahead = 0;
};

/// What all connections of a server share.
struct Shared {
  ServerOptions options;
  Handlers handlers;
  WorkPool& pool;
  ElasticPool* waiting;  // may be null
  Counters counters;

  std::mutex mutex;
  std::condition_variable changed;
  std::size_t alive = 0;  // connections and jobs on the pool; guarded by mutex

  void enter() {
    const std::lock_guard lock(mutex);
    ++alive;
  }
  void leave() {
    // Notified under the lock: whoever waits may destroy this right after.
    const std::lock_guard lock(mutex);
    --alive;
    changed.notify_all();
  }

  Response refusal(const Request* request, int status, std::string_view message) {
    ++counters.refused;
    return handlers.refuse ? handlers.refuse(request, status, message)
                           : text_response(status, "text/plain; charset=utf-8", std::string(message) + "\n");
  }
};

/// One io thread with the connections that belong to it. Every call may come from any thread and returns at once, but
/// for join().
class Loop {
 public:
  explicit Loop(Shared& shared);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void start(const std::string& thread_name);
  /// Takes over a connected, non-blocking socket; TLS is spoken on it if there is a context.
  void adopt(int socket, std::shared_ptr<const TlsContext> tls);
  /// Closes the connections that are idle, now and from now on.
  void drain();
  /// Closes all connections.
  void cut();
  /// Ends the thread once no connection is left.
  void stop();
  void join();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace likeness::net
