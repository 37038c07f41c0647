#include "states/definition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "states/definition_reader.hpp"

namespace likeness::states {
namespace {

constexpr int kMaxDepth = 20;
constexpr std::size_t kMaxName = 80;
constexpr std::int64_t kMaxTimeout = 99'999'999;

constexpr std::string_view kTypes = "[Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]";

std::optional<StateType> type_of(std::string_view name) {
  static constexpr StateType kAll[] = {StateType::Task, StateType::Wait,   StateType::Pass,     StateType::Succeed,
                                       StateType::Fail, StateType::Choice, StateType::Parallel, StateType::Map};
  for (const auto type : kAll)
    if (name_of(type) == name) return type;
  return std::nullopt;
}

bool has_errors(const std::vector<Diagnostic>& diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(),
                     [](const auto& diagnostic) { return !diagnostic.warning; });
}

/// The JSON object of the text, or null with the diagnostic that AWS has for it.
std::optional<Value> read_object(std::string_view text, std::vector<Diagnostic>& diagnostics) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    diagnostics.push_back({false, "SCHEMA_VALIDATION_FAILED", "Definition must be a valid JSON object", ""});
    return std::nullopt;
  }
  auto value = parse_json(text);
  if (!value) {
    const auto source = fmt::format("[Source: (String)\"{}\"; {}]", text.size() > 500 ? text.substr(0, 500) : text,
                                    value.error().detail);
    diagnostics.push_back(
        {false, "INVALID_JSON_DESCRIPTION", fmt::format("{}\n at {}", value.error().message, source), source});
    return std::nullopt;
  }
  if (!value->is_object()) {
    diagnostics.push_back({false, "SCHEMA_VALIDATION_FAILED", "Definition must be a valid JSON object", ""});
    return std::nullopt;
  }
  return std::move(*value);
}

}  // namespace

std::string_view name_of(StateType type) {
  switch (type) {
    case StateType::Task: return "Task";
    case StateType::Wait: return "Wait";
    case StateType::Pass: return "Pass";
    case StateType::Succeed: return "Succeed";
    case StateType::Fail: return "Fail";
    case StateType::Choice: return "Choice";
    case StateType::Parallel: return "Parallel";
    case StateType::Map: return "Map";
  }
  return "";
}

void DefinitionReader::error(std::string code, std::string message, std::string place) {
  if (diagnostics_.size() < 1000)
    diagnostics_.push_back({false, std::move(code), std::move(message), std::move(place)});
}

bool DefinitionReader::require(const Value& value, std::initializer_list<std::string_view> names,
                               const std::string& place) {
  std::string missing;
  for (const auto name : names)
    if (value.find(name) == nullptr) missing += (missing.empty() ? "" : ", ") + std::string(name);
  if (missing.empty()) return true;
  schema(fmt::format("These fields are required: [{}]", missing), place);
  return false;
}

void DefinitionReader::only(const Value& value, const std::set<std::string_view>& allowed, const std::string& place) {
  if (!value.is_object()) return;
  for (const auto& [name, member] : value.as_object())
    if (!allowed.contains(name)) schema(fmt::format("Field '{}' is not supported", name), place);
}

std::shared_ptr<const Definition> DefinitionReader::machine(const Value& value, const std::string& place,
                                                            QueryLanguage outer, bool outer_is_jsonata, int depth,
                                                            bool express) {
  const std::string shown = place.empty() ? "/" : place;
  auto out = std::make_shared<Definition>();
  if (depth > kMaxDepth) {
    schema("The definition is nested too deeply", shown);
    return out;
  }
  if (!value.is_object()) {
    schema("Expected value of type Object", shown);
    return out;
  }
  require(value, {"States", "StartAt"}, shown);
  if (depth == 0) {
    only(value, {"StartAt", "States", "Comment", "Version", "TimeoutSeconds", "QueryLanguage"}, shown);
  } else {
    only(value, {"StartAt", "States", "Comment", "ProcessorConfig", "QueryLanguage", "Version", "TimeoutSeconds"},
         shown);
  }
  out->language = outer;
  if (const Value* const language = value.find("QueryLanguage")) {
    if (language->is_string() && language->as_string() == "JSONata") {
      out->language = QueryLanguage::Jsonata;
      outer_is_jsonata = true;
    } else if (language->is_string() && language->as_string() == "JSONPath") {
      if (outer_is_jsonata)
        schema("'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", shown);
      out->language = QueryLanguage::JsonPath;
    } else {
      schema("The field 'QueryLanguage' should have one of these values: [JSONPath, JSONata]",
             place + "/QueryLanguage");
    }
  }
  if (const Value* const version = value.find("Version"); version != nullptr && value.text_of("Version") != "1.0")
    schema("The field 'Version' should have one of these values: [1.0]", place + "/Version");
  if (const Value* const timeout = value.find("TimeoutSeconds")) {
    if (!timeout->is_integer() || timeout->as_integer() <= 0 || timeout->as_integer() > kMaxTimeout) {
      schema("Expected value of type Integer between 1 and 99999999", place + "/TimeoutSeconds");
    } else {
      out->timeout_seconds = timeout->as_integer();
    }
  }
  out->start_at = text(value, "StartAt", place);
  const Value* const states = value.find("States");
  if (states == nullptr) return out;
  if (!states->is_object()) {
    schema("Expected value of type Object", place + "/States");
    return out;
  }
  if (states->as_object().empty()) schema("Value cannot be empty", place + "/States");
  const bool whole_is_jsonata = out->language == QueryLanguage::Jsonata;
  for (const auto& [name, member] : states->as_object()) {
    const auto here = fmt::format("{}/States/{}", place, name);
    if (name.empty() || name.size() > kMaxName)
      schema("The name of a state must have between 1 and 80 characters", here);
    if (!names_.insert(name).second) error("DUPLICATE_STATE_NAME", fmt::format("Duplicate State name: {}", name), here);
    if (whole_is_jsonata && member.text_of("QueryLanguage") == "JSONPath")
      schema("'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", here);
    out->states.emplace(name, state(name, member, here, out->language, depth, express, false));
  }
  targets(*out, place);
  return out;
}

/// Every transition leads to a state of the same machine, and every state can be reached.
void DefinitionReader::targets(const Definition& definition, const std::string& place) {
  constexpr auto kCode = "MISSING_TRANSITION_TARGET";
  std::set<std::string_view> reached;
  std::vector<std::string_view> open;
  const auto follow = [&](const std::string& target, std::string_view field, const std::string& where) {
    if (target.empty()) return;
    const auto at = definition.states.find(target);
    if (at == definition.states.end()) {
      error(kCode, fmt::format("Missing '{}' target: {}", field, target), where);
    } else if (reached.insert(at->first).second) {
      open.push_back(at->first);
    }
  };
  follow(definition.start_at, "StartAt", place + "/StartAt");
  if (reached.empty()) return;  // everything else would be unreachable too
  while (!open.empty()) {
    const State& state = *definition.find(open.back());
    open.pop_back();
    const auto here = fmt::format("{}/States/{}", place, state.name);
    follow(state.next, "Next", here + "/Next");
    follow(state.default_next, "Default", here + "/Default");
    for (std::size_t i = 0; i < state.rules.size(); ++i)
      follow(state.rules[i].next, "Next", fmt::format("{}/Choices[{}]/Next", here, i));
    for (std::size_t i = 0; i < state.catchers.size(); ++i)
      follow(state.catchers[i].next, "Next", fmt::format("{}/Catch[{}]/Next", here, i));
  }
  for (const auto& [name, state] : definition.states)
    if (!reached.contains(name))
      error(kCode, fmt::format("State \"{}\" is not reachable.", name), fmt::format("{}/States/{}", place, name));
}

State DefinitionReader::state(const std::string& name, const Value& value, const std::string& place,
                              QueryLanguage outer, int depth, bool express, bool single) {
  State out;
  out.name = name;
  out.language = outer;
  if (!value.is_object()) {
    schema("Expected value of type Object", place);
    return out;
  }
  if (!require(value, {"Type"}, place)) return out;
  const auto type = type_of(value.text_of("Type"));
  if (!type) {
    schema(fmt::format("The field 'Type' should have one of these values: {}", kTypes), place + "/Type");
    return out;
  }
  out.type = *type;
  if (const Value* const language = value.find("QueryLanguage")) {
    if (language->is_string() && language->as_string() == "JSONata") {
      out.language = QueryLanguage::Jsonata;
    } else if (language->is_string() && language->as_string() == "JSONPath") {
      out.language = QueryLanguage::JsonPath;
    } else {
      schema("The field 'QueryLanguage' should have one of these values: [JSONPath, JSONata]",
             place + "/QueryLanguage");
    }
  }
  fields(out, value, place);
  const bool json_path = out.language == QueryLanguage::JsonPath;
  if (json_path) {
    out.input_path = path_field(value, "InputPath", place);
    out.output_path = path_field(value, "OutputPath", place);
    out.result_path = result_path(value, place);
    out.parameters = payload(value, "Parameters", out.language, place);
    out.result_selector = payload(value, "ResultSelector", out.language, place);
  } else {
    out.parameters = payload(value, "Arguments", out.language, place);
    out.output = payload(value, "Output", out.language, place);
  }
  out.assign = assignment(value, out.language, place);
  if (!single) transitions(out, value, place);
  if (single) {
    out.next = value.text_of("Next");
    out.end = out.next.empty();
  }
  switch (out.type) {
    case StateType::Task: task(out, value, place, express); break;
    case StateType::Wait: wait(out, value, place); break;
    case StateType::Fail: fail_state(out, value, place); break;
    case StateType::Choice: choice(out, value, place); break;
    case StateType::Parallel: parallel(out, value, place, depth, express); break;
    case StateType::Map: map(out, value, place, depth, express); break;
    case StateType::Pass:
      if (const Value* const result = value.find("Result"); result != nullptr && json_path) out.result = *result;
      break;
    case StateType::Succeed: break;
  }
  if (out.type == StateType::Task || out.type == StateType::Parallel || out.type == StateType::Map) {
    retry(out, value, place);
    catchers(out, value, place);
  }
  return out;
}

/// Fields that this type of state does not have.
void DefinitionReader::fields(const State& state, const Value& value, const std::string& place) {
  std::set<std::string_view> allowed = {"Type", "Comment", "QueryLanguage"};
  const bool json_path = state.language == QueryLanguage::JsonPath;
  const auto add = [&](std::initializer_list<std::string_view> names) { allowed.insert(names); };
  const auto type = state.type;
  if (type != StateType::Fail) {
    add({"Assign"});
    if (json_path) add({"InputPath", "OutputPath"});
    if (!json_path) add({"Output"});
  }
  if (type == StateType::Succeed) allowed.erase("Assign");
  if (type != StateType::Succeed && type != StateType::Fail && type != StateType::Choice) add({"Next", "End"});
  const bool works = type == StateType::Task || type == StateType::Parallel || type == StateType::Map;
  if (works) add({"Retry", "Catch"});
  if (works && json_path) add({"ResultSelector"});
  if (json_path && (works || type == StateType::Pass)) add({"ResultPath", "Parameters"});
  if (!json_path && (type == StateType::Task || type == StateType::Parallel)) add({"Arguments"});
  switch (type) {
    case StateType::Task:
      add({"Resource", "TimeoutSeconds", "HeartbeatSeconds", "Credentials"});
      if (json_path) add({"TimeoutSecondsPath", "HeartbeatSecondsPath"});
      break;
    case StateType::Wait:
      add({"Seconds", "Timestamp"});
      if (json_path) add({"SecondsPath", "TimestampPath"});
      break;
    case StateType::Pass:
      if (json_path) add({"Result"});
      break;
    case StateType::Fail:
      add({"Error", "Cause"});
      if (json_path) add({"ErrorPath", "CausePath"});
      break;
    case StateType::Choice: add({"Choices", "Default"}); break;
    case StateType::Parallel: add({"Branches"}); break;
    case StateType::Map:
      add({"ItemProcessor", "Iterator", "ItemSelector", "ItemReader", "ItemBatcher", "ResultWriter", "MaxConcurrency",
           "ToleratedFailureCount", "ToleratedFailurePercentage", "Label"});
      if (json_path) {
        add({"ItemsPath", "MaxConcurrencyPath", "ToleratedFailureCountPath", "ToleratedFailurePercentagePath"});
      } else {
        add({"Items"});
      }
      break;
    case StateType::Succeed: break;
  }
  only(value, allowed, place);
}

void DefinitionReader::transitions(State& state, const Value& value, const std::string& place) {
  if (state.type == StateType::Succeed || state.type == StateType::Fail) {
    state.end = true;
    return;
  }
  if (state.type == StateType::Choice) return;
  const Value* const end = value.find("End");
  const Value* const next = value.find("Next");
  if (end != nullptr && !end->is_bool()) schema("Expected value of type Boolean", place + "/End");
  state.end = end != nullptr && end->is_bool() && end->as_bool();
  if (next != nullptr) state.next = text(value, "Next", place);
  if (state.end && next != nullptr) schema("One and only one of these fields should be present: [Next, End]", place);
  if (!state.end && next == nullptr) schema("These fields are required: [Next]", place);
}

Parsed parse_definition(std::string_view text, const ParseOptions& options) {
  Parsed out;
  auto value = read_object(text, out.diagnostics);
  if (!value) return out;
  DefinitionReader reader(options, out.diagnostics);
  auto definition = reader.machine(*value, "", QueryLanguage::JsonPath, false, 0, options.express);
  if (options.warnings) add_warnings(*value, out.diagnostics);
  if (!has_errors(out.diagnostics)) out.definition = std::move(definition);
  return out;
}

Parsed parse_single_state(std::string_view text, const ParseOptions& options) {
  Parsed out;
  auto value = read_object(text, out.diagnostics);
  if (!value) return out;
  DefinitionReader reader(options, out.diagnostics);
  auto definition = std::make_shared<Definition>();
  constexpr auto kName = "StateName";  // what AWS calls it
  definition->start_at = kName;
  definition->states.emplace(kName, reader.state(kName, *value, "", QueryLanguage::JsonPath, 0, false, true));
  if (!has_errors(out.diagnostics)) out.definition = std::move(definition);
  return out;
}

Failure invalid_definition(const std::vector<Diagnostic>& diagnostics) {
  std::string all;
  for (const auto& diagnostic : diagnostics) {
    if (diagnostic.warning) continue;
    if (!all.empty()) all += ", ";
    all += diagnostic.code + ": " + diagnostic.message;
    if (!diagnostic.location.empty() && diagnostic.code != "INVALID_JSON_DESCRIPTION")
      all += " at " + diagnostic.location;
    if (all.size() > 4000) break;
  }
  return client_error("InvalidDefinition", fmt::format("Invalid State Machine Definition: '{}'", all));
}

}  // namespace likeness::states
