#include "policy/pattern.hpp"

#include <algorithm>
#include <array>

#include "policy/context.hpp"
#include "policy/text.hpp"

namespace likeness::policy {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

Pattern::Pattern(std::string_view text, Form form) : text_(text), form_(form) {
  if (form.variables && text.find("${") != std::string_view::npos) {
    std::string_view rest = text;
    Piece piece;
    for (;;) {
      const auto open = rest.find("${");
      const auto close = open == std::string_view::npos ? open : rest.find('}', open);
      if (close == std::string_view::npos) break;
      add_text(rest.substr(0, open), piece.symbols);
      const auto inside = trimmed(rest.substr(open + 2, close - open - 2));
      rest.remove_prefix(close + 1);
      if (inside == "*" || inside == "?" || inside == "$") {
        piece.symbols.push_back(static_cast<unsigned char>(inside[0]));
        continue;
      }
      const auto comma = inside.find(',');
      piece.variable = std::string(trimmed(inside.substr(0, comma)));
      if (comma != std::string_view::npos) {
        auto fallback = trimmed(inside.substr(comma + 1));
        if (fallback.size() >= 2 && fallback.front() == '\'' && fallback.back() == '\'')
          fallback = fallback.substr(1, fallback.size() - 2);
        piece.fallback = std::string(fallback);
        piece.has_fallback = true;
      }
      pieces_.push_back(std::move(piece));
      piece = {};
    }
    add_text(rest, piece.symbols);
    if (!pieces_.empty()) {
      pieces_.push_back(std::move(piece));
      return;
    }
    symbols_ = std::move(piece.symbols);
    return;
  }
  add_text(text, symbols_);
}

void Pattern::add_text(std::string_view text, Symbols& out) const {
  out.reserve(out.size() + text.size());
  for (const char c : text) {
    Symbol symbol = static_cast<unsigned char>(form_.ignore_case ? ascii_lower(c) : c);
    if (form_.wildcards && c == '*') symbol = kAnyText;
    if (form_.wildcards && c == '?') symbol = kAnyOne;
    // "**" is "*", and costs less.
    if (symbol != kAnyText || out.empty() || out.back() != kAnyText) out.push_back(symbol);
  }
}

bool Pattern::expand(const Context& context, Symbols& out) const {
  for (const auto& piece : pieces_) {
    out.insert(out.end(), piece.symbols.begin(), piece.symbols.end());
    if (piece.variable.empty()) continue;
    const auto values = context.find(piece.variable);
    // A variable stands for one value; keys with several cannot be variables.
    if (values.size() != 1 && !piece.has_fallback) return false;
    for (const char c : values.size() == 1 ? values[0] : piece.fallback)
      out.push_back(static_cast<unsigned char>(form_.ignore_case ? ascii_lower(c) : c));
  }
  return true;
}

/// Goes back to the last '*' only, so that time is bounded by the product of the lengths.
bool Pattern::match(const Symbol* pattern, const Symbol* pattern_end, std::string_view text, bool ignore_case) {
  const Symbol* star = nullptr;
  std::size_t at = 0, star_at = 0;
  while (at < text.size()) {
    const char c = ignore_case ? ascii_lower(text[at]) : text[at];
    if (pattern != pattern_end && *pattern == kAnyText) {
      star = pattern++;
      star_at = at;
    } else if (pattern != pattern_end && (*pattern == kAnyOne || *pattern == static_cast<unsigned char>(c))) {
      ++pattern;
      ++at;
    } else if (star != nullptr) {
      pattern = star + 1;
      at = ++star_at;
    } else {
      return false;
    }
  }
  while (pattern != pattern_end && *pattern == kAnyText) ++pattern;
  return pattern == pattern_end;
}

bool Pattern::matches(std::string_view text, const Context& context) const {
  if (pieces_.empty()) return match(symbols_.data(), symbols_.data() + symbols_.size(), text, form_.ignore_case);
  Symbols expanded;
  if (!expand(context, expanded)) return false;
  return match(expanded.data(), expanded.data() + expanded.size(), text, form_.ignore_case);
}

bool Pattern::matches_arn(std::string_view arn, const Context& context) const {
  Symbols expanded;
  if (!pieces_.empty() && !expand(context, expanded)) return false;
  const Symbols& symbols = pieces_.empty() ? symbols_ : expanded;
  const Symbol* at = symbols.data();
  const Symbol* const end = at + symbols.size();
  if (symbols.size() == 1 && *at == kAnyText) return true;
  const auto parts = split(arn, ':', 6);
  if (parts.size() != 6) return false;
  for (std::size_t part = 0; part < 6; ++part) {
    const Symbol* const stop = part == 5 ? end : std::find(at, end, Symbol{':'});
    if (part < 5 && stop == end) return false;
    if (!match(at, stop, parts[part], form_.ignore_case)) return false;
    at = stop + (part < 5 ? 1 : 0);
  }
  return true;
}

}  // namespace likeness::policy
