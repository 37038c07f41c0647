#include "domain/logs/insights/row.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <utility>

#include "base/bytes.hpp"

namespace likeness::logs::insights {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostDiscovered = 200;

Value value_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return {};
    case json::kind::bool_: return Value::of(value.get_bool());
    case json::kind::string: return Value::of(std::string(value.get_string()));
    case json::kind::object:
    case json::kind::array: return Value::of(json::serialize(value));
    default: return Value::of(value.to_number<double>());
  }
}

const json::value* find(const json::value& value, std::string_view path) {
  if (const auto* array = value.if_array()) {
    const auto dot = path.find('.');
    const auto digits = path.substr(0, dot);
    std::size_t index = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || index >= array->size()) return nullptr;
    return dot == std::string_view::npos ? &(*array)[index] : find((*array)[index], path.substr(dot + 1));
  }
  const auto* object = value.if_object();
  if (object == nullptr) return nullptr;
  if (const auto* member = object->if_contains(json::string_view(path.data(), path.size()))) return member;
  for (auto dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.', dot + 1)) {
    const auto name = path.substr(0, dot);
    const auto* member = object->if_contains(json::string_view(name.data(), name.size()));
    if (member == nullptr) continue;
    if (const auto* found = find(*member, path.substr(dot + 1))) return found;
  }
  return nullptr;
}

void flatten(const json::value& value, const std::string& path, std::map<std::string, std::string>& out) {
  if (out.size() >= kMostDiscovered) return;
  const auto below = [&](std::string_view name) {
    return path.empty() ? std::string(name) : path + "." + std::string(name);
  };
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) flatten(member.value(), below(member.key()), out);
  } else if (const auto* array = value.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) flatten((*array)[i], below(std::to_string(i)), out);
  } else if (!path.empty()) {
    out[path] = to_text(value_of(value));
  }
}

/// The text behind `label` up to a tab, a space or the end.
std::string_view behind(std::string_view line, std::string_view label) {
  const auto at = line.find(label);
  if (at == std::string_view::npos) return {};
  auto rest = line.substr(at + label.size());
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  return rest.substr(0, rest.find_first_of(" \t\n"));
}

/// What Lambda's own lines say.
Value of_function_line(std::string_view line, std::string_view name) {
  struct Label {
    std::string_view name, label;
    double factor;
  };
  constexpr std::array kLabels = {
      Label{"@duration", "\tDuration:", 1}, Label{"@billedDuration", "\tBilled Duration:", 1},
      Label{"@initDuration", "\tInit Duration:", 1}, Label{"@memorySize", "\tMemory Size:", 1e6},
      Label{"@maxMemoryUsed", "\tMax Memory Used:", 1e6}};
  const auto end = line.find_first_of(" \t");
  const auto type = line.substr(0, end);
  const bool own = type == "REPORT" || type == "START" || type == "END" || type == "INIT_START";
  if (name == "@type") return own ? Value::of(std::string(type)) : Value();
  if (name == "@requestId") {
    if (own) return Value::of(std::string(behind(line, "RequestId:")));
    // "2026-11-21T20:00:00.000Z\tID\tINFO\ttext", and "[INFO]\ttime\tID\ttext" of Python.
    std::size_t from = 0;
    for (int part = 0; part < 3 && from < line.size(); ++part) {
      const auto tab = line.find('\t', from);
      const auto text = line.substr(from, tab == std::string_view::npos ? tab : tab - from);
      if (text.size() == 36 && text[8] == '-' && text[13] == '-' && text[23] == '-')
        return Value::of(std::string(text));
      if (tab == std::string_view::npos) break;
      from = tab + 1;
    }
    return {};
  }
  if (type != "REPORT") return {};
  for (const auto& label : kLabels) {
    if (label.name != name) continue;
    Value text = Value::of(std::string(behind(line, label.label)));
    double number = 0;
    return as_number(text, number) ? Value::of(number * label.factor) : Value();
  }
  return {};
}

}  // namespace

Row::Row(const EventView& event, std::string log, std::string stream)
    : has_event_(true), id_(event.id), log_(std::move(log)), stream_(std::move(stream)), message_(event.message) {}

const void* Row::document() const {
  if (!looked_) {
    looked_ = true;
    const auto at = message_.find('{');
    // A prefix before the object is common: "INFO {...}".
    if (has_event_ && at != std::string::npos && message_.find_last_not_of(" \n\r\t") != std::string::npos &&
        message_[message_.find_last_not_of(" \n\r\t")] == '}') {
      json::error_code error;
      json::parse_options options;
      options.max_depth = 64;
      auto value = json::parse(json::string_view(message_.data() + at, message_.size() - at), error, {}, options);
      if (!error) parsed_ = std::make_shared<const json::value>(std::move(value));
    }
  }
  return parsed_.get();
}

Value Row::get(std::string_view name) const {
  if (const auto at = values_.find(name); at != values_.end()) return at->second;
  if (!has_event_) return {};
  if (name.starts_with('@')) {
    if (name == "@message") return Value::of(message_);
    if (name == "@timestamp") return Value::time(static_cast<double>(id_.time));
    if (name == "@ingestionTime") return Value::time(static_cast<double>(id_.ingested()));
    if (name == "@logStream") return Value::of(stream_);
    if (name == "@log") return Value::of(log_);
    if (name == "@ptr") return Value::of(pointer_of(*this));
    return of_function_line(message_, name);
  }
  const auto* value = static_cast<const json::value*>(document());
  if (value == nullptr) return {};
  const auto* found = find(*value, name);
  return found == nullptr ? Value() : value_of(*found);
}

std::map<std::string, std::string> Row::discovered() const {
  std::map<std::string, std::string> out;
  if (const auto* value = static_cast<const json::value*>(document())) flatten(*value, {}, out);
  return out;
}

void extract(const Extraction& extraction, Row& row) {
  const auto source = evaluate(extraction.source, row);
  if (source.is_nothing()) return;
  const auto text = to_text(source);
  if (extraction.regex != nullptr) {
    const auto& regex = *static_cast<const RE2*>(extraction.regex.get());
    const auto count = static_cast<std::size_t>(regex.NumberOfCapturingGroups());
    std::vector<re2::StringPiece> groups(count + 1);
    if (!regex.Match(text, 0, text.size(), RE2::UNANCHORED, groups.data(), static_cast<int>(groups.size()))) return;
    for (std::size_t i = 0; i < count; ++i)
      if (!extraction.names[i].empty() && groups[i + 1].data() != nullptr)
        row.set(extraction.names[i], Value::of(std::string(groups[i + 1].data(), groups[i + 1].size())));
    return;
  }
  std::size_t at = text.find(extraction.pieces.front());
  if (at == std::string::npos) return;
  at += extraction.pieces.front().size();
  std::vector<std::string> found;
  for (std::size_t i = 1; i < extraction.pieces.size(); ++i) {
    const auto& piece = extraction.pieces[i];
    const auto end = piece.empty() && i + 1 == extraction.pieces.size() ? text.size() : text.find(piece, at);
    if (end == std::string::npos) return;
    found.push_back(text.substr(at, end - at));
    at = end + piece.size();
  }
  for (std::size_t i = 0; i < found.size(); ++i) row.set(extraction.names[i], Value::of(std::move(found[i])));
}

std::string pointer_of(const Row& row) {
  return to_base64(as_bytes(fmt::format("{}\n{}\n{}", row.log(), row.stream(), row.id().text())));
}

bool read_pointer(std::string_view text, Pointer& out) {
  const auto bytes = from_base64(text);
  if (!bytes) return false;
  const auto plain = as_text(*bytes);
  const auto first = plain.find('\n');
  const auto second = first == std::string_view::npos ? first : plain.find('\n', first + 1);
  if (second == std::string_view::npos) return false;
  const auto id = EventId::parse(plain.substr(second + 1));
  if (!id) return false;
  out = {std::string(plain.substr(0, first)), std::string(plain.substr(first + 1, second - first - 1)), *id};
  return true;
}

}  // namespace likeness::logs::insights
