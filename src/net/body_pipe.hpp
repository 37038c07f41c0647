#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "net/http.hpp"

namespace likeness::net {

/// A response body that another thread makes while it is sent: whoever writes waits while the client is slow, whoever
/// reads waits for more. One writer, one reader. Shared by both, as either may go first.
class BodyPipe {
 public:
  explicit BodyPipe(std::size_t capacity = 256u << 10) : capacity_(capacity) {}
  /// What the response gets; when it goes, the writer need not wait any more.
  struct Reader final : BodyReader {
    explicit Reader(std::shared_ptr<BodyPipe> from) : pipe(std::move(from)) {}
    ~Reader() override { pipe->abandon(); }
    Result<std::size_t> read(std::span<std::uint8_t> into) override { return pipe->read(into); }
    std::shared_ptr<BodyPipe> pipe;
  };

  /// Waits for room. False if nobody reads any more.
  bool write(std::string_view bytes) {
    std::unique_lock lock(mutex_);
    while (!bytes.empty()) {
      changed_.wait(lock, [&] { return abandoned_ || buffer_.size() < capacity_; });
      if (abandoned_) return false;
      const auto count = std::min(bytes.size(), capacity_ - buffer_.size());
      buffer_.append(bytes.substr(0, count));
      bytes.remove_prefix(count);
      changed_.notify_all();
    }
    return !abandoned_;
  }

  /// The end of the body; with an error the client sees that it is not whole.
  void close(std::optional<Error> error = std::nullopt) {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    error_ = std::move(error);
    changed_.notify_all();
  }

  void abandon() {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    changed_.notify_all();
  }

  Result<std::size_t> read(std::span<std::uint8_t> into) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || abandoned_ || !buffer_.empty(); });
    if (buffer_.empty()) {
      if (error_) return tl::unexpected(*error_);
      return std::size_t{0};
    }
    const auto count = std::min(into.size(), buffer_.size());
    std::memcpy(into.data(), buffer_.data(), count);
    buffer_.erase(0, count);
    changed_.notify_all();
    return count;
  }

 private:
  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string buffer_;
  bool closed_ = false, abandoned_ = false;
  std::optional<Error> error_;
};

}  // namespace likeness::net
