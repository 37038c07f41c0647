#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "states/definition.hpp"

namespace likeness::states {

/// Walks a definition's JSON, fills the structs, and notes what is wrong with their places. Used once.
class DefinitionReader {
 public:
  DefinitionReader(const ParseOptions& options, std::vector<Diagnostic>& diagnostics)
      : options_(options), diagnostics_(diagnostics) {}

  std::shared_ptr<const Definition> machine(const Value& value, const std::string& place, QueryLanguage outer,
                                            bool outer_is_jsonata, int depth, bool express);
  /// `single`: without its machine, so transitions are not looked at.
  State state(const std::string& name, const Value& value, const std::string& place, QueryLanguage outer, int depth,
              bool express, bool single);

 private:
  void error(std::string code, std::string message, std::string place);
  void schema(std::string message, std::string place) {
    error("SCHEMA_VALIDATION_FAILED", std::move(message), std::move(place));
  }
  bool require(const Value& value, std::initializer_list<std::string_view> names, const std::string& place);
  void only(const Value& value, const std::set<std::string_view>& allowed, const std::string& place);

  std::string text(const Value& value, std::string_view name, const std::string& place);
  PathField path_field(const Value& value, std::string_view name, const std::string& place);
  ResultPath result_path(const Value& value, const std::string& place);
  std::optional<Expression> expression(const Value& value, std::string_view name, const std::string& place);
  std::optional<JsonPath> json_path(const Value& value, std::string_view name, const std::string& place);
  std::optional<Template> payload(const Value& value, std::string_view name, QueryLanguage language,
                                  const std::string& place);
  std::optional<Template> assignment(const Value& value, QueryLanguage language, const std::string& place);
  enum class Wanted { Whole, Number, Text };
  DynamicField dynamic(const Value& value, std::string_view name, Wanted wanted, QueryLanguage language,
                       const std::string& place, double least = 0);
  std::optional<std::string> jsonata(const Value& value, const std::string& place);
  void check_template(const Template& made, const std::string& place);

  void fields(const State& state, const Value& value, const std::string& place);
  void transitions(State& state, const Value& value, const std::string& place);
  void choice(State& state, const Value& value, const std::string& place);
  ChoiceTest choice_test(const Value& value, const std::string& place, bool top, int depth);
  void compare(ChoiceTest& test, const Value& value, const std::string& place, bool top);
  void task(State& state, const Value& value, const std::string& place, bool express);
  void wait(State& state, const Value& value, const std::string& place);
  void fail_state(State& state, const Value& value, const std::string& place);
  void parallel(State& state, const Value& value, const std::string& place, int depth, bool express);
  void map(State& state, const Value& value, const std::string& place, int depth, bool express);
  void item_reader(State& state, const Value& value, const std::string& place);
  void item_batcher(State& state, const Value& value, const std::string& place);
  void result_writer(State& state, const Value& value, const std::string& place);
  void retry(State& state, const Value& value, const std::string& place);
  void catchers(State& state, const Value& value, const std::string& place);
  std::vector<std::string> error_names(const Value& value, bool last, const std::string& place);
  void targets(const Definition& definition, const std::string& place);

  const ParseOptions& options_;
  std::vector<Diagnostic>& diagnostics_;
  std::set<std::string> names_;  // of all states: they are unique in a machine
};

/// What AWS warns of: NO_DOLLAR, NO_PATH, PASS_RESULT_IS_STATIC.
void add_warnings(const Value& machine, std::vector<Diagnostic>& out);

}  // namespace likeness::states
