#include "services/lambda/json_check.hpp"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>
#include <cstdint>

namespace likeness::lambda {
namespace {

namespace json = boost::json;

/// Takes everything and keeps nothing.
struct Nothing {
  // NOLINTBEGIN(readability-identifier-naming): the parser's names
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);
  using Code = json::error_code;
  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code&) { return true; }
  bool on_object_end(std::size_t, Code&) { return true; }
  bool on_array_begin(Code&) { return true; }
  bool on_array_end(std::size_t, Code&) { return true; }
  bool on_key_part(json::string_view, std::size_t, Code&) { return true; }
  bool on_key(json::string_view, std::size_t, Code&) { return true; }
  bool on_string_part(json::string_view, std::size_t, Code&) { return true; }
  bool on_string(json::string_view, std::size_t, Code&) { return true; }
  bool on_number_part(json::string_view, Code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, Code&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, Code&) { return true; }
  bool on_double(double, json::string_view, Code&) { return true; }
  bool on_bool(bool, Code&) { return true; }
  bool on_null(Code&) { return true; }
  bool on_comment_part(json::string_view, Code&) { return true; }
  bool on_comment(json::string_view, Code&) { return true; }
  // NOLINTEND(readability-identifier-naming)
};

}  // namespace

std::optional<std::string> json_problem(std::string_view text) {
  json::parse_options options;
  options.max_depth = 1000;
  json::basic_parser<Nothing> parser(options);
  json::error_code failed;
  const auto used = parser.write_some(false, text.data(), text.size(), failed);
  if (failed) return fmt::format("{} at character {}", failed.message(), used + 1);
  const auto rest = text.substr(used).find_first_not_of(" \t\r\n");
  if (rest != std::string_view::npos) return fmt::format("Unexpected character at character {}", used + rest + 1);
  return std::nullopt;
}

}  // namespace likeness::lambda
