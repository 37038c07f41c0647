#include "aws/constraints.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <cmath>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "base/bytes.hpp"

namespace likeness::aws {
namespace {

constexpr std::size_t kMostViolations = 10;
constexpr std::size_t kLongestShown = 512;

RE2::Options quiet() {
  RE2::Options options;
  options.set_log_errors(false);
  return options;
}

/// Compiled patterns by the shape they belong to. Shapes are constants of the program, so an address is a good key and
/// the table never shrinks.
const RE2& compiled(const Shape& shape) {
  static std::shared_mutex mutex;
  static std::unordered_map<const Shape*, std::unique_ptr<RE2>> patterns;
  {
    const std::shared_lock lock(mutex);
    if (const auto at = patterns.find(&shape); at != patterns.end()) return *at->second;
  }
  const std::unique_lock lock(mutex);
  auto& pattern = patterns[&shape];
  if (!pattern) pattern = std::make_unique<RE2>(re2::StringPiece(shape.pattern.data(), shape.pattern.size()), quiet());
  return *pattern;
}

bool matches(const Shape& shape, std::string_view text) {
  if (!shape.forbidden_prefix.empty() && text.starts_with(shape.forbidden_prefix)) return false;
  const RE2& pattern = compiled(shape);
  return !pattern.ok() || RE2::FullMatch(re2::StringPiece(text.data(), text.size()), pattern);
}

/// AWS counts characters, not bytes.
std::size_t characters(std::string_view utf8) {
  std::size_t count = 0;
  for (const char c : utf8)
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++count;
  return count;
}

/// "4096", "0.5".
std::string number(double value) {
  if (std::nearbyint(value) == value && std::abs(value) < 1e15)
    return fmt::format("{}", static_cast<std::int64_t>(value));
  return fmt::format("{}", value);
}

using Requirements = std::vector<std::string>;

void check_length(const Shape& shape, std::size_t size, Requirements& out) {
  if (shape.has_max && static_cast<double>(size) > shape.max)
    out.push_back(fmt::format("Member must have length less than or equal to {}", number(shape.max)));
  if (shape.has_min && static_cast<double>(size) < shape.min)
    out.push_back(fmt::format("Member must have length greater than or equal to {}", number(shape.min)));
}

void check_range(const Shape& shape, double value, Requirements& out) {
  // Written so that NaN is refused by both.
  if (shape.has_max && !(value <= shape.max))
    out.push_back(fmt::format("Member must have value less than or equal to {}", number(shape.max)));
  if (shape.has_min && !(value >= shape.min))
    out.push_back(fmt::format("Member must have value greater than or equal to {}", number(shape.min)));
}

/// What the value itself breaks, whatever is in it.
Requirements broken(const Shape& shape, const void* value) {
  Requirements out;
  switch (shape.kind) {
    case Kind::String: {
      const auto& text = *static_cast<const std::string*>(value);
      check_length(shape, characters(text), out);
      if (!shape.pattern.empty() && !matches(shape, text))
        out.push_back(fmt::format("Member must satisfy regular expression pattern: {}", shape.model_pattern));
      break;
    }
    case Kind::Blob: check_length(shape, static_cast<const Bytes*>(value)->size(), out); break;
    case Kind::List: check_length(shape, shape.list->size(value), out); break;
    case Kind::Map: check_length(shape, shape.map->size(value), out); break;
    case Kind::Integer: check_range(shape, *static_cast<const std::int32_t*>(value), out); break;
    case Kind::Long: check_range(shape, static_cast<double>(*static_cast<const std::int64_t*>(value)), out); break;
    case Kind::Float: check_range(shape, static_cast<double>(*static_cast<const float*>(value)), out); break;
    case Kind::Double: check_range(shape, *static_cast<const double*>(value), out); break;
    default: break;
  }
  return out;
}

bool is_scalar(const Shape& shape) {
  return shape.kind != Kind::Structure && shape.kind != Kind::List && shape.kind != Kind::Map;
}

std::string plain(const Shape& shape, const void* value);

std::string plain_list(const Shape& shape, const void* list) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.list->size(list) && out.size() < kLongestShown; ++i) {
    if (i > 0) out += ", ";
    out += plain(*shape.element, shape.list->at(list, i));
  }
  return out + "]";
}

std::string plain_map(const Shape& shape, const void* map) {
  struct State {
    const Shape& element;
    std::string out = "{";
  } state{*shape.element};
  shape.map->each(map, &state, [](void* opaque, const std::string& key, const void* value) {
    auto& s = *static_cast<State*>(opaque);
    if (s.out.size() > kLongestShown) return;
    if (s.out.size() > 1) s.out += ", ";
    s.out += key + "=" + plain(s.element, value);
  });
  return state.out + "}";
}

/// The value as AWS's messages show it, which is as Java prints it.
std::string plain(const Shape& shape, const void* value) {
  if (shape.is_sensitive) return "***";
  switch (shape.kind) {
    case Kind::String: return *static_cast<const std::string*>(value);
    case Kind::Enum: {
      std::uint16_t index = 0;
      std::copy_n(static_cast<const unsigned char*>(value), sizeof index, reinterpret_cast<unsigned char*>(&index));
      return std::string(shape.enum_values[index]);
    }
    case Kind::Boolean: return *static_cast<const bool*>(value) ? "true" : "false";
    case Kind::Integer: return fmt::format("{}", *static_cast<const std::int32_t*>(value));
    case Kind::Long: return fmt::format("{}", *static_cast<const std::int64_t*>(value));
    case Kind::Float: return fmt::format("{:#}", *static_cast<const float*>(value));
    case Kind::Double: return fmt::format("{:#}", *static_cast<const double*>(value));
    case Kind::Blob: {
      const auto size = static_cast<const Bytes*>(value)->size();
      return fmt::format("java.nio.HeapByteBuffer[pos=0 lim={} cap={}]", size, size);
    }
    case Kind::List: return plain_list(shape, value);
    case Kind::Map: return plain_map(shape, value);
    case Kind::Structure: return std::string(shape.name);
    case Kind::Timestamp:
    case Kind::Document:
    case Kind::Stream: break;
  }
  return "...";
}

class Checker {
 public:
  explicit Checker(std::vector<Violation>& violations) : violations_(violations) {}

  void structure(const Shape& shape, const void* object, const std::string& parent) {
    for (const auto& member : shape.members) {
      if (violations_.size() >= kMostViolations) return;
      const void* value = member.find(object);
      if (value != nullptr) {
        check(*member.shape, value, parent, member.name);
      } else if (member.required && !was_reported(member_path(parent, member.name))) {
        violations_.push_back({member_path(parent, member.name), "null", "Member must not be null"});
      }
    }
  }

 private:
  /// The reader has told already of a member whose value no enum has: it is not missing on top of that.
  bool was_reported(const std::string& path) const {
    for (const auto& violation : violations_)
      if (violation.path == path) return true;
    return false;
  }

  void report(const std::string& path, const Shape& shape, const void* value, std::string requirement) {
    if (violations_.size() < kMostViolations)
      violations_.push_back({path, shape.is_sensitive ? "" : shown_value(plain(shape, value)), std::move(requirement)});
  }

  /// `name` is put behind `parent` only where a path is needed: most values have nothing wrong.
  void check(const Shape& shape, const void* value, const std::string& parent, std::string_view name) {
    for (auto& requirement : broken(shape, value))
      report(member_path(parent, name), shape, value, std::move(requirement));
    switch (shape.kind) {
      case Kind::Structure: structure(shape, value, member_path(parent, name)); break;
      case Kind::List: list(shape, value, member_path(parent, name)); break;
      case Kind::Map: map(shape, value, member_path(parent, name)); break;
      default: break;
    }
  }

  void list(const Shape& shape, const void* value, const std::string& path) {
    const std::size_t size = shape.list->size(value);
    for (std::size_t i = 0; i < size && violations_.size() < kMostViolations; ++i) {
      const void* item = shape.list->at(value, i);
      if (is_scalar(*shape.element)) {
        if (const auto requirements = broken(*shape.element, item); !requirements.empty()) {
          // One violation for the whole list, naming all that its items have to satisfy.
          report(path, shape, value, fmt::format("Member must satisfy constraint: [{}]", all_of(*shape.element)));
          return;
        }
      } else {
        check(*shape.element, item, fmt::format("{}.{}", path, i + 1), "member");
      }
    }
  }

  void map(const Shape& shape, const void* value, const std::string& path) {
    struct State {
      Checker& checker;
      const Shape& shape;
      const std::string& path;
      const Shape* bad_key = nullptr;
      const Shape* bad_value = nullptr;
    } state{*this, shape, path};
    shape.map->each(value, &state, [](void* opaque, const std::string& key, const void* item) {
      auto& s = *static_cast<State*>(opaque);
      if (s.shape.key->kind == Kind::String && !broken(*s.shape.key, &key).empty()) s.bad_key = s.shape.key;
      if (!is_scalar(*s.shape.element))
        s.checker.check(*s.shape.element, item, fmt::format("{}.{}", s.path, key), "member");
      else if (!broken(*s.shape.element, item).empty())
        s.bad_value = s.shape.element;
    });
    if (state.bad_key != nullptr)
      report(path, shape, value, fmt::format("Map keys must satisfy constraint: [{}]", all_of(*state.bad_key)));
    if (state.bad_value != nullptr)
      report(path, shape, value, fmt::format("Map value must satisfy constraint: [{}]", all_of(*state.bad_value)));
  }

  /// Everything that a scalar of this shape has to satisfy.
  static std::string all_of(const Shape& shape) {
    const bool is_number = shape.kind == Kind::Integer || shape.kind == Kind::Long || shape.kind == Kind::Float ||
                           shape.kind == Kind::Double;
    const std::string_view what = is_number ? "value" : "length";
    std::vector<std::string> all;
    if (shape.has_max)
      all.push_back(fmt::format("Member must have {} less than or equal to {}", what, number(shape.max)));
    if (shape.has_min)
      all.push_back(fmt::format("Member must have {} greater than or equal to {}", what, number(shape.min)));
    if (!shape.pattern.empty())
      all.push_back(fmt::format("Member must satisfy regular expression pattern: {}", shape.model_pattern));
    return fmt::format("{}", fmt::join(all, ", "));
  }

  std::vector<Violation>& violations_;
};

}  // namespace

void check_constraints(const Shape& shape, const void* structure, std::vector<Violation>& violations) {
  Checker(violations).structure(shape, structure, {});
}

std::vector<std::string_view> unusable_patterns(const ServiceModel& model) {
  std::vector<std::string_view> bad;
  for (const Shape* shape : model.shapes)
    if (!shape->pattern.empty() && !compiled(*shape).ok()) bad.push_back(shape->pattern);
  return bad;
}

std::string member_path(const std::string& parent, std::string_view name) {
  std::string path = parent.empty() ? std::string() : parent + ".";
  const auto at = path.size();
  path += name;
  if (at < path.size() && path[at] >= 'A' && path[at] <= 'Z') path[at] = static_cast<char>(path[at] - 'A' + 'a');
  return path;
}

std::string shown_value(std::string_view text) {
  if (text.size() <= kLongestShown) return fmt::format("'{}'", text);
  // Not in the middle of a character.
  std::size_t end = kLongestShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return fmt::format("'{}...'", text.substr(0, end));
}

std::string enum_requirement(const std::vector<std::string_view>& values) {
  return fmt::format("Member must satisfy enum value set: [{}]", fmt::join(values, ", "));
}

std::string validation_message(const std::vector<Violation>& violations) {
  auto text = fmt::format("{} validation error{} detected: ", violations.size(), violations.size() == 1 ? "" : "s");
  for (std::size_t i = 0; i < violations.size(); ++i) {
    const auto& violation = violations[i];
    if (i > 0) text += "; ";
    text += violation.value.empty() ? "Value" : "Value " + violation.value;
    text += fmt::format(" at '{}' failed to satisfy constraint: {}", violation.path, violation.requirement);
  }
  return text;
}

}  // namespace likeness::aws
