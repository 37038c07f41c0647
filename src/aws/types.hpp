#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace likeness::net {
class BodyReader;
}

namespace likeness::aws {

/// Input or output of an operation that has none in the model.
struct Empty {};

/// A free-form JSON value kept as its text (the `document` shapes of the models).
struct Document {
  std::string json = "null";

  bool operator==(const Document&) const = default;
};

/// A body that is read or written while it travels (the streaming members of the models), in both directions.
///
/// Of an input: already taken out of aws-chunked. What the client said of it is checked on the way, so `read` may
/// answer an Error as late as at the end (a wrong chunk signature, a checksum in the trailer, Content-MD5, the hash
/// that was signed, a body that ends early): keep nothing before it has returned 0. Of an output: read on the work pool
/// while it is sent.
struct Stream {
  std::shared_ptr<net::BodyReader> reader;
  std::optional<std::uint64_t> length;  // in bytes, where known beforehand

  net::BodyReader* operator->() const { return reader.get(); }
  operator const std::shared_ptr<net::BodyReader>&() const { return reader; }  // NOLINT(google-explicit-constructor)
};

/// The optional member of a structure that contains itself: like std::optional, but on the heap. Copies deeply.
template <class T>
class Box {
 public:
  Box() = default;
  Box(T value) : value_(std::make_unique<T>(std::move(value))) {}
  Box(const Box& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(const Box& other) {
    if (this != &other) value_ = other.value_ ? std::make_unique<T>(*other.value_) : nullptr;
    return *this;
  }
  Box& operator=(Box&&) noexcept = default;
  ~Box() = default;

  bool has_value() const { return value_ != nullptr; }
  explicit operator bool() const { return has_value(); }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  T& emplace() { return *(value_ = std::make_unique<T>()); }
  void reset() { value_.reset(); }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace likeness::aws
