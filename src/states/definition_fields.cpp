#include <fmt/format.h>

#include <algorithm>

#include "states/definition_reader.hpp"

namespace likeness::states {

std::string DefinitionReader::text(const Value& value, std::string_view name, const std::string& place) {
  const Value* const member = value.find(name);
  if (member == nullptr) return "";
  if (!member->is_string()) {
    schema("Expected value of type String", fmt::format("{}/{}", place, name));
    return "";
  }
  return member->as_string();
}

std::optional<Expression> DefinitionReader::expression(const Value& value, std::string_view name,
                                                       const std::string& place) {
  const Value* const member = value.find(name);
  if (member == nullptr) return std::nullopt;
  const auto here = fmt::format("{}/{}", place, name);
  if (!member->is_string()) {
    schema("Expected value of type String", here);
    return std::nullopt;
  }
  auto parsed = Expression::parse(member->as_string());
  if (!parsed) {
    schema("Value is not a valid JSONPath", here);
    return std::nullopt;
  }
  return std::move(*parsed);
}

std::optional<JsonPath> DefinitionReader::json_path(const Value& value, std::string_view name,
                                                    const std::string& place) {
  auto parsed = expression(value, name, place);
  if (!parsed) return std::nullopt;
  if (!parsed->is_path()) {
    schema("Value is not a valid JSONPath", fmt::format("{}/{}", place, name));
    return std::nullopt;
  }
  return parsed->path();
}

PathField DefinitionReader::path_field(const Value& value, std::string_view name, const std::string& place) {
  PathField out;
  const Value* const member = value.find(name);
  if (member == nullptr) return out;
  if (member->is_null()) {
    out.null = true;
    return out;
  }
  out.expression = expression(value, name, place);
  return out;
}

ResultPath DefinitionReader::result_path(const Value& value, const std::string& place) {
  ResultPath out;
  const Value* const member = value.find("ResultPath");
  if (member == nullptr) return out;
  if (member->is_null()) {
    out.discard = true;
    return out;
  }
  auto path = json_path(value, "ResultPath", place);
  if (!path) return out;
  if (path->root() != JsonPath::Root::Input || !path->reference()) {
    schema("Value is not a Reference Path", place + "/ResultPath");
    return out;
  }
  out.path = std::move(*path);
  return out;
}

std::optional<std::string> DefinitionReader::jsonata(const Value& value, const std::string& place) {
  if (!value.is_string()) return std::nullopt;
  auto found = jsonata_expression(value.as_string());
  if (!found) return std::nullopt;
  if (options_.jsonata != nullptr)
    if (auto checked = options_.jsonata->check(*found); !checked)
      schema(fmt::format("The JSONata expression is not valid: {}", checked.error().message), place);
  return found;
}

void DefinitionReader::check_template(const Template& made, const std::string& place) {
  if (options_.jsonata == nullptr) return;
  // Each string of the template that is an expression.
  struct Walk {
    DefinitionReader& reader;
    void operator()(const Value& value, const std::string& at) {
      if (value.is_string()) {
        reader.jsonata(value, at);
      } else if (value.is_array()) {
        std::size_t i = 0;
        for (const auto& item : value.as_array()) (*this)(item, fmt::format("{}[{}]", at, i++));
      } else if (value.is_object()) {
        for (const auto& [name, member] : value.as_object()) (*this)(member, fmt::format("{}/{}", at, name));
      }
    }
  };
  Walk{*this}(made.source(), place);
}

std::optional<Template> DefinitionReader::payload(const Value& value, std::string_view name, QueryLanguage language,
                                                  const std::string& place) {
  const Value* const member = value.find(name);
  if (member == nullptr) return std::nullopt;
  const auto here = fmt::format("{}/{}", place, name);
  std::vector<Template::Complaint> complaints;
  auto out = Template::parse(*member, language, complaints);
  for (auto& complaint : complaints) schema(std::move(complaint.message), here + complaint.place);
  if (language == QueryLanguage::Jsonata) check_template(out, here);
  return out;
}

std::optional<Template> DefinitionReader::assignment(const Value& value, QueryLanguage language,
                                                     const std::string& place) {
  const Value* const member = value.find("Assign");
  if (member == nullptr) return std::nullopt;
  const auto here = place + "/Assign";
  if (!member->is_object()) {
    schema("Expected value of type Object", here);
    return std::nullopt;
  }
  for (const auto& [name, ignored] : member->as_object()) {
    auto variable = std::string_view(name);
    if (language == QueryLanguage::JsonPath && variable.ends_with(".$")) variable.remove_suffix(2);
    if (variable.empty() || variable.size() > 80 || variable == "states" ||
        std::isdigit(static_cast<unsigned char>(variable.front())) != 0 ||
        !std::all_of(variable.begin(), variable.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c >= 0x80; }))
      schema(fmt::format("'{}' is not a valid name of a variable", variable), here);
  }
  return payload(value, "Assign", language, place);
}

DynamicField DefinitionReader::dynamic(const Value& value, std::string_view name, Wanted wanted, QueryLanguage language,
                                       const std::string& place, double least) {
  DynamicField out;
  out.name = name;
  const std::string path_name = std::string(name) + "Path";
  const Value* const member = value.find(name);
  const auto here = fmt::format("{}/{}", place, name);
  if (member != nullptr && value.find(path_name) != nullptr && language == QueryLanguage::JsonPath) {
    schema(fmt::format("One and only one of these fields should be present: [{}, {}]", name, path_name), place);
    return out;
  }
  if (language == QueryLanguage::JsonPath && value.find(path_name) != nullptr) {
    out.name = path_name;
    out.path = expression(value, path_name, place);
    // Only texts may be computed by intrinsic functions.
    if (out.path && !out.path->is_path() && wanted != Wanted::Text)
      schema("Value is not a valid JSONPath", fmt::format("{}/{}", place, path_name));
    return out;
  }
  if (member == nullptr) return out;
  if (language == QueryLanguage::Jsonata)
    if (auto found = jsonata(*member, here)) {
      out.jsonata = std::move(found);
      return out;
    }
  const bool fits = wanted == Wanted::Text    ? member->is_string()
                    : wanted == Wanted::Whole ? member->is_integer()
                                              : member->is_number();
  if (!fits) {
    schema(fmt::format("Expected value of type {}", wanted == Wanted::Text    ? "String"
                                                    : wanted == Wanted::Whole ? "Integer"
                                                                              : "Number"),
           here);
    return out;
  }
  if (wanted != Wanted::Text && member->as_double() < least) {
    schema(fmt::format("The value must be at least {}", static_cast<std::int64_t>(least)), here);
    return out;
  }
  out.literal = *member;
  return out;
}

std::vector<std::string> DefinitionReader::error_names(const Value& value, bool last, const std::string& place) {
  std::vector<std::string> out;
  if (!require(value, {"ErrorEquals"}, place)) return out;
  const Value& names = *value.find("ErrorEquals");
  const auto here = place + "/ErrorEquals";
  if (!names.is_array()) {
    schema("Expected value of type Array", here);
    return out;
  }
  if (names.as_array().empty()) schema("Value cannot be empty", here);
  for (const auto& name : names.as_array()) {
    if (!name.is_string()) {
      schema("Expected value of type String", here);
      continue;
    }
    if (name.as_string() == "States.ALL" && (!last || names.as_array().size() > 1))
      schema("States.ALL must appear alone and in the last retrier or catcher", here);
    out.push_back(name.as_string());
  }
  return out;
}

void DefinitionReader::retry(State& state, const Value& value, const std::string& place) {
  const Value* const list = value.find("Retry");
  if (list == nullptr) return;
  if (!list->is_array()) return schema("Expected value of type Array", place + "/Retry");
  const auto count = list->as_array().size();
  for (std::size_t i = 0; i < count; ++i) {
    const Value& item = list->as_array()[i];
    const auto here = fmt::format("{}/Retry[{}]", place, i);
    if (!item.is_object()) {
      schema("Expected value of type Object", here);
      continue;
    }
    only(item,
         {"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy",
          "Comment"},
         here);
    Retrier retrier;
    retrier.errors = error_names(item, i + 1 == count, here);
    const auto number = [&](std::string_view name, Wanted wanted, double least) -> std::optional<double> {
      const auto field = dynamic(item, name, wanted, QueryLanguage::JsonPath, here, least);
      if (!field.literal) return std::nullopt;
      return field.literal->as_double();
    };
    retrier.interval_seconds = number("IntervalSeconds", Wanted::Whole, 1).value_or(1);
    retrier.max_attempts =
        static_cast<std::int64_t>(std::min(number("MaxAttempts", Wanted::Whole, 0).value_or(3), 99'999'999.0));
    retrier.backoff_rate = number("BackoffRate", Wanted::Number, 1).value_or(2);
    retrier.max_delay_seconds = number("MaxDelaySeconds", Wanted::Whole, 1);
    if (retrier.max_delay_seconds && *retrier.max_delay_seconds <= retrier.interval_seconds)
      schema("MaxDelaySeconds must be greater than IntervalSeconds", here + "/MaxDelaySeconds");
    if (const auto jitter = text(item, "JitterStrategy", here); !jitter.empty()) {
      if (jitter != "FULL" && jitter != "NONE")
        schema("The field 'JitterStrategy' should have one of these values: [NONE, FULL]", here + "/JitterStrategy");
      retrier.full_jitter = jitter == "FULL";
    }
    state.retriers.push_back(std::move(retrier));
  }
}

void DefinitionReader::catchers(State& state, const Value& value, const std::string& place) {
  const Value* const list = value.find("Catch");
  if (list == nullptr) return;
  if (!list->is_array()) return schema("Expected value of type Array", place + "/Catch");
  const auto count = list->as_array().size();
  for (std::size_t i = 0; i < count; ++i) {
    const Value& item = list->as_array()[i];
    const auto here = fmt::format("{}/Catch[{}]", place, i);
    if (!item.is_object()) {
      schema("Expected value of type Object", here);
      continue;
    }
    const bool json_path_language = state.language == QueryLanguage::JsonPath;
    if (json_path_language) {
      only(item, {"ErrorEquals", "Next", "ResultPath", "Assign", "Comment"}, here);
    } else {
      only(item, {"ErrorEquals", "Next", "Output", "Assign", "Comment"}, here);
    }
    Catcher catcher;
    catcher.errors = error_names(item, i + 1 == count, here);
    require(item, {"Next"}, here);
    catcher.next = text(item, "Next", here);
    if (json_path_language) {
      catcher.result_path = result_path(item, here);
    } else {
      catcher.output = payload(item, "Output", state.language, here);
    }
    catcher.assign = assignment(item, state.language, here);
    state.catchers.push_back(std::move(catcher));
  }
}

}  // namespace likeness::states
