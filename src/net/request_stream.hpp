#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>

#include "net/http.hpp"

namespace likeness::net {

/// The body of a request on its way from an io thread to the handler that reads it. Holds at most one piece: the next
/// is asked for when the last is used up. Thread-safe.
class RequestStream final : public BodyReader {
 public:
  /// `ask` makes the io side read one more piece and call deposit() or fail(); it must not block.
  explicit RequestStream(std::function<void()> ask) : ask_(std::move(ask)) {}

  Result<std::size_t> read(std::span<std::uint8_t> into) override;

  /// One piece, asked for before; `last` when the body ends with it.
  void deposit(Bytes piece, bool last);
  /// Every later read answers `error`, unless the body had ended. Lets go of `ask`.
  void fail(Error error);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> ask_;
  Bytes piece_;
  std::size_t offset_ = 0;
  bool asked_ = false;
  bool last_ = false;
  std::optional<Error> error_;
};

}  // namespace likeness::net
