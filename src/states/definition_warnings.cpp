#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "states/definition_reader.hpp"

namespace likeness::states {
namespace {

constexpr int kMaxDepth = 100;
constexpr std::size_t kMostWarnings = 1000;
constexpr std::array<std::string_view, 6> kPayloads = {"Parameters", "ResultSelector", "ItemSelector",
                                                       "Assign",     "BatchInput",     "Credentials"};

/// "$", "$.a", "$$.Execution.Id", "$['a']": not "$5" or a text with a dollar in it.
bool is_path_like(std::string_view text) {
  if (!text.starts_with('$')) return false;
  text.remove_prefix(text.starts_with("$$") ? 2 : 1);
  return text.empty() || text.front() == '.' || text.front() == '[';
}
bool is_function_like(std::string_view text) {
  const auto open = text.find('(');
  if (!text.starts_with("States.") || open == std::string_view::npos || !text.ends_with(')')) return false;
  return std::all_of(text.begin() + 7, text.begin() + static_cast<std::ptrdiff_t>(open),
                     [](unsigned char c) { return std::isalnum(c) != 0; });
}

/// Walks a definition that is valid otherwise, and notes what AWS warns of. JSONata has none of these mistakes.
class Warner {
 public:
  explicit Warner(std::vector<Diagnostic>& out) : out_(out) {}

  void machine(const Value& value, const std::string& place, bool jsonata, int depth) {
    if (depth > kMaxDepth) return;
    if (!value.text_of("QueryLanguage").empty()) jsonata = value.text_of("QueryLanguage") == "JSONata";
    const Value* const states = value.find("States");
    if (states == nullptr || !states->is_object()) return;
    for (const auto& [name, state] : states->as_object())
      if (state.is_object()) this->state(state, fmt::format("{}/States/{}", place, name), jsonata, depth);
  }

  void state(const Value& value, const std::string& place, bool jsonata, int depth) {
    if (const Value* const branches = value.find("Branches"); branches != nullptr && branches->is_array())
      for (std::size_t i = 0; i < branches->as_array().size(); ++i)
        machine(branches->as_array()[i], fmt::format("{}/Branches[{}]", place, i), jsonata, depth + 1);
    for (const auto* name : {"ItemProcessor", "Iterator"})
      if (const Value* const processor = value.find(name))
        machine(*processor, fmt::format("{}/{}", place, name), jsonata, depth + 1);
    if (!value.text_of("QueryLanguage").empty()) jsonata = value.text_of("QueryLanguage") == "JSONata";
    if (jsonata) return;
    const auto type = value.text_of("Type");
    payloads(value, place, 0);
    if (type == "Pass")
      if (const Value* const result = value.find("Result")) pass_result(*result, place + "/Result", 0);
    if (type == "Fail")
      for (const auto* name : {"Error", "Cause"}) no_path(value, name, place);
    if (const Value* const rules = value.find("Choices"); rules != nullptr && rules->is_array())
      for (std::size_t i = 0; i < rules->as_array().size(); ++i)
        rule(rules->as_array()[i], fmt::format("{}/Choices[{}]", place, i), 0);
  }

 private:
  void warn(const char* code, std::string message, std::string place) {
    if (out_.size() < kMostWarnings) out_.push_back({true, code, std::move(message), std::move(place)});
  }

  /// Payload templates, those of the readers and writers inside a state too.
  void payloads(const Value& value, const std::string& place, int depth) {
    if (!value.is_object() || depth > 2) return;
    for (const auto& [name, member] : value.as_object()) {
      if (std::find(kPayloads.begin(), kPayloads.end(), name) != kPayloads.end())
        no_dollar(member, fmt::format("{}/{}", place, name), 0);
      if (name == "ItemReader" || name == "ItemBatcher" || name == "ResultWriter")
        payloads(member, fmt::format("{}/{}", place, name), depth + 1);
      if ((name == "Catch" || name == "Choices") && member.is_array())
        for (std::size_t i = 0; i < member.as_array().size(); ++i)
          payloads(member.as_array()[i], fmt::format("{}/{}[{}]", place, name, i), depth + 1);
    }
  }

  void no_dollar(const Value& value, const std::string& place, int depth) {
    if (depth > kMaxDepth) return;
    if (value.is_array())
      for (std::size_t i = 0; i < value.as_array().size(); ++i)
        no_dollar(value.as_array()[i], fmt::format("{}[{}]", place, i), depth + 1);
    if (!value.is_object()) return;
    for (const auto& [name, member] : value.as_object()) {
      const auto here = fmt::format("{}/{}", place, name);
      if (member.is_string() && !name.ends_with(".$") &&
          (is_path_like(member.as_string()) || is_function_like(member.as_string())))
        warn(
            "NO_DOLLAR",
            fmt::format("The value of field '{}' appears to be a JSONPath or an intrinsic function, but the field name "
                        "does not end with '.$'",
                        name),
            here);
      no_dollar(member, here, depth + 1);
    }
  }

  void no_path(const Value& value, const std::string& name, const std::string& place) {
    if (is_path_like(value.text_of(name)))
      warn("NO_PATH",
           fmt::format("The value of field '{}' looks like a path, but the field name does not end with 'Path'", name),
           fmt::format("{}/{}", place, name));
  }

  void rule(const Value& value, const std::string& place, int depth) {
    if (!value.is_object() || depth > kMaxDepth) return;
    for (const auto& [name, member] : value.as_object()) {
      if (name.starts_with("String") && !name.ends_with("Path")) no_path(value, name, place);
      if (name == "Not") rule(member, place + "/Not", depth + 1);
      if ((name == "And" || name == "Or") && member.is_array())
        for (std::size_t i = 0; i < member.as_array().size(); ++i)
          rule(member.as_array()[i], fmt::format("{}/{}[{}]", place, name, i), depth + 1);
    }
  }

  void pass_result(const Value& value, const std::string& place, int depth) {
    if (depth > kMaxDepth) return;
    if (value.is_string() && is_path_like(value.as_string()))
      warn("PASS_RESULT_IS_STATIC", "The Result of a Pass state is static: a path in it is not evaluated", place);
    if (value.is_array())
      for (std::size_t i = 0; i < value.as_array().size(); ++i)
        pass_result(value.as_array()[i], fmt::format("{}[{}]", place, i), depth + 1);
    if (value.is_object())
      for (const auto& [name, member] : value.as_object())
        pass_result(member, fmt::format("{}/{}", place, name), depth + 1);
  }

  std::vector<Diagnostic>& out_;
};

}  // namespace

void add_warnings(const Value& machine, std::vector<Diagnostic>& out) { Warner(out).machine(machine, "", false, 0); }

}  // namespace likeness::states
