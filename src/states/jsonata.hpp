#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "states/scope.hpp"
#include "states/value.hpp"

namespace likeness::states {

struct JsonataOptions {
  std::size_t contexts = 16;                   // at most so many evaluations at once; more wait
  std::size_t memory_bytes = 64u << 20;        // of one context
  std::chrono::milliseconds time_limit{2000};  // of one call
};

/// JSONata by its reference implementation (the npm package `jsonata`) in QuickJS, an engine without a way to the host:
/// no files, network, timers or modules. Contexts are kept and used again, each with its parsed expressions; one that
/// ran out of memory or time is thrown away. Thread-safe; a call blocks for its evaluation.
class Jsonata {
 public:
  explicit Jsonata(JsonataOptions options = {});
  ~Jsonata();
  Jsonata(const Jsonata&) = delete;
  Jsonata& operator=(const Jsonata&) = delete;

  enum class Dialect {
    StepFunctions,  // with $partition, $range, $hash, $random, $uuid, $parse; without $eval
    Plain,          // as the reference has it
  };

  struct Call {
    std::span<const std::string> expressions;
    std::optional<Value> input = std::nullopt;  // "$"
    const Variables* variables = nullptr;
    const Value* states = nullptr;  // $states
    Dialect dialect = Dialect::StepFunctions;
  };

  /// Evaluates all, in order; nullopt is JSONata's "nothing". Error: `code` is JSONata's ("T1006"), or "Timeout",
  /// "OutOfMemory", "UnsupportedResult"; `message` its words; `detail` the place among the expressions.
  Result<std::vector<std::optional<Value>>> evaluate(const Call& call) const;

  /// Whether it can be parsed at all. Error: as above.
  Result<void> check(std::string_view expression) const;

 private:
  class Context;
  class Lease;
  Result<std::string> run(bool check_only, const Call& call) const;

  const JsonataOptions options_;
  mutable std::mutex mutex_;
  mutable std::condition_variable freed_;
  mutable std::vector<std::unique_ptr<Context>> free_;
  mutable std::size_t in_use_ = 0;
};

/// The text between "{%" and "%}"; nullopt if `text` is no expression.
std::optional<std::string> jsonata_expression(std::string_view text);

}  // namespace likeness::states
