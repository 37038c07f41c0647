#pragma once

#include <string>
#include <string_view>

#include "aws/model.hpp"

namespace likeness::aws {

inline constexpr std::string_view kXmlDeclaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Appends `text` with what XML gives a meaning to, and what readers would normalize, escaped.
void write_xml_text(std::string_view text, std::string& out);

/// Appends <name>text</name>.
void write_xml_element(std::string_view name, std::string_view text, std::string& out);

/// Appends <name ...>...</name> for a structure; `xml_namespace` may be empty. Members that travel elsewhere than in
/// the body are left out.
void write_xml(const Shape& shape, const void* structure, std::string_view name, std::string_view xml_namespace,
               std::string& out);

/// Appends the members alone. One member may be left out: the text of an error, which has a place of its own.
void write_xml_members(const Shape& shape, const void* structure, std::string& out, const Member* left_out = nullptr);

}  // namespace likeness::aws
