#include "aws/xml_writer.hpp"

#include "aws/scalars.hpp"
#include "aws/utf8.hpp"

namespace likeness::aws {
namespace {

void open(std::string_view name, std::string_view xml_namespace, std::string& out) {
  out += '<';
  out += name;
  if (!xml_namespace.empty()) {
    out += " xmlns=\"";
    out += xml_namespace;
    out += '"';
  }
}

void close(std::string_view name, std::string& out) {
  out += "</";
  // "Grantee xsi:type": a name only.
  out += name;
  out += '>';
}

/// What the element that holds a value needs to know of the member that it is.
struct Place {
  std::string_view name;
  std::string_view xml_namespace = {};
  TimestampFormat format = TimestampFormat::Unset;
  bool flattened = false;
};

void write_value(const Shape& shape, const void* value, const Place& place, std::string& out);

void write_list(const Shape& shape, const void* list, const Place& place, std::string& out) {
  const auto size = shape.list->size(list);
  if (place.flattened) {
    const Place item{.name = place.name, .xml_namespace = place.xml_namespace};
    for (std::size_t i = 0; i < size; ++i) write_value(*shape.element, shape.list->at(list, i), item, out);
    return;
  }
  open(place.name, place.xml_namespace, out);
  out += '>';
  const Place item{.name = shape.item_name.empty() ? "member" : shape.item_name};
  for (std::size_t i = 0; i < size; ++i) write_value(*shape.element, shape.list->at(list, i), item, out);
  close(place.name, out);
}

void write_map(const Shape& shape, const void* map, const Place& place, std::string& out) {
  struct State {
    const Shape& shape;
    std::string_view entry, entry_namespace;
    std::string& out;
  } state{shape, place.flattened ? place.name : "entry", place.flattened ? place.xml_namespace : std::string_view(),
          out};
  if (!place.flattened) {
    open(place.name, place.xml_namespace, out);
    out += '>';
  }
  shape.map->each(map, &state, [](void* opaque, const std::string& key, const void* value) {
    const auto& s = *static_cast<State*>(opaque);
    open(s.entry, s.entry_namespace, s.out);
    s.out += '>';
    write_xml_element(s.shape.key_name.empty() ? "key" : s.shape.key_name, key, s.out);
    write_value(*s.shape.element, value, {.name = s.shape.value_name.empty() ? "value" : s.shape.value_name}, s.out);
    close(s.entry, s.out);
  });
  if (!place.flattened) close(place.name, out);
}

void write_value(const Shape& shape, const void* value, const Place& place, std::string& out) {
  switch (shape.kind) {
    case Kind::Structure: return write_xml(shape, value, place.name, place.xml_namespace, out);
    case Kind::List: return write_list(shape, value, place, out);
    case Kind::Map: return write_map(shape, value, place, out);
    case Kind::Document:
    case Kind::Stream: return;
    case Kind::String: {
      open(place.name, place.xml_namespace, out);
      out += '>';
      write_xml_text(*static_cast<const std::string*>(value), out);
      return close(place.name, out);
    }
    default:
      // Of these none can hold a character that would have to be escaped, but for enums, whose names are AWS's own.
      open(place.name, place.xml_namespace, out);
      out += '>';
      write_scalar(shape, value, place.format, TimestampFormat::Iso8601, out);
      return close(place.name, out);
  }
}

/// "xmlns:xsi" for "xsi:type": the namespace that the attribute's prefix stands for.
void write_attributes(const Shape& shape, const void* structure, std::string& out) {
  for (const auto& member : shape.members) {
    if (!member.xml_attribute) continue;
    const void* value = member.find(structure);
    if (value == nullptr || !is_scalar(member.shape->kind)) continue;
    const auto colon = member.wire_name.find(':');
    if (colon != std::string_view::npos && member.wire_name.substr(0, colon) == "xsi")
      out += " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
    out += ' ';
    out += member.wire_name;
    out += "=\"";
    std::string text;
    write_scalar(*member.shape, value, member.timestamp_format, TimestampFormat::Iso8601, text);
    write_xml_text(text, out);
    out += '"';
  }
}

}  // namespace

void write_xml_text(std::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80) {
      // A client's own bytes may stand in an error's text; what is written is UTF-8 all the same.
      const auto length = utf8_length(text.substr(i));
      if (length == 0) {
        out.append(text, from, i - from);
        out += kReplacementCharacter;
        from = i + 1;
      } else {
        i += length - 1;
      }
      continue;
    }
    if (c >= 0x20 && c != '&' && c != '<' && c != '>' && c != '"' && c != 0x7F) {
      // U+0085 and U+2028 end a line for some readers; nothing else above ASCII means anything to XML.
      continue;
    }
    if (c == '\n' || c == '\t') continue;
    out.append(text, from, i - from);
    from = i + 1;
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default:
        out += "&#x";
        if (c >= 16) out += kHex[c >> 4];
        out += kHex[c & 15];
        out += ';';
    }
  }
  out.append(text, from, text.size() - from);
}

void write_xml_element(std::string_view name, std::string_view text, std::string& out) {
  open(name, {}, out);
  out += '>';
  write_xml_text(text, out);
  close(name, out);
}

void write_xml_members(const Shape& shape, const void* structure, std::string& out, const Member* left_out) {
  for (const auto& member : shape.members) {
    if (member.location != Location::Body || member.xml_attribute || &member == left_out) continue;
    const void* value = member.find(structure);
    if (value == nullptr) continue;
    const Place place{member.form_name(), member.xml_namespace, member.timestamp_format, member.is_flattened()};
    write_value(*member.shape, value, place, out);
  }
}

void write_xml(const Shape& shape, const void* structure, std::string_view name, std::string_view xml_namespace,
               std::string& out) {
  open(name, xml_namespace, out);
  write_attributes(shape, structure, out);
  out += '>';
  write_xml_members(shape, structure, out);
  close(name, out);
}

}  // namespace likeness::aws
