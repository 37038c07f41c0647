#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What people see on the terminal: colours, aligned tables, a progress bar.
namespace likeness::app {

enum class Style { Plain, Bold, Faint, Good, Bad, Warn };

/// How to write to stdout: colours on a terminal unless NO_COLOR is set (CLICOLOR_FORCE asks for them anywhere), signs
/// beyond ASCII unless the locale names another encoding than UTF-8.
class Terminal {
 public:
  Terminal(bool color, bool utf8) : color_(color), utf8_(utf8) {}
  /// As the environment has it.
  static Terminal of_stdout();

  std::string styled(std::string_view text, Style style) const;
  std::string_view tick() const { return utf8_ ? "✓" : "+"; }
  std::string_view cross() const { return utf8_ ? "✗" : "x"; }
  std::string_view dot() const { return utf8_ ? "·" : "-"; }
  bool utf8() const { return utf8_; }

 private:
  bool color_, utf8_;
};

/// Columns that `text` takes on a terminal: wide East Asian characters two, combining ones none.
std::size_t display_width(std::string_view text);

/// Aligned columns. Cells are plain text; styles are added when it is written, so that they do not count as width.
class Table {
 public:
  struct Cell {
    std::string text;
    Style style = Style::Plain;
    bool right = false;
  };
  void header(std::vector<std::string> names);
  void row(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  /// Each line after `indent` and ended by a newline; no blanks at line ends.
  std::string text(const Terminal& terminal, std::string_view indent = "") const;

 private:
  std::vector<std::vector<Cell>> rows_;
};

/// A name from outside (a file's, a collection's) without control characters, so that it cannot steer the terminal.
std::string printable(std::string_view text);

/// One line on stderr that shows how far the work is, its rate and the time left. Draws nothing when stderr is not a
/// terminal or there is only one thing to do. Used by one thread.
class Progress {
 public:
  Progress(std::size_t total, std::string unit, bool enabled);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void done_one();
  /// Takes the line away, before something else is printed; the next `done_one` draws it again.
  void clear();
  double seconds() const;

  static bool terminal_is_there();

 private:
  void draw();

  const std::size_t total_;
  const std::string unit_;
  const bool enabled_;
  std::size_t done_ = 0;
  bool shown_ = false;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point drawn_{};
};

/// The text of the progress line, apart from the terminal so that it can be tested.
std::string progress_line(std::size_t done, std::size_t total, double seconds, std::string_view unit,
                          std::size_t width);
/// "8 s", "2 min 5 s", "1 h 12 min".
std::string duration_text(double seconds);

}  // namespace likeness::app
