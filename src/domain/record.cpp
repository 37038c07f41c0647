#include "domain/record.hpp"

#include <bit>
#include <cstring>

namespace likeness::domain {

static_assert(std::endian::native == std::endian::little, "records are little-endian");

namespace {
constexpr char kFormat = 1;

// Fields of a map.
constexpr std::uint8_t kName = 1;
constexpr std::uint8_t kValue = 2;

void add_pair(RecordWriter& out, std::string_view name, std::string_view value) {
  out.text(kName, name);
  out.text(kValue, value);
}
}  // namespace

RecordWriter::RecordWriter() { bytes_.push_back(kFormat); }

void RecordWriter::head(std::uint8_t field, std::size_t length) {
  bytes_.push_back(static_cast<char>(field));
  while (length >= 0x80) {
    bytes_.push_back(static_cast<char>((length & 0x7f) | 0x80));
    length >>= 7;
  }
  bytes_.push_back(static_cast<char>(length));
}

void RecordWriter::text(std::uint8_t field, std::string_view value) {
  head(field, value.size());
  bytes_.append(value);
}

void RecordWriter::number(std::uint8_t field, std::uint64_t value) {
  head(field, sizeof value);
  bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void RecordWriter::floats(std::uint8_t field, std::span<const float> values) {
  head(field, values.size_bytes());
  bytes_.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

RecordReader::RecordReader(std::string_view bytes) : rest_(bytes) {
  ok_ = !rest_.empty() && rest_[0] == kFormat;
  if (ok_) rest_.remove_prefix(1);
}

bool RecordReader::next() {
  if (!ok_ || rest_.empty()) return false;
  field_ = static_cast<std::uint8_t>(rest_[0]);
  rest_.remove_prefix(1);
  std::size_t length = 0;
  for (unsigned shift = 0;; shift += 7) {
    if (rest_.empty() || shift > 28) return ok_ = false;
    const auto byte = static_cast<std::uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    length |= static_cast<std::size_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) break;
  }
  if (length > rest_.size()) return ok_ = false;
  value_ = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return true;
}

std::uint64_t RecordReader::number() {
  std::uint64_t value = 0;
  if (value_.size() != sizeof value) {
    ok_ = false;
    return 0;
  }
  std::memcpy(&value, value_.data(), sizeof value);
  return value;
}

bool RecordReader::floats(std::span<float> into) {
  if (value_.size() != into.size_bytes()) return ok_ = false;
  std::memcpy(into.data(), value_.data(), value_.size());
  return true;
}

std::string encode_map(const std::map<std::string, std::string>& map) {
  RecordWriter out;
  for (const auto& [name, value] : map) add_pair(out, name, value);
  return out.take();
}

std::map<std::string, std::string> decode_map(std::string_view bytes) {
  std::map<std::string, std::string> map;
  RecordReader in(bytes);
  std::string name;
  while (in.next()) {
    if (in.field() == kName) name = in.text();
    if (in.field() == kValue) map[name] = in.text();
  }
  return map;
}

std::string encode_pair(std::string_view name, std::string_view value) {
  RecordWriter out;
  add_pair(out, name, value);
  return out.take();
}

std::pair<std::string, std::string> decode_pair(std::string_view bytes) {
  std::pair<std::string, std::string> pair;
  RecordReader in(bytes);
  while (in.next()) {
    if (in.field() == kName) pair.first = in.text();
    if (in.field() == kValue) pair.second = in.text();
  }
  return pair;
}

}  // namespace likeness::domain
