#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/bytes.hpp"
#include "states/expression.hpp"
#include "states/named_digest.hpp"

namespace likeness::states {
namespace {

using Arguments = std::vector<Value>;
using Function = Result<Value> (*)(const Arguments&);

constexpr std::size_t kMaxText = 10000;   // of what is hashed, encoded or decoded
constexpr std::int64_t kMaxRange = 1000;  // items of States.ArrayRange

Failure wrong(std::string_view what = "The arguments passed to the function are not valid.") {
  return client_error("InvalidArgument", std::string(what));
}

Result<Value> array(const Arguments& in) { return Value(Value::Array(in)); }

bool whole(const Value& value) {
  return value.is_integer() || (value.is_number() && std::floor(value.as_double()) == value.as_double() &&
                                std::abs(value.as_double()) < 9e15);
}
std::int64_t to_whole(const Value& value) {
  return value.is_integer() ? value.as_integer() : static_cast<std::int64_t>(value.as_double());
}

Result<Value> array_partition(const Arguments& in) {
  if (in.size() != 2 || !in[0].is_array() || !whole(in[1]) || to_whole(in[1]) <= 0) return wrong();
  const auto size = static_cast<std::size_t>(to_whole(in[1]));
  const auto& items = in[0].as_array();
  Value::Array out;
  for (std::size_t i = 0; i < items.size(); i += std::min(size, items.size() - i)) {
    const auto end = i + std::min(size, items.size() - i);
    out.emplace_back(
        Value::Array(items.begin() + static_cast<std::ptrdiff_t>(i), items.begin() + static_cast<std::ptrdiff_t>(end)));
  }
  return Value(std::move(out));
}

Result<Value> array_contains(const Arguments& in) {
  if (in.size() != 2 || !in[0].is_array()) return wrong();
  const auto& items = in[0].as_array();
  return Value(std::find(items.begin(), items.end(), in[1]) != items.end());
}

Result<Value> array_range(const Arguments& in) {
  if (in.size() != 3 || !in[0].is_number() || !in[1].is_number() || !in[2].is_number()) return wrong();
  const auto rounded = [](const Value& value) {
    return value.is_integer() ? value.as_integer()
                              : static_cast<std::int64_t>(std::floor(std::clamp(value.as_double(), -9e15, 9e15) + 0.5));
  };
  const auto first = rounded(in[0]);
  const auto last = rounded(in[1]);
  const auto step = rounded(in[2]);
  if (step == 0) return wrong();
  // Counted in floating point first: the difference of two 64-bit numbers may not fit.
  const double count = (static_cast<double>(last) - static_cast<double>(first)) / static_cast<double>(step);
  if (count >= static_cast<double>(kMaxRange)) return wrong("The range would have more than 1000 items.");
  Value::Array out;
  for (std::int64_t i = 0; count >= 0 && i <= static_cast<std::int64_t>(count); ++i) out.emplace_back(first + i * step);
  return Value(std::move(out));
}

Result<Value> array_get_item(const Arguments& in) {
  if (in.size() != 2 || !in[0].is_array() || !whole(in[1])) return wrong();
  const auto index = to_whole(in[1]);
  if (index < 0 || index >= static_cast<std::int64_t>(in[0].as_array().size()))
    return wrong("The index is out of the bounds of the array.");
  return in[0].as_array()[static_cast<std::size_t>(index)];
}

Result<Value> array_length(const Arguments& in) {
  if (in.size() != 1 || !in[0].is_array()) return wrong();
  return Value(static_cast<std::int64_t>(in[0].as_array().size()));
}

Result<Value> array_unique(const Arguments& in) {
  if (in.size() != 1 || !in[0].is_array()) return wrong();
  Value::Array out;
  std::vector<std::string> seen;  // sorted texts: comparing each with each would be slow
  for (const auto& item : in[0].as_array()) {
    auto text = write_json(item);
    const auto at = std::lower_bound(seen.begin(), seen.end(), text);
    if (at != seen.end() && *at == text) continue;
    seen.insert(at, std::move(text));
    out.push_back(item);
  }
  return Value(std::move(out));
}

Result<Value> base64_encode(const Arguments& in) {
  if (in.size() != 1 || !in[0].is_string() || in[0].as_string().size() > kMaxText) return wrong();
  return Value(to_base64(as_bytes(in[0].as_string())));
}

Result<Value> base64_decode(const Arguments& in) {
  if (in.size() != 1 || !in[0].is_string() || in[0].as_string().size() > kMaxText) return wrong();
  const auto bytes = from_base64(in[0].as_string());
  if (!bytes) return wrong();
  return Value(as_text(*bytes));
}

Result<Value> hash(const Arguments& in) {
  if (in.size() != 2 || !in[1].is_string()) return wrong();
  const auto text = in[0].is_string() ? in[0].as_string() : write_json(in[0]);
  if (text.size() > kMaxText) return wrong();
  auto digest = named_digest(in[1].as_string(), text);
  if (!digest) return wrong();
  return Value(std::move(*digest));
}

Result<Value> json_merge(const Arguments& in) {
  if (in.size() != 3 || !in[0].is_object() || !in[1].is_object() || !in[2].is_bool()) return wrong();
  if (in[2].as_bool()) return wrong("Deep merging is not supported: the third argument must be false.");
  Object out = in[0].as_object();
  for (const auto& [name, value] : in[1].as_object()) out.set(name, value);
  return Value(std::move(out));
}

Result<Value> string_to_json(const Arguments& in) {
  if (in.size() != 1 || !in[0].is_string()) return wrong();
  const auto& text = in[0].as_string();
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return Value();
  auto parsed = parse_json(text);
  if (!parsed) return wrong("Failed to parse the arg as JSON: " + parsed.error().message);
  return parsed;
}

Result<Value> json_to_string(const Arguments& in) {
  if (in.size() != 1) return wrong();
  return Value(write_json(in[0]));
}

/// Java's Math.round: halves go up.
std::int64_t rounded(const Value& value) {
  if (value.is_integer()) return value.as_integer();
  return static_cast<std::int64_t>(std::floor(std::clamp(value.as_double(), -9e18, 9e18) + 0.5));
}

Result<Value> math_random(const Arguments& in) {
  if (in.size() < 2 || in.size() > 3 || !in[0].is_number() || !in[1].is_number()) return wrong();
  const auto first = rounded(in[0]);
  const auto last = rounded(in[1]);
  if (last <= first) return wrong();
  std::uniform_int_distribution<std::int64_t> pick(first, last - 1);
  if (in.size() == 3) {
    if (!in[2].is_number()) return wrong();
    std::mt19937_64 generator(static_cast<std::uint64_t>(rounded(in[2])));
    return Value(pick(generator));
  }
  std::random_device device;
  std::mt19937_64 generator((static_cast<std::uint64_t>(device()) << 32) | device());
  return Value(pick(generator));
}

Result<Value> math_add(const Arguments& in) {
  if (in.size() != 2 || !in[0].is_number() || !in[1].is_number()) return wrong();
  std::int64_t sum = 0;
  if (__builtin_add_overflow(rounded(in[0]), rounded(in[1]), &sum)) return wrong();
  return Value(sum);
}

Result<Value> string_split(const Arguments& in) {
  if (in.size() != 2 || !in[0].is_string() || !in[1].is_string()) return wrong();
  // Each character of the second argument separates; what is empty is left out.
  const auto& text = in[0].as_string();
  Value::Array out;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = std::min(text.find_first_of(in[1].as_string(), at), text.size());
    if (end > at) out.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return Value(std::move(out));
}

Result<Value> uuid(const Arguments& in) {
  if (!in.empty()) return wrong();
  return Value(uuid_v4());
}

/// As Java prints a Map and a List: that is what States.Format puts into the text.
void java_text(const Value& value, std::string& out) {
  if (value.is_string()) {
    out += value.as_string();
  } else if (value.is_object()) {
    out.push_back('{');
    bool first = true;
    for (const auto& [name, member] : value.as_object()) {
      if (!first) out += ", ";
      first = false;
      out += name + "=";
      java_text(member, out);
    }
    out.push_back('}');
  } else if (value.is_array()) {
    out.push_back('[');
    bool first = true;
    for (const auto& item : value.as_array()) {
      if (!first) out += ", ";
      first = false;
      java_text(item, out);
    }
    out.push_back(']');
  } else {
    write_json(value, out);
  }
}

Result<Value> format(const Arguments& in) {
  if (in.empty() || !in[0].is_string()) return wrong();
  const auto& pattern = in[0].as_string();
  std::string out;
  std::size_t next = 1;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size() && (pattern[i + 1] == '{' || pattern[i + 1] == '}')) {
      out.push_back(pattern[++i]);
    } else if (c == '{' && i + 1 < pattern.size() && pattern[i + 1] == '}') {
      if (next >= in.size()) return wrong("Number of arguments do not match the occurrences of {}");
      java_text(in[next++], out);
      ++i;
    } else {
      out.push_back(c);
    }
  }
  if (next != in.size()) return wrong("Number of arguments do not match the occurrences of {}");
  return Value(std::move(out));
}

struct Entry {
  std::string_view name;
  Function function;
};
constexpr Entry kFunctions[] = {
    {"Array", array},
    {"ArrayPartition", array_partition},
    {"ArrayContains", array_contains},
    {"ArrayRange", array_range},
    {"ArrayGetItem", array_get_item},
    {"ArrayLength", array_length},
    {"ArrayUnique", array_unique},
    {"Base64Encode", base64_encode},
    {"Base64Decode", base64_decode},
    {"Hash", hash},
    {"JsonMerge", json_merge},
    {"StringToJson", string_to_json},
    {"JsonToString", json_to_string},
    {"MathRandom", math_random},
    {"MathAdd", math_add},
    {"StringSplit", string_split},
    {"UUID", uuid},
    {"Format", format},
};

}  // namespace

bool is_intrinsic(std::string_view name) {
  return std::any_of(std::begin(kFunctions), std::end(kFunctions),
                     [&](const auto& entry) { return entry.name == name; });
}

Result<Value> call_intrinsic(std::string_view name, const std::vector<Value>& arguments) {
  for (const auto& entry : kFunctions)
    if (entry.name == name) return entry.function(arguments);
  return client_error("UnknownFunction", fmt::format("There is no function States.{}.", name));
}

}  // namespace likeness::states
