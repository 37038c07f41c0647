#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "states/json_path.hpp"
#include "states/json_path_parts.hpp"

namespace likeness::states {
namespace {

constexpr int kMaxDepth = 40;
constexpr std::size_t kMaxSegments = 200;

bool is_name_end(char c) { return c == '.' || c == '[' || c == '(' || c == ')' || c == ' ' || c == ',' || c == ']'; }

/// Inside of filters names end at operators too.
bool ends_name(char c, bool in_filter) {
  return is_name_end(c) ||
         (in_filter && (c == '=' || c == '<' || c == '>' || c == '!' || c == '&' || c == '|' || c == '~'));
}

class PathParser {
 public:
  PathParser(std::string_view text, std::size_t at, int depth) : text_(text), at_(at), depth_(depth) {}

  Result<ParsedPath> run() {
    if (depth_ > kMaxDepth) return bad("it is nested too deeply");
    while (at_ < text_.size()) {
      bool deep = false;
      if (text_[at_] == '.') {
        ++at_;
        if (at_ < text_.size() && text_[at_] == '.') {
          deep = true;
          ++at_;
        }
        if (at_ >= text_.size()) return bad("Path must not end with a '.' or '..'");
        if (text_[at_] != '[') {
          if (auto done = dot_name(deep); !done) return fail(done);
          continue;
        }
      } else if (text_[at_] != '[') {
        break;
      }
      if (auto done = bracket(deep); !done) return fail(done);
    }
    if (segments_.size() > kMaxSegments) return bad("it is too long");
    return ParsedPath{std::move(segments_), at_};
  }

 private:
  Failure bad(std::string why) const {
    return client_error("InvalidPath", fmt::format("Invalid path '{}' : {}", text_, why));
  }
  void space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool take(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Result<void> dot_name(bool deep) {
    PathSegment segment;
    segment.deep = deep;
    if (text_[at_] == '*') {
      ++at_;
      segment.kind = PathSegment::Kind::Wildcard;
      segments_.push_back(std::move(segment));
      return {};
    }
    const auto start = at_;
    while (at_ < text_.size() && !ends_name(text_[at_], depth_ > 0)) ++at_;
    std::string name(text_.substr(start, at_ - start));
    if (name.empty()) return bad("Path must not end with a '.' or '..'");
    if (text_.substr(at_, 2) == "()") {
      at_ += 2;
      static constexpr std::string_view kFunctions[] = {"length", "size",  "min",  "max", "avg",
                                                        "sum",    "first", "last", "keys"};
      if (std::find(std::begin(kFunctions), std::end(kFunctions), name) == std::end(kFunctions))
        return bad(fmt::format("Function with name: {} does not exist.", name));
      segment.kind = PathSegment::Kind::Function;
      segment.function = std::move(name);
    } else {
      segment.names.push_back(std::move(name));
    }
    segments_.push_back(std::move(segment));
    return {};
  }

  Result<std::string> quoted() {
    const char quote = text_[at_++];
    std::string out;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        ++at_;
        switch (text_[at_]) {
          case 'n': out.push_back('\n'); break;
          case 't': out.push_back('\t'); break;
          case 'r': out.push_back('\r'); break;
          case 'b': out.push_back('\b'); break;
          case 'f': out.push_back('\f'); break;
          case 'u': {
            const auto parsed = parse_json("\"" + std::string(text_.substr(at_ - 1, 6)) + "\"");
            if (!parsed) return bad("a broken character escape");
            out += parsed->as_string();
            at_ += 4;
            break;
          }
          default: out.push_back(text_[at_]);
        }
        ++at_;
      } else {
        out.push_back(text_[at_++]);
      }
    }
    if (at_ >= text_.size()) return bad("Property has not been closed - missing closing quote");
    ++at_;
    return out;
  }

  Result<std::optional<std::int64_t>> integer() {
    space();
    const auto start = at_;
    if (at_ < text_.size() && text_[at_] == '-') ++at_;
    while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    if (at_ == start) return std::optional<std::int64_t>();
    std::int64_t value = 0;
    const auto read = std::from_chars(text_.data() + start, text_.data() + at_, value);
    if (read.ec != std::errc() || read.ptr != text_.data() + at_) return bad("an index is no whole number");
    return std::optional(value);
  }

  Result<void> bracket(bool deep) {
    ++at_;
    space();
    PathSegment segment;
    segment.deep = deep;
    if (at_ >= text_.size()) return bad("Could not find matching close token ']'");
    const char c = text_[at_];
    if (c == '*') {
      ++at_;
      segment.kind = PathSegment::Kind::Wildcard;
    } else if (c == '?') {
      ++at_;
      segment.kind = PathSegment::Kind::Filter;
      const bool parentheses = take('(');
      auto filter = condition(depth_ + 1);
      if (!filter) return fail(filter);
      if (parentheses && !take(')')) return bad("Expected close token ')' of a filter");
      segment.filter = std::move(*filter);
    } else if (c == '\'' || c == '"') {
      do {
        space();
        if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) return bad("a name in quotes is missing");
        auto name = quoted();
        if (!name) return fail(name);
        segment.names.push_back(std::move(*name));
      } while (take(','));
    } else {
      if (auto numbers = indexes(segment); !numbers) return fail(numbers);
    }
    if (!take(']')) return bad("Could not find matching close token ']'");
    segments_.push_back(std::move(segment));
    return {};
  }

  Result<void> indexes(PathSegment& segment) {
    auto first = integer();
    if (!first) return fail(first);
    if (take(':')) {
      segment.kind = PathSegment::Kind::Slice;
      segment.from = *first;
      auto to = integer();
      if (!to) return fail(to);
      segment.to = *to;
      if (take(':')) {
        auto step = integer();
        if (!step) return fail(step);
        segment.step = *step;
      }
      return {};
    }
    segment.kind = PathSegment::Kind::Indexes;
    for (;;) {
      if (!*first) return bad("an index is no whole number");
      segment.indexes.push_back(**first);
      if (!take(',')) return {};
      first = integer();
      if (!first) return fail(first);
    }
  }

  Result<PathFilter> condition(int depth) {
    if (depth > kMaxDepth) return bad("it is nested too deeply");
    auto left = conjunction(depth);
    if (!left) return fail(left);
    space();
    if (text_.substr(at_, 2) != "||") return left;
    PathFilter out;
    out.kind = PathFilter::Kind::Or;
    out.operands.push_back(std::move(*left));
    while (space(), text_.substr(at_, 2) == "||") {
      at_ += 2;
      auto next = conjunction(depth);
      if (!next) return fail(next);
      out.operands.push_back(std::move(*next));
    }
    return out;
  }

  Result<PathFilter> conjunction(int depth) {
    auto left = negation(depth);
    if (!left) return fail(left);
    space();
    if (text_.substr(at_, 2) != "&&") return left;
    PathFilter out;
    out.kind = PathFilter::Kind::And;
    out.operands.push_back(std::move(*left));
    while (space(), text_.substr(at_, 2) == "&&") {
      at_ += 2;
      auto next = negation(depth);
      if (!next) return fail(next);
      out.operands.push_back(std::move(*next));
    }
    return out;
  }

  Result<PathFilter> negation(int depth) {
    space();
    if (depth > kMaxDepth) return bad("it is nested too deeply");
    if (at_ < text_.size() && text_[at_] == '!') {
      ++at_;
      auto inner = negation(depth + 1);
      if (!inner) return fail(inner);
      PathFilter out;
      out.kind = PathFilter::Kind::Not;
      out.operands.push_back(std::move(*inner));
      return out;
    }
    if (at_ < text_.size() && text_[at_] == '(') {
      ++at_;
      auto inner = condition(depth + 1);
      if (!inner) return fail(inner);
      if (!take(')')) return bad("Expected close token ')' of a filter");
      return inner;
    }
    return comparison();
  }

  Result<PathFilter> comparison() {
    auto left = operand();
    if (!left) return fail(left);
    space();
    static constexpr std::string_view kOperators[] = {
        "===", "!==", "==",       "!=",    "<=",     ">=",   "=~",    "<",       ">",
        "in",  "nin", "subsetof", "anyof", "noneof", "size", "empty", "contains"};
    for (const auto op : kOperators) {
      if (text_.substr(at_, op.size()) != op) continue;
      if (std::isalpha(static_cast<unsigned char>(op.front())) != 0 && at_ + op.size() < text_.size() &&
          std::isalpha(static_cast<unsigned char>(text_[at_ + op.size()])) != 0)
        continue;
      at_ += op.size();
      auto right = operand();
      if (!right) return fail(right);
      PathFilter out;
      out.kind = PathFilter::Kind::Compare;
      out.op = op;
      out.operands.push_back(std::move(*left));
      out.operands.push_back(std::move(*right));
      return out;
    }
    if (left->kind != PathFilter::Kind::Current && left->kind != PathFilter::Kind::Root) return left;
    PathFilter out;
    out.kind = PathFilter::Kind::Exists;
    out.operands.push_back(std::move(*left));
    return out;
  }

  Result<PathFilter> operand() {
    space();
    if (at_ >= text_.size()) return bad("a filter ends early");
    const char c = text_[at_];
    PathFilter out;
    if (c == '@' || c == '$') {
      auto parsed = parse_path_segments(text_, at_ + 1, depth_ + 1);
      if (!parsed) return fail(parsed);
      at_ = parsed->end;
      out.kind = c == '@' ? PathFilter::Kind::Current : PathFilter::Kind::Root;
      out.definite = std::all_of(parsed->segments.begin(), parsed->segments.end(),
                                 [](const auto& segment) { return segment.definite(); });
      out.path = std::make_shared<const PathSegments>(std::move(parsed->segments));
      return out;
    }
    if (c == '\'' || c == '"') {
      auto text = quoted();
      if (!text) return fail(text);
      out.literal = Value(std::move(*text));
      return out;
    }
    if (c == '/') return pattern();
    if (c == '[') return list();
    const auto start = at_;
    while (at_ < text_.size() && !std::isspace(static_cast<unsigned char>(text_[at_])) && text_[at_] != ')' &&
           text_[at_] != ']' && text_[at_] != ',' && text_[at_] != '&' && text_[at_] != '|' && text_[at_] != '=' &&
           text_[at_] != '<' && text_[at_] != '>' && text_[at_] != '!')
      ++at_;
    auto literal = parse_json(text_.substr(start, at_ - start));
    if (!literal) return bad("Could not read a value of a filter");
    out.literal = std::move(*literal);
    return out;
  }

  Result<PathFilter> list() {
    int depth = 0;
    const auto start = at_;
    char quote = 0;
    std::string json;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quote != 0) {
        if (c == '\\' && at_ + 1 < text_.size()) {
          json.push_back(c);
          json.push_back(text_[++at_]);
          continue;
        }
        json.push_back(c == quote ? '"' : c);
        if (c == quote) quote = 0;
        continue;
      }
      if (c == '\'' || c == '"') {
        quote = c;
        json.push_back('"');
        continue;
      }
      json.push_back(c);
      if (c == '[') ++depth;
      if (c == ']' && --depth == 0) {
        ++at_;
        break;
      }
    }
    auto parsed = parse_json(json);
    if (!parsed) return bad(fmt::format("Could not read the list at {}", start));
    PathFilter out;
    out.literal = std::move(*parsed);
    return out;
  }

  Result<PathFilter> pattern() {
    ++at_;
    PathFilter out;
    out.kind = PathFilter::Kind::Pattern;
    while (at_ < text_.size() && text_[at_] != '/') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] == '/') {
        ++at_;
      } else if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        out.pattern.push_back(text_[at_++]);
      }
      out.pattern.push_back(text_[at_++]);
    }
    if (at_ >= text_.size()) return bad("Pattern not closed");
    ++at_;
    std::string flags;
    while (at_ < text_.size() && (text_[at_] == 'i' || text_[at_] == 's' || text_[at_] == 'm')) flags += text_[at_++];
    if (!flags.empty()) out.pattern = "(?" + flags + ")" + out.pattern;
    return out;
  }

  std::string_view text_;
  std::size_t at_;
  int depth_;
  PathSegments segments_;
};

}  // namespace

Result<ParsedPath> parse_path_segments(std::string_view text, std::size_t at, int depth) {
  return PathParser(text, at, depth).run();
}

Result<JsonPath> JsonPath::parse(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return client_error("InvalidPath", fmt::format("Invalid path '{}' : {}", text, why));
  };
  if (text.empty() || text.front() != '$') return bad("Path must start with '$'");
  if (text.size() > 8192) return bad("it is too long");
  JsonPath path;
  path.text_ = text;
  std::size_t at = 1;
  if (text.substr(0, 2) == "$$") {
    path.root_ = Root::Context;
    at = 2;
  } else if (at < text.size() && text[at] != '.' && text[at] != '[') {
    while (at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '_' ||
                                static_cast<unsigned char>(text[at]) >= 0x80))
      ++at;
    path.root_ = Root::Variable;
    path.variable_ = text.substr(1, at - 1);
    if (path.variable_.empty()) return bad("Illegal character at position 1, expected '.' or '['");
  }
  auto parsed = parse_path_segments(text, at, 0);
  if (!parsed) return fail(parsed);
  if (parsed->end != text.size())
    return bad(fmt::format("Illegal character at position {}, expected '.' or '['", parsed->end));
  for (const auto& segment : parsed->segments) {
    // Several names at the end give one object.
    const bool merged =
        &segment == &parsed->segments.back() && !segment.deep && segment.kind == PathSegment::Kind::Names;
    if (!segment.definite() && !merged) path.definite_ = false;
    if (!segment.definite() || segment.kind == PathSegment::Kind::Function) path.reference_ = false;
  }
  path.segments_ = std::make_shared<const PathSegments>(std::move(parsed->segments));
  return path;
}

}  // namespace likeness::states
