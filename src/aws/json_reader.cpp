#include "aws/json_reader.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "aws/json_writer.hpp"
#include "aws/timestamps.hpp"
#include "aws/types.hpp"
#include "base/bytes.hpp"
#include "net/http.hpp"

namespace likeness::aws {
namespace {

namespace json = boost::json;
using json::error_code;

/// "an Integer", "a Long": as the framework behind AWS's JSON services words it.
std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::String:
    case Kind::Enum: return "a String";
    case Kind::Boolean: return "a Boolean";
    case Kind::Integer: return "an Integer";
    case Kind::Long: return "a Long";
    case Kind::Float: return "a Float";
    case Kind::Double: return "a Double";
    case Kind::Blob: return "a Blob";
    case Kind::Timestamp: return "a Timestamp";
    default: return "a Structure";
  }
}

/// What boost::json::basic_parser calls as it goes through the text. Every open object and array has a frame.
class Handler {
 public:
  // NOLINTBEGIN(readability-identifier-naming): the parser looks for these names.
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();
  // NOLINTEND(readability-identifier-naming)

  Handler(const Shape& root, void* structure, const JsonReadOptions& options)
      : root_(root), structure_(structure), lenient_(options.lenient), names_(options.names) {}

  std::string problem;  // set where the parser was stopped by us
  std::vector<Violation> violations;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

  bool on_object_begin(error_code& ec) {
    if (skipped_depth_ > 0) return skip_deeper('{');
    if (frames_.empty()) {
      frames_.push_back({&root_, structure_});
      return true;
    }
    const Shape* shape = target();
    if (shape == nullptr || shape->kind == Kind::Document) return begin_skip(shape, '{', ec);
    if (shape->kind != Kind::Structure && shape->kind != Kind::Map)
      return stop("Start of structure or map found where not expected.", ec);
    return open(*shape, ec);
  }

  bool on_object_end(std::size_t, error_code& ec) {
    if (skipped_depth_ > 0) return end_skip('}', ec);
    return close();
  }

  bool on_array_begin(error_code& ec) {
    if (skipped_depth_ > 0) return skip_deeper('[');
    if (frames_.empty()) return stop("Start of list found where not expected", ec);
    const Shape* shape = target();
    if (shape == nullptr || shape->kind == Kind::Document) return begin_skip(shape, '[', ec);
    if (shape->kind != Kind::List) return stop("Start of list found where not expected", ec);
    return open(*shape, ec);
  }

  bool on_array_end(std::size_t, error_code& ec) {
    if (skipped_depth_ > 0) return end_skip(']', ec);
    return close();
  }

  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    buffer_.append(part.data(), part.size());
    return true;
  }

  bool on_key(json::string_view last, std::size_t, error_code& ec) {
    const std::string_view key = whole(last);
    const bool fine = take_key(key, ec);
    buffer_.clear();
    return fine;
  }

  bool on_string_part(json::string_view part, std::size_t, error_code&) {
    buffer_.append(part.data(), part.size());
    return true;
  }

  bool on_string(json::string_view last, std::size_t, error_code& ec) {
    const std::string_view text = whole(last);
    const bool fine = take_string(text, ec);
    buffer_.clear();
    return fine;
  }

  bool on_number_part(json::string_view part, error_code&) {
    buffer_.append(part.data(), part.size());
    return true;
  }

  bool on_int64(std::int64_t value, json::string_view, error_code& ec) {
    buffer_.clear();
    if (capturing()) return capture(fmt::format("{}", value), ec);
    return take_integer(value, ec);
  }

  bool on_uint64(std::uint64_t value, json::string_view, error_code& ec) {
    buffer_.clear();
    if (capturing()) return capture(fmt::format("{}", value), ec);
    // Only values above the range of std::int64_t come here.
    return take_double("NUMBER_VALUE", static_cast<double>(value), static_cast<float>(value), ec);
  }

  bool on_double(double, json::string_view last, error_code& ec) {
    // The parser's own value may be off by one in the last place: the text is read again.
    const std::string text(whole(last));
    buffer_.clear();
    if (capturing()) return capture(text, ec);
    double wide = 0;
    float narrow = 0;
    const char* end = text.data() + text.size();
    // Out of range is also what is too close to zero, and the value is then left alone.
    if (std::from_chars(text.data(), end, wide).ec != std::errc()) wide = std::strtod(text.c_str(), nullptr);
    if (std::from_chars(text.data(), end, narrow).ec != std::errc()) narrow = std::strtof(text.c_str(), nullptr);
    return take_double("DECIMAL_VALUE", wide, narrow, ec);
  }

  bool on_bool(bool value, error_code& ec) {
    if (capturing()) return capture(value ? "true" : "false", ec);
    const std::string_view token = value ? "TRUE_VALUE" : "FALSE_VALUE";
    const Shape* shape = scalar_target(token, ec);
    if (shape == nullptr) return !stopped_;
    if (shape->kind != Kind::Boolean) return mismatch(token, *shape, ec);
    return store<bool>(value, ec);
  }

  bool on_null(error_code& ec) {
    if (capturing()) return capture("null", ec);
    if (frames_.empty()) return stop("The body of the request has to be an object", ec);
    Frame& frame = frames_.back();
    if (frame.shape->kind == Kind::List) {
      ++frame.count;
      if (!lenient_) violations.push_back({path(), "null", "Member must not be null"});
    }
    return true;
  }

 private:
  struct Frame {
    const Shape* shape;
    void* object;
    const Member* member = nullptr;       // Structure: of the value that follows; null: one that the model lacks
    std::uint64_t seen = 0;               // Structure: which of the first 64 members had a key
    std::string key = {};                 // Map
    std::size_t count = 0;                // List: values so far
    std::vector<std::string> names = {};  // List or map of enum values: as they came
    bool unknown_name = false;            // one of them is not in the model
  };

  std::string_view whole(json::string_view last) {
    if (buffer_.empty()) return {last.data(), last.size()};
    buffer_.append(last.data(), last.size());
    return buffer_;
  }

  bool stop(std::string text, error_code& ec) {
    problem = std::move(text);
    stopped_ = true;
    ec = json::error::syntax;
    return false;
  }

  bool mismatch(std::string_view token, const Shape& shape, error_code& ec) {
    switch (shape.kind) {
      case Kind::List: return stop("Expected list or null", ec);
      case Kind::Map: return stop("Expected map or null", ec);
      case Kind::Structure: return stop("Expected null", ec);
      default: return stop(fmt::format("{} can not be converted to {}", token, kind_name(shape.kind)), ec);
    }
  }

  /// The shape of the value that comes next; null if it is to be skipped.
  const Shape* target() const {
    const Frame& frame = frames_.back();
    if (frame.shape->kind == Kind::Structure) return frame.member == nullptr ? nullptr : frame.member->shape;
    return frame.shape->element;
  }

  const Shape* scalar_target(std::string_view, error_code& ec) {
    if (skipped_depth_ > 0) return nullptr;
    if (frames_.empty()) {
      stop("The body of the request has to be an object", ec);
      return nullptr;
    }
    return target();
  }

  /// Makes room for the value that comes next. Null, with the parser stopped, for a map key that was there already.
  void* place(error_code& ec) {
    Frame& frame = frames_.back();
    switch (frame.shape->kind) {
      case Kind::Structure: return frame.member->ops->emplace(frame.member->slot(frame.object));
      case Kind::List: ++frame.count; return frame.shape->list->append(frame.object);
      default: {
        void* value = frame.shape->map->insert(frame.object, frame.key);
        if (value == nullptr)
          stop(fmt::format("Duplicate key {} found where not expected", shown_value(frame.key)), ec);
        return value;
      }
    }
  }

  template <class T>
  bool store(T value, error_code& ec) {
    void* at = place(ec);
    if (at == nullptr) return false;
    *static_cast<T*>(at) = std::move(value);
    return true;
  }

  bool open(const Shape& shape, error_code& ec) {
    void* object = place(ec);
    if (object == nullptr) return false;
    frames_.push_back({&shape, object});
    return true;
  }

  bool close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    if (frame.unknown_name && !lenient_) {
      const Shape& names = *frame.shape->element;
      const bool list = frame.shape->kind == Kind::List;
      violations.push_back({path(), fmt::format("'[{}]'", shown_list(frame.names)),
                            fmt::format("{} must satisfy constraint: [{}]", list ? "Member" : "Map value",
                                        enum_requirement({names.enum_values.begin(), names.enum_values.end()}))});
    }
    return true;
  }

  static std::string shown_list(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& name : names) {
      if (!out.empty()) out += ", ";
      out += name;
      if (out.size() > 512) break;
    }
    return out;
  }

  const Member* find_member(const Shape& shape, std::string_view key) const {
    if (names_ == MemberNames::OfSdk) {
      for (const auto& member : shape.members)
        if (member.name == key || sdk_name(member.name) == key) return &member;
      return nullptr;
    }
    const Member* member = shape.find_member(key);
    // Members of the path, the query or a header are not to be had through the body.
    return member != nullptr && member->location == Location::Body ? member : nullptr;
  }

  bool take_key(std::string_view key, error_code& ec) {
    if (skipped_depth_ > 0) {
      if (document_) {
        separate();
        write_json_string(key, *document_);
        *document_ += ':';
      }
      return true;
    }
    Frame& frame = frames_.back();
    if (frame.shape->kind == Kind::Map) {
      frame.key = key;
      return true;
    }
    frame.member = find_member(*frame.shape, key);
    if (frame.member == nullptr) return true;
    const auto index = static_cast<std::size_t>(frame.member - frame.shape->members.data());
    const bool again = index < 64 ? (frame.seen >> index & 1) != 0 : frame.member->find(frame.object) != nullptr;
    if (again) return stop(fmt::format("Duplicate field {} found where not expected", shown_value(key)), ec);
    if (index < 64) frame.seen |= std::uint64_t{1} << index;
    return true;
  }

  bool take_string(std::string_view text, error_code& ec) {
    if (capturing()) {
      std::string quoted;
      write_json_string(text, quoted);
      return capture(std::move(quoted), ec);
    }
    const Shape* shape = scalar_target("STRING_VALUE", ec);
    if (shape == nullptr) return !stopped_;
    switch (shape->kind) {
      case Kind::String: return store(std::string(text), ec);
      case Kind::Enum: return take_enum(*shape, text, ec);
      case Kind::Blob: return take_blob(text, ec);
      case Kind::Stream: return store(Stream{net::text_body(std::string(text)), text.size()}, ec);
      case Kind::Float:
      case Kind::Double:
        if (text == "NaN") return store_real(*shape, std::numeric_limits<double>::quiet_NaN(), ec);
        if (text == "Infinity") return store_real(*shape, std::numeric_limits<double>::infinity(), ec);
        if (text == "-Infinity") return store_real(*shape, -std::numeric_limits<double>::infinity(), ec);
        return mismatch("STRING_VALUE", *shape, ec);
      case Kind::Timestamp: {
        auto time = parse_iso8601(text);
        if (!time) time = parse_http_date(text);
        if (!time) return mismatch("STRING_VALUE", *shape, ec);
        return store(*time, ec);
      }
      default: return mismatch("STRING_VALUE", *shape, ec);
    }
  }

  bool take_enum(const Shape& shape, std::string_view text, error_code& ec) {
    Frame& frame = frames_.back();
    const bool in_collection = frame.shape->kind != Kind::Structure;
    if (in_collection && !lenient_) frame.names.emplace_back(text.substr(0, 512));
    for (std::size_t i = 0; i < shape.enum_values.size(); ++i) {
      if (shape.enum_values[i] != text) continue;
      void* at = place(ec);
      if (at == nullptr) return false;
      const auto index = static_cast<std::uint16_t>(i);
      std::memcpy(at, &index, sizeof index);
      return true;
    }
    if (in_collection) {
      frame.unknown_name = true;
    } else if (!lenient_) {
      violations.push_back({path(), shape.is_sensitive ? "" : shown_value(text),
                            enum_requirement({shape.enum_values.begin(), shape.enum_values.end()})});
    }
    return true;
  }

  bool take_blob(std::string_view text, error_code& ec) {
    auto bytes = from_base64(text);
    if (bytes) return store(std::move(*bytes), ec);
    if (text.size() % 4 != 0)
      return stop(fmt::format("{} can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 "
                              "bytes but found: {}",
                              shown_value(text.substr(0, 40)), text.size()),
                  ec);
    return stop(
        fmt::format("{} can not be converted to a Blob: Invalid Base64 character", shown_value(text.substr(0, 40))),
        ec);
  }

  bool take_integer(std::int64_t value, error_code& ec) {
    const Shape* shape = scalar_target("NUMBER_VALUE", ec);
    if (shape == nullptr) return !stopped_;
    switch (shape->kind) {
      case Kind::Integer:
        if (value < std::numeric_limits<std::int32_t>::min() || value > std::numeric_limits<std::int32_t>::max())
          return stop("NUMBER_VALUE can not be converted to an Integer: it is out of range", ec);
        return store(static_cast<std::int32_t>(value), ec);
      case Kind::Long: return store(value, ec);
      case Kind::Float: return store(static_cast<float>(value), ec);
      case Kind::Double: return store(static_cast<double>(value), ec);
      case Kind::Timestamp: return take_time(static_cast<double>(value), ec);
      default: return mismatch("NUMBER_VALUE", *shape, ec);
    }
  }

  bool take_double(std::string_view token, double wide, float narrow, error_code& ec) {
    const Shape* shape = scalar_target(token, ec);
    if (shape == nullptr) return !stopped_;
    switch (shape->kind) {
      case Kind::Integer:
      case Kind::Long:
        // 80.0 is how some languages write 80.
        if (std::nearbyint(wide) == wide && std::abs(wide) < 9e15)
          return take_integer(static_cast<std::int64_t>(wide), ec);
        return stop(fmt::format("{} can not be converted to {}", token, kind_name(shape->kind)), ec);
      case Kind::Float:
        if (!std::isfinite(narrow))
          return stop(fmt::format("{} can not be converted to a Float: it is out of range", token), ec);
        return store(narrow, ec);
      case Kind::Double:
        if (!std::isfinite(wide))
          return stop(fmt::format("{} can not be converted to a Double: it is out of range", token), ec);
        return store(wide, ec);
      case Kind::Timestamp: return take_time(wide, ec);
      default: return mismatch(token, *shape, ec);
    }
  }

  bool store_real(const Shape& shape, double value, error_code& ec) {
    return shape.kind == Kind::Float ? store(static_cast<float>(value), ec) : store(value, ec);
  }

  bool take_time(double seconds, error_code& ec) {
    const auto time = from_epoch_seconds(seconds);
    if (!time) return stop("NUMBER_VALUE can not be converted to a Timestamp: it is out of range", ec);
    return store(*time, ec);
  }

  // -- values that no member takes, and documents, which are kept as text

  bool capturing() const {
    if (skipped_depth_ > 0) return true;
    if (frames_.empty()) return false;
    const Shape* shape = target();
    return shape == nullptr || shape->kind == Kind::Document;
  }

  void separate() {
    if (!document_->empty() && std::string_view("{[:").find(document_->back()) == std::string_view::npos)
      *document_ += ',';
  }

  /// A scalar on its own or inside of what is skipped or kept.
  bool capture(std::string text, error_code& ec) {
    if (skipped_depth_ == 0) {
      if (target() == nullptr) return true;
      return text == "null" ? true : store(Document{std::move(text)}, ec);
    }
    if (document_) {
      separate();
      *document_ += text;
    }
    return true;
  }

  bool begin_skip(const Shape* document, char bracket, error_code&) {
    skipped_depth_ = 0;
    document_.reset();
    if (document != nullptr) document_.emplace();
    return skip_deeper(bracket);
  }

  bool skip_deeper(char bracket) {
    ++skipped_depth_;
    if (document_) {
      separate();
      *document_ += bracket;
    }
    return true;
  }

  bool end_skip(char bracket, error_code& ec) {
    --skipped_depth_;
    if (!document_) return true;
    *document_ += bracket;
    if (skipped_depth_ > 0) return true;
    Document document{std::move(*document_)};
    document_.reset();
    return store(std::move(document), ec);
  }

  /// Of the value that is being read.
  std::string path() const {
    std::string out;
    for (const auto& frame : frames_) {
      if (frame.shape->kind == Kind::Structure) {
        if (frame.member != nullptr) out = member_path(out, frame.member->name);
      } else if (frame.shape->kind == Kind::List) {
        out += fmt::format(".{}.member", frame.count);
      } else {
        out += fmt::format(".{}.member", frame.key);
      }
    }
    return out;
  }

  const Shape& root_;
  void* const structure_;
  const bool lenient_;
  const MemberNames names_;
  bool stopped_ = false;
  std::vector<Frame> frames_;
  std::string buffer_;  // parts of the string or number that is being read, where the parser gives it in parts
  std::size_t skipped_depth_ = 0;
  std::optional<std::string> document_;
};

}  // namespace

Result<std::vector<Violation>> read_json(std::string_view text, const Shape& shape, void* structure,
                                         const JsonReadOptions& options) {
  json::parse_options parse;
  parse.max_depth = options.depth_limit;
  json::basic_parser<Handler> parser(parse, shape, structure, options);
  error_code ec;
  const auto used = parser.write_some(false, text.data(), text.size(), ec);
  Handler& handler = parser.handler();
  if (!handler.problem.empty()) return client_error("SerializationException", std::move(handler.problem));
  if (!ec && used < text.size() && text.find_first_not_of(" \t\r\n", used) != std::string_view::npos)
    ec = json::error::extra_data;
  if (ec == json::error::too_deep)
    return client_error("SerializationException",
                        fmt::format("The request body nests deeper than {} levels", options.depth_limit));
  if (ec)
    return client_error("SerializationException",
                        fmt::format("The request body is not valid JSON: {} after byte {}", ec.message(), used));
  return std::move(handler.violations);
}

}  // namespace likeness::aws
