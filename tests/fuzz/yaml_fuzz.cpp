// Files of people: rules for photos, and the settings. Both come through a YAML library; whatever stands in them is
// taken or refused in words.

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "config/settings.hpp"
#include "domain/checks/rules.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace likeness;  // NOLINT(google-build-using-namespace)
  if (size < 1) return 0;
  const auto check = [](bool holds) {
    if (!holds) std::abort();
  };
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    const auto rules = checks::parse_rules(text);
    if (!rules) {
      check(rules.error().code == "InvalidRules" && !rules.error().message.empty());
      return 0;
    }
    check(!rules->rules.empty() && rules->rules.size() <= 100);
    check(checks::evaluate(*rules, {}, {.width = 100, .height = 100}).results.size() == rules->rules.size());
    return 0;
  }
  static const std::string kFile =
      (std::filesystem::temp_directory_path() / ("settings_fuzz_" + std::to_string(::getpid()) + ".yaml")).string();
  std::ofstream(kFile, std::ios::binary | std::ios::trunc) << text;
  const auto settings =
      config::load({.file = kFile, .environment = [](const char*) -> const char* { return nullptr; }, .set = {}});
  if (!settings) {
    check(settings.error().code == "InvalidSetting" && !settings.error().message.empty());
    return 0;
  }
  // What was taken is shown, and taken again.
  config::Sources again{.file = {}, .environment = [](const char*) -> const char* { return nullptr; }, .set = {}};
  for (const auto& one : config::describe(*settings)) again.set.push_back(one.name + "=" + one.value);
  const auto reread = config::load(again);
  check(reread.has_value() && config::as_table(*reread) == config::as_table(*settings));
  return 0;
}
