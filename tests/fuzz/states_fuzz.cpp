// Definitions in the Amazon States Language, JSONPaths and intrinsic functions, and JSONata under limits. The first
// byte chooses; for the latter two the first line is the expression, and the rest the data.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "states/definition.hpp"
#include "states/expression.hpp"
#include "states/interpreter.hpp"
#include "states/jsonata.hpp"

using namespace likeness;
using namespace likeness::states;

namespace {

void definition(std::string_view text) {
  ParseOptions reading;
  reading.warnings = true;
  const auto parsed = parse_definition(text, reading);
  if (parsed.definition == nullptr) return;
  // What was accepted can be run.
  InterpreterOptions options;
  options.max_events = 200;
  const Interpreter interpreter(options, Clock::system());
  Execution execution;
  execution.definition = parsed.definition;
  execution.info.input = R"({"a":[1,2,{"b":"c"}],"n":1})";
  execution.input = *parse_json(execution.info.input);
  interpreter.begin(execution);
  std::vector<Action> actions;
  interpreter.advance(execution, actions);
  for (const auto& [id, fiber] : execution.fibers) {
    const auto again = decode_fiber(encode(fiber));
    if (!again || again->state != fiber.state) __builtin_trap();
  }
  // It can be ended anywhere, and go on from there.
  interpreter.abort(execution, std::nullopt, std::nullopt);
  if (execution.ending->status == Status::Succeeded) return;
  interpreter.redrive(execution, Clock::system().now());
  actions.clear();
  interpreter.advance(execution, actions);
  (void)interpreter.resume(execution);
}

void expression(std::string_view text, std::string_view data) {
  const auto parsed = Expression::parse(text);
  const auto value = parse_json(data);
  if (!value) return;
  if (write_json(*parse_json(write_json(*value))) != write_json(*value)) __builtin_trap();
  if (!parsed) return;
  const Variables variables = {{"v", *value}};
  (void)parsed->evaluate({*value, *value, variables}, "field");
  if (parsed->is_path() && parsed->path().reference()) (void)parsed->path().write(*value, Value(1));
}

void jsonata(std::string_view text, std::string_view data) {
  JsonataOptions options;
  options.time_limit = std::chrono::milliseconds(200);
  options.memory_bytes = 16u << 20;
  static const Jsonata engine(options);
  const std::string expression_text(text);
  Jsonata::Call call;
  call.expressions = std::span(&expression_text, 1);
  if (auto value = parse_json(data)) call.input = *value;
  (void)engine.evaluate(call);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto line = text.find('\n');
  const auto first = text.substr(0, line);
  const auto rest = line == std::string_view::npos ? std::string_view("{}") : text.substr(line + 1);
  switch (data[0] % 3) {
    case 0: definition(text); break;
    case 1: expression(first, rest); break;
    default: jsonata(first, rest); break;
  }
  return 0;
}
