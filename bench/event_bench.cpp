#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "events/matcher.hpp"
#include "events/pattern.hpp"

/// How many events a second one thread matches: event_bench RULES EVENTS SECONDS, files with one JSON a line. Prints
/// the rate and how many matches there were, for event_bench.py.
int main(int count, char** arguments) {
  using namespace likeness::events;
  if (count != 4) return 2;
  const auto lines = [](const char* path) {
    std::vector<std::string> out;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) out.push_back(line);
    return out;
  };
  std::vector<std::shared_ptr<const Pattern>> patterns;
  for (const auto& rule : lines(arguments[1])) {
    auto pattern = Pattern::parse(rule);
    if (!pattern) {
      std::fprintf(stderr, "%s\n", pattern.error().message.c_str());
      return 1;
    }
    patterns.push_back(std::make_shared<const Pattern>(std::move(*pattern)));
  }
  const Matcher matcher(patterns);
  const auto events = lines(arguments[2]);
  const double seconds = std::stod(arguments[3]);
  std::size_t matches = 0;
  for (const auto& event : events) matches += matcher.match(event).size();

  std::size_t done = 0;
  std::size_t found = 0;
  const auto start = std::chrono::steady_clock::now();
  double passed = 0;
  while (passed < seconds) {
    for (const auto& event : events) found += matcher.match(event).size();
    done += events.size();
    passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  std::printf("%.0f %zu %zu\n", static_cast<double>(done) / passed, matches, found);
  return 0;
}
