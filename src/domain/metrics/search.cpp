#include "domain/metrics/search.hpp"

#include <algorithm>
#include <cctype>
#include <ranges>
#include <utility>

#include "domain/metrics/query.hpp"

namespace likeness::metrics {
namespace {

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return out;
}

/// A quoted or plain word at the front of `rest`; `quoted` tells which.
std::string take_word(std::string_view& rest, bool& quoted) {
  quoted = rest.front() == '"';
  std::size_t end = 0;
  if (quoted) {
    end = rest.find('"', 1);
    std::string out(rest.substr(1, end == std::string_view::npos ? end : end - 1));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return out;
  }
  while (end < rest.size() && !is_space(rest[end]) && rest[end] != '=' && rest[end] != '(' && rest[end] != ')') ++end;
  std::string out(rest.substr(0, end));
  rest.remove_prefix(end);
  return out;
}

}  // namespace

Result<Search> Search::parse(std::string_view text) {
  Search out;
  auto rest = trimmed(text);
  if (rest.starts_with('{')) {
    const auto end = rest.find('}');
    if (end == std::string_view::npos) return validation("A search expression's '{' is not closed.");
    auto schema = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    out.schema_ = true;
    bool first = true;
    while (true) {
      const auto comma = schema.find(',');
      auto part = trimmed(schema.substr(0, comma));
      if (part.size() >= 2 && part.front() == '"' && part.back() == '"') part = part.substr(1, part.size() - 2);
      if (first)
        out.name_space_ = part;
      else
        out.dimensions_.emplace_back(part);
      first = false;
      if (comma == std::string_view::npos) break;
      schema.remove_prefix(comma + 1);
    }
    std::ranges::sort(out.dimensions_);
  }
  bool negated = false;
  bool alternative = false;
  while (true) {
    rest = trimmed(rest);
    if (rest.empty()) break;
    if (rest.front() == '(' || rest.front() == ')')
      return validation("Search expressions with parentheses are not available.");
    if (rest.front() == '=') return validation("A search expression has a '=' without a name.");
    bool quoted = false;
    Term term;
    term.text = take_word(rest, quoted);
    if (!quoted && term.text == "AND") continue;
    if (!quoted && term.text == "OR") {
      alternative = true;
      continue;
    }
    if (!quoted && term.text == "NOT") {
      negated = true;
      continue;
    }
    rest = trimmed(rest);
    term.exact = quoted;
    if (rest.starts_with('=')) {
      rest = trimmed(rest.substr(1));
      if (rest.empty()) return validation("A search expression ends with '='.");
      term.property = std::move(term.text);
      term.text = take_word(rest, quoted);
      term.exact = quoted;
    }
    term.negated = std::exchange(negated, false);
    term.alternative = std::exchange(alternative, false);
    out.terms_.push_back(std::move(term));
  }
  return out;
}

bool Search::matches(const SeriesKey& key) const {
  if (schema_) {
    if (key.name_space != name_space_ || key.dimensions.size() != dimensions_.size()) return false;
    for (std::size_t i = 0; i < dimensions_.size(); ++i)
      if (key.dimensions[i].name != dimensions_[i]) return false;
  }
  const auto one = [&](const Term& term) {
    const auto in = [&](const std::string& value) {
      return term.exact ? value == term.text : lower(value).find(lower(term.text)) != std::string::npos;
    };
    bool found = false;
    if (term.property.empty()) {
      found = in(key.name_space) || in(key.name) ||
              std::ranges::any_of(key.dimensions, [&](const auto& d) { return in(d.name) || in(d.value); });
    } else if (term.property == "MetricName") {
      found = in(key.name);
    } else if (term.property == "Namespace") {
      found = in(key.name_space);
    } else {
      found =
          std::ranges::any_of(key.dimensions, [&](const auto& d) { return d.name == term.property && in(d.value); });
    }
    return found != term.negated;
  };
  // "a OR b c": what stands beside an OR belongs together, the rest all has to hold.
  bool held = true;
  for (std::size_t i = 0; i < terms_.size();) {
    bool any = one(terms_[i]);
    for (++i; i < terms_.size() && terms_[i].alternative; ++i) any = one(terms_[i]) || any;
    held = held && any;
  }
  return held;
}

}  // namespace likeness::metrics
