#include "aws/form.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>

#include "aws/scalars.hpp"
#include "aws/utf8.hpp"
#include "net/http.hpp"

namespace likeness::aws {
namespace {

constexpr std::size_t kMostParameters = 20'000;  // IAM's largest input has some hundreds
constexpr int kDepth = 64;                       // of names below names

using Parameter = std::pair<std::string, std::string>;

/// Calls `take` for each "name=value", still encoded, until it returns false.
template <class Take>
void each_pair(std::string_view text, Take take) {
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    if (!take(pair.substr(0, equals), equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1)))
      return;
  }
}

/// Parameters sorted by name: those below one name are neighbours.
using Parameters = std::span<const Parameter>;

Failure malformed(std::string message) { return client_error("MalformedInput", std::move(message)); }

/// Those named `prefix` or "PREFIX.anything".
Parameters below(Parameters all, const std::string& prefix) {
  // '-' and other characters sort before '.', so "A-b" may stand between "A" and "A.b": two searches.
  const auto first = std::ranges::lower_bound(all, prefix + ".", {}, &Parameter::first);
  const auto last = std::ranges::lower_bound(first, all.end(), prefix + "/", {}, &Parameter::first);
  return {first, last};
}

const std::string* exactly(Parameters all, const std::string& name) {
  const auto at = std::ranges::lower_bound(all, name, {}, &Parameter::first);
  return at != all.end() && at->first == name ? &at->second : nullptr;
}

class Reader {
 public:
  explicit Reader(Parameters all) : all_(all) {}

  std::vector<Violation> violations;
  std::string problem;

  bool structure(const Shape& shape, void* object, const std::string& prefix, const std::string& path) {
    for (const auto& member : shape.members) {
      const std::string name = (prefix.empty() ? std::string() : prefix + ".") + std::string(member.form_name());
      if (!is_there(name)) continue;
      const std::string member_at = member_path(path, member.name);
      void* slot = member.slot(object);
      if (!value(*member.shape, member.ops->emplace(slot), name, member.timestamp_format, member.is_flattened(),
                 member_at))
        return false;
      if (unknown_) member.ops->reset(slot);
      unknown_ = false;
    }
    return true;
  }

 private:
  bool is_there(const std::string& name) const { return exactly(all_, name) != nullptr || !below(all_, name).empty(); }

  bool fail(std::string text) {
    problem = std::move(text);
    return false;
  }

  bool value(const Shape& shape, void* at, const std::string& name, TimestampFormat format, bool flattened,
             const std::string& path) {
    if (depth_ >= kDepth) return fail("The parameters nest too deep");
    struct Level {
      int& depth;
      explicit Level(int& d) : depth(d) { ++depth; }
      ~Level() { --depth; }
    } const level(depth_);
    switch (shape.kind) {
      case Kind::Structure: return structure(shape, at, name, path);
      case Kind::List: return list(shape, at, name, flattened, path);
      case Kind::Map: return map(shape, at, name, flattened, path);
      case Kind::Document:
      case Kind::Stream: return fail(fmt::format("{} cannot be part of a form", name.substr(0, 128)));
      default: return scalar(shape, at, name, format, path);
    }
  }

  bool scalar(const Shape& shape, void* at, const std::string& name, TimestampFormat format, const std::string& path) {
    const std::string* text = exactly(all_, name);
    if (text == nullptr) return fail(fmt::format("{} is not a value but has parts", name.substr(0, 128)));
    switch (read_scalar(shape, *text, format, TimestampFormat::Iso8601, at)) {
      case ScalarRead::Ok: return true;
      case ScalarRead::Malformed:
        return fail(fmt::format("{} can not be converted to {}", shown_value(*text), scalar_name(shape.kind)));
      case ScalarRead::UnknownEnum:
        violations.push_back({path, shape.is_sensitive ? "" : shown_value(*text),
                              enum_requirement({shape.enum_values.begin(), shape.enum_values.end()})});
        unknown_ = true;
        return true;
    }
    return true;
  }

  /// The numbers N of "PREFIX.N" and "PREFIX.N.anything", in their order.
  bool indices(const std::string& prefix, std::vector<std::uint32_t>& out) {
    for (const auto& [name, text] : below(all_, prefix)) {
      const std::string_view rest = std::string_view(name).substr(prefix.size() + 1);
      std::uint32_t index = 0;
      const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), index);
      const bool ends = read.ptr == rest.data() + rest.size() || *read.ptr == '.';
      if (read.ec != std::errc() || !ends || rest.starts_with('0'))
        return fail(fmt::format("{} is not a member of a list", name.substr(0, 128)));
      out.push_back(index);
    }
    std::ranges::sort(out);
    out.erase(std::ranges::unique(out).begin(), out.end());
    return true;
  }

  bool list(const Shape& shape, void* at, const std::string& name, bool flattened, const std::string& path) {
    // "ListArg=" is how an empty list is written.
    const std::string* own = exactly(all_, name);
    if (own != nullptr && !own->empty()) return fail(fmt::format("{} is a list", name.substr(0, 128)));
    std::string prefix = name;
    if (!flattened) prefix += "." + std::string(shape.item_name.empty() ? "member" : shape.item_name);
    std::vector<std::uint32_t> found;
    if (!indices(prefix, found)) return false;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (!value(*shape.element, shape.list->append(at), fmt::format("{}.{}", prefix, found[i]), TimestampFormat::Unset,
                 false, fmt::format("{}.{}.member", path, i + 1)))
        return false;
      if (unknown_) shape.list->drop_last(at);
      unknown_ = false;
    }
    return true;
  }

  bool map(const Shape& shape, void* at, const std::string& name, bool flattened, const std::string& path) {
    std::string prefix = name;
    if (!flattened) prefix += ".entry";
    std::vector<std::uint32_t> found;
    if (!indices(prefix, found)) return false;
    for (const auto index : found) {
      const std::string entry = fmt::format("{}.{}", prefix, index);
      const std::string* key =
          exactly(all_, entry + "." + std::string(shape.key_name.empty() ? "key" : shape.key_name));
      if (key == nullptr) return fail(fmt::format("{} has no key", entry.substr(0, 128)));
      void* slot = shape.map->insert(at, *key);
      if (slot == nullptr) return fail(fmt::format("{} occurs twice", shown_value(*key)));
      const std::string value_name = entry + "." + std::string(shape.value_name.empty() ? "value" : shape.value_name);
      if (!is_there(value_name)) return fail(fmt::format("{} has no value", entry.substr(0, 128)));
      if (!value(*shape.element, slot, value_name, TimestampFormat::Unset, false, path + "." + *key + ".member"))
        return false;
      if (unknown_) shape.map->erase(at, *key);
      unknown_ = false;
    }
    return true;
  }

  const Parameters all_;
  int depth_ = 0;
  bool unknown_ = false;  // the scalar just read has a value that its enum lacks
};

}  // namespace

std::optional<std::string> form_value(std::string_view form, std::string_view name) {
  std::optional<std::string> found;
  each_pair(form, [&](std::string_view key, std::string_view value) {
    if (key != name) return true;
    found = net::percent_decode(value, true);
    return false;
  });
  return found;
}

Result<std::vector<Violation>> read_form(std::string_view form, std::string_view query, const Shape& shape,
                                         void* structure) {
  std::vector<Parameter> parameters;
  bool readable = true;
  const auto take = [&](std::string_view key, std::string_view value) {
    auto name = net::percent_decode(key, true);
    auto text = net::percent_decode(value, true);
    readable = name && text && is_utf8(*name) && is_utf8(*text) && parameters.size() < kMostParameters;
    if (readable) parameters.emplace_back(std::move(*name), std::move(*text));
    return readable;
  };
  each_pair(form, take);
  if (readable) each_pair(query, take);
  if (!readable && parameters.size() >= kMostParameters)
    return malformed(fmt::format("The request has more than {} parameters", kMostParameters));
  if (!readable) return malformed("The parameters of the request are not encoded as a form is");
  std::ranges::sort(parameters, {}, &Parameter::first);
  const auto twice = std::ranges::adjacent_find(parameters, {}, &Parameter::first);
  if (twice != parameters.end())
    return malformed(fmt::format("The parameter {} occurs twice", shown_value(twice->first)));
  Reader reader(parameters);
  if (!reader.structure(shape, structure, {}, {})) return malformed(std::move(reader.problem));
  return std::move(reader.violations);
}

}  // namespace likeness::aws
