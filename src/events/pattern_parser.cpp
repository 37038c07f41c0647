#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <memory>
#include <utility>

#include "events/json_tokens.hpp"
#include "events/pattern.hpp"

namespace likeness::events {

namespace {

using Kind = JsonTokens::Kind;
using Tests = std::shared_ptr<const std::vector<Test>>;
/// One alternative while it is being read; the later of two equal paths counts.
using Fields = std::map<std::string, Tests>;

/// What AWS allows (event-ruler's measure of how much a matcher has to keep in mind).
constexpr std::size_t kMostComplexity = 10;
constexpr std::size_t kShownSource = 500;

constexpr std::array<std::string_view, 25> kReservedWithinOr = {"exactly",
                                                                "equals-ignore-case",
                                                                "prefix",
                                                                "suffix",
                                                                "anything-but",
                                                                "exists",
                                                                "wildcard",
                                                                "numeric",
                                                                "cidr",
                                                                "=",
                                                                "<",
                                                                "<=",
                                                                ">",
                                                                ">=",
                                                                "regex",
                                                                "not-wildcard",
                                                                "not-equals-ignore-case",
                                                                "date-after",
                                                                "date-on-or-after",
                                                                "date-before",
                                                                "date-on-or-before",
                                                                "in-date-range",
                                                                "ip-address-in-range",
                                                                "ip-address-not-in-range",
                                                                "$or"};

bool is_number(Kind kind) { return kind == Kind::Number; }

/// Characters as Java counts them.
std::size_t utf16_length(std::string_view text) {
  std::size_t length = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) != 0x80) length += byte >= 0xf0 ? 2 : 1;
  }
  return length;
}

}  // namespace

class PatternParser {
 public:
  explicit PatternParser(std::string_view json) : json_(json), tokens_(json) {}

  Result<std::vector<Conjunction>> parse() {
    std::vector<Fields> fields;
    if (next() != Kind::BeginObject) {
      refuse("Filter is not an object");
    } else {
      object(fields, "", false);
    }
    if (!problem_.empty()) return client_error("InvalidEventPatternException", problem_);
    std::vector<Conjunction> out;
    out.reserve(fields.size());
    for (const auto& alternative : fields) {
      Conjunction& conjunction = out.emplace_back();
      for (const auto& [path, tests] : alternative) conjunction.push_back({path, *tests});
    }
    if (auto simple = check_complexity(out); !simple) return fail(simple);
    return out;
  }

 private:
  bool failed() const { return !problem_.empty(); }

  Kind next() {
    const Kind kind = tokens_.next();
    if (kind == Kind::Invalid) refuse_at(tokens_.problem(), tokens_.begin());
    return kind;
  }

  std::string text() { return std::string(tokens_.text()); }

  /// The first reason counts.
  void refuse(const std::string& reason) { refuse_at(reason, tokens_.location()); }

  void refuse_at(const std::string& reason, std::size_t location) {
    if (!failed()) problem_ = reason + place(location);
  }

  /// AWS reports some of its errors through a second one, which tells the place again.
  void refuse_twice(const std::string& reason) {
    if (failed()) return;
    const std::string where = place(tokens_.location());
    problem_ = reason + where + where;
  }

  std::string place(std::size_t location) const {
    const std::string_view before = json_.substr(0, location);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    std::string_view shown = json_;
    std::string truncated;
    if (const std::size_t length = utf16_length(json_); length > kShownSource) {
      std::size_t bytes = kShownSource;
      while (utf16_length(json_.substr(0, bytes)) < kShownSource) ++bytes;
      while (bytes < json_.size() && (static_cast<unsigned char>(json_[bytes]) & 0xc0) == 0x80) ++bytes;
      shown = json_.substr(0, bytes);
      truncated = fmt::format("[truncated {} chars]", length - utf16_length(shown));
    }
    return fmt::format("\n at [Source: (String)\"{}\"{}; line: {}, column: {}]", shown, truncated, line,
                       utf16_length(before.substr(start)) + 1);
  }

  void object(std::vector<Fields>& fields, const std::string& path, bool within_or) {
    bool empty = true;
    while (!failed() && next() != Kind::EndObject) {
      if (failed()) return;
      empty = false;
      const std::string name = text();
      if (name == "$or") {
        either(fields, path);
        continue;
      }
      if (within_or && std::find(kReservedWithinOr.begin(), kReservedWithinOr.end(), name) != kReservedWithinOr.end())
        return refuse(name + " is Ruler reserved fieldName which cannot be used inside $or.");
      const std::string full = path.empty() ? name : fmt::format("{}.{}", path, name);
      switch (next()) {
        case Kind::BeginObject: object(fields, full, within_or); break;
        case Kind::BeginArray: field(fields, full); break;
        default: refuse(fmt::format("\"{}\" must be an object or an array", name)); break;
      }
    }
    if (empty) refuse("Empty objects are not allowed");
  }

  void either(std::vector<Fields>& fields, const std::string& path) {
    const std::vector<Fields> before = std::exchange(fields, {});
    if (next() != Kind::BeginArray) return refuse("It must be an Array followed with $or.");
    std::size_t count = 0;
    while (!failed() && next() != Kind::EndArray) {
      if (failed()) return;
      ++count;
      if (tokens_.kind() != Kind::BeginObject)
        return refuse("Only JSON object is allowed in array of $or relationship.");
      std::vector<Fields> branch = before;
      if (branch.empty()) branch.emplace_back();
      object(branch, path, true);
      if (fields.size() + branch.size() > Pattern::kMostAlternatives)
        return refuse_plain("Rule is too complex - try using fewer $or values");
      for (auto& alternative : branch) fields.push_back(std::move(alternative));
    }
    if (count < 2) refuse("There must have at least 2 Objects in $or relationship.");
  }

  void refuse_plain(const std::string& reason) {
    if (!failed()) problem_ = reason;
  }

  void field(std::vector<Fields>& fields, const std::string& path) {
    auto tests = std::make_shared<std::vector<Test>>();
    while (!failed() && next() != Kind::EndArray) {
      if (failed()) return;
      switch (tokens_.kind()) {
        case Kind::BeginObject: tests->push_back(operation()); break;
        case Kind::String: tests->push_back(exact(text())); break;
        case Kind::Number: {
          const std::string number = text();
          tests->push_back({.kind = Test::Kind::Number, .text = number, .number = comparable_number(number)});
          break;
        }
        case Kind::True:
        case Kind::False:
        case Kind::Null: tests->push_back({.kind = Test::Kind::Literal, .text = text()}); break;
        default: refuse("Match value must be String, number, true, false, or null"); break;
      }
    }
    if (tests->empty()) refuse("Empty arrays are not allowed");
    if (failed()) return;
    if (fields.empty()) fields.emplace_back();
    for (auto& alternative : fields) alternative.insert_or_assign(path, tests);
  }

  /// An address matches however it is written.
  static Test exact(std::string value) {
    if (const auto address = parse_address(value))
      return {.kind = Test::Kind::Network, .bits = address->size * 8, .address = *address};
    return {.kind = Test::Kind::Exact, .text = std::move(value)};
  }

  void end_of_operation() {
    if (!failed() && next() != Kind::EndObject) refuse("Only one key allowed in match expression");
  }

  Test operation() {
    if (next() != Kind::Name) {
      refuse("Match expression name not found");
      return {};
    }
    const std::string name = text();
    if (name == "exactly") return simple(Test::Kind::Exact, "exact match pattern must be a string");
    if (name == "prefix") return affix(Test::Kind::Prefix, Test::Kind::PrefixIgnoreCase, "prefix");
    if (name == "suffix") return affix(Test::Kind::Suffix, Test::Kind::SuffixIgnoreCase, "suffix");
    if (name == "equals-ignore-case")
      return simple(Test::Kind::IgnoreCase, "equals-ignore-case match pattern must be a string");
    if (name == "wildcard") return wildcard();
    if (name == "exists") return exists();
    if (name == "cidr") return network();
    if (name == "numeric") return numeric();
    if (name == "anything-but") return anything_but();
    refuse("Unrecognized match type " + name);
    return {};
  }

  /// A string, and nothing behind it.
  Test simple(Test::Kind kind, const std::string& otherwise) {
    Test test{.kind = kind};
    if (next() != Kind::String) {
      refuse(otherwise);
      return test;
    }
    test.text = text();
    if (kind == Test::Kind::IgnoreCase || kind == Test::Kind::PrefixIgnoreCase || kind == Test::Kind::SuffixIgnoreCase)
      test.text = folded(test.text);
    end_of_operation();
    return test;
  }

  Test affix(Test::Kind kind, Test::Kind ignoring_case, const std::string& name) {
    if (next() == Kind::BeginObject) {
      if (next() != Kind::Name) {
        refuse(fmt::format("{} expression name not found", name == "prefix" ? "Prefix" : "Suffix"));
        return {};
      }
      const std::string inner = text();
      if (inner != "equals-ignore-case") {
        refuse(fmt::format("Unsupported {} pattern: {}", name, inner));
        return {};
      }
      Test test = simple(ignoring_case, "equals-ignore-case match pattern must be a string");
      end_of_operation();
      return test;
    }
    if (tokens_.kind() != Kind::String) {
      refuse(name + " match pattern must be a string");
      return {};
    }
    Test test{.kind = kind, .text = text()};
    end_of_operation();
    return test;
  }

  Test wildcard() {
    Test test{.kind = Test::Kind::Wildcard};
    if (next() != Kind::String) {
      refuse("wildcard match pattern must be a string");
      return test;
    }
    auto parsed = Wildcard::parse(tokens_.text());
    if (!parsed) {
      refuse(parsed.error().message);
      return test;
    }
    test.wildcards.push_back(std::move(*parsed));
    end_of_operation();
    return test;
  }

  Test exists() {
    const Kind kind = next();
    if (kind != Kind::True && kind != Kind::False) {
      refuse("exists match pattern must be either true or false.");
      return {};
    }
    end_of_operation();
    return {.kind = kind == Kind::True ? Test::Kind::Exists : Test::Kind::Absent};
  }

  Test network() {
    Test test{.kind = Test::Kind::Network};
    if (next() != Kind::String) {
      refuse("prefix match pattern must be a string");
      return test;
    }
    const std::string value = text();
    const std::size_t slash = value.find('/');
    if (slash == std::string::npos || value.find('/', slash + 1) != std::string::npos || slash + 1 == value.size()) {
      refuse_plain("Malformed CIDR, one '/' required");
      return test;
    }
    const std::string_view bits = std::string_view(value).substr(slash + 1);
    const auto [end, error] =
        std::from_chars(bits.data() + (bits[0] == '+' ? 1 : 0), bits.data() + bits.size(), test.bits);
    if (error != std::errc() || end != bits.data() + bits.size()) {
      refuse_plain("Malformed CIDR, mask bits must be an integer");
      return test;
    }
    if (test.bits < 0) {
      refuse_plain("Malformed CIDR, mask bits must not be negative");
      return test;
    }
    const std::string address = value.substr(0, slash);
    const auto parsed = parse_address(address);
    if (!parsed) {
      refuse_plain((looks_like_address(address) ? "Invalid IP address: " : "Nonstandard IP address: ") + address);
      return test;
    }
    if (test.bits >= parsed->size * 8) {
      refuse_plain(parsed->size == 4 ? "IPv4 mask bits must be < 32" : "IPv6 mask bits must be < 128");
      return test;
    }
    test.address = parsed->masked(test.bits);
    end_of_operation();
    return test;
  }

  /// The number that the current token must be; `name` says whose it is. What it is worth is asked when the expression
  /// has ended.
  std::string operand(const std::string& name) {
    if (is_number(tokens_.kind())) return text();
    refuse(fmt::format("Value of {} must be numeric", name));
    return {};
  }

  double worth(const std::string& number) {
    if (failed()) return 0;
    const auto value = comparable_number(number);
    if (!value) refuse("Cannot compare number : " + number);
    return value.value_or(0);
  }

  void end_of_numeric(const char* otherwise) {
    if (!failed() && next() != Kind::EndArray) refuse(otherwise);
  }

  Test numeric() {
    if (next() != Kind::BeginArray) {
      refuse("Value of numeric must be an array.");
      return {};
    }
    Test test = comparison();
    if (!failed() && next() != Kind::EndObject) refuse("Too many elements in numeric expression");
    return test;
  }

  Test comparison() {
    constexpr auto kTooMany = "Too many elements in numeric expression";
    constexpr double kLargest = std::numeric_limits<double>::max();
    if (next() != Kind::String) {
      refuse("Invalid member in numeric match: " + text());
      return {};
    }
    const std::string name = text();
    next();
    if (name == "=") {
      const std::string number = operand("equals");
      end_of_numeric(kTooMany);
      // Only as a number, unlike one that stands for itself.
      return {.kind = Test::Kind::Number, .text = {}, .number = worth(number)};
    }
    Test test{.kind = Test::Kind::Range, .low = -kLargest, .high = kLargest};
    if (name == "<" || name == "<=") {
      const std::string high = operand(name);
      test.high_open = name == "<";
      end_of_numeric(kTooMany);
      test.high = worth(high);
      return test;
    }
    if (name != ">" && name != ">=") {
      refuse("Unrecognized numeric range operator: " + name);
      return test;
    }
    const std::string low = operand(name);
    test.low_open = name == ">";
    if (failed()) return test;
    if (next() == Kind::EndArray) {
      test.low = worth(low);
      return test;
    }
    if (tokens_.kind() != Kind::String) {
      refuse("Bad value in numeric range: " + text());
      return test;
    }
    const std::string upper = text();
    if (upper != "<" && upper != "<=") {
      refuse("Bad numeric range operator: " + upper);
      return test;
    }
    next();
    const std::string high = operand(upper);
    test.high_open = upper == "<";
    end_of_numeric("Too many terms in numeric range expression");
    test.low = worth(low);
    test.high = worth(high);
    if (!failed() && test.low >= test.high) refuse("Bottom must be less than top");
    return test;
  }

  Test anything_but() {
    Test test{.kind = Test::Kind::AnythingBut};
    Kind kind = next();
    if (kind == Kind::BeginObject) {
      if (next() != Kind::Name) {
        refuse("Anything-But expression name not found");
        return test;
      }
      const std::string inner = text();
      if (inner == "equals-ignore-case") {
        test.kind = Test::Kind::AnythingButIgnoreCase;
      } else if (inner == "prefix") {
        test.kind = Test::Kind::AnythingButPrefix;
      } else if (inner == "suffix") {
        test.kind = Test::Kind::AnythingButSuffix;
      } else if (inner == "wildcard") {
        test.kind = Test::Kind::AnythingButWildcard;
      } else {
        refuse("Unsupported anything-but pattern: " + inner);
        return test;
      }
      kind = next();
    }
    const bool nested = test.kind != Test::Kind::AnythingBut;
    if (kind != Kind::BeginArray && kind != Kind::String && kind != Kind::Number) {
      refuse("Value of anything-but must be an array or single string/number value.");
      return test;
    }
    if (kind == Kind::BeginArray) {
      while (!failed() && next() != Kind::EndArray) excluded(test, true);
      if (!later_.empty()) refuse(later_);
      if (!nested && test.texts.empty() == test.numbers.empty())
        refuse("Inside anything but list, either all values are number or string, mixed type is not supported");
      if (nested && test.texts.empty() && test.wildcards.empty()) refuse("Empty arrays are not allowed");
    } else {
      excluded(test, false);
      if (!later_.empty()) refuse(later_);
    }
    if (!test.numbers.empty()) test.kind = Test::Kind::AnythingButNumber;
    if (!failed() && next() != Kind::EndObject) refuse("Too many elements in numeric expression");
    if (nested && !failed() && next() != Kind::EndObject) refuse("Too many elements in numeric expression");
    return test;
  }

  void refuse_value(bool listed, const std::string& reason) {
    if (listed) {
      refuse_twice(reason);
    } else {
      refuse(reason);
    }
  }

  /// Adds the current token to what may not be.
  void excluded(Test& test, bool listed) {
    const Kind kind = tokens_.kind();
    if (test.kind == Test::Kind::AnythingBut && kind == Kind::Number) {
      const std::string number = text();
      const auto value = comparable_number(number);
      if (!value) return refuse_value(listed, "Cannot compare number : " + number);
      test.numbers.push_back(*value);
      return;
    }
    if (kind == Kind::String) {
      const std::string value = text();
      switch (test.kind) {
        case Test::Kind::AnythingButIgnoreCase: test.texts.push_back(folded(value)); return;
        case Test::Kind::AnythingButPrefix:
        case Test::Kind::AnythingButSuffix:
          if (value.empty()) return refuse_value(listed, "Null prefix/suffix not allowed");
          test.texts.push_back(value);
          return;
        case Test::Kind::AnythingButWildcard: {
          auto parsed = Wildcard::parse(value);
          // Said at the end of the list.
          if (!parsed && later_.empty()) later_ = parsed.error().message;
          if (parsed) test.wildcards.push_back(std::move(*parsed));
          return;
        }
        default: test.texts.push_back(value); return;
      }
    }
    switch (test.kind) {
      case Test::Kind::AnythingButIgnoreCase:
        return refuse_value(listed,
                            "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.");
      case Test::Kind::AnythingButPrefix:
      case Test::Kind::AnythingButSuffix: return refuse_value(listed, "prefix/suffix match pattern must be a string");
      case Test::Kind::AnythingButWildcard: return refuse_value(listed, "wildcard match pattern must be a string");
      default: return refuse_value(listed, "Inside anything but list, start|null|boolean is not supported.");
    }
  }

  static Result<void> check_complexity(const std::vector<Conjunction>& alternatives) {
    for (const auto& alternative : alternatives) {
      for (const auto& field : alternative) {
        std::vector<Wildcard> wildcards;
        for (const auto& test : field.any_of)
          wildcards.insert(wildcards.end(), test.wildcards.begin(), test.wildcards.end());
        if (wildcards.empty() || Wildcard::complexity(wildcards, kMostComplexity) <= kMostComplexity) continue;
        return client_error("InvalidEventPatternException",
                            "Rule is too complex - try using fewer wildcard characters or fewer repeating character "
                            "sequences after a wildcard character");
      }
    }
    return {};
  }

  std::string_view json_;
  JsonTokens tokens_;
  std::string problem_;
  std::string later_;  // a problem that is told when the list has ended
};

Result<Pattern> Pattern::parse(std::string_view json, bool reason_only) {
  auto alternatives = PatternParser(json).parse();
  if (!alternatives) {
    if (reason_only) return fail(alternatives);
    return client_error("InvalidEventPatternException",
                        "Event pattern is not valid. Reason: " + alternatives.error().message);
  }
  Pattern pattern;
  pattern.alternatives_ = std::move(*alternatives);
  return pattern;
}

}  // namespace likeness::events
