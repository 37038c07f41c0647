#include "app/cli/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace likeness::app {
namespace {

constexpr std::string_view kGap = "  ";
constexpr auto kRedraw = std::chrono::milliseconds(100);

std::string_view escape_of(Style style) {
  switch (style) {
    case Style::Bold: return "\x1b[1m";
    case Style::Faint: return "\x1b[2m";
    case Style::Good: return "\x1b[32m";
    case Style::Bad: return "\x1b[1;31m";
    case Style::Warn: return "\x1b[33m";
    case Style::Plain: break;
  }
  return "";
}

bool set_in_environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (!set_in_environment(name)) continue;
    std::string value = std::getenv(name);
    std::ranges::transform(value, value.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return true;  // nothing is said: today's terminals
}

int width_of(char32_t c) {
  const bool combining = (c >= 0x300 && c <= 0x36F) || (c >= 0x200B && c <= 0x200F) || (c >= 0xFE00 && c <= 0xFE0F);
  if (combining) return 0;
  const bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
                    (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                    (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
  return wide ? 2 : 1;
}

std::size_t terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

}  // namespace

Terminal Terminal::of_stdout() {
  const bool color =
      set_in_environment("CLICOLOR_FORCE") || (::isatty(STDOUT_FILENO) == 1 && !set_in_environment("NO_COLOR"));
  return {color, locale_is_utf8()};
}

std::string Terminal::styled(std::string_view text, Style style) const {
  if (!color_ || style == Style::Plain || text.empty()) return std::string(text);
  return fmt::format("{}{}\x1b[0m", escape_of(style), text);
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    char32_t c = length == 1 ? first : first & (0xFFu >> (length + 1));
    for (std::size_t k = 1; k < length && i + k < text.size(); ++k)
      c = c << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3Fu);
    width += static_cast<std::size_t>(width_of(c));
    i += length;
  }
  return width;
}

void Table::header(std::vector<std::string> names) {
  std::vector<Cell> cells;
  cells.reserve(names.size());
  for (std::string& name : names) cells.push_back({std::move(name), Style::Faint});
  rows_.insert(rows_.begin(), std::move(cells));
}

std::string Table::text(const Terminal& terminal, std::string_view indent) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i].text));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::size_t last = row.size();
    while (last > 0 && row[last - 1].text.empty()) --last;
    if (last > 0) out += indent;
    for (std::size_t i = 0; i < last; ++i) {
      const std::string blanks(widths[i] - display_width(row[i].text), ' ');
      if (row[i].right) out += blanks;
      out += terminal.styled(row[i].text, row[i].style);
      if (i + 1 == last) break;
      if (!row[i].right) out += blanks;
      out += kGap;
    }
    out += '\n';
  }
  return out;
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  // The C1 controls, which some terminals obey, are C2 80 .. C2 9F in UTF-8.
  for (std::size_t i = 0; i + 1 < out.size(); ++i)
    if (static_cast<unsigned char>(out[i]) == 0xC2 && static_cast<unsigned char>(out[i + 1]) < 0xA0)
      out[i] = out[i + 1] = '?';
  return out;
}

std::string duration_text(double seconds) {
  if (!(seconds >= 0) || seconds > 1e8) return "unknown";
  const auto whole = static_cast<long>(std::ceil(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string progress_line(std::size_t done, std::size_t total, double seconds, std::string_view unit,
                          std::size_t width) {
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  const std::string left = rate > 0 ? duration_text(static_cast<double>(total - done) / rate) + " left" : "";
  const std::string text = fmt::format(" {}/{}  {:.1f} {}/s  {}", done, total, rate, unit, left);
  const std::size_t bar = width > text.size() + 14 ? std::min<std::size_t>(32, width - text.size() - 4) : 0;
  if (bar == 0) return text.substr(0, width > 0 ? width - 1 : 0);
  const std::size_t filled = total > 0 ? bar * done / total : 0;
  return "[" + std::string(filled, '#') + std::string(bar - filled, '-') + "]" + text;
}

Progress::Progress(std::size_t total, std::string unit, bool enabled)
    : total_(total), unit_(std::move(unit)), enabled_(enabled && total > 1) {}

bool Progress::terminal_is_there() { return ::isatty(STDERR_FILENO) == 1; }

double Progress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void Progress::done_one() {
  ++done_;
  if (!enabled_) return;
  const auto now = std::chrono::steady_clock::now();
  if (shown_ && now - drawn_ < kRedraw && done_ < total_) return;
  drawn_ = now;
  draw();
}

void Progress::draw() {
  std::fprintf(stderr, "\r\x1b[K%s", progress_line(done_, total_, seconds(), unit_, terminal_columns()).c_str());
  std::fflush(stderr);
  shown_ = true;
}

void Progress::clear() {
  if (!shown_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace likeness::app
