#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "domain/logs/logs.hpp"
#include "domain/logs/sink.hpp"

namespace likeness::logs {

struct SinkOptions {
  std::size_t max_bytes = 64u << 20;        // of lines that wait
  std::chrono::milliseconds interval{100};  // how long lines gather before they are written
};

/// The Sink of a server: a thread writes what has gathered, many streams in one commit. What the store refuses is tried
/// again until it is too much to hold. Lives between the Logs and those who write to it.
class BufferedSink final : public Sink {
 public:
  explicit BufferedSink(Logs& logs, SinkOptions options = {});
  ~BufferedSink() override;
  BufferedSink(const BufferedSink&) = delete;
  BufferedSink& operator=(const BufferedSink&) = delete;

  void put(const std::string& group, const std::string& stream, std::vector<LogEvent> events) override;
  /// Writes what is there and ends the thread; what is put later is dropped. Safe to call twice.
  void stop();

  /// Lines that were dropped since the start.
  std::uint64_t dropped() const;

 private:
  struct Batch {
    std::string group, stream;
    std::vector<LogEvent> events;
    std::size_t bytes = 0;
  };

  void run();
  bool write(std::deque<Batch>& batches);
  void make_room();  // with mutex_ held

  Logs& logs_;
  const SinkOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Batch> waiting_;
  std::size_t bytes_ = 0;  // of waiting_
  std::uint64_t dropped_ = 0;
  std::uint64_t reported_ = 0;
  bool stopping_ = false;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace likeness::logs
