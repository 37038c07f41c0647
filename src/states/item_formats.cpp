#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "states/map_runs.hpp"

namespace likeness::states {
namespace {

tl::unexpected<Problem> reader_problem(std::string cause) {
  return problem("States.ItemReaderFailed", std::move(cause));
}

/// "s3://bucket/a/key".
std::optional<std::pair<std::string, std::string>> read_uri(std::string_view text) {
  constexpr std::string_view kScheme = "s3://";
  if (!text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == text.size()) return std::nullopt;
  return std::pair(std::string(text.substr(0, slash)), std::string(text.substr(slash + 1)));
}

Value place(const std::string& bucket, const std::string& key) {
  return Value(Object{{"Bucket", Value(bucket)}, {"Key", Value(key)}});
}

/// Takes the first part up to `end` off `text`.
std::string_view take_until(std::string_view& text, char end) {
  const auto at = std::min(text.find(end), text.size());
  const auto part = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return part;
}

/// One line of CSV: fields in quotes may hold delimiters, quotes (doubled) and line ends.
bool next_row(std::string_view text, std::size_t& at, char delimiter, std::vector<std::string>& row) {
  row.clear();
  while (at < text.size() && (text[at] == '\n' || text[at] == '\r')) ++at;
  if (at >= text.size()) return false;
  std::string field;
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '"' && at + 1 < text.size() && text[at + 1] == '"') {
        field.push_back('"');
        ++at;
      } else if (c == '"') {
        quoted = false;
      } else {
        field.push_back(c);
      }
    } else if (c == '"' && field.empty()) {
      quoted = true;
    } else if (c == delimiter) {
      row.push_back(std::move(field));
      field.clear();
    } else if (c == '\n' || c == '\r') {
      break;
    } else {
      field.push_back(c);
    }
  }
  row.push_back(std::move(field));
  return true;
}

Outcome<std::vector<Value>> parse_csv(const ItemReader& reader, std::string_view text, ItemBudget& budget) {
  std::vector<Value> out;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::size_t at = 0;
  std::vector<std::string> headers = reader.csv_headers;
  std::vector<std::string> row;
  if (reader.csv_header_location == "FIRST_ROW" && next_row(text, at, reader.csv_delimiter, row)) headers = row;
  if (std::set<std::string>(headers.begin(), headers.end()).size() != headers.size())
    return reader_problem("CSV headers cannot contain duplicates.");
  const Value nothing{std::string()};
  while (budget.items > 0 && next_row(text, at, reader.csv_delimiter, row)) {
    // What the item takes: a name and a value a header, and the texts.
    std::size_t bytes = headers.size() * (sizeof(std::pair<std::string, Value>) + 16);
    for (std::size_t i = 0; i < std::min(headers.size(), row.size()); ++i) bytes += row[i].size() + sizeof(std::string);
    if (bytes > budget.bytes) return reader_problem("The items take more memory than this server gives to one map.");
    budget.bytes -= bytes;
    --budget.items;
    Object item;
    for (std::size_t i = 0; i < headers.size(); ++i)
      item.add(headers[i], i < row.size() ? Value(std::move(row[i])) : nothing);
    out.emplace_back(std::move(item));
  }
  return out;
}

}  // namespace

Outcome<std::vector<Value>> parse_items(const ItemReader& reader, std::string_view text, ItemBudget& budget) {
  if (reader.input_type == "CSV") return parse_csv(reader, text, budget);
  if (reader.input_type == "JSONL") {
    std::vector<Value> out;
    while (!text.empty() && budget.items > 0) {
      const auto line = take_until(text, '\n');
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      auto value = parse_json(line);
      if (!value) return reader_problem("Attempting to map over invalid JSON Lines: " + value.error().message);
      out.push_back(std::move(*value));
      --budget.items;
    }
    return out;
  }
  if (reader.input_type == "PARQUET")
    return reader_problem("An ItemReader of InputType PARQUET is not supported by this server.");
  auto value = parse_json(text);
  if (!value) return reader_problem("Attempting to map over invalid JSON: " + value.error().message);
  for (const auto& name : reader.items_pointer) {
    // A number leads into an array.
    std::size_t index = 0;
    const Value* inner = value->find(name);
    if (value->is_array() && !name.empty() &&
        std::from_chars(name.data(), name.data() + name.size(), index).ptr == name.data() + name.size() &&
        index < value->as_array().size())
      inner = &value->as_array()[index];
    if (inner == nullptr) return reader_problem("The ItemsPointer does not lead to an array.");
    const Value kept = *inner;
    *value = kept;
  }
  if (value->is_object()) {
    std::vector<Value> members;
    for (const auto& [name, member] : value->as_object()) {
      if (budget.items == 0) break;
      --budget.items;
      members.emplace_back(Object{{"Key", Value(name)}, {"Value", member}});
    }
    return members;
  }
  if (!value->is_array()) return reader_problem("Attempting to map over non-iterable node.");
  auto items = value->as_array();
  if (items.size() > budget.items) items.resize(budget.items);
  budget.items -= items.size();
  return items;
}

Outcome<ItemFiles> parse_inventory(const ItemReader& reader, std::string_view text) {
  const auto manifest = parse_json(text);
  const Value* const files = manifest ? manifest->find("files") : nullptr;
  if (files == nullptr || !files->is_array())
    return reader_problem("The object is not the manifest of an S3 inventory.");
  if (manifest->text_of("fileFormat") != "CSV")
    return reader_problem(fmt::format("S3 inventories in the format {} are not supported by this server, only CSV.",
                                      manifest->text_of("fileFormat")));
  auto bucket = std::string(manifest->text_of("destinationBucket"));
  bucket = bucket.substr(bucket.rfind(':') + 1);
  ItemFiles out{.reader = reader, .places = {}};
  out.reader.input_type = "CSV";
  out.reader.csv_header_location = "GIVEN";
  out.reader.csv_delimiter = ',';
  out.reader.csv_headers.clear();
  std::string_view schema = manifest->text_of("fileSchema");
  while (!schema.empty()) {
    auto name = take_until(schema, ',');
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    out.reader.csv_headers.emplace_back(name);
  }
  for (const auto& file : files->as_array()) out.places.push_back(place(bucket, std::string(file.text_of("key"))));
  return out;
}

Outcome<ItemFiles> parse_unloaded(const ItemReader& reader, std::string_view text) {
  ItemFiles out{.reader = reader, .places = {}};
  while (!text.empty()) {
    auto line = take_until(text, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with('"') && line.ends_with('"') && line.size() > 1) line = line.substr(1, line.size() - 2);
    if (line.empty()) continue;
    const auto uri = read_uri(line);
    if (!uri) return reader_problem(fmt::format("The manifest has a line that is no S3 URI: {}", line.substr(0, 200)));
    out.places.push_back(place(uri->first, uri->second));
  }
  return out;
}

}  // namespace likeness::states
