#include "domain/logs/filter_terms.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "domain/logs/errors.hpp"

namespace likeness::logs {

struct Regex::Impl {
  explicit Impl(const std::string& expression, const RE2::Options& options) : re(expression, options) {}
  RE2 re;
};

Failure bad_pattern(std::string_view why) { return invalid(fmt::format("Invalid filter pattern: {}", why)); }

Result<Regex> Regex::compile(std::string_view expression) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  Regex out;
  auto impl = std::make_shared<Impl>(std::string(expression), options);
  if (!impl->re.ok()) return bad_pattern(fmt::format("the regular expression does not compile: {}", impl->re.error()));
  out.impl_ = std::move(impl);
  return out;
}

bool Regex::found_in(std::string_view text) const {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), impl_->re);
}

bool matches_wildcard(std::string_view text, std::string_view pattern) {
  std::size_t t = 0;
  std::size_t p = 0;
  std::size_t star = std::string_view::npos;
  std::size_t mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::optional<double> number_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

bool compare(std::string_view text, const Comparison& comparison) {
  const auto equal = [&] {
    if (comparison.regex) return comparison.regex->found_in(text);
    if (comparison.number && !comparison.quoted)
      if (const auto value = number_of(text)) return *value == *comparison.number;
    return matches_wildcard(text, comparison.text);
  };
  switch (comparison.comparator) {
    case Comparator::Equal: return equal();
    case Comparator::NotEqual: return !equal();
    case Comparator::IsNull: return text == "null";
    case Comparator::IsTrue: return text == "true";
    case Comparator::IsFalse: return text == "false";
    case Comparator::NotExists: return false;
    case Comparator::Exists: return true;
    default: break;
  }
  const auto value = number_of(text);
  if (!value || !comparison.number) return false;
  switch (comparison.comparator) {
    case Comparator::Less: return *value < *comparison.number;
    case Comparator::LessOrEqual: return *value <= *comparison.number;
    case Comparator::Greater: return *value > *comparison.number;
    default: return *value >= *comparison.number;
  }
}

void PatternReader::skip_space() {
  while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())) != 0) rest_.remove_prefix(1);
}

bool PatternReader::take(std::string_view token) {
  if (!rest_.starts_with(token)) return false;
  rest_.remove_prefix(token.size());
  return true;
}

bool PatternReader::take_word(std::string_view word) {
  if (rest_.size() < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i)
    if (std::toupper(static_cast<unsigned char>(rest_[i])) != word[i]) return false;
  if (rest_.size() > word.size() && std::isalnum(static_cast<unsigned char>(rest_[word.size()])) != 0) return false;
  rest_.remove_prefix(word.size());
  return true;
}

Result<std::string> PatternReader::quoted() {
  const char quote = rest_.front();
  std::string out;
  for (std::size_t i = 1; i < rest_.size(); ++i) {
    if (rest_[i] == '\\' && i + 1 < rest_.size() && (rest_[i + 1] == quote || rest_[i + 1] == '\\')) {
      out += rest_[++i];
    } else if (rest_[i] == quote) {
      rest_.remove_prefix(i + 1);
      return out;
    } else {
      out += rest_[i];
    }
  }
  return bad_pattern("a quote is not closed");
}

Result<std::string> PatternReader::percented() {
  for (std::size_t i = 1; i < rest_.size(); ++i) {
    if (rest_[i] == '\\') {
      ++i;
      continue;
    }
    if (rest_[i] != '%') continue;
    std::string out(rest_.substr(1, i - 1));
    rest_.remove_prefix(i + 1);
    return out;
  }
  return bad_pattern("a regular expression is not closed by '%'");
}

Result<void> read_comparison(PatternReader& reader, std::string_view stops, Comparison& comparison) {
  struct Sign {
    std::string_view text;
    Comparator comparator;
  };
  static constexpr std::array kSigns = {Sign{"!=", Comparator::NotEqual},       Sign{"<=", Comparator::LessOrEqual},
                                        Sign{">=", Comparator::GreaterOrEqual}, Sign{"==", Comparator::Equal},
                                        Sign{"=", Comparator::Equal},           Sign{"<", Comparator::Less},
                                        Sign{">", Comparator::Greater}};
  reader.skip_space();
  bool found = false;
  for (const auto& sign : kSigns) {
    if (!reader.take(sign.text)) continue;
    comparison.comparator = sign.comparator;
    found = true;
    break;
  }
  if (!found) return bad_pattern("a comparison operator is missing");
  reader.skip_space();
  if (reader.peek() == '"') {
    auto text = reader.quoted();
    if (!text) return fail(text);
    comparison.text = std::move(*text);
    comparison.quoted = true;
  } else if (reader.peek() == '%') {
    auto text = reader.percented();
    if (!text) return fail(text);
    auto regex = Regex::compile(*text);
    if (!regex) return fail(regex);
    comparison.regex = std::move(*regex);
    comparison.quoted = true;
  } else {
    comparison.text = reader.while_in([&](char c) {
      return std::isspace(static_cast<unsigned char>(c)) == 0 && stops.find(c) == std::string_view::npos;
    });
    if (comparison.text.empty()) return bad_pattern("a comparison has nothing to compare with");
    comparison.number = number_of(comparison.text);
  }
  const bool ordered = comparison.comparator != Comparator::Equal && comparison.comparator != Comparator::NotEqual;
  if (ordered && !comparison.number) return bad_pattern("only numbers can be compared by size");
  return {};
}

}  // namespace likeness::logs
