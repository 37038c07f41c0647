#include "aws/http_binding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "aws/scalars.hpp"
#include "base/bytes.hpp"

namespace likeness::aws {
namespace {

using Parameter = std::pair<std::string, std::string>;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && net::equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

/// The items of a header that is a list: separated by commas, those with commas inside in quotes. Dates have one comma
/// each.
std::vector<std::string> header_items(std::string_view text, bool dates) {
  std::vector<std::string> items;
  if (trimmed(text).empty()) return items;
  std::size_t at = 0;
  while (at <= text.size()) {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
    std::string item;
    if (at < text.size() && text[at] == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\' && at + 1 < text.size()) ++at;
        item += text[at];
      }
      at = std::min(text.find(',', at), text.size());
    } else {
      auto end = text.find(',', at);
      if (dates && end != std::string_view::npos) end = text.find(',', end + 1);
      end = std::min(end, text.size());
      item = trimmed(text.substr(at, end - at));
      at = end;
    }
    items.push_back(std::move(item));
    ++at;
  }
  return items;
}

class Reader {
 public:
  Reader(const net::Request& request, std::span<const Label> labels, const Shape& shape, void* structure)
      : request_(request), labels_(labels), shape_(shape), structure_(structure) {}

  std::vector<Violation> violations;
  std::string problem;

  bool read() {
    for (const auto& member : shape_.members) {
      bool fine = true;
      switch (member.location) {
        case Location::Uri: fine = label(member); break;
        case Location::Query: fine = query(member); break;
        case Location::Header: fine = header(member); break;
        case Location::PrefixHeaders: prefix_headers(member); break;
        case Location::Body:
        case Location::StatusCode: break;
      }
      if (!fine) return false;
    }
    return true;
  }

 private:
  bool malformed(const Member& member, const Shape& shape, std::string_view text) {
    problem = fmt::format("{} is not {}: {}", member.wire_name, scalar_name(shape.kind), shown_value(text));
    return false;
  }

  /// False for what is no value; an unknown word of an enum is reported and `known` turns false.
  bool scalar(const Member& member, const Shape& shape, std::string_view text, TimestampFormat otherwise, void* value,
              bool& known) {
    std::string decoded;
    if (member.json_value) {
      // JSON in a header travels in base64.
      const auto bytes = from_base64(text);
      if (!bytes) return malformed(member, shape, text);
      decoded = as_text(*bytes);
      text = decoded;
    }
    switch (read_scalar(shape, text, member.timestamp_format, otherwise, value)) {
      case ScalarRead::Ok: return true;
      case ScalarRead::Malformed: return malformed(member, shape, text);
      case ScalarRead::UnknownEnum:
        known = false;
        violations.push_back({member_path({}, member.name), shape.is_sensitive ? "" : shown_value(text),
                              enum_requirement({shape.enum_values.begin(), shape.enum_values.end()})});
    }
    return true;
  }

  bool single(const Member& member, std::string_view text, TimestampFormat otherwise) {
    void* slot = member.slot(structure_);
    bool known = true;
    if (!scalar(member, *member.shape, text, otherwise, member.ops->emplace(slot), known)) return false;
    if (!known) member.ops->reset(slot);
    return true;
  }

  bool list(const Member& member, const std::vector<std::string>& items, TimestampFormat otherwise) {
    void* all = member.ops->emplace(member.slot(structure_));
    const Shape& shape = *member.shape;
    for (const auto& item : items) {
      bool known = true;
      if (!scalar(member, *shape.element, item, otherwise, shape.list->append(all), known)) return false;
      if (!known) shape.list->drop_last(all);
    }
    return true;
  }

  bool label(const Member& member) {
    for (const auto& given : labels_)
      if (given.name == member.wire_name) return single(member, given.value, TimestampFormat::Iso8601);
    return true;
  }

  const std::vector<Parameter>& parameters() {
    if (!parsed_) {
      parsed_.emplace();
      std::string_view text = request_.query();
      while (!text.empty()) {
        const auto end = text.find('&');
        const auto pair = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        const auto value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
        parsed_->emplace_back(net::percent_decode(pair.substr(0, equals), true).value_or(std::string(pair)),
                              net::percent_decode(value, true).value_or(std::string(value)));
      }
    }
    return *parsed_;
  }

  bool query(const Member& member) {
    if (member.shape->kind == Kind::Map) {
      query_map(member);
      return true;
    }
    std::vector<std::string> values;
    for (const auto& [name, value] : parameters())
      if (name == member.wire_name) values.push_back(value);
    if (values.empty()) return true;
    if (member.shape->kind == Kind::List) return list(member, values, TimestampFormat::Iso8601);
    return single(member, values.front(), TimestampFormat::Iso8601);
  }

  /// Every parameter, also those that other members take.
  void query_map(const Member& member) {
    const Shape& shape = *member.shape;
    void* map = nullptr;
    std::vector<std::pair<std::string, void*>> lists;
    for (const auto& [name, value] : parameters()) {
      if (map == nullptr) map = member.ops->emplace(member.slot(structure_));
      if (shape.element->kind == Kind::String) {
        if (void* at = shape.map->insert(map, name)) *static_cast<std::string*>(at) = value;
      } else if (shape.element->kind == Kind::List && shape.element->element->kind == Kind::String) {
        auto at = std::ranges::find(lists, name, &std::pair<std::string, void*>::first);
        if (at == lists.end()) at = lists.insert(lists.end(), {name, shape.map->insert(map, name)});
        *static_cast<std::string*>(shape.element->list->append(at->second)) = value;
      }
    }
  }

  bool header(const Member& member) {
    const auto all = request_.headers.all(member.wire_name);
    if (all.empty()) return true;
    if (member.shape->kind != Kind::List) return single(member, trimmed(all.front()), TimestampFormat::HttpDate);
    const auto format = member.shape->element->timestamp_format;
    const bool dates = member.shape->element->kind == Kind::Timestamp &&
                       (format == TimestampFormat::Unset || format == TimestampFormat::HttpDate);
    std::vector<std::string> items;
    for (const auto value : all) {
      auto more = header_items(value, dates);
      items.insert(items.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    return list(member, items, TimestampFormat::HttpDate);
  }

  void prefix_headers(const Member& member) {
    void* map = nullptr;
    for (const auto& field : request_.headers) {
      if (!starts_with_ignoring_case(field.name, member.wire_name)) continue;
      if (map == nullptr) map = member.ops->emplace(member.slot(structure_));
      const auto key = field.name.substr(member.wire_name.size());
      void* at = member.shape->map->insert(map, key);
      // A header that comes twice means both.
      if (at != nullptr) {
        std::string joined;
        for (const auto value : request_.headers.all(field.name)) {
          if (!joined.empty()) joined += ',';
          joined += trimmed(value);
        }
        *static_cast<std::string*>(at) = std::move(joined);
      }
    }
  }

  const net::Request& request_;
  const std::span<const Label> labels_;
  const Shape& shape_;
  void* const structure_;
  std::optional<std::vector<Parameter>> parsed_;
};

/// A value that would end its header line, or begin another, is none.
std::string header_safe(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return text;
}

std::string header_text(const Member& member, const Shape& shape, const void* value) {
  std::string text;
  write_scalar(shape, value, member.timestamp_format, TimestampFormat::HttpDate, text);
  return member.json_value ? to_base64(as_bytes(text)) : text;
}

std::string header_list(const Member& member, const void* list) {
  const Shape& shape = *member.shape;
  std::string out;
  for (std::size_t i = 0; i < shape.list->size(list); ++i) {
    if (i > 0) out += ", ";
    const auto item = header_text(member, *shape.element, shape.list->at(list, i));
    const bool is_text = shape.element->kind == Kind::String || shape.element->kind == Kind::Enum;
    if (!is_text || item.find_first_of(",\"") == std::string::npos) {
      out += item;
      continue;
    }
    out += '"';
    for (const char c : item) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out;
}

}  // namespace

Result<std::vector<Violation>> read_bindings(const net::Request& request, std::span<const Label> labels,
                                             const Shape& shape, void* structure) {
  Reader reader(request, labels, shape, structure);
  if (!reader.read()) return client_error("InvalidArgument", std::move(reader.problem));
  return std::move(reader.violations);
}

void write_bindings(const Shape& shape, const void* structure, net::Response& response) {
  for (const auto& member : shape.members) {
    const void* value = member.location == Location::Body ? nullptr : member.find(structure);
    if (value == nullptr) continue;
    switch (member.location) {
      case Location::StatusCode: response.status = *static_cast<const std::int32_t*>(value); break;
      case Location::Header:
        if (net::equal_ignoring_case(member.wire_name, "content-length") && member.shape->kind == Kind::Long) {
          response.stream_length = static_cast<std::uint64_t>(*static_cast<const std::int64_t*>(value));
        } else {
          auto text =
              member.shape->kind == Kind::List ? header_list(member, value) : header_text(member, *member.shape, value);
          response.headers.add(std::string(member.wire_name), header_safe(std::move(text)));
        }
        break;
      case Location::PrefixHeaders: {
        struct State {
          net::Response& response;
          std::string_view prefix;
        } state{response, member.wire_name};
        member.shape->map->each(value, &state, [](void* opaque, const std::string& key, const void* text) {
          auto& s = *static_cast<State*>(opaque);
          s.response.headers.add(header_safe(std::string(s.prefix) + key),
                                 header_safe(*static_cast<const std::string*>(text)));
        });
        break;
      }
      default: break;
    }
  }
}

const Member* payload_member(const Shape& shape) {
  if (shape.payload.empty()) return nullptr;
  for (const auto& member : shape.members)
    if (member.name == shape.payload) return &member;
  return nullptr;
}

bool has_body_members(const Shape& shape) {
  return std::ranges::any_of(shape.members, [](const Member& member) { return member.location == Location::Body; });
}

}  // namespace likeness::aws
