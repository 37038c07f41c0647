#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace likeness::states {

/// Fields of (number, length, bytes), which the store keeps as one value. A reader skips what it does not know.
class FieldWriter {
 public:
  explicit FieldWriter(std::uint8_t format) { bytes_.push_back(static_cast<char>(format)); }
  void text(std::uint8_t field, std::string_view value) {
    const auto size = static_cast<std::uint32_t>(value.size());
    char head[5] = {static_cast<char>(field)};
    std::memcpy(head + 1, &size, 4);
    bytes_.append(head, 5);
    bytes_.append(value);
  }
  void number(std::uint8_t field, std::uint64_t value) {
    char raw[8];
    std::memcpy(raw, &value, 8);
    text(field, std::string_view(raw, 8));
  }
  void time(std::uint8_t field, TimePoint value) {
    number(field, static_cast<std::uint64_t>(
                      std::chrono::duration_cast<std::chrono::microseconds>(value.time_since_epoch()).count()));
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : rest_(bytes.substr(bytes.empty() ? 0 : 1)), ok_(!bytes.empty()) {}
  bool next() {
    if (!ok_ || rest_.empty()) return false;
    std::uint32_t size = 0;
    if (rest_.size() < 5) return ok_ = false;
    std::memcpy(&size, rest_.data() + 1, 4);
    if (rest_.size() - 5 < size) return ok_ = false;
    field_ = static_cast<std::uint8_t>(rest_[0]);
    value_ = rest_.substr(5, size);
    rest_.remove_prefix(5 + size);
    return true;
  }
  bool ok() const { return ok_; }
  std::uint8_t field() const { return field_; }
  std::string_view view() const { return value_; }
  std::string text() const { return std::string(value_); }
  std::uint64_t number() {
    std::uint64_t value = 0;
    if (value_.size() != 8) {
      ok_ = false;
      return 0;
    }
    std::memcpy(&value, value_.data(), 8);
    return value;
  }
  std::uint32_t small() { return static_cast<std::uint32_t>(number()); }
  TimePoint time() {
    return TimePoint(std::chrono::duration_cast<TimePoint::duration>(
        std::chrono::microseconds(static_cast<std::int64_t>(number()))));
  }

 private:
  std::string_view rest_;
  std::string_view value_;
  std::uint8_t field_ = 0;
  bool ok_;
};

/// Keys that sort as their numbers do.
inline std::string sortable(std::uint64_t value) {
  std::string out(8, '\0');
  for (int i = 7; i >= 0; --i) {
    out[static_cast<std::size_t>(i)] = static_cast<char>(value & 0xFF);
    value >>= 8;
  }
  return out;
}
inline std::string sortable(TimePoint time) {
  return sortable(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count()));
}
inline std::uint64_t from_sortable(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text.substr(0, 8)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

}  // namespace likeness::states
