#include "domain/logs/buffered_sink.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "base/log.hpp"

namespace likeness::logs {
namespace {

constexpr std::size_t kLineBytes = (1u << 20) - 26;  // AWS's limit of a message
constexpr std::size_t kChunkBytes = 512u << 10;      // of lines that become one value
constexpr std::size_t kCommitBytes = 4u << 20;
constexpr std::size_t kCommitStreams = 40;  // a chunk or more and a record each
constexpr std::size_t kBatchOverhead = 128;

/// Those of the same time stay as they came.
void sort_by_time(std::vector<TimedMessage>& events) {
  if (std::ranges::is_sorted(events, {}, &TimedMessage::time)) return;
  std::vector<std::pair<Millis, std::size_t>> order;
  order.reserve(events.size());
  for (std::size_t i = 0; i < events.size(); ++i) order.emplace_back(events[i].time, i);
  std::ranges::sort(order);
  std::vector<TimedMessage> sorted;
  sorted.reserve(events.size());
  for (const auto& [time, at] : order) sorted.push_back(events[at]);
  events = std::move(sorted);
}

}  // namespace

BufferedSink::BufferedSink(Logs& logs, SinkOptions options)
    : logs_(logs), options_(options), thread_([this] { run(); }) {}

BufferedSink::~BufferedSink() { stop(); }

void BufferedSink::put(const std::string& group, const std::string& stream, std::vector<LogEvent> events) {
  if (events.empty()) return;
  Batch batch{group, stream, std::move(events), kBatchOverhead};
  for (auto& event : batch.events) {
    if (event.message.size() > kLineBytes) {
      std::size_t end = kLineBytes;
      while (end > 0 && (static_cast<unsigned char>(event.message[end]) & 0xC0) == 0x80) --end;
      event.message.resize(end);
    }
    batch.bytes += event.message.size() + sizeof(LogEvent);
  }
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) {
      dropped_ += batch.events.size();
      return;
    }
    bytes_ += batch.bytes;
    waiting_.push_back(std::move(batch));
    make_room();
  }
  wake_.notify_one();
}

void BufferedSink::make_room() {
  while (bytes_ > options_.max_bytes && !waiting_.empty()) {
    bytes_ -= waiting_.front().bytes;
    dropped_ += waiting_.front().events.size();
    waiting_.pop_front();
  }
}

void BufferedSink::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

std::uint64_t BufferedSink::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

void BufferedSink::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    // More lines come right behind the first: they share its commit.
    if (!stopping_) wake_.wait_for(lock, options_.interval, [&] { return stopping_; });
    const bool last = stopping_;
    if (last) stopped_ = true;
    auto batches = std::exchange(waiting_, {});
    bytes_ = 0;
    const auto lost = dropped_ - reported_;
    reported_ = dropped_;
    lock.unlock();
    if (lost > 0) log::warn("{} log lines were dropped: they came faster than they could be written", lost);
    const bool written = write(batches);
    lock.lock();
    if (!written) {
      for (auto& batch : batches) bytes_ += batch.bytes;
      std::ranges::move(waiting_, std::back_inserter(batches));
      waiting_ = std::move(batches);
      make_room();
      if (!last) wake_.wait_for(lock, std::chrono::seconds(1), [&] { return stopping_; });
    }
    if (last) return;
  }
}

/// What could be written is gone from `batches` then. False if something is left.
bool BufferedSink::write(std::deque<Batch>& batches) {
  while (!batches.empty()) {
    // The streams of one commit, each with its lines in the order of their times.
    std::map<std::pair<std::string_view, std::string_view>, std::vector<TimedMessage>> streams;
    std::size_t bytes = 0;
    std::size_t taken = 0;
    for (; taken < batches.size() && bytes < kCommitBytes; ++taken) {
      const auto& batch = batches[taken];
      const std::pair key(std::string_view(batch.group), std::string_view(batch.stream));
      if (!streams.contains(key) && streams.size() == kCommitStreams) break;
      auto& lines = streams[key];
      for (const auto& event : batch.events)
        lines.push_back({std::max<Millis>(to_millis(event.time), 0), event.message});
      bytes += batch.bytes;
    }
    std::vector<Logs::Lines> lines;
    for (auto& [key, events] : streams) {
      sort_by_time(events);
      std::size_t size = 0;
      Logs::Lines part{std::string(key.first), std::string(key.second), {}};
      for (const auto& event : events) {
        if (!part.events.empty() && size + event.message.size() > kChunkBytes) {
          lines.push_back(part);
          part.events.clear();
          size = 0;
        }
        size += event.message.size() + 16;
        part.events.push_back(event);
      }
      lines.push_back(std::move(part));
    }
    if (auto written = logs_.write(lines); !written) {
      log::warn("log lines cannot be written: {} {}", written.error().message, written.error().detail);
      return false;
    }
    batches.erase(batches.begin(), batches.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  return true;
}

}  // namespace likeness::logs
