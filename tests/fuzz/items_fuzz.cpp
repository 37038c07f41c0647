// The objects that a distributed map reads: CSV, JSON, JSON Lines, manifests of inventories and of UNLOAD, packed or
// not. The first line is the kind, the rest the object. What is read keeps to its budget.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "states/gunzip.hpp"
#include "states/map_runs.hpp"

namespace {

using namespace likeness::states;

void check(bool holds) {
  if (!holds) std::abort();
}

void manifest(const Outcome<ItemFiles>& files) {
  if (!files) return check(files.error().error == "States.ItemReaderFailed");
  for (const auto& place : files->places) check(place.find("Bucket") != nullptr && place.find("Key") != nullptr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMostBytes = 1 << 20;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const auto kind = all.substr(0, all.find('\n'));
  std::string text(all.substr(std::min(kind.size() + 1, all.size())));
  if (is_gzip(text)) {
    auto plain = gunzip(text, kMostBytes);
    if (!plain) return 0;
    check(plain->size() <= kMostBytes);
    text = std::move(*plain);
  }
  ItemReader reader;
  if (kind.starts_with('I')) manifest(parse_inventory(reader, text));
  if (kind.starts_with('U')) manifest(parse_unloaded(reader, text));
  reader.input_type = kind.starts_with('L') ? "JSONL" : kind.starts_with('J') ? "JSON" : "CSV";
  reader.csv_header_location = kind.ends_with('F') ? "FIRST_ROW" : "GIVEN";
  reader.csv_headers = {"a", "b"};
  reader.csv_delimiter = kind.find('T') == std::string_view::npos ? ',' : '\t';
  if (kind.ends_with('P')) reader.items_pointer = {"a", "0"};
  ItemBudget budget{.items = 1000, .bytes = kMostBytes};
  const auto read = parse_items(reader, text, budget);
  if (!read) {
    check(read.error().error == "States.ItemReaderFailed" && !read.error().cause.empty());
    return 0;
  }
  check(read->size() + budget.items == 1000 && budget.bytes <= kMostBytes);
  for (const auto& item : *read) {
    if (reader.input_type == "CSV") check(item.is_object());
    const auto written = write_json(item);
    const auto again = parse_json(written);
    // Text that is not UTF-8 cannot come back the same.
    if (again) check(write_json(*again) == written);
  }
  return 0;
}
