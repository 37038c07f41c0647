#include "net/request_stream.hpp"

#include <algorithm>

namespace likeness::net {

Result<std::size_t> RequestStream::read(std::span<std::uint8_t> into) {
  std::unique_lock lock(mutex_);
  while (offset_ == piece_.size()) {
    if (last_) return 0;
    if (error_) return Failure(*error_);
    if (!asked_) {
      asked_ = true;
      ask_();
    }
    changed_.wait(lock);
  }
  const std::size_t count = std::min(into.size(), piece_.size() - offset_);
  std::copy_n(piece_.begin() + static_cast<std::ptrdiff_t>(offset_), count, into.begin());
  offset_ += count;
  return count;
}

void RequestStream::deposit(Bytes piece, bool last) {
  {
    const std::lock_guard lock(mutex_);
    piece_ = std::move(piece);
    offset_ = 0;
    asked_ = false;
    last_ = last;
  }
  changed_.notify_all();
}

void RequestStream::fail(Error error) {
  std::function<void()> released;  // destroyed outside the lock
  {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    released = std::move(ask_);
    ask_ = nullptr;
  }
  changed_.notify_all();
}

}  // namespace likeness::net
