#pragma once

namespace CLI {  // NOLINT(readability-identifier-naming): the library's name
class App;
}

namespace likeness::app {

/// Declares check, detect, compare, index, search, people, collections, models, doctor and completion. The actions run
/// after parsing and leave the exit code of the process (console.hpp) in `exit_code`; both references outlive parsing.
void add_photo_commands(CLI::App& root, int& exit_code);

}  // namespace likeness::app
