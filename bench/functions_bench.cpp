// What running a function costs beyond the function itself: warm workers of each kind, and a native function.
//
//     functions_bench [INVOCATIONS [THREADS [WARM]]]
//
// The handlers do nothing, so the time of an invocation is the overhead; `floor` is the same handler called in a loop
// by its own interpreter. WARM: so many warm workers are held while one of them is measured.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "functions/testing.hpp"

namespace likeness::functions {
namespace {

using Clock = std::chrono::steady_clock;

double microseconds_since(Clock::time_point begun) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begun).count();
}

/// The median, the 99th of a hundred, and how many a second.
void measure(const testing::Setting& setting, const char* name, const FunctionSpec& function, int invocations,
             int threads) {
  const auto payload = std::make_shared<const std::string>(R"({"photo":"face.jpg"})");
  std::atomic<int> failed = 0;
  const auto one = [&] {
    const Invocation invocation{.request_id = uuid_v4(), .payload = payload};
    const auto outcome = setting.runner->invoke(function, invocation);
    if (!outcome || !outcome->function_error.empty()) ++failed;
  };
  const auto all = [&](int times) {
    std::vector<std::vector<double>> times_of(static_cast<std::size_t>(threads));
    std::vector<std::thread> running;
    running.reserve(times_of.size());
    for (auto& own : times_of)
      running.emplace_back([&own, &one, times] {
        own.reserve(static_cast<std::size_t>(times));
        for (int i = 0; i < times; ++i) {
          const auto begun = Clock::now();
          one();
          own.push_back(microseconds_since(begun));
        }
      });
    for (auto& thread : running) thread.join();
    std::vector<double> together;
    for (const auto& own : times_of) together.insert(together.end(), own.begin(), own.end());
    std::ranges::sort(together);
    return together;
  };
  all(50);
  const auto begun = Clock::now();
  const auto sorted = all(invocations);
  const double seconds = microseconds_since(begun) / 1e6;
  fmt::print("{:<24} {:>2} threads: median {:8.1f} us, 99% {:8.1f} us, {:9.0f} a second{}\n", name, threads,
             sorted[sorted.size() / 2], sorted[sorted.size() * 99 / 100], static_cast<double>(sorted.size()) / seconds,
             failed > 0 ? " FAILED" : "");
}

void hold_warm(const testing::Setting& setting, const FunctionSpec& function, int workers) {
  const auto begun = Clock::now();
  std::vector<std::thread> running;
  running.reserve(static_cast<std::size_t>(workers));
  std::atomic<int> failed = 0;
  for (int i = 0; i < workers; ++i)
    running.emplace_back([&, i] {
      FunctionSpec own = function;
      own.key += std::to_string(i);
      if (!setting.runner->invoke(own, {.request_id = uuid_v4()})) ++failed;
    });
  for (auto& thread : running) thread.join();
  fmt::print("{} workers started in {:.0f} ms ({} failed)\n", workers, microseconds_since(begun) / 1000, failed.load());
}

int run(int invocations, int threads, int warm) {
  testing::Setting setting({.max_workers = 600, .max_wait = std::chrono::milliseconds(60'000)});
  fmt::print("isolation: {}\n", setting.runner->isolation());
  setting.natives.add("native",
                      [](NativeContext&, std::string_view event) -> Result<std::string> { return std::string(event); });
  FunctionSpec native;
  native.key = native.name = native.native = "native";
  const auto python = setting.python("python", "def handler(event, context):\n    return event\n");
  const auto node =
      setting.spec("node", "nodejs20.x", "index.handler", {{"index.js", "exports.handler = async (event) => event;"}});
  auto cpp = setting.spec("cpp", "provided.al2023", "x", {{"unused", ""}});
  std::filesystem::copy_file(FUNCTIONS_EXAMPLE, cpp.code / "bootstrap");
  if (warm > 0) hold_warm(setting, cpp, warm);
  for (const int together : {1, threads}) {
    measure(setting, "native", native, invocations * 10, together);
    measure(setting, "C++ (likeness_lambda.hpp)", cpp, invocations, together);
    measure(setting, "Python (awslambdaric)", python, invocations, together);
    measure(setting, "Node", node, invocations, together);
  }
  const auto begun = Clock::now();
  for (int i = 0; i < 10; ++i) {
    FunctionSpec cold = python;
    cold.key = "cold" + std::to_string(i);
    if (!setting.runner->invoke(cold, {.request_id = uuid_v4()})) return 1;
  }
  fmt::print("Python, cold: {:.0f} ms\n", microseconds_since(begun) / 10'000);
  return 0;
}

}  // namespace
}  // namespace likeness::functions

int main(int argc, char** argv) {
  const auto number = [&](int index, int otherwise) { return argc > index ? std::atoi(argv[index]) : otherwise; };
  return likeness::functions::run(number(1, 2000), number(2, 8), number(3, 0));
}
