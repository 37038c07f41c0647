#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace likeness::events {

/// "$.detail.items[0].name": a way into an event, of names, ['names'], [indexes], [*] and .*.
class JsonPath {
 public:
  /// nullopt for what is none.
  static std::optional<JsonPath> parse(std::string_view text);

  /// The JSON there, as it stands in the event; of a way with stars the array of all that it leads to. nullopt where it
  /// leads nowhere.
  std::optional<std::string> find(std::string_view json) const;

 private:
  struct Step {
    enum class Kind { Name, Index, All } kind = Kind::Name;
    std::string name;
    std::size_t index = 0;
  };
  void collect(std::string_view json, std::size_t step, std::vector<std::string_view>& found) const;

  std::vector<Step> steps_;
  bool many_ = false;
};

/// What a rule says of itself to its targets' templates.
struct RuleFacts {
  std::string arn;
  std::string name;
  std::string ingestion_time;  // "2026-11-21T20:00:00Z"
};

/// Makes the input of a target from parts of the event: "<name>" in the template stands for what the path of that name
/// leads to. As recorded against AWS: outside quotes it is JSON (a missing part is ""), within quotes text; in a
/// template that is a text, objects and arrays lose their quotes. Immutable.
class InputTransformer {
 public:
  static constexpr std::size_t kMostPaths = 100;

  /// ValidationException with AWS's text, which names the target.
  static Result<InputTransformer> parse(const std::map<std::string, std::string>& paths,
                                        std::string_view input_template, std::string_view target_id);

  /// nullopt if what comes out is no JSON: AWS delivers nothing then.
  std::optional<std::string> apply(std::string_view event, const RuleFacts& rule) const;

 private:
  struct Part {
    std::string text;  // as it is, if there is no name
    std::optional<std::string> name = {};
    bool quoted = false;  // the place of the name is within a string
  };
  std::string value(const std::string& name, std::string_view event, const RuleFacts& rule, bool& missing) const;

  std::map<std::string, JsonPath> paths_;
  std::vector<Part> parts_;
  bool text_template_ = false;
};

}  // namespace likeness::events
