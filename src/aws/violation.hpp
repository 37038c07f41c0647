#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace likeness::aws {

/// One breach of the model by a request's input.
struct Violation {
  std::string path;         // "image.s3Object.bucket", "tagKeys", "items.2.member.name"
  std::string value;        // as the message shows it: "'5000'", "null"; empty for sensitive members
  std::string requirement;  // "Member must have value less than or equal to 4096"
};

/// The path of a member below `parent`: names as the service's own messages have them, first letter in lower case.
std::string member_path(const std::string& parent, std::string_view name);

/// "2 validation errors detected: Value '' at 'a' failed to satisfy constraint: ...; Value ..."
std::string validation_message(const std::vector<Violation>& violations);

/// "'text'", cut where it is long.
std::string shown_value(std::string_view text);

/// "Member must satisfy enum value set: [A, B]".
std::string enum_requirement(const std::vector<std::string_view>& values);

}  // namespace likeness::aws
