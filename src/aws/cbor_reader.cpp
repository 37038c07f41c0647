#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "aws/cbor.hpp"
#include "aws/timestamps.hpp"
#include "aws/types.hpp"
#include "aws/utf8.hpp"

namespace likeness::aws {
namespace {

enum Major : std::uint8_t { Unsigned, Negative, ByteString, TextString, Array, Map, Tag, Simple };

constexpr std::uint64_t kIndefinite = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kEpochTag = 1;

struct Head {
  std::uint8_t major = 0;
  std::uint8_t info = 0;
  std::uint64_t value = 0;  // kIndefinite where the length is not given
  bool indefinite = false;

  bool is_break() const { return major == Simple && indefinite; }
  bool is_nothing() const { return major == Simple && (info == 22 || info == 23); }  // null, undefined
};

double half(std::uint64_t bits) {
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const auto fraction = static_cast<double>(bits & 1023);
  double value = 0;
  if (exponent == 0)
    value = std::ldexp(fraction, -24);
  else if (exponent == 31)
    value = fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  else
    value = std::ldexp(1024 + fraction, exponent - 25);
  return (bits & 0x8000) != 0 ? -value : value;
}

class Reader {
 public:
  Reader(BytesView bytes, const CborReadOptions& options) : rest_(bytes), options_(options) {}

  std::vector<Violation> violations;

  Result<void> document(const Shape& shape, void* structure) {
    Head head;
    if (auto read = next(head); !read) return read;
    if (auto read = structure_value(shape, structure, head, 0); !read) return read;
    if (!rest_.empty()) return broken("something follows the value");
    return {};
  }

 private:
  static Failure broken(std::string_view why) {
    return client_error("SerializationException", fmt::format("The request body is not valid CBOR: {}", why));
  }
  static Failure mismatch(const Shape& shape) {
    constexpr std::string_view kNames[] = {"a Structure", "a List",      "a Map",      "a String", "a String",
                                           "a Boolean",   "an Integer",  "a Long",     "a Float",  "a Double",
                                           "a Blob",      "a Timestamp", "a Document", "a Stream"};
    return client_error("SerializationException", fmt::format("A value can not be converted to {}",
                                                              kNames[static_cast<std::size_t>(shape.kind)]));
  }

  Result<void> next(Head& head) {
    if (rest_.empty()) return broken("it ends early");
    head = {};
    head.major = rest_[0] >> 5;
    head.info = rest_[0] & 31;
    rest_ = rest_.subspan(1);
    if (head.info < 24) {
      head.value = head.info;
      return {};
    }
    if (head.info == 31) {
      if (head.major < ByteString || head.major == Tag) return broken("a number or tag has no length");
      head.indefinite = true;
      head.value = kIndefinite;
      return {};
    }
    if (head.info > 27) return broken("a reserved length");
    const std::size_t size = std::size_t{1} << (head.info - 24);
    if (rest_.size() < size) return broken("it ends early");
    for (std::size_t i = 0; i < size; ++i) head.value = head.value << 8 | rest_[i];
    rest_ = rest_.subspan(size);
    return {};
  }

  /// The bytes of a string, its parts joined.
  Result<void> string(const Head& head, std::string& out) {
    if (!head.indefinite) {
      if (head.value > rest_.size()) return broken("a string is longer than what is left");
      out.append(as_text(rest_.first(head.value)));
      rest_ = rest_.subspan(head.value);
      return {};
    }
    while (true) {
      Head part;
      if (auto read = next(part); !read) return read;
      if (part.is_break()) return {};
      if (part.major != head.major || part.indefinite) return broken("a part of a string is none");
      if (auto read = string(part, out); !read) return read;
    }
  }

  Result<void> text(const Head& head, std::string& out) {
    if (auto read = string(head, out); !read) return read;
    if (!is_utf8(out)) return broken("a text is not UTF-8");
    return {};
  }

  /// Goes over a value that nobody wants.
  Result<void> skip(const Head& head, std::size_t depth) {
    if (depth > options_.depth_limit) return too_deep();
    switch (head.major) {
      case Unsigned:
      case Negative: return {};
      case ByteString:
      case TextString: {
        std::string ignored;
        return string(head, ignored);
      }
      case Tag: return skip_next(depth + 1);
      case Simple:
        if (head.is_break()) return broken("a break where none may be");
        return {};
      default: break;
    }
    const bool pairs = head.major == Map;
    for (std::uint64_t i = 0; head.indefinite || i < head.value; ++i) {
      Head item;
      if (auto read = next(item); !read) return read;
      if (head.indefinite && item.is_break()) return {};
      if (auto read = skip(item, depth + 1); !read) return read;
      if (pairs)
        if (auto read = skip_next(depth + 1); !read) return read;
    }
    return {};
  }
  Result<void> skip_next(std::size_t depth) {
    Head head;
    if (auto read = next(head); !read) return read;
    return skip(head, depth);
  }

  Failure too_deep() const {
    return client_error("SerializationException",
                        fmt::format("The request body nests deeper than {} levels", options_.depth_limit));
  }

  struct Number {
    bool whole = false;
    std::int64_t integer = 0;  // where whole
    double real = 0;
  };

  /// Nullopt if it is none.
  static std::optional<Number> number_of(const Head& head) {
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    switch (head.major) {
      case Unsigned:
        if (head.value > kMost) return Number{false, 0, static_cast<double>(head.value)};
        return Number{true, static_cast<std::int64_t>(head.value), static_cast<double>(head.value)};
      case Negative:
        if (head.value > kMost) return Number{false, 0, -1 - static_cast<double>(head.value)};
        return Number{true, -1 - static_cast<std::int64_t>(head.value), -1 - static_cast<double>(head.value)};
      case Simple: {
        Number out;
        if (head.info == 25)
          out.real = half(head.value);
        else if (head.info == 26)
          out.real = std::bit_cast<float>(static_cast<std::uint32_t>(head.value));
        else if (head.info == 27)
          out.real = std::bit_cast<double>(head.value);
        else
          return std::nullopt;
        // 80.0 is how some languages write 80.
        out.whole = std::nearbyint(out.real) == out.real && std::abs(out.real) < 9e15;
        if (out.whole) out.integer = static_cast<std::int64_t>(out.real);
        return out;
      }
      default: return std::nullopt;
    }
  }

  Result<void> scalar(const Shape& shape, void* at, Head head, std::size_t depth) {
    if (shape.kind == Kind::String) {
      if (head.major != TextString) return mismatch(shape);
      return text(head, *static_cast<std::string*>(at));
    }
    if (shape.kind == Kind::Blob) {
      if (head.major != ByteString) return mismatch(shape);
      std::string bytes;
      if (auto read = string(head, bytes); !read) return read;
      static_cast<Bytes*>(at)->assign(bytes.begin(), bytes.end());
      return {};
    }
    if (shape.kind == Kind::Boolean) {
      if (head.major != Simple || (head.info != 20 && head.info != 21)) return mismatch(shape);
      *static_cast<bool*>(at) = head.info == 21;
      return {};
    }
    if (head.major == Tag) {
      if (shape.kind != Kind::Timestamp || head.value != kEpochTag || depth > options_.depth_limit)
        return mismatch(shape);
      if (auto read = next(head); !read) return read;
    }
    const auto number = number_of(head);
    if (!number) return mismatch(shape);
    switch (shape.kind) {
      case Kind::Integer:
        if (!number->whole || number->integer < std::numeric_limits<std::int32_t>::min() ||
            number->integer > std::numeric_limits<std::int32_t>::max())
          return mismatch(shape);
        *static_cast<std::int32_t*>(at) = static_cast<std::int32_t>(number->integer);
        return {};
      case Kind::Long:
        if (!number->whole) return mismatch(shape);
        *static_cast<std::int64_t*>(at) = number->integer;
        return {};
      case Kind::Float: *static_cast<float*>(at) = static_cast<float>(number->real); return {};
      case Kind::Double: *static_cast<double*>(at) = number->real; return {};
      case Kind::Timestamp: {
        const auto time = from_epoch_seconds(number->real);
        if (!time) return mismatch(shape);
        *static_cast<TimePoint*>(at) = *time;
        return {};
      }
      default: return mismatch(shape);
    }
  }

  /// A value into a place that `place` makes only once it is known that there is one. `path` is for messages.
  template <class Place>
  Result<void> value(const Shape& shape, const Head& head, std::size_t depth, const std::string& path,
                     const Place& place) {
    if (depth > options_.depth_limit) return too_deep();
    switch (shape.kind) {
      case Kind::Structure: return structure_value(shape, place(), head, depth, path);
      case Kind::List: return list_value(shape, place(), head, depth, path);
      case Kind::Map: return map_value(shape, place(), head, depth, path);
      case Kind::Enum: {
        if (head.major != TextString) return mismatch(shape);
        std::string name;
        if (auto read = text(head, name); !read) return read;
        for (std::size_t i = 0; i < shape.enum_values.size(); ++i) {
          if (shape.enum_values[i] != name) continue;
          const auto index = static_cast<std::uint16_t>(i);
          std::memcpy(place(), &index, sizeof index);
          return {};
        }
        if (!options_.lenient)
          violations.push_back({path, shape.is_sensitive ? "" : shown_value(name),
                                enum_requirement({shape.enum_values.begin(), shape.enum_values.end()})});
        return {};
      }
      case Kind::Document:
      case Kind::Stream: return mismatch(shape);  // no such member in any model that speaks this
      default: return scalar(shape, place(), head, depth);
    }
  }

  Result<void> structure_value(const Shape& shape, void* structure, const Head& head, std::size_t depth,
                               const std::string& path = {}) {
    if (head.major != Map) return mismatch(shape);
    for (std::uint64_t i = 0; head.indefinite || i < head.value; ++i) {
      Head item;
      if (auto read = next(item); !read) return read;
      if (head.indefinite && item.is_break()) return {};
      if (item.major != TextString) return broken("the name of a member is no text");
      std::string name;
      if (auto read = text(item, name); !read) return read;
      if (auto read = next(item); !read) return read;
      if (item.is_nothing()) continue;
      const Member* member = shape.find_member(name);
      if (member == nullptr) {
        if (auto read = skip(item, depth + 1); !read) return read;
        continue;
      }
      if (member->find(structure) != nullptr)
        return client_error("SerializationException",
                            fmt::format("Duplicate field {} found where not expected", shown_value(name)));
      auto read = value(*member->shape, item, depth + 1, member_path(path, member->name),
                        [&] { return member->ops->emplace(member->slot(structure)); });
      if (!read) return read;
    }
    return {};
  }

  Result<void> list_value(const Shape& shape, void* list, const Head& head, std::size_t depth,
                          const std::string& path) {
    if (head.major != Array) return mismatch(shape);
    for (std::uint64_t i = 0; head.indefinite || i < head.value; ++i) {
      Head item;
      if (auto read = next(item); !read) return read;
      if (head.indefinite && item.is_break()) return {};
      auto item_path = fmt::format("{}.{}.member", path, i + 1);
      if (item.is_nothing()) {
        if (!options_.lenient) violations.push_back({std::move(item_path), "null", "Member must not be null"});
        continue;
      }
      auto read = value(*shape.element, item, depth + 1, item_path, [&] { return shape.list->append(list); });
      if (!read) return read;
    }
    return {};
  }

  Result<void> map_value(const Shape& shape, void* map, const Head& head, std::size_t depth, const std::string& path) {
    if (head.major != Map) return mismatch(shape);
    for (std::uint64_t i = 0; head.indefinite || i < head.value; ++i) {
      Head item;
      if (auto read = next(item); !read) return read;
      if (head.indefinite && item.is_break()) return {};
      if (item.major != TextString) return broken("the key of a map is no text");
      std::string key;
      if (auto read = text(item, key); !read) return read;
      if (auto read = next(item); !read) return read;
      if (item.is_nothing()) continue;
      bool doubled = false;
      const auto item_path = fmt::format("{}.{}.member", path, key);
      auto read = value(*shape.element, item, depth + 1, item_path, [&]() -> void* {
        void* at = shape.map->insert(map, key);
        if (at != nullptr) return at;
        doubled = true;
        shape.map->erase(map, key);
        return shape.map->insert(map, key);
      });
      if (doubled)
        return client_error("SerializationException",
                            fmt::format("Duplicate key {} found where not expected", shown_value(key)));
      if (!read) return read;
    }
    return {};
  }

  BytesView rest_;
  const CborReadOptions options_;
};

}  // namespace

Result<std::vector<Violation>> read_cbor(BytesView bytes, const Shape& shape, void* structure,
                                         const CborReadOptions& options) {
  Reader reader(bytes, options);
  if (auto read = reader.document(shape, structure); !read) return fail(read);
  return std::move(reader.violations);
}

}  // namespace likeness::aws
