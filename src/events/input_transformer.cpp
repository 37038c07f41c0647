#include "events/input_transformer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "events/json_tokens.hpp"

namespace likeness::events {

namespace {

using Kind = JsonTokens::Kind;

constexpr std::array<std::string_view, 5> kVariables = {"aws.events.rule-arn", "aws.events.rule-name",
                                                        "aws.events.event.ingestion-time", "aws.events.event",
                                                        "aws.events.event.json"};

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

bool is_placeholder_character(char c) { return is_name_character(c) || c == '.'; }

/// The event without its detail, under the names that templates know.
std::string event_without_detail(std::string_view event, const RuleFacts& rule) {
  std::string out = "{";
  JsonTokens tokens(event);
  if (tokens.next() != Kind::BeginObject) return "{}";
  while (tokens.next() == Kind::Name) {
    std::string name(tokens.text());
    std::string value(tokens.skip());
    if (name == "detail") continue;
    if (name == "detail-type") name = "detailType";
    if (name == "time") value = json_string(rule.ingestion_time);
    if (out.size() > 1) out += ',';
    out += json_string(name) + ':' + value;
  }
  return out + '}';
}

/// Only escaped ones stay.
std::string without_quotes(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '"') continue;
    out.push_back(json[i]);
    if (json[i] == '\\' && i + 1 < json.size()) out.push_back(json[++i]);
  }
  return out;
}

/// A text, or texts on lines of their own.
bool is_texts(std::string_view text) {
  JsonTokens tokens(text);
  while (true) {
    if (tokens.next() != Kind::String) return false;
    const std::size_t end = tokens.end();
    const std::size_t more = text.find_first_not_of(" \t\r\n", end);
    if (more == std::string_view::npos) return true;
    text.remove_prefix(more);
    tokens = JsonTokens(text);
  }
}

}  // namespace

std::optional<JsonPath> JsonPath::parse(std::string_view text) {
  if (text.empty() || text[0] != '$' || text.size() > 256) return std::nullopt;
  JsonPath path;
  for (std::size_t i = 1; i < text.size();) {
    Step step;
    if (text[i] == '.') {
      ++i;
      if (i < text.size() && text[i] == '*') {
        step.kind = Step::Kind::All;
        ++i;
      } else {
        const std::size_t first = i;
        while (i < text.size() && is_name_character(text[i])) ++i;
        if (i == first) return std::nullopt;
        step.name = text.substr(first, i - first);
      }
    } else if (text[i] == '[') {
      const std::size_t close = text.find(']', i);
      if (close == std::string_view::npos) return std::nullopt;
      const std::string_view inner = text.substr(i + 1, close - i - 1);
      if (inner == "*") {
        step.kind = Step::Kind::All;
      } else if (inner.size() >= 2 && (inner[0] == '\'' || inner[0] == '"') && inner.back() == inner[0]) {
        step.name = inner.substr(1, inner.size() - 2);
      } else {
        step.kind = Step::Kind::Index;
        const auto [end, error] = std::from_chars(inner.data(), inner.data() + inner.size(), step.index);
        if (inner.empty() || error != std::errc() || end != inner.data() + inner.size()) return std::nullopt;
      }
      i = close + 1;
    } else {
      return std::nullopt;
    }
    path.many_ |= step.kind == Step::Kind::All;
    path.steps_.push_back(std::move(step));
  }
  return path;
}

void JsonPath::collect(std::string_view json, std::size_t step, std::vector<std::string_view>& found) const {
  if (step == steps_.size()) {
    found.push_back(json);
    return;
  }
  const Step& wanted = steps_[step];
  JsonTokens tokens(json);
  const Kind kind = tokens.next();
  if (kind == Kind::BeginObject && wanted.kind != Step::Kind::Index) {
    std::optional<std::string_view> last;  // of equal names the last counts
    while (tokens.next() == Kind::Name) {
      const bool this_one = wanted.kind == Step::Kind::All || tokens.text() == wanted.name;
      const std::string_view value = tokens.skip();
      if (!this_one) continue;
      if (wanted.kind == Step::Kind::All) collect(value, step + 1, found);
      last = value;
    }
    if (wanted.kind == Step::Kind::Name && last) collect(*last, step + 1, found);
  } else if (kind == Kind::BeginArray && wanted.kind != Step::Kind::Name) {
    for (std::size_t i = 0; tokens.next() != Kind::EndArray && tokens.kind() != Kind::Invalid; ++i) {
      const std::string_view value = tokens.skip();
      if (wanted.kind == Step::Kind::All || wanted.index == i) collect(value, step + 1, found);
    }
  }
}

std::optional<std::string> JsonPath::find(std::string_view json) const {
  std::vector<std::string_view> found;
  collect(json, 0, found);
  if (found.empty()) return std::nullopt;
  if (!many_) return std::string(found[0]);
  return fmt::format("[{}]", fmt::join(found, ","));
}

Result<InputTransformer> InputTransformer::parse(const std::map<std::string, std::string>& paths,
                                                 std::string_view input_template, std::string_view target_id) {
  InputTransformer out;
  for (const auto& [name, path] : paths) {
    auto parsed = JsonPath::parse(path);
    if (!parsed)
      return client_error("ValidationException",
                          fmt::format("InputPathsMap for target {} contains invalid path {}.", target_id, path));
    out.paths_.emplace(name, std::move(*parsed));
  }
  const std::size_t start = input_template.find_first_not_of(" \t\r\n");
  out.text_template_ = start != std::string_view::npos && input_template[start] == '"';

  bool quoted = false;
  std::string text;
  for (std::size_t i = 0; i < input_template.size(); ++i) {
    const char c = input_template[i];
    if (c == '<') {
      std::size_t end = i + 1;
      while (end < input_template.size() && is_placeholder_character(input_template[end])) ++end;
      if (end > i + 1 && end < input_template.size() && input_template[end] == '>') {
        const std::string name(input_template.substr(i + 1, end - i - 1));
        if (!out.paths_.contains(name) && std::find(kVariables.begin(), kVariables.end(), name) == kVariables.end())
          return client_error(
              "ValidationException",
              fmt::format("InputTemplate for target {} contains invalid placeholder {}.", target_id, name));
        out.parts_.push_back({.text = std::exchange(text, {})});
        out.parts_.push_back({.text = {}, .name = name, .quoted = quoted});
        i = end;
        continue;
      }
    }
    text.push_back(c);
    if (c == '\\' && i + 1 < input_template.size()) {
      text.push_back(input_template[++i]);
    } else if (c == '"') {
      quoted = !quoted;
    }
  }
  out.parts_.push_back({.text = std::move(text)});
  return out;
}

std::string InputTransformer::value(const std::string& name, std::string_view event, const RuleFacts& rule,
                                    bool& missing) const {
  if (const auto path = paths_.find(name); path != paths_.end()) {
    auto found = path->second.find(event);
    missing = !found;
    return found.value_or("\"\"");
  }
  if (name == "aws.events.rule-arn") return json_string(rule.arn);
  if (name == "aws.events.rule-name") return json_string(rule.name);
  if (name == "aws.events.event.ingestion-time") return json_string(rule.ingestion_time);
  if (name == "aws.events.event") return event_without_detail(event, rule);
  return std::string(event);
}

std::optional<std::string> InputTransformer::apply(std::string_view event, const RuleFacts& rule) const {
  std::string out;
  for (const Part& part : parts_) {
    if (!part.name) {
      out += part.text;
      continue;
    }
    bool missing = false;
    std::string json = value(*part.name, event, rule, missing);
    if (part.quoted && json.starts_with('"')) {
      out.append(json, 1, json.size() - 2);
    } else {
      out += part.quoted && text_template_ ? without_quotes(json) : json;
    }
  }
  if (text_template_ ? !is_texts(out) : !is_json(out)) return std::nullopt;
  return out;
}

}  // namespace likeness::events
