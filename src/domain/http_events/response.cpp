#include "domain/http_events/response.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>

#include "base/bytes.hpp"
#include "domain/http_events/text.hpp"

namespace likeness::http_events {
namespace {

namespace json = boost::json;

constexpr std::string_view kEndOfHead("\0\0\0\0\0\0\0\0", 8);
constexpr std::size_t kMaxFields = 500;

Failure malformed(std::string what) { return client_error("MalformedResponse", std::move(what)); }

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

bool is_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
  });
}

std::optional<std::string> text_of(const json::value& value) {
  if (value.is_string()) return std::string(value.as_string());
  if (value.is_number() || value.is_bool()) return json::serialize(value);
  return std::nullopt;
}

/// Headers that the connection decides on. Those that a client may want to know get another name, as on AWS.
enum class Kept { AsItIs, Renamed, No };
Kept kept(std::string_view name) {
  constexpr std::array<std::string_view, 4> kNo{"transfer-encoding", "upgrade", "trailer", "te"};
  constexpr std::array<std::string_view, 5> kRenamed{"connection", "content-length", "date", "keep-alive",
                                                     "proxy-connection"};
  const auto lower = lower_case(name);
  if (std::ranges::find(kNo, lower) != kNo.end()) return Kept::No;
  return std::ranges::find(kRenamed, lower) != kRenamed.end() ? Kept::Renamed : Kept::AsItIs;
}

Result<void> add_headers(const json::value& from, Response& out) {
  if (from.is_null()) return {};
  if (!from.is_object()) return malformed("headers is not an object");
  if (from.as_object().size() > kMaxFields) return malformed("there are too many headers");
  for (const auto& [key, value] : from.as_object()) {
    const std::string name(key);
    if (value.is_null()) continue;
    auto text = text_of(value);
    if (!text || !is_token(name) || !is_value(*text)) return malformed("a header is none: " + name.substr(0, 100));
    switch (kept(name)) {
      case Kept::No: break;
      case Kept::Renamed: out.headers.push_back({"x-amzn-Remapped-" + name, std::move(*text)}); break;
      case Kept::AsItIs: out.headers.push_back({name, std::move(*text)}); break;
    }
  }
  return {};
}

Result<void> add_cookies(const json::value& from, Response& out) {
  if (from.is_null()) return {};
  if (!from.is_array()) return malformed("cookies is not a list");
  if (from.as_array().size() > kMaxFields) return malformed("there are too many cookies");
  for (const auto& cookie : from.as_array()) {
    if (!cookie.is_string() || !is_value(std::string_view(cookie.as_string()))) return malformed("a cookie is none");
    out.headers.push_back({"Set-Cookie", std::string(cookie.as_string())});
  }
  return {};
}

Result<int> status_of(const json::value& value) {
  std::int64_t status = 0;
  if (value.is_int64()) {
    status = value.as_int64();
  } else if (value.is_double()) {
    const double number = value.as_double();
    if (!(number >= 200 && number < 600)) return malformed("statusCode is not one of an answer");
    status = static_cast<std::int64_t>(number);
  } else if (value.is_string()) {
    const std::string_view text = value.as_string();
    const auto read = std::from_chars(text.data(), text.data() + text.size(), status);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) status = 0;
  }
  // Nothing below 200 ends an exchange.
  if (status < 200 || status > 599) return malformed("statusCode is not one of an answer");
  return static_cast<int>(status);
}

/// Status, headers and cookies.
Result<Response> head_of(const json::object& from) {
  Response out;
  if (const auto* status = from.if_contains("statusCode"); status != nullptr && !status->is_null()) {
    auto read = status_of(*status);
    if (!read) return fail(read);
    out.status = *read;
  }
  if (const auto* headers = from.if_contains("headers"))
    if (auto added = add_headers(*headers, out); !added) return fail(added);
  if (const auto* cookies = from.if_contains("cookies"))
    if (auto added = add_cookies(*cookies, out); !added) return fail(added);
  return out;
}

void add_content_type(Response& response, std::string_view type) {
  const bool has = std::ranges::any_of(response.headers,
                                       [](const Field& field) { return lower_case(field.name) == "content-type"; });
  if (!has) response.headers.push_back({"Content-Type", std::string(type)});
}

/// Values stay as they were written, only what stands between them goes.
std::string without_spaces(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string && c == '\\' && at + 1 < text.size()) {
      out += c;
      out += text[++at];
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (in_string || (c != ' ' && c != '\n' && c != '\r' && c != '\t')) out += c;
  }
  return out;
}

std::optional<json::value> parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = 256;
  json::error_code failed;
  auto value = json::parse(json::string_view(text.data(), text.size()), failed, {}, options);
  if (failed) return std::nullopt;
  return value;
}

Result<Response> head_from(std::string_view text) {
  const auto value = parse(text);
  if (!value || !value->is_object()) return malformed("the head of the stream is not a JSON object");
  auto out = head_of(value->as_object());
  if (out) add_content_type(*out, "application/octet-stream");
  return out;
}

}  // namespace

Result<Response> response_v2(std::string_view payload) {
  // A function that streams, asked for its answer as a whole.
  if (const auto end = payload.find(kEndOfHead); end != std::string_view::npos) {
    auto out = head_from(payload.substr(0, end));
    if (out) out->body = payload.substr(end + kEndOfHead.size());
    return out;
  }
  const auto value = parse(payload);
  if (!value) return malformed("the answer is not JSON");
  const auto* object = value->if_object();
  const auto* status = object == nullptr ? nullptr : object->if_contains("statusCode");
  if (status == nullptr || status->is_null()) {
    Response out;
    out.body = value->is_string() ? std::string(value->as_string()) : without_spaces(payload);
    add_content_type(out, "application/json");
    return out;
  }
  auto out = head_of(*object);
  if (!out) return out;
  add_content_type(*out, "application/json");
  const auto* body = object->if_contains("body");
  if (body == nullptr || body->is_null()) return out;
  const auto* encoded = object->if_contains("isBase64Encoded");
  if (encoded != nullptr && encoded->is_bool() && encoded->as_bool()) {
    const auto decoded = body->is_string() ? from_base64(std::string_view(body->as_string())) : std::nullopt;
    if (!decoded) return malformed("the body is not base64");
    out->body = as_text(*decoded);
  } else {
    out->body = body->is_string() ? std::string(body->as_string()) : json::serialize(*body);
  }
  return out;
}

Result<std::optional<Response>> HeadReader::feed(std::string_view piece) {
  // The zero bytes may have begun in the last piece.
  const auto from = text_.size() < kEndOfHead.size() ? 0 : text_.size() - kEndOfHead.size() + 1;
  text_ += piece;
  const auto end = text_.find(kEndOfHead, from);
  if (end == std::string::npos) {
    if (text_.size() > kMaxHead + kEndOfHead.size()) return malformed("the head of the stream is too long");
    return std::optional<Response>();
  }
  if (end > kMaxHead) return malformed("the head of the stream is too long");
  auto out = head_from(std::string_view(text_).substr(0, end));
  if (!out) return fail(out);
  out->body = text_.substr(end + kEndOfHead.size());
  text_.clear();
  return std::optional<Response>(std::move(*out));
}

Result<Response> HeadReader::end() const {
  if (text_.empty()) return malformed("the stream has no head");
  return head_from(text_);
}

}  // namespace likeness::http_events
