#include "app/cli/completion.hpp"

#include <fmt/format.h>

namespace likeness::app {
namespace {

/// Calls `visit` with each command and the words that lead to it: "people create".
template <class Visit>
void walk(const CommandTree& command, const std::string& path, Visit visit) {
  visit(command, path);
  for (const CommandTree& child : command.commands)
    walk(child, path.empty() ? child.name : path + " " + child.name, visit);
}

std::vector<std::string> words_of(const CommandTree& command) {
  std::vector<std::string> words;
  words.reserve(command.commands.size() + command.options.size());
  for (const CommandTree& child : command.commands) words.push_back(child.name);
  for (const CommandTree::Option& option : command.options)
    words.insert(words.end(), option.names.begin(), option.names.end());
  return words;
}

std::string single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

/// One function serves bash, and zsh through bashcompinit: the words typed so far choose the list.
std::string bash_script(const CommandTree& root) {
  std::string commands, cases, values;
  walk(root, "", [&](const CommandTree& command, const std::string& path) {
    if (!command.commands.empty())
      for (const CommandTree& child : command.commands)
        commands += fmt::format("      \"{}{}{}\") path=\"{}{}{}\" ;;\n", path, path.empty() ? "" : " ", child.name,
                                path, path.empty() ? "" : " ", child.name);
    cases += fmt::format("    {}) words={} ;;\n", single_quoted(path),
                         single_quoted(fmt::format("{}", fmt::join(words_of(command), " "))));
    for (const CommandTree::Option& option : command.options)
      if (!option.values.empty())
        for (const std::string& name : option.names)
          values += fmt::format("    {}) COMPREPLY=( $(compgen -W {} -- \"$current\") ); return ;;\n",
                                single_quoted(fmt::format("{} {}", path, name)),
                                single_quoted(fmt::format("{}", fmt::join(option.values, " "))));
  });
  return fmt::format(R"(# bash completion for likeness:  source <(likeness completion bash)
_likeness() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}" path="" words="" i
  for (( i = 1; i < COMP_CWORD; i++ )); do
    case "${{path:+$path }}${{COMP_WORDS[i]}}" in
{}    esac
  done
  case "$path $previous" in
{}    *) ;;
  esac
  case "$path" in
{}  esac
  if [[ "$current" == -* || -z "$path" || "$path" == people || "$path" == collections || "$path" == completion ]]; then
    COMPREPLY=( $(compgen -W "$words" -- "$current") )
  else
    compopt -o filenames 2>/dev/null
    COMPREPLY=( $(compgen -f -- "$current") )
  fi
}}
complete -F _likeness likeness
)",
                     commands, values, cases);
}

std::string zsh_script(const CommandTree& root) {
  return "#compdef likeness\n# zsh completion for likeness:  source <(likeness completion zsh)\n"
         "autoload -U +X compinit && compinit -u\nautoload -U +X bashcompinit && bashcompinit\n" +
         bash_script(root);
}

std::string fish_script(const CommandTree& root) {
  std::string out = "# fish completion for likeness:  likeness completion fish | source\n";
  walk(root, "", [&](const CommandTree& command, const std::string& path) {
    std::string condition = "__fish_use_subcommand";
    if (!path.empty()) {
      condition.clear();
      for (std::size_t at = 0; at < path.size();) {
        const auto space = std::min(path.find(' ', at), path.size());
        condition += fmt::format("{}__fish_seen_subcommand_from {}", condition.empty() ? "" : "; and ",
                                 path.substr(at, space - at));
        at = space + 1;
      }
    }
    for (const CommandTree& child : command.commands)
      out += fmt::format("complete -c likeness -f -n {} -a {} -d {}\n", single_quoted(condition), child.name,
                         single_quoted(child.help));
    for (const CommandTree::Option& option : command.options) {
      std::string names;
      for (const std::string& name : option.names)
        names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      const std::string values =
          option.values.empty() ? "" : " -f -a " + single_quoted(fmt::format("{}", fmt::join(option.values, " ")));
      out += fmt::format("complete -c likeness -n {}{}{}{} -d {}\n",
                         single_quoted(path.empty() ? "__fish_use_subcommand" : condition), names,
                         option.takes_value ? " -r" : "", values, single_quoted(option.help));
    }
  });
  return out;
}

}  // namespace

std::optional<std::string> completion_script(const CommandTree& root, std::string_view shell) {
  if (shell == "bash") return bash_script(root);
  if (shell == "zsh") return zsh_script(root);
  if (shell == "fish") return fish_script(root);
  return std::nullopt;
}

}  // namespace likeness::app
