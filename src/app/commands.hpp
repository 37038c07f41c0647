#pragma once

namespace CLI {
class App;
}

/// The subcommands of `likeness`, one file each (command_<name>.cpp). `add_x_command` declares the options of one and
/// sets the action that runs after parsing; the action leaves what the process shall return in `exit_code`:
/// 0 done, 1 the answer is no (a check failed, no face found), 2 it could not be done. Both references outlive parsing.
namespace likeness::app {

void add_config_command(CLI::App& root, int& exit_code);
void add_serve_command(CLI::App& root, int& exit_code);

}  // namespace likeness::app
