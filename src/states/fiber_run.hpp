#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "states/interpreter.hpp"

namespace likeness::states {

/// One fiber of an execution while the interpreter works on it: the steps of the language. Lives for one call of the
/// interpreter.
class FiberRun {
 public:
  FiberRun(const Interpreter& interpreter, Execution& execution, Fiber& fiber, std::vector<Action>* actions)
      : interpreter_(interpreter),
        options_(interpreter.options_),
        execution_(execution),
        fiber_(fiber),
        actions_(actions) {}

  /// One step; false if the fiber cannot go on by itself.
  bool step();

  void finish(const Value& result);
  void fail(Problem problem);
  void time_out(bool heartbeat);
  void task_succeeded(std::string_view output);
  void task_failed(Problem problem);
  void task_submitted(const std::string& output);
  void child_done(Fiber& child);
  void child_failed(Fiber& child, const Problem& problem);
  void retry_now();
  void wait_over();
  void map_run_failed(Problem problem);
  void settle(Outcome<Value> result);

  const State* state() const;
  std::uint64_t event(std::string_view type, std::string details = {});

 private:
  TimePoint now() const { return interpreter_.clock_.now(); }
  void mark() { execution_.dirty.insert(fiber_.id); }
  tl::unexpected<Problem> located(Problem problem) const;
  Scope scope(const Value& input, const Value& context) const { return {input, context, fiber_.variables}; }
  const Value& context();

  void enter();
  bool work();
  void choose();
  void wait();
  void fail_state();
  void start_task();
  void start_children();
  void start_map();
  void spawn(std::uint32_t index);
  Fiber& new_child(std::uint32_t index, const std::string& part, const Data& input);

  Outcome<Value> effective_input(bool parameters = true);
  Outcome<Value> path_value(const PathField& field, const Value& input);
  Outcome<std::optional<Value>> dynamic(const DynamicField& field, const Value& input);
  Outcome<std::optional<std::int64_t>> whole(const DynamicField& field, const Value& input);
  Outcome<Variables> assignments(const std::optional<Template>& assign, const Scope& scope);
  Outcome<void> keep(Variables assigned);
  void leave(Data output, const Variables& assigned, const std::string& next, bool end);
  void end_fiber();
  bool too_large(const std::string& text) const { return text.size() > options_.max_data_bytes; }

  bool retry(const State& state, const Problem& problem);
  bool caught(const State& state, const Problem& problem);
  void drop_children();
  void stop_here(Problem problem);

  const Interpreter& interpreter_;
  const InterpreterOptions& options_;
  Execution& execution_;
  Fiber& fiber_;
  std::vector<Action>* actions_;
  std::optional<Value> context_;
};

/// A JSON object's text, member by member.
class DetailsWriter {
 public:
  DetailsWriter& text(std::string_view name, std::string_view value) {
    key(name);
    write_json_string(value, out_);
    return *this;
  }
  DetailsWriter& number(std::string_view name, std::int64_t value) {
    key(name);
    out_ += std::to_string(value);
    return *this;
  }
  /// `name`: the text, and `name`Details: that it is whole.
  DetailsWriter& payload(std::string_view name, std::string_view value) {
    text(name, value);
    raw(std::string(name) + "Details", "{\"truncated\":false}");
    return *this;
  }
  DetailsWriter& raw(std::string_view name, std::string_view json) {
    key(name);
    out_ += json;
    return *this;
  }
  std::string take() { return out_.empty() ? "{}" : out_ + "}"; }

 private:
  void key(std::string_view name) {
    out_ += out_.empty() ? "{" : ",";
    write_json_string(name, out_);
    out_ += ':';
  }
  std::string out_;
};

}  // namespace likeness::states
