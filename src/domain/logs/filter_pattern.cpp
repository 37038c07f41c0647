#include "domain/logs/filter_pattern.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "domain/logs/filter_terms.hpp"

namespace likeness::logs {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxRegexes = 2;  // AWS's limit for each pattern

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// -- terms

struct Term {
  std::string text;
  std::optional<Regex> regex;

  bool in(std::string_view message) const {
    return regex ? regex->found_in(message) : message.find(text) != std::string_view::npos;
  }
};

struct Terms {
  std::vector<Term> wanted, unwanted, optional;

  bool match(std::string_view message) const {
    const auto in = [&](const Term& term) { return term.in(message); };
    if (std::ranges::any_of(unwanted, in) || !std::ranges::all_of(wanted, in)) return false;
    // AWS: beside terms that have to be there those with a question mark do not count.
    return !wanted.empty() || optional.empty() || std::ranges::any_of(optional, in);
  }
};

Result<Terms> parse_terms(PatternReader& reader) {
  Terms out;
  while (true) {
    reader.skip_space();
    if (reader.at_end()) return out;
    auto* list = &out.wanted;
    if (reader.take("?"))
      list = &out.optional;
    else if (reader.take("-"))
      list = &out.unwanted;
    Term term;
    if (reader.peek() == '"') {
      auto text = reader.quoted();
      if (!text) return fail(text);
      term.text = std::move(*text);
    } else if (reader.peek() == '%') {
      auto text = reader.percented();
      if (!text) return fail(text);
      auto regex = Regex::compile(*text);
      if (!regex) return fail(regex);
      term.regex = std::move(*regex);
    } else {
      term.text = reader.while_in([](char c) { return !is_space(c); });
      if (term.text.empty()) return bad_pattern("a term is missing");
      // AWS takes letters, digits and underscores, and what stands in quotes.
      for (const char c : term.text)
        if (static_cast<unsigned char>(c) < 0x80 && std::isalnum(static_cast<unsigned char>(c)) == 0 &&
            std::string_view("_.:@#/=*+-").find(c) == std::string_view::npos)
          return bad_pattern("a term with other characters than letters and digits has to stand in quotes");
    }
    list->push_back(std::move(term));
  }
}

// -- fields between spaces

struct Field {
  std::string name;
  bool rest = false;  // "..."
  std::optional<Condition> condition;
};

struct Fields {
  std::vector<Field> fields;
};

/// Splits a line at its spaces; what stands in quotes or square brackets is one field.
std::vector<std::string_view> split_line(std::string_view line) {
  std::vector<std::string_view> out;
  std::size_t at = 0;
  while (at < line.size()) {
    if (is_space(line[at])) {
      ++at;
      continue;
    }
    const char open = line[at];
    const char close = open == '"' ? '"' : open == '[' ? ']' : '\0';
    if (close != '\0') {
      const auto end = line.find(close, at + 1);
      if (end != std::string_view::npos) {
        out.push_back(line.substr(at + 1, end - at - 1));
        at = end + 1;
        continue;
      }
    }
    std::size_t end = at;
    while (end < line.size() && !is_space(line[end])) ++end;
    out.push_back(line.substr(at, end - at));
    at = end;
  }
  return out;
}

/// Which part of the line each field of the pattern is; none if the line has another number of them.
std::optional<std::vector<std::string_view>> assign(const Fields& pattern, const std::vector<std::string_view>& parts) {
  const auto count = pattern.fields.size();
  const auto at = std::ranges::find(pattern.fields, true, &Field::rest);
  if (at == pattern.fields.end()) {
    if (parts.size() != count) return std::nullopt;
    return parts;
  }
  if (parts.size() + 1 < count) return std::nullopt;
  const auto before = static_cast<std::size_t>(at - pattern.fields.begin());
  std::vector<std::string_view> out(count);
  for (std::size_t i = 0; i < before; ++i) out[i] = parts[i];
  for (std::size_t i = before + 1; i < count; ++i) out[i] = parts[parts.size() - (count - i)];
  return out;
}

bool holds(const Condition& condition, std::string_view value) {
  const auto in = [&](const Condition& part) { return holds(part, value); };
  switch (condition.kind) {
    case Condition::Kind::And: return std::ranges::all_of(condition.parts, in);
    case Condition::Kind::Or: return std::ranges::any_of(condition.parts, in);
    case Condition::Kind::Compare: break;
  }
  return compare(value, condition.comparison);
}

std::string read_name(PatternReader& reader) {
  return reader.while_in(
      [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '$'; });
}

Result<Fields> parse_fields(PatternReader& reader) {
  Fields out;
  while (true) {
    reader.skip_space();
    if (reader.at_end()) return bad_pattern("']' is missing");
    if (reader.take("]")) break;
    Field field;
    if (reader.take("...")) {
      if (std::ranges::any_of(out.fields, &Field::rest)) return bad_pattern("'...' may stand there once");
      field.rest = true;
    } else {
      field.name = read_name(reader);
      reader.skip_space();
      if (field.name.empty() && (reader.peek() != ',' && reader.peek() != ']'))
        return bad_pattern("the name of a field is missing");
      // "status = 404 || status = 410", "(a = 1 && a != 2)"
      if (!field.name.empty() && reader.peek() != ',' && reader.peek() != ']') {
        Condition any{Condition::Kind::Or, {}, {}};
        Condition all{Condition::Kind::And, {}, {}};
        while (true) {
          Condition one;
          one.comparison.subject = field.name;
          if (auto read = read_comparison(reader, ",]|&", one.comparison); !read) return fail(read);
          all.parts.push_back(std::move(one));
          reader.skip_space();
          const bool is_and = reader.take("&&");
          const bool is_or = !is_and && reader.take("||");
          if (is_or) any.parts.push_back(std::exchange(all, Condition{Condition::Kind::And, {}, {}}));
          if (!is_and && !is_or) break;
          reader.skip_space();
          if (read_name(reader) != field.name) return bad_pattern("a condition names another field than its own");
        }
        any.parts.push_back(std::move(all));
        field.condition = std::move(any);
      }
    }
    out.fields.push_back(std::move(field));
    reader.skip_space();
    if (reader.take(",")) continue;
    if (reader.peek() != ']') return bad_pattern("fields are separated by commas");
  }
  reader.skip_space();
  if (!reader.at_end()) return bad_pattern("something follows the ']'");
  if (out.fields.size() > 64) return bad_pattern("there are too many fields");
  return out;
}

// -- JSON

struct Step {
  std::string name;          // of a member
  std::optional<int> index;  // of an array
  bool any = false;          // [*]
};

struct JsonCondition {
  Condition::Kind kind = Condition::Kind::Compare;
  Comparison comparison;
  std::vector<Step> path;
  std::vector<JsonCondition> parts;
};

Result<std::vector<Step>> parse_selector(PatternReader& reader, std::string& text) {
  const auto start = reader.rest();
  if (!reader.take("$")) return bad_pattern("a selector begins with '$'");
  std::vector<Step> out;
  while (true) {
    if (reader.take(".")) {
      if (reader.peek() == '[') continue;
      if (reader.take("*")) {
        out.push_back({.name = {}, .index = std::nullopt, .any = true});
        continue;
      }
      auto name = reader.while_in([](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '@' || c == ':' ||
               static_cast<unsigned char>(c) >= 0x80;
      });
      if (name.empty()) return bad_pattern("a selector lacks the name of a member");
      out.push_back({.name = std::move(name), .index = std::nullopt});
    } else if (reader.take("[")) {
      reader.skip_space();
      if (reader.peek() == '\'' || reader.peek() == '"') {
        auto name = reader.quoted();
        if (!name) return fail(name);
        out.push_back({.name = std::move(*name), .index = std::nullopt});
      } else if (reader.take("*")) {
        out.push_back({.name = {}, .index = std::nullopt, .any = true});
      } else {
        const auto digits = reader.while_in([](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
        if (digits.empty() || digits.size() > 6) return bad_pattern("a selector has a bad index");
        out.push_back({.name = {}, .index = std::stoi(digits)});
      }
      reader.skip_space();
      if (!reader.take("]")) return bad_pattern("a selector lacks ']'");
    } else {
      break;
    }
  }
  text = std::string(start.substr(0, start.size() - reader.rest().size()));
  return out;
}

Result<JsonCondition> parse_or(PatternReader& reader, std::size_t depth);

Result<JsonCondition> parse_primary(PatternReader& reader, std::size_t depth) {
  if (depth > kMaxDepth) return bad_pattern("it nests too deep");
  reader.skip_space();
  if (reader.take("(")) {
    auto inner = parse_or(reader, depth + 1);
    if (!inner) return inner;
    reader.skip_space();
    if (!reader.take(")")) return bad_pattern("')' is missing");
    return inner;
  }
  JsonCondition out;
  auto path = parse_selector(reader, out.comparison.subject);
  if (!path) return fail(path);
  out.path = std::move(*path);
  reader.skip_space();
  if (reader.take_word("IS")) {
    reader.skip_space();
    if (reader.take_word("NULL"))
      out.comparison.comparator = Comparator::IsNull;
    else if (reader.take_word("TRUE"))
      out.comparison.comparator = Comparator::IsTrue;
    else if (reader.take_word("FALSE"))
      out.comparison.comparator = Comparator::IsFalse;
    else
      return bad_pattern("IS is followed by NULL, TRUE or FALSE");
    return out;
  }
  if (reader.take_word("NOT")) {
    reader.skip_space();
    if (!reader.take_word("EXISTS")) return bad_pattern("NOT is followed by EXISTS");
    out.comparison.comparator = Comparator::NotExists;
    return out;
  }
  if (reader.take_word("EXISTS")) {
    out.comparison.comparator = Comparator::Exists;
    return out;
  }
  if (auto read = read_comparison(reader, "})|&", out.comparison); !read) return fail(read);
  return out;
}

Result<JsonCondition> parse_chain(PatternReader& reader, std::size_t depth, bool is_and) {
  JsonCondition out;
  out.kind = is_and ? Condition::Kind::And : Condition::Kind::Or;
  do {
    auto part = is_and ? parse_primary(reader, depth) : parse_chain(reader, depth, true);
    if (!part) return part;
    out.parts.push_back(std::move(*part));
    reader.skip_space();
  } while (reader.take(is_and ? "&&" : "||"));
  if (out.parts.size() == 1) {
    JsonCondition only = std::move(out.parts.front());
    return only;
  }
  return out;
}

Result<JsonCondition> parse_or(PatternReader& reader, std::size_t depth) { return parse_chain(reader, depth, false); }

/// Calls `visit` for each value that the path leads to, until one returns true.
template <class Visit>
bool any_at(const json::value& value, std::span<const Step> path, const Visit& visit) {
  if (path.empty()) return visit(value);
  const auto& step = path.front();
  const auto rest = path.subspan(1);
  if (step.any) {
    if (const auto* array = value.if_array())
      return std::ranges::any_of(*array, [&](const json::value& item) { return any_at(item, rest, visit); });
    if (const auto* object = value.if_object())
      return std::ranges::any_of(*object, [&](const auto& member) { return any_at(member.value(), rest, visit); });
    return false;
  }
  if (step.index) {
    const auto* array = value.if_array();
    const auto index = static_cast<std::size_t>(*step.index);
    return array != nullptr && index < array->size() && any_at((*array)[index], rest, visit);
  }
  const auto* object = value.if_object();
  const auto* member = object == nullptr ? nullptr : object->if_contains(step.name);
  return member != nullptr && any_at(*member, rest, visit);
}

std::string text_of(const json::value& value) {
  if (const auto* text = value.if_string()) return std::string(*text);
  return json::serialize(value);
}

bool holds(const JsonCondition& condition, const json::value& document) {
  const auto in = [&](const JsonCondition& part) { return holds(part, document); };
  switch (condition.kind) {
    case Condition::Kind::And: return std::ranges::all_of(condition.parts, in);
    case Condition::Kind::Or: return std::ranges::any_of(condition.parts, in);
    case Condition::Kind::Compare: break;
  }
  const auto& wanted = condition.comparison;
  bool exists = false;
  const bool found = any_at(document, condition.path, [&](const json::value& value) {
    exists = true;
    switch (wanted.comparator) {
      case Comparator::Exists: return true;
      case Comparator::NotExists: return false;
      case Comparator::IsNull: return value.is_null();
      case Comparator::IsTrue: return value.is_bool() && value.get_bool();
      case Comparator::IsFalse: return value.is_bool() && !value.get_bool();
      default: break;
    }
    if (value.is_object() || value.is_array() || value.is_null()) return false;
    if (value.is_number() && wanted.number) {
      // Exact where both are whole.
      return compare(json::serialize(value), wanted);
    }
    if (wanted.quoted && value.is_number()) return wanted.comparator == Comparator::NotEqual;
    return compare(text_of(value), wanted);
  });
  return wanted.comparator == Comparator::NotExists ? !exists : found;
}

void collect(const JsonCondition& condition, std::vector<const JsonCondition*>& out) {
  if (condition.kind == Condition::Kind::Compare) out.push_back(&condition);
  for (const auto& part : condition.parts) collect(part, out);
}

std::optional<json::value> parse_json(std::string_view message) {
  const auto at = message.find_first_not_of(" \t\r\n");
  if (at == std::string_view::npos || (message[at] != '{' && message[at] != '[')) return std::nullopt;
  json::error_code error;
  json::parse_options options;
  options.max_depth = 64;
  auto value = json::parse(json::string_view(message.data(), message.size()), error, {}, options);
  if (error) return std::nullopt;
  return value;
}

std::size_t count_regexes(const Terms& terms) {
  std::size_t count = 0;
  for (const auto* list : {&terms.wanted, &terms.unwanted, &terms.optional})
    count += static_cast<std::size_t>(std::ranges::count_if(*list, [](const Term& t) { return t.regex.has_value(); }));
  return count;
}

}  // namespace

struct FilterPattern::Compiled {
  std::variant<Terms, Fields, JsonCondition> kind;
};

Result<FilterPattern> FilterPattern::parse(std::string_view pattern) {
  PatternReader reader(pattern);
  reader.skip_space();
  auto compiled = std::make_shared<Compiled>();
  if (reader.take("{")) {
    auto condition = parse_or(reader, 0);
    if (!condition) return fail(condition);
    reader.skip_space();
    if (!reader.take("}")) return bad_pattern("'}' is missing");
    reader.skip_space();
    if (!reader.at_end()) return bad_pattern("something follows the '}'");
    compiled->kind = std::move(*condition);
  } else if (reader.take("[")) {
    auto fields = parse_fields(reader);
    if (!fields) return fail(fields);
    compiled->kind = std::move(*fields);
  } else {
    auto terms = parse_terms(reader);
    if (!terms) return fail(terms);
    if (count_regexes(*terms) > kMaxRegexes) return bad_pattern("a pattern may have two regular expressions");
    compiled->kind = std::move(*terms);
  }
  return FilterPattern(std::move(compiled));
}

bool FilterPattern::matches(std::string_view message) const {
  if (const auto* terms = std::get_if<Terms>(&compiled_->kind)) return terms->match(message);
  if (const auto* fields = std::get_if<Fields>(&compiled_->kind)) {
    const auto values = assign(*fields, split_line(message));
    if (!values) return false;
    for (std::size_t i = 0; i < values->size(); ++i)
      if (fields->fields[i].condition && !holds(*fields->fields[i].condition, (*values)[i])) return false;
    return true;
  }
  const auto document = parse_json(message);
  return document && holds(std::get<JsonCondition>(compiled_->kind), *document);
}

std::map<std::string, std::string> FilterPattern::extract(std::string_view message) const {
  std::map<std::string, std::string> out;
  if (const auto* fields = std::get_if<Fields>(&compiled_->kind)) {
    const auto values = assign(*fields, split_line(message));
    if (!values) return out;
    for (std::size_t i = 0; i < values->size(); ++i) {
      const auto& field = fields->fields[i];
      if (field.rest) continue;
      out["$" + (field.name.empty() ? std::to_string(i + 1) : field.name)] = std::string((*values)[i]);
    }
  } else if (const auto* condition = std::get_if<JsonCondition>(&compiled_->kind)) {
    const auto document = parse_json(message);
    if (!document) return out;
    std::vector<const JsonCondition*> comparisons;
    collect(*condition, comparisons);
    for (const auto* one : comparisons)
      any_at(*document, one->path, [&](const json::value& value) {
        out[one->comparison.subject] = text_of(value);
        return true;
      });
  }
  return out;
}

std::optional<std::string> FilterPattern::value(std::string_view message, std::string_view selector) const {
  if (selector.starts_with("$.") || selector.starts_with("$[")) {
    PatternReader reader(selector);
    std::string text;
    const auto path = parse_selector(reader, text);
    const auto document = parse_json(message);
    if (!path || !document) return std::nullopt;
    std::optional<std::string> out;
    any_at(*document, *path, [&](const json::value& found) {
      if (!found.is_null()) out = text_of(found);
      return true;
    });
    return out;
  }
  const auto values = extract(message);
  const auto at = values.find(std::string(selector));
  if (at == values.end()) return std::nullopt;
  return at->second;
}

}  // namespace likeness::logs
