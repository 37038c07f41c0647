#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "states/definition.hpp"
#include "states/interpreter.hpp"
#include "states/json_path.hpp"
#include "states/jsonata.hpp"

// Recorded answers of AWS, the test-suite of JSONata and RFC 9535's cases, which lie beside the project.
namespace likeness::states {
namespace {

namespace files = std::filesystem;

const files::path kVectors = LIKENESS_VECTORS;

std::string slurp(const files::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// JSON5 as the templates use it: comments and commas before closing brackets.
std::string plain_json(const std::string& text) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      out += c;
      if (c == '\\') out += text[++i];
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
      out += c;
    } else if (c == '/' && i + 1 < text.size() && text[i + 1] == '/') {
      while (i < text.size() && text[i] != '\n') ++i;
    } else if (c == '}' || c == ']') {
      auto last = out.find_last_not_of(" \t\r\n");
      if (last != std::string::npos && out[last] == ',') out.erase(last, 1);
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

Value read(const files::path& path) {
  auto value = parse_json(plain_json(slurp(path)));
  EXPECT_TRUE(value) << path << ": " << (value ? "" : value.error().message);
  return value ? *value : Value();
}

const Jsonata& engine() {
  static const Jsonata jsonata;
  return jsonata;
}

/// Runs without a store: waits are over at once, functions answer with their input, other tasks are not there.
std::vector<Event> run(const std::string& definition, const std::string& input) {
  const auto parsed = parse_definition(definition, {});
  if (parsed.definition == nullptr) return {};
  InterpreterOptions options;
  options.jsonata = &engine();
  const Interpreter interpreter(options, Clock::system());
  Execution execution;
  execution.definition = parsed.definition;
  execution.input = *parse_json(input);
  execution.info.input = input;
  execution.info.machine_name = "a-b";
  execution.info.started = Clock::system().now();
  interpreter.begin(execution);
  std::vector<Action> actions;
  for (int i = 0; i < 50 && !execution.ending; ++i) {
    interpreter.advance(execution, actions);
    for (const auto& action : std::exchange(actions, {}))
      if (action.resource.kind == TaskResource::Kind::Function)
        interpreter.answer(execution, action.fiber, action.attempt, action.input);
    for (auto& [id, fiber] : execution.fibers)
      if (fiber.phase == Phase::Wait && fiber.due - Clock::system().now() < std::chrono::hours(24))
        fiber.due = Clock::system().now();
    interpreter.wake(execution, Clock::system().now() + std::chrono::milliseconds(1));
  }
  return execution.pending;
}

Value shown(const std::vector<Event>& events) {
  Value::Array out;
  for (const auto& event : events) {
    Object one;
    std::string member = event.type;
    if (member.ends_with("StateEntered")) member = "StateEntered";
    if (member.ends_with("StateExited")) member = "StateExited";
    member.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(member.front())));
    if (!event.details.empty()) one.add(member + "EventDetails", *parse_json(event.details));
    one.add("id", Value(static_cast<std::int64_t>(event.id)));
    one.add("previousEventId", Value(static_cast<std::int64_t>(event.previous)));
    one.add("timestamp", Value("timestamp"));
    one.add("type", Value(event.type));
    out.emplace_back(std::move(one));
  }
  return Value(std::move(out));
}

/// The recordings have words in the place of what differs from run to run.
bool redacted(const std::string& text) {
  static const std::set<std::string> kWords = {"timestamp", "start-time",     "entered-time", "snf_role_arn",
                                               "datetime",  "generated-uuid", "date",         "RandomNumberGenerated"};
  return kWords.contains(text);
}

bool same(const Value& recorded, const Value& ours, bool pattern = false) {
  if (recorded.is_string() && redacted(recorded.as_string())) return true;
  if (recorded.is_string() && recorded.as_string().find('<') != std::string::npos && ours.is_string()) {
    // What stands around the placeholder has to be there.
    const auto& text = recorded.as_string();
    const auto end = text.rfind('>');
    const auto head = text.substr(0, text.find('<'));
    const auto tail = end == std::string::npos ? std::string() : text.substr(end + 1);
    if (ours.as_string().starts_with(head) && ours.as_string().ends_with(tail)) return true;
    return head.find("arn:") == 0;
  }
  // Payloads are texts; the recordings have them as JSON.
  if ((recorded.is_object() || recorded.is_array()) && ours.is_string()) {
    auto parsed = parse_json(ours.as_string());
    return parsed && same(recorded, *parsed, pattern);
  }
  if (recorded.is_string() && ours.is_string()) {
    if (recorded.as_string() == ours.as_string()) return true;
    auto left = parse_json(recorded.as_string());
    auto right = parse_json(ours.as_string());
    return left && right && (left->is_array() || left->is_object()) && *left == *right;
  }
  if (recorded.is_array() && ours.is_array()) {
    if (recorded.as_array().size() != ours.as_array().size()) return false;
    for (std::size_t i = 0; i < recorded.as_array().size(); ++i)
      if (!same(recorded.as_array()[i], ours.as_array()[i])) return false;
    return true;
  }
  if (recorded.is_object() && ours.is_object()) {
    if (recorded.as_object().size() != ours.as_object().size()) return false;
    for (const auto& [name, value] : recorded.as_object()) {
      const Value* const other = ours.find(name);
      if (other == nullptr || !same(value, *other)) return false;
    }
    return true;
  }
  return recorded == ours;
}

class Recorded : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!files::exists(kVectors / "states")) GTEST_SKIP() << "the recordings are not there";
  }
  void TearDown() override {
    if (total == 0) return;
    std::cout << fmt::format("{} of {}\n", passed, total);
    for (const auto& line : others) std::cout << "  " << line << "\n";
  }
  void count(bool ok, const std::string& name, const std::string& why) {
    ++total;
    if (ok) {
      ++passed;
    } else {
      others.push_back(name + ": " + why);
    }
  }
  static std::string short_name(const std::string& name) { return name.substr(name.rfind("::") + 2); }

  int passed = 0;
  int total = 0;
  std::vector<std::string> others;
};

/// "test_numeric_less_than_path" -> "NumericLessThanPath".
std::string operator_of(const std::string& name) {
  std::string out;
  bool upper = true;
  for (const char c : name.substr(5)) {
    if (c == '_') {
      upper = true;
      continue;
    }
    out += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return out;
}

bool mentions_times(const Value& input) {
  for (const auto* name : {"Variable", "Value"})
    if (const Value* const member = input.find(name); member != nullptr && *member == Value("date")) return true;
  return false;
}

/// The recordings have "date" in the place of the times. What was compared is known from the tests that they were made
/// with: each of two times, a second apart, with itself and with the other.
Value with_times(const std::string& test, std::size_t number, const Value& input) {
  const Value earlier("2012-10-09T19:00:55Z"), later("2012-10-09T19:00:56Z");
  std::size_t pair = 0;  // the same twice; earlier, later; later, earlier
  if (test.starts_with("test_timestamp_")) {
    const bool path = test.ends_with("_path");
    pair = path && test.find("less") != std::string::npos      ? 2
           : path && test.find("greater") != std::string::npos ? 1
           : test == "test_timestamp_equals"                   ? (number < 14 ? 0 : number - 14)
                                                               : number;
  }
  Object out = input.as_object();
  const auto fill = [&](const char* name, const Value& time) {
    if (*input.find(name) == Value("date")) out.set(name, time);
  };
  fill("Variable", pair == 2 ? later : earlier);
  fill("Value", pair == 1 ? later : earlier);
  return Value(std::move(out));
}

TEST_F(Recorded, ChoiceOperators) {
  const auto pattern = plain_json(slurp(kVectors / "states/templates/choiceoperators/statemachines/template.json5"));
  for (const auto& file : files::directory_iterator(kVectors / "states/snapshots/choice_operators")) {
    const Value snapshot = read(file.path());
    for (const auto& [name, test] : snapshot.as_object()) {
      const auto op = operator_of(short_name(name));
      const bool by_path = op.ends_with("Path");
      std::size_t number = 0;
      for (const auto& one : test.find("recorded-content")->find("cases")->as_array()) {
        const auto id = fmt::format("{}[{}]", short_name(name), number++);
        const Value& recorded_input = *one.find("input");
        const Value& input = recorded_input.find("Variable") == nullptr || !mentions_times(recorded_input)
                                 ? recorded_input
                                 : with_times(short_name(name), number - 1, recorded_input);
        const auto* const literal = input.find("Value");
        auto definition = pattern;
        const std::string key = "\"%ComparisonOperatorType%\": \"$.Value\"";
        definition.replace(definition.find(key), key.size(),
                           fmt::format("\"{}\": {}", op, by_path ? "\"$.Value\"" : write_json(*literal)));
        const auto events = run(definition, write_json(input));
        const auto details =
            events.empty() || events.back().details.empty() ? Value() : *parse_json(events.back().details);
        const auto output = parse_json(details.text_of("output"));
        count(output && *output == *one.find("output"), id, events.empty() ? "refused" : "another output");
      }
    }
  }
  for (const auto& other : others) ADD_FAILURE() << other;
}

struct Template5 {
  const char* test;
  const char* file;
};
constexpr Template5 kTemplates[] = {
    {"test_state_fail", "base/statemachines/raise_failure.json5"},
    {"test_state_fail_path", "base/statemachines/raise_failure_path.json5"},
    {"test_state_fail_intrinsic", "base/statemachines/raise_failure_path_intrinsic.json5"},
    {"test_state_fail_empty", "base/statemachines/raise_empty_failure.json5"},
    {"test_state_pass_result", "base/statemachines/pass_result.json5"},
    {"test_state_pass_result_jsonpaths", "base/statemachines/pass_result.json5"},
    {"test_wait_timestamppath", "base/statemachines/wait_timestamp_path.json5"},
    {"test_timestamp_too_far_in_future_boundary", "base/statemachines/wait_timestamp_path.json5"},
    {"test_comments_as_per_docs", "comment/statemachines/comments_as_per_docs.json5"},
    {"test_decl_version_1_0", "base/statemachines/decl_version_1_0.json5"},
    {"test_query_context_object_values", "base/statemachines/query_context_object_values.json5"},
    {"test_state_pass_result_null_input_output_paths", "base/statemachines/pass_result_null_input_output_paths.json5"},
    {"test_state_pass_regex_json_path_base", "base/statemachines/pass_result_regex_json_path_base.json5"},
    {"test_json_path_array_access", "base/statemachines/json_path_array_access.json5"},
    {"test_json_path_array_wildcard_or_slice_with_no_input", "base/statemachines/json_path_array_access.json5"},
    {"test_base_wait_seconds_path", "base/statemachines/wait_seconds_path.json5"},
    {"test_comment_in_parameters", "comment/statemachines/comment_in_parameters.json5"},
    {"test_array_0", "intrinsicfunctions/statemachines/array/array_0.json5"},
    {"test_array_2", "intrinsicfunctions/statemachines/array/array_2.json5"},
    {"test_array_contains", "intrinsicfunctions/statemachines/array/array_contains.json5"},
    {"test_array_get_item", "intrinsicfunctions/statemachines/array/array_get_item.json5"},
    {"test_array_length", "intrinsicfunctions/statemachines/array/array_length.json5"},
    // Recorded with the definition of array_length.
    {"test_array_unique", "intrinsicfunctions/statemachines/array/array_length.json5"},
    {"test_array_partition", "intrinsicfunctions/statemachines/array/array_partition.json5"},
    {"test_array_range", "intrinsicfunctions/statemachines/array/array_range.json5"},
    {"TestArrayJSONata::test_array_partition", "intrinsicfunctions/statemachines/array/array_partition_jsonata.json5"},
    {"TestArrayJSONata::test_array_range", "intrinsicfunctions/statemachines/array/array_range_jsonata.json5"},
    {"test_base_64_encode", "intrinsicfunctions/statemachines/encode_decode/base64encode.json5"},
    {"test_base_64_decode", "intrinsicfunctions/statemachines/encode_decode/base64decode.json5"},
    {"test_format_1", "intrinsicfunctions/statemachines/generic/format_1.json5"},
    {"test_format_2", "intrinsicfunctions/statemachines/generic/format_2.json5"},
    {"test_context_json_path", "intrinsicfunctions/statemachines/generic/format_context_path.json5"},
    {"test_nested_calls_1", "intrinsicfunctions/statemachines/generic/nested_calls_1.json5"},
    {"test_nested_calls_2", "intrinsicfunctions/statemachines/generic/nested_calls_2.json5"},
    {"test_escape_sequence", "intrinsicfunctions/statemachines/generic/escape_sequence.json5"},
    {"test_hash", "intrinsicfunctions/statemachines/hash_calculations/hash.json5"},
    {"test_string_to_json", "intrinsicfunctions/statemachines/json_manipulation/string_to_json.json5"},
    {"test_json_to_string", "intrinsicfunctions/statemachines/json_manipulation/json_to_string.json5"},
    {"test_json_merge", "intrinsicfunctions/statemachines/json_manipulation/json_merge.json5"},
    {"test_json_merge_escaped_argument",
     "intrinsicfunctions/statemachines/json_manipulation/json_merge_escaped_argument.json5"},
    {"test_parse", "intrinsicfunctions/statemachines/json_manipulation/parse_jsonata.json5"},
    {"test_math_random", "intrinsicfunctions/statemachines/math_operations/math_random.json5"},
    {"test_math_random_seeded", "intrinsicfunctions/statemachines/math_operations/math_random_seeded.json5"},
    {"TestMathOperationsJSONata::test_math_random_seeded",
     "intrinsicfunctions/statemachines/math_operations/math_random_seeded_jsonata.json5"},
    {"test_math_add", "intrinsicfunctions/statemachines/math_operations/math_add.json5"},
    {"test_string_split", "intrinsicfunctions/statemachines/string_operations/string_split.json5"},
    {"test_string_split_context_object",
     "intrinsicfunctions/statemachines/string_operations/string_split_context_object.json5"},
    {"test_uuid", "intrinsicfunctions/statemachines/unique_id_generation/uuid.json5"},
};

std::string template_of(const std::string& test) {
  std::string found;
  for (const auto& [name, file] : kTemplates) {
    const std::string wanted(name);
    if (wanted.find("::") != std::string::npos
            ? test.find(wanted) != std::string::npos
            : test.substr(test.rfind("::") + 2).substr(0, test.substr(test.rfind("::") + 2).find('[')) == wanted)
      found = file;
  }
  return found;
}

TEST_F(Recorded, HistoriesOfBaseIntrinsicsAndComments) {
  for (const auto* group : {"base", "comments", "intrinsic_functions"})
    for (const auto& file : files::directory_iterator(kVectors / "states/snapshots" / group)) {
      const Value snapshot = read(file.path());
      for (const auto& [name, test] : snapshot.as_object()) {
        const auto where = template_of(name);
        for (const auto& [part, content] : test.find("recorded-content")->as_object()) {
          const auto id = short_name(name) + "/" + part;
          const Value* const events = content.find("events");
          if (events == nullptr) {
            if (part != "describe_execution")
              count(false, id, "no history but events: tests/aws/test_stepfunctions_events.py");
            continue;
          }
          if (where.empty()) {
            count(false, id, "its definition is not known");
            continue;
          }
          auto definition = plain_json(slurp(kVectors / "states/templates" / where));
          const auto bracket = name.find('[');
          if (where.find("json_path_array_access") != std::string::npos && bracket != std::string::npos)
            definition.replace(definition.find("$.items[0]"), 10,
                               name.substr(bracket + 1, name.rfind(']') - bracket - 1));
          const Value& started = *events->as_array().front().find("executionStartedEventDetails");
          const Value& input = *started.find("input");
          auto text = input.is_string() ? input.as_string() : write_json(input);
          const auto parameter =
              bracket == std::string::npos ? std::string() : name.substr(bracket + 1, name.rfind(']') - bracket - 1);
          if (const auto at = text.find("<timestamp>"); at != std::string::npos) {
            // The name says how the time was written, or how many days it lay ahead.
            const bool days = name.find("boundary") != std::string::npos;
            const auto time = iso8601(Clock::system().now() +
                                      (days ? std::chrono::hours(24) * std::stoi(parameter) : std::chrono::hours(0)));
            text.replace(at, 11, days ? time : time.substr(0, time.size() - 1) + parameter);
          }
          if (short_name(name) == "test_state_pass_result_jsonpaths") {
            // The recorded definition had this result.
            const Value& result = *events->as_array()[2].find("stateExitedEventDetails")->find("output");
            auto changed = parse_json(definition)->as_object();
            auto states = changed.find("States")->as_object();
            auto state = states.find("State_1")->as_object();
            state.set("Result", result);
            states.set("State_1", Value(std::move(state)));
            changed.set("States", Value(std::move(states)));
            definition = write_json(Value(std::move(changed)));
          }
          const auto ours = shown(run(definition, text));
          const bool ok = same(*events, ours);
          count(ok, id, ok ? "" : "differs: " + write_json(ours).substr(0, 600));
        }
      }
    }
  for (const auto& other : others) EXPECT_NE(other.find("tests/aws"), std::string::npos) << other;
}

TEST_F(Recorded, JsonPathsThatBothDialectsHave) {
  if (!files::exists(kVectors / "jsonpath-cts.json")) GTEST_SKIP();
  const Value suite = read(kVectors / "jsonpath-cts.json");
  std::map<std::string, int> different;
  for (const auto& test : suite.find("tests")->as_array()) {
    if (test.find("invalid_selector") != nullptr) continue;
    const auto name = std::string(test.text_of("name"));
    auto path = JsonPath::parse(test.text_of("selector"));
    ++total;
    if (!path) {
      ++different[name.substr(0, name.find(',')) + ": refused"];
      continue;
    }
    auto found = path->read(*test.find("document"));
    // A definite path gives the thing itself, or fails.
    Value::Array ours;
    if (found && path->definite()) ours.push_back(*found);
    if (found && !path->definite() && found->is_array()) ours = found->as_array();
    bool ok = false;
    if (const Value* const result = test.find("result")) ok = Value(ours) == *result;
    if (const Value* const results = test.find("results"))
      for (const auto& result : results->as_array()) ok = ok || Value(ours) == result;
    if (ok) {
      ++passed;
    } else {
      ++different[name.substr(0, name.find(',')) + ": another result"];
    }
  }
  for (const auto& [name, number] : different) others.push_back(fmt::format("{} ({})", name, number));
  EXPECT_GT(passed, 200);
}

TEST_F(Recorded, JsonataSuite) {
  if (!files::exists(kVectors / "jsonata/groups")) GTEST_SKIP();
  std::map<std::string, std::string> datasets;
  for (const auto& file : files::directory_iterator(kVectors / "jsonata/datasets"))
    datasets[file.path().stem().string()] = slurp(file.path());
  std::vector<files::path> cases;
  for (const auto& file : files::recursive_directory_iterator(kVectors / "jsonata/groups"))
    if (file.path().extension() == ".json") cases.push_back(file.path());
  std::sort(cases.begin(), cases.end());
  for (const auto& path : cases) {
    const Value whole = read(path);
    const Value::Array tests = whole.is_array() ? whole.as_array() : Value::Array{whole};
    for (std::size_t i = 0; i < tests.size(); ++i) {
      const Value& test = tests[i];
      const auto id = fmt::format("{}/{}[{}]", path.parent_path().filename().string(), path.stem().string(), i);
      std::string expression(test.text_of("expr"));
      if (const auto file = test.text_of("expr-file"); !file.empty())
        expression = slurp(path.parent_path() / std::string(file));
      Jsonata::Call call;
      call.expressions = std::span(&expression, 1);
      call.dialect = Jsonata::Dialect::Plain;
      if (const Value* const data = test.find("data")) {
        call.input = *data;
      } else if (const auto name = test.text_of("dataset"); !name.empty()) {
        call.input = *parse_json(datasets[std::string(name)]);
      }
      Variables variables;
      if (const Value* const bindings = test.find("bindings"); bindings != nullptr && bindings->is_object())
        for (const auto& [name, value] : bindings->as_object()) variables[name] = value;
      call.variables = &variables;
      const auto results = engine().evaluate(call);
      const auto code = test.find("code") != nullptr ? test.text_of("code")
                        : test.find("error") != nullptr && test.find("error")->find("code") != nullptr
                            ? test.find("error")->text_of("code")
                            : std::string_view();
      bool ok = false;
      std::string why;
      if (const Value* const wanted = test.find("result")) {
        ok = results && (*results)[0];
        if (ok) {
          ok = *(*results)[0] == *wanted;
          // Sums in floating point.
          if (!ok && wanted->is_number() && (*results)[0]->is_number())
            ok = std::abs(wanted->as_double() - (*results)[0]->as_double()) < 1e-9 * std::abs(wanted->as_double());
          if (!ok && test.find("unordered") != nullptr && wanted->is_array() && (*results)[0]->is_array()) {
            std::multiset<std::string> left, right;
            for (const auto& item : wanted->as_array()) left.insert(write_json(item));
            for (const auto& item : (*results)[0]->as_array()) right.insert(write_json(item));
            ok = left == right;
          }
          if (!ok) why = write_json(*(*results)[0]).substr(0, 120);
        } else {
          why = results ? "nothing" : results.error().code + " " + results.error().message.substr(0, 80);
        }
      } else if (test.find("undefinedResult") != nullptr) {
        ok = results && !(*results)[0];
        if (!ok) why = results ? "something" : results.error().code;
      } else if (!code.empty()) {
        ok = !results && (results.error().code == code || results.error().code == "Timeout");
        if (!ok) why = results ? "a result" : results.error().code + ", not " + std::string(code);
      } else {
        ok = !results || test.find("error") == nullptr;
      }
      count(ok, id, why);
    }
  }
  EXPECT_GT(passed, 1600);
}

}  // namespace
}  // namespace likeness::states
