#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "app/commands.hpp"
#include "config/settings.hpp"

namespace likeness::app {
namespace {

struct ConfigOptions {
  std::string file;
  std::vector<std::string> set;
  bool markdown = false;
};

int run_config(const ConfigOptions& options) {
  if (options.markdown) {
    std::fputs(config::as_markdown().c_str(), stdout);
    return 0;
  }
  config::Sources sources;
  sources.file = options.file;
  sources.environment = [](const char* name) -> const char* { return std::getenv(name); };
  sources.set = options.set;
  const auto settings = config::load(sources);
  if (!settings) {
    std::fprintf(stderr, "likeness: %s\n", settings.error().message.c_str());
    return 2;
  }
  std::fputs(config::as_table(*settings).c_str(), stdout);
  return 0;
}

}  // namespace

void add_config_command(CLI::App& root, int& exit_code) {
  auto options = std::make_shared<ConfigOptions>();
  CLI::App* command = root.add_subcommand("config", "Print every setting with its value, bounds and meaning");
  command->add_option("--config", options->file, "settings in YAML")->type_name("FILE");
  command->add_option("--set", options->set, "one setting, over the file's and the environment's; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_flag("--markdown", options->markdown, "print the documentation of the settings instead");
  command->callback([options, &exit_code] { exit_code = run_config(*options); });
}

}  // namespace likeness::app
