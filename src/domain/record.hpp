#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace likeness::domain {

/// The values that the store keeps: a format byte, then fields of (number, length, bytes). A reader skips fields that
/// it does not know, so that a field can be added without converting what is there. Numbers are little-endian.
class RecordWriter {
 public:
  RecordWriter();

  void text(std::uint8_t field, std::string_view value);
  void number(std::uint8_t field, std::uint64_t value);
  void floats(std::uint8_t field, std::span<const float> values);
  std::string take() { return std::move(bytes_); }

 private:
  void head(std::uint8_t field, std::size_t length);
  std::string bytes_;
};

/// Walks the fields in order: `while (reader.next()) switch (reader.field()) ...`. A value that is damaged anywhere
/// ends the walk and shows in `ok()`.
class RecordReader {
 public:
  explicit RecordReader(std::string_view bytes);

  bool next();
  std::uint8_t field() const { return field_; }
  /// Whether everything up to here was well-formed.
  bool ok() const { return ok_; }

  std::string_view text() const { return value_; }
  std::uint64_t number();
  /// False (and not ok) if the field does not hold exactly that many.
  bool floats(std::span<float> into);

 private:
  std::string_view rest_;
  std::string_view value_;
  std::uint8_t field_ = 0;
  bool ok_ = true;
};

/// Names with their values, as a record that stands in a field of another one.
std::string encode_map(const std::map<std::string, std::string>& map);
std::map<std::string, std::string> decode_map(std::string_view bytes);
/// A map of one.
std::string encode_pair(std::string_view name, std::string_view value);
std::pair<std::string, std::string> decode_pair(std::string_view bytes);

}  // namespace likeness::domain
