#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace likeness::app {

/// The command line as a tree, free of the library that parses it.
struct CommandTree {
  struct Option {
    std::vector<std::string> names;  // "--json", "-j"
    std::string help;
    bool takes_value = false;
    std::vector<std::string> values;  // what it may be; empty: a file
  };
  std::string name, help;
  std::vector<Option> options;
  std::vector<CommandTree> commands;
};

/// A completion script for "bash", "zsh" or "fish"; nullopt for another shell.
std::optional<std::string> completion_script(const CommandTree& root, std::string_view shell);

}  // namespace likeness::app
