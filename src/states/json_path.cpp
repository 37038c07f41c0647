#include "states/json_path.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <optional>

#include "states/json_path_parts.hpp"

namespace likeness::states {
namespace {

/// What one evaluation may visit: deep scans behind one another would otherwise grow without bound.
constexpr std::size_t kMaxVisits = 1'000'000;

using Values = std::vector<Value>;

class Reader {
 public:
  explicit Reader(const Value& root) : root_(root) {}

  bool too_wide() const { return visits_ > kMaxVisits; }
  const std::string& missing() const { return missing_; }

  /// What `segments` from `at` on find in `value`.
  void read(const Value& value, const PathSegments& segments, std::size_t at, Values& out) {
    if (++visits_ > kMaxVisits) return;
    if (at == segments.size()) {
      out.push_back(value);
      return;
    }
    if (segments[at].deep) {
      scan(value, segments, at, out);
    } else {
      step(value, segments, at, out);
    }
  }

 private:
  void scan(const Value& value, const PathSegments& segments, std::size_t at, Values& out) {
    if (++visits_ > kMaxVisits) return;
    step(value, segments, at, out);
    if (value.is_object()) {
      for (const auto& [name, member] : value.as_object()) scan(member, segments, at, out);
    } else if (value.is_array()) {
      for (const auto& item : value.as_array()) scan(item, segments, at, out);
    }
  }

  void note_missing(const PathSegments& segments, std::size_t at) {
    if (!missing_.empty()) return;
    std::string place = "$";
    for (std::size_t i = 0; i <= at; ++i) {
      if (segments[i].kind == PathSegment::Kind::Names && !segments[i].names.empty()) {
        place += "['" + segments[i].names.front() + "']";
      } else if (segments[i].kind == PathSegment::Kind::Indexes && !segments[i].indexes.empty()) {
        place += "[" + std::to_string(segments[i].indexes.front()) + "]";
      }
    }
    missing_ = at + 1 == segments.size() ? "No results for path: " + place : "Missing property in path " + place;
  }

  void step(const Value& value, const PathSegments& segments, std::size_t at, Values& out) {
    const auto& segment = segments[at];
    switch (segment.kind) {
      case PathSegment::Kind::Names: return names(value, segments, at, out);
      case PathSegment::Kind::Indexes:
        for (const auto index : segment.indexes) {
          if (!value.is_array()) {
            note_missing(segments, at);
            return;
          }
          const auto& items = value.as_array();
          const auto size = static_cast<std::int64_t>(items.size());
          const auto place = index < 0 ? size + index : index;
          if (place < 0 || place >= size) {
            note_missing(segments, at);
            continue;
          }
          read(items[static_cast<std::size_t>(place)], segments, at + 1, out);
        }
        return;
      case PathSegment::Kind::Slice: return slice(value, segments, at, out);
      case PathSegment::Kind::Wildcard:
        if (value.is_object()) {
          for (const auto& [name, member] : value.as_object()) read(member, segments, at + 1, out);
        } else if (value.is_array()) {
          for (const auto& item : value.as_array()) read(item, segments, at + 1, out);
        }
        return;
      case PathSegment::Kind::Filter:
        if (value.is_array()) {
          for (const auto& item : value.as_array())
            if (holds(segment.filter, item)) read(item, segments, at + 1, out);
        } else if (value.is_object() && holds(segment.filter, value)) {
          read(value, segments, at + 1, out);
        }
        return;
      case PathSegment::Kind::Function:
        if (auto result = call(segment.function, value)) {
          read(*result, segments, at + 1, out);
        } else {
          note_missing(segments, at);
        }
        return;
    }
  }

  void names(const Value& value, const PathSegments& segments, std::size_t at, Values& out) {
    const auto& segment = segments[at];
    if (!value.is_object()) {
      note_missing(segments, at);
      return;
    }
    if (segment.names.size() > 1 && at + 1 == segments.size()) {
      // Several names at the end give one object of those that are there.
      Object found;
      for (const auto& name : segment.names)
        if (const Value* const member = value.find(name)) found.set(name, *member);
      out.emplace_back(std::move(found));
      return;
    }
    for (const auto& name : segment.names) {
      const Value* const member = value.find(name);
      if (member == nullptr) {
        note_missing(segments, at);
        continue;
      }
      read(*member, segments, at + 1, out);
    }
  }

  void slice(const Value& value, const PathSegments& segments, std::size_t at, Values& out) {
    if (!value.is_array()) return;
    const auto& segment = segments[at];
    const auto& items = value.as_array();
    const auto size = static_cast<std::int64_t>(items.size());
    const auto step = segment.step.value_or(1);
    if (step <= 0) return;
    const auto bound = [size](std::int64_t place) {
      return std::clamp(place < 0 ? size + place : place, std::int64_t{0}, size);
    };
    const auto last = bound(segment.to.value_or(size));
    for (auto i = bound(segment.from.value_or(0)); i < last; i += std::min(step, size))
      read(items[static_cast<std::size_t>(i)], segments, at + 1, out);
  }

  static std::optional<Value> call(const std::string& function, const Value& value) {
    if (function == "length" || function == "size") {
      if (value.is_array()) return Value(static_cast<std::int64_t>(value.as_array().size()));
      if (value.is_object()) return Value(static_cast<std::int64_t>(value.as_object().size()));
      return std::nullopt;
    }
    if (function == "keys") {
      if (!value.is_object()) return std::nullopt;
      Values keys;
      for (const auto& [name, member] : value.as_object()) keys.emplace_back(name);
      return Value(std::move(keys));
    }
    if (!value.is_array() || value.as_array().empty()) return std::nullopt;
    const auto& items = value.as_array();
    if (function == "first") return items.front();
    if (function == "last") return items.back();
    std::optional<double> result;
    double sum = 0;
    std::size_t count = 0;
    for (const auto& item : items) {
      if (!item.is_number()) continue;
      const double number = item.as_double();
      sum += number;
      ++count;
      if (!result || (function == "min" ? number < *result : number > *result)) result = number;
    }
    if (!result) return std::nullopt;
    if (function == "sum") return Value(sum);
    if (function == "avg") return Value(sum / static_cast<double>(count));
    return Value(*result);
  }

  std::optional<Value> operand(const PathFilter& filter, const Value& current) {
    if (filter.kind == PathFilter::Kind::Literal) return filter.literal;
    if (filter.kind != PathFilter::Kind::Current && filter.kind != PathFilter::Kind::Root) return std::nullopt;
    Values found;
    std::string kept = std::move(missing_);
    read(filter.kind == PathFilter::Kind::Current ? current : root_, *filter.path, 0, found);
    missing_ = std::move(kept);
    if (!filter.definite) return Value(std::move(found));
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
  }

  bool holds(const PathFilter& filter, const Value& current) {
    if (++visits_ > kMaxVisits) return false;
    switch (filter.kind) {
      case PathFilter::Kind::Or:
        return std::any_of(filter.operands.begin(), filter.operands.end(),
                           [&](const auto& part) { return holds(part, current); });
      case PathFilter::Kind::And:
        return std::all_of(filter.operands.begin(), filter.operands.end(),
                           [&](const auto& part) { return holds(part, current); });
      case PathFilter::Kind::Not: return !holds(filter.operands.front(), current);
      case PathFilter::Kind::Exists: {
        const auto found = operand(filter.operands.front(), current);
        return found && (filter.operands.front().definite || !found->as_array().empty());
      }
      case PathFilter::Kind::Compare: return compare(filter, current);
      case PathFilter::Kind::Literal: return filter.literal.is_bool() && filter.literal.as_bool();
      default: return false;
    }
  }

  static std::optional<int> order(const Value& left, const Value& right) {
    if (left.is_number() && right.is_number()) {
      if (left.is_integer() && right.is_integer())
        return left.as_integer() < right.as_integer() ? -1 : left.as_integer() > right.as_integer() ? 1 : 0;
      return left.as_double() < right.as_double() ? -1 : left.as_double() > right.as_double() ? 1 : 0;
    }
    if (left.is_string() && right.is_string()) {
      const int result = left.as_string().compare(right.as_string());
      return result < 0 ? -1 : result > 0 ? 1 : 0;
    }
    return std::nullopt;
  }

  static bool contains(const Value& list, const Value& item) {
    return list.is_array() && std::find(list.as_array().begin(), list.as_array().end(), item) != list.as_array().end();
  }

  bool compare(const PathFilter& filter, const Value& current) {
    const auto left = operand(filter.operands[0], current);
    const auto& op = filter.op;
    if (op == "=~") {
      const auto& pattern = filter.operands[1].kind == PathFilter::Kind::Pattern ? filter.operands[1].pattern : "";
      if (!left || !left->is_string()) return false;
      RE2::Options options;
      options.set_log_errors(false);
      options.set_max_mem(1 << 20);
      const RE2 expression(pattern, options);
      return expression.ok() && RE2::FullMatch(left->as_string(), expression);
    }
    const auto right = operand(filter.operands[1], current);
    if (op == "==" || op == "===") return left && right ? *left == *right : !left && !right;
    if (op == "!=" || op == "!==") return left && right ? !(*left == *right) : left.has_value() != right.has_value();
    if (!left || !right) return false;
    if (op == "in") return contains(*right, *left);
    if (op == "nin") return !contains(*right, *left);
    if (op == "contains")
      return contains(*left, *right) || (left->is_string() && right->is_string() &&
                                         left->as_string().find(right->as_string()) != std::string::npos);
    if (op == "empty") {
      const bool is_empty = (left->is_array() && left->as_array().empty()) ||
                            (left->is_string() && left->as_string().empty()) ||
                            (left->is_object() && left->as_object().empty());
      return right->is_bool() && right->as_bool() == is_empty;
    }
    if (op == "size") {
      if (!right->is_integer()) return false;
      const auto size = left->is_array()    ? left->as_array().size()
                        : left->is_string() ? left->as_string().size()
                                            : std::size_t{0};
      return (left->is_array() || left->is_string()) && static_cast<std::int64_t>(size) == right->as_integer();
    }
    if (op == "subsetof" || op == "anyof" || op == "noneof") {
      if (!left->is_array()) return false;
      std::size_t inside = 0;
      for (const auto& item : left->as_array()) inside += contains(*right, item) ? 1 : 0;
      if (op == "subsetof") return inside == left->as_array().size();
      return op == "anyof" ? inside > 0 : inside == 0;
    }
    const auto ordered = order(*left, *right);
    if (!ordered) return false;
    if (op == "<") return *ordered < 0;
    if (op == "<=") return *ordered <= 0;
    if (op == ">") return *ordered > 0;
    return *ordered >= 0;
  }

  const Value& root_;
  std::size_t visits_ = 0;
  std::string missing_;
};

Result<Value> written(const Value& base, const PathSegments& segments, std::size_t at, const Value& result) {
  if (at == segments.size()) return result;
  const auto& segment = segments[at];
  if (segment.kind == PathSegment::Kind::Names) {
    // What is no object (null, a string …) gives way, as AWS's reference paths do.
    Object object = base.is_object() ? base.as_object() : Object();
    const Value* const there = object.find(segment.names.front());
    auto inner = written(there != nullptr ? *there : Value(), segments, at + 1, result);
    if (!inner) return inner;
    object.set(segment.names.front(), std::move(*inner));
    return Value(std::move(object));
  }
  const auto index = segment.indexes.front();
  if (!base.is_array() || index < 0 || index >= static_cast<std::int64_t>(base.as_array().size()))
    return client_error("PathMismatch", "there is no such item in the list");
  Values items = base.as_array();
  auto inner = written(items[static_cast<std::size_t>(index)], segments, at + 1, result);
  if (!inner) return inner;
  items[static_cast<std::size_t>(index)] = std::move(*inner);
  return Value(std::move(items));
}

}  // namespace

Result<Value> JsonPath::read(const Value& root) const {
  if (segments_->empty()) return root;
  Reader reader(root);
  Values found;
  reader.read(root, *segments_, 0, found);
  if (reader.too_wide()) return client_error("PathTooWide", "the path visits too many values");
  if (!definite_) {
    // A function at the end is of all that was found.
    return Value(std::move(found));
  }
  if (found.empty())
    return client_error("PathNotFound", reader.missing().empty() ? "No results for path: " + text_ : reader.missing());
  return std::move(found.front());
}

Result<Value> JsonPath::write(const Value& base, const Value& result) const {
  return written(base, *segments_, 0, result);
}

}  // namespace likeness::states
