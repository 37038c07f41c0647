#include "domain/metrics/select.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "domain/metrics/query.hpp"

namespace likeness::metrics {
namespace {

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::toupper(static_cast<unsigned char>(x)) == std::toupper(static_cast<unsigned char>(y));
  });
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.'; }

const std::string* value_of(const SeriesKey& key, const std::string& dimension) {
  for (const auto& one : key.dimensions)
    if (one.name == dimension) return &one.value;
  return nullptr;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool take(std::string_view token) {
    skip();
    if (rest_.size() < token.size() || !same_word(rest_.substr(0, token.size()), token)) return false;
    if (is_word(token.back()) && rest_.size() > token.size() && is_word(rest_[token.size()])) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  /// A word, or a text in quotes; empty if there is none.
  std::string name() {
    skip();
    if (rest_.empty()) return {};
    if (rest_.front() == '"' || rest_.front() == '\'') {
      const auto end = rest_.find(rest_.front(), 1);
      if (end == std::string_view::npos) return {};
      std::string out(rest_.substr(1, end - 1));
      rest_.remove_prefix(end + 1);
      return out;
    }
    std::size_t end = 0;
    while (end < rest_.size() && (is_word(rest_[end]) || rest_[end] == '/' || rest_[end] == '-')) ++end;
    std::string out(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return out;
  }
  bool at_end() {
    skip();
    return rest_.empty();
  }

 private:
  void skip() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())) != 0) rest_.remove_prefix(1);
  }
  std::string_view rest_;
};

/// "AVG(" and what it is called otherwise; empty for a word that is none.
std::string take_statistic(Reader& reader) {
  struct Function {
    std::string_view name, statistic;
  };
  constexpr std::array kFunctions = {Function{"AVG", "Average"}, Function{"COUNT", "SampleCount"},
                                     Function{"MAX", "Maximum"}, Function{"MIN", "Minimum"}, Function{"SUM", "Sum"}};
  for (const auto& one : kFunctions)
    if (reader.take(one.name)) return std::string(one.statistic);
  return {};
}

Failure bad(std::string_view why) { return validation("Error in the query: " + std::string(why)); }

}  // namespace

bool Select::is_one(std::string_view text) { return Reader(text).take("SELECT"); }

Result<Select> Select::parse(std::string_view text) {
  Reader reader(text);
  Select out;
  if (!reader.take("SELECT")) return bad("it begins with SELECT");
  out.statistic = take_statistic(reader);
  if (out.statistic.empty() || !reader.take("(")) return bad("AVG, COUNT, MAX, MIN or SUM of a metric is wanted");
  out.metric = reader.name();
  if (out.metric.empty() || !reader.take(")")) return bad("the name of a metric is missing");
  if (!reader.take("FROM")) return bad("FROM is missing");
  if (reader.take("SCHEMA")) {
    if (!reader.take("(")) return bad("SCHEMA takes a namespace and dimensions");
    out.name_space = reader.name();
    auto& schema = out.schema.emplace();
    while (reader.take(",")) schema.push_back(reader.name());
    std::ranges::sort(schema);
    if (!reader.take(")")) return bad("')' is missing");
  } else {
    out.name_space = reader.name();
  }
  if (out.name_space.empty()) return bad("a namespace is missing");
  if (reader.take("WHERE")) {
    do {
      Test test;
      test.dimension = reader.name();
      if (reader.take("!="))
        test.equal = false;
      else if (!reader.take("="))
        return bad("WHERE compares dimensions by = and !=");
      test.value = reader.name();
      if (test.dimension.empty()) return bad("the name of a dimension is missing");
      out.where.push_back(std::move(test));
    } while (reader.take("AND"));
  }
  if (reader.take("GROUP")) {
    if (!reader.take("BY")) return bad("BY is missing");
    do {
      out.group_by.push_back(reader.name());
      if (out.group_by.back().empty()) return bad("the name of a dimension is missing");
    } while (reader.take(","));
  }
  if (reader.take("ORDER")) {
    if (!reader.take("BY")) return bad("BY is missing");
    out.order_by = take_statistic(reader);
    if (out.order_by.empty() || !reader.take("(") || !reader.take(")")) return bad("ORDER BY takes AVG(), COUNT() ...");
    if (reader.take("DESC"))
      out.descending = true;
    else
      reader.take("ASC");
  }
  if (reader.take("LIMIT")) {
    const auto digits = reader.name();
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), out.limit);
    if (read.ec != std::errc() || out.limit == 0 || out.limit > 500) return bad("LIMIT takes a number up to 500");
  }
  if (!reader.at_end()) return bad("something follows that is not understood");
  return out;
}

bool Select::matches(const SeriesKey& key) const {
  if (key.name_space != name_space || key.name != metric) return false;
  if (schema && !std::ranges::equal(*schema, key.dimensions, {}, {}, &Dimension::name)) return false;
  return std::ranges::all_of(where, [&](const Test& test) {
    const auto* value = value_of(key, test.dimension);
    return value != nullptr && (*value == test.value) == test.equal;
  });
}

std::optional<std::string> Select::group_of(const SeriesKey& key) const {
  std::string out;
  for (const auto& dimension : group_by) {
    const auto* value = value_of(key, dimension);
    if (value == nullptr) return std::nullopt;
    if (!out.empty()) out += ' ';
    out += *value;
  }
  return out;
}

}  // namespace likeness::metrics
