#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "states/expression.hpp"
#include "states/jsonata.hpp"
#include "states/template.hpp"
#include "states/value.hpp"

namespace likeness::states {

struct Definition;

/// InputPath, OutputPath: absent is "$"; null gives an empty object.
struct PathField {
  bool null = false;
  std::optional<Expression> expression;
};

/// A number or text that is written down, found at a path, or computed.
struct DynamicField {
  std::optional<Value> literal;
  std::optional<Expression> path;
  std::optional<std::string> jsonata;
  std::string name;  // of the field that holds it: "Seconds", "SecondsPath"

  bool present() const { return literal || path || jsonata; }
};

/// ResultPath: absent is "$"; null discards the result.
struct ResultPath {
  bool discard = false;
  std::optional<JsonPath> path;
};

struct Retrier {
  std::vector<std::string> errors;
  double interval_seconds = 1;
  std::int64_t max_attempts = 3;
  double backoff_rate = 2;
  std::optional<double> max_delay_seconds;
  bool full_jitter = false;
};

struct Catcher {
  std::vector<std::string> errors;
  std::string next;
  ResultPath result_path;
  std::optional<Template> assign;
  std::optional<Template> output;
};

/// A condition of JSONPath: a comparison, or And, Or, Not of others.
struct ChoiceTest {
  enum class Kind { And, Or, Not, Compare };
  Kind kind = Kind::Compare;
  std::vector<ChoiceTest> parts;
  std::optional<JsonPath> variable;
  std::string op;  // "NumericLessThan", without "Path"
  Value literal;
  std::optional<JsonPath> path;  // what a "…Path" operator compares with
};

struct ChoiceRule {
  std::optional<ChoiceTest> test;        // JSONPath
  std::optional<std::string> condition;  // JSONata; without braces
  std::optional<bool> constant;          // JSONata: a condition that is true or false
  std::string next;
  std::optional<Template> assign;
  std::optional<Template> output;
};

struct ItemReader {
  std::string resource;
  std::optional<Template> parameters;
  std::string input_type;  // "", CSV, JSON, JSONL, MANIFEST, PARQUET
  std::string csv_header_location;
  std::vector<std::string> csv_headers;
  char csv_delimiter = ',';
  DynamicField max_items;
  std::string transformation;              // of a listing: "", NONE, LOAD_AND_FLATTEN
  std::string manifest_type;               // S3_INVENTORY, ATHENA_DATA
  std::vector<std::string> items_pointer;  // of JSON: where in the object the list is
};

struct ItemBatcher {
  DynamicField max_items;
  DynamicField max_bytes;
  std::optional<Template> batch_input;
};

struct ResultWriter {
  std::string resource;
  std::optional<Template> parameters;
  std::string transformation = "NONE";  // NONE, COMPACT, FLATTEN
  std::string output_type = "JSON";     // JSON, JSONL
};

enum class StateType { Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map };
std::string_view name_of(StateType type);

struct State {
  std::string name;
  StateType type = StateType::Pass;
  QueryLanguage language = QueryLanguage::JsonPath;
  std::string next;  // empty at the end
  bool end = false;

  PathField input_path;
  PathField output_path;
  ResultPath result_path;
  std::optional<Template> parameters;  // Parameters, Arguments; of Map: ItemSelector
  std::optional<Template> result_selector;
  std::optional<Template> assign;
  std::optional<Template> output;
  std::optional<Value> result;  // Pass

  DynamicField seconds;    // Wait
  DynamicField timestamp;  // Wait
  DynamicField error;      // Fail
  DynamicField cause;      // Fail

  std::vector<ChoiceRule> rules;
  std::string default_next;

  std::string resource;  // Task
  std::optional<Template> credentials;
  DynamicField timeout;
  DynamicField heartbeat;
  std::vector<Retrier> retriers;
  std::vector<Catcher> catchers;

  std::vector<std::shared_ptr<const Definition>> branches;  // Parallel; of Map the one processor
  bool distributed = false;
  bool express_children = false;
  std::string label;
  std::optional<Expression> items_path;
  std::optional<Template> items;  // JSONata
  DynamicField max_concurrency;
  DynamicField tolerated_count;
  DynamicField tolerated_percentage;
  std::optional<ItemReader> reader;
  std::optional<ItemBatcher> batcher;
  std::optional<ResultWriter> writer;
};

/// A state machine, or what is inside of a branch. Immutable, shared.
struct Definition {
  std::string start_at;
  std::map<std::string, State, std::less<>> states;
  QueryLanguage language = QueryLanguage::JsonPath;
  std::optional<std::int64_t> timeout_seconds;

  const State* find(std::string_view name) const {
    const auto at = states.find(name);
    return at == states.end() ? nullptr : &at->second;
  }
};

struct Diagnostic {
  bool warning = false;
  std::string code;  // "SCHEMA_VALIDATION_FAILED"
  std::string message;
  std::string location;  // "/States/X"; may be empty
};

struct ParseOptions {
  bool express = false;
  /// What is wrong with a Resource; nullopt: nothing. Null function: not asked.
  std::function<std::optional<std::string>(std::string_view resource, bool express)> check_resource;
  const Jsonata* jsonata = nullptr;  // null: expressions are not parsed beforehand
  bool warnings = false;             // what works, but is a mistake most likely, is told too
};

struct Parsed {
  std::shared_ptr<const Definition> definition;  // null if there is an error among the diagnostics
  std::vector<Diagnostic> diagnostics;
};

/// Reads a definition in the Amazon States Language.
Parsed parse_definition(std::string_view text, const ParseOptions& options);
/// One state by itself, for TestState: transitions need not lead anywhere.
Parsed parse_single_state(std::string_view text, const ParseOptions& options);

/// "Invalid State Machine Definition: 'CODE: message at /place, …'" of the errors; InvalidDefinition.
Failure invalid_definition(const std::vector<Diagnostic>& diagnostics);

}  // namespace likeness::states
