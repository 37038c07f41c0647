#include "storage/key_encoding.hpp"

namespace likeness::storage {
namespace {

constexpr char kTableRecord = 'T';
constexpr std::string_view kEnd{"\x00\x01", 2};

void append_escaped(std::string& out, std::string_view part) {
  for (const char c : part) {
    out.push_back(c);
    // 00 FF sorts after the end mark 00 01, so "a" stays before "a\0".
    if (c == '\0') out.push_back('\xFF');
  }
  out.append(kEnd);
}

}  // namespace

std::string encode_partition(std::string_view table, std::string_view partition) {
  std::string out;
  out.reserve(table.size() + partition.size() + 64);
  out.push_back(kTableRecord);
  append_escaped(out, table);
  append_escaped(out, partition);
  return out;
}

std::string encode_key(std::string_view table, std::string_view partition, std::string_view sort) {
  std::string out = encode_partition(table, partition);
  out.append(sort);
  return out;
}

std::optional<std::string> end_of_prefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xFF') end.pop_back();
  if (end.empty()) return std::nullopt;
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace likeness::storage
