#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's name
class App;
}
namespace likeness::storage {
class EmbeddedStorage;
}

/// The subcommands of `likeness`, one file each (command_<name>.cpp). `add_x_command` declares the options of one and
/// sets the action that runs after parsing; the action leaves what the process shall return in `exit_code`:
/// 0 done, 1 the answer is no (a check failed, no face found), 2 wrong usage or it could not be done; the commands over
/// photos (cli/) tell more apart, see cli/console.hpp. Both references outlive parsing.
namespace likeness::app {

void add_backup_commands(CLI::App& root, int& exit_code);
void add_call_commands(CLI::App& root, int& exit_code);
void add_config_command(CLI::App& root, int& exit_code);
void add_serve_command(CLI::App& root, int& exit_code);

/// Writes a backup and says in words how large it is.
Result<std::string> backup_to(storage::EmbeddedStorage& storage, const std::filesystem::path& destination);

}  // namespace likeness::app
