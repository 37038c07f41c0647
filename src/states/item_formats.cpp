#include <fmt/format.h>

#include <charconv>
#include <set>

#include "states/map_runs.hpp"

namespace likeness::states {
namespace {

tl::unexpected<Problem> reader_problem(std::string cause) {
  return problem("States.ItemReaderFailed", std::move(cause));
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

Outcome<std::vector<Value>> parse_csv(const ItemReader& reader, std::string_view text, std::size_t limit) {
  std::vector<Value> out;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::size_t at = 0;
  std::vector<std::string> headers = reader.csv_headers;
  std::vector<std::string> row;
  if (reader.csv_header_location == "FIRST_ROW" && next_row(text, at, reader.csv_delimiter, row)) headers = row;
  if (std::set<std::string>(headers.begin(), headers.end()).size() != headers.size())
    return reader_problem("CSV headers cannot contain duplicates.");
  while (out.size() < limit && next_row(text, at, reader.csv_delimiter, row)) {
    Object item;
    for (std::size_t i = 0; i < headers.size(); ++i)
      item.add(headers[i], Value(i < row.size() ? row[i] : std::string()));
    out.emplace_back(std::move(item));
  }
  return out;
}

}  // namespace

Outcome<std::vector<Value>> parse_items(const ItemReader& reader, std::string_view text, std::size_t limit) {
  if (reader.input_type == "CSV") return parse_csv(reader, text, limit);
  if (reader.input_type == "JSONL") {
    std::vector<Value> out;
    while (!text.empty() && out.size() < limit) {
      const auto end = std::min(text.find('\n'), text.size());
      auto line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      auto value = parse_json(line);
      if (!value) return reader_problem("Attempting to map over invalid JSON Lines: " + value.error().message);
      out.push_back(std::move(*value));
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
      if (members.size() >= limit) break;
      members.emplace_back(Object{{"Key", Value(name)}, {"Value", member}});
    }
    return members;
  }
  if (!value->is_array()) return reader_problem("Attempting to map over non-iterable node.");
  auto items = value->as_array();
  if (items.size() > limit) items.resize(limit);
  return items;
}

}  // namespace likeness::states
