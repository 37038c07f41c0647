#include "states/jsonata.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace likeness::states {
namespace {

const Jsonata& engine() {
  static const Jsonata jsonata;
  return jsonata;
}

std::string evaluate(const std::string& expression, std::string_view states = "{}", const Variables& variables = {}) {
  const Value bound = *parse_json(states);
  Jsonata::Call call;
  call.expressions = std::span(&expression, 1);
  call.states = &bound;
  call.variables = &variables;
  auto results = engine().evaluate(call);
  if (!results) return results.error().code + ": " + results.error().message;
  return (*results)[0] ? write_json(*(*results)[0]) : "nothing";
}

TEST(Jsonata, EvaluatesOverStatesAndVariables) {
  EXPECT_EQ(evaluate("$states.input.a + $v", R"({"input":{"a":1}})", {{"v", Value(2)}}), "3");
  EXPECT_EQ(evaluate("$sum($states.input.(p*q))", R"({"input":[{"p":1,"q":3},{"p":2.5,"q":2}]})"), "8");
  EXPECT_EQ(evaluate("$states.input.none"), "nothing");
  EXPECT_EQ(evaluate("1 + 'a'").substr(0, 5), "T2002");
}

TEST(Jsonata, HasTheFunctionsOfStepFunctions) {
  EXPECT_EQ(evaluate("$partition([1,2,3], 2)"), "[[1,2],[3]]");
  EXPECT_EQ(evaluate("$range(0, 10, 3)"), "[0,3,6,9]");
  EXPECT_EQ(evaluate("$range(1, 9, 9)"), "1");
  EXPECT_EQ(evaluate("$hash('input data', 'MD5')"), "\"812f45842bc6d66ee14572ce20db8e86\"");
  EXPECT_EQ(evaluate("$parse('{\"a\":1}').a"), "1");
  EXPECT_EQ(evaluate("$length($uuid())"), "36");
  EXPECT_EQ(evaluate("$random(3) = $random(3)"), "true");
  EXPECT_EQ(evaluate("$nope(1)"), "T1006: Attempted to invoke a non-function");
  EXPECT_EQ(evaluate("$eval('1')"), "T1006: Attempted to invoke a non-function");
}

TEST(Jsonata, AFunctionIsNoResult) { EXPECT_EQ(evaluate("function($x){$x}").substr(0, 17), "UnsupportedResult"); }

TEST(Jsonata, WhatRunsForEverOrEatsMemoryIsEnded) {
  JsonataOptions options;
  options.time_limit = std::chrono::milliseconds(300);
  options.memory_bytes = 32u << 20;
  const Jsonata small(options);
  const auto run = [&](const std::string& expression) {
    Jsonata::Call call;
    call.expressions = std::span(&expression, 1);
    auto results = small.evaluate(call);
    return results ? std::string("result") : results.error().code;
  };
  EXPECT_EQ(run("($f := function($n){$f($n + 1)}; $f(0))"), "Timeout");
  EXPECT_NE(run("($f := function($a){$f($append($a, $a))}; $f([1..1000]))"), "result");
  EXPECT_EQ(run("1 + 1"), "result");  // and the next one is not hurt
}

TEST(Jsonata, SeesNothingOfTheHost) {
  for (const auto* name : {"require", "process", "std", "os", "globalThis", "print"})
    EXPECT_EQ(evaluate(name), "nothing") << name;
  EXPECT_NE(evaluate("$constructor.constructor('return 1')()"), "1");
  EXPECT_NE(evaluate("$states.constructor.constructor"), "1");
  EXPECT_NE(evaluate("$string.constructor"), "1");
}

TEST(Jsonata, ManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::vector<std::string> results(8);
  for (std::size_t i = 0; i < results.size(); ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round)
        results[i] = evaluate("$states.input * 2", "{\"input\":" + std::to_string(i) + "}");
    });
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < results.size(); ++i) EXPECT_EQ(results[i], std::to_string(i * 2));
}

}  // namespace
}  // namespace likeness::states
