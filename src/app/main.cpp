#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "app/cli/declare.hpp"
#include "app/commands.hpp"
#include "app/version.hpp"

int main(int argc, char** argv) {
  CLI::App root("Face and image analysis that you run yourself, behind the APIs of AWS.", "likeness");
  root.set_version_flag("--version", std::string("likeness ") + likeness::app::kVersion);
  root.require_subcommand(1);
  root.get_formatter()->column_width(34);
  int exit_code = 0;

  likeness::app::add_photo_commands(root, exit_code);
  likeness::app::add_serve_command(root, exit_code);
  likeness::app::add_backup_commands(root, exit_code);
  likeness::app::add_call_commands(root, exit_code);
  likeness::app::add_config_command(root, exit_code);

  // The command-line library tells wrong usage by exceptions; everything of ours is told by the exit code.
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return root.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "likeness: %s\n", error.what());
    return 2;
  }
  return exit_code;
}
