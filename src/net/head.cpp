#include "net/head.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <charconv>
#include <optional>

namespace likeness::net {
namespace {

namespace http = boost::beast::http;

tl::unexpected<Refusal> refuse(int status, std::string message) {
  return tl::unexpected(Refusal{status, std::move(message)});
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Whether a comma-separated list, over every field of that name, holds `token`.
bool lists(const Headers& headers, std::string_view name, std::string_view token) {
  for (std::string_view value : headers.all(name)) {
    while (!value.empty()) {
      const std::size_t comma = value.find(',');
      if (equal_ignoring_case(trimmed(value.substr(0, comma)), token)) return true;
      value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
    }
  }
  return false;
}

tl::expected<Framing, Refusal> framing_of(const Request& request) {
  Framing framing;
  const auto codings = request.headers.all("Transfer-Encoding");
  const auto lengths = request.headers.all("Content-Length");
  if (!codings.empty()) {
    if (!lengths.empty()) return refuse(400, "A request has Content-Length or Transfer-Encoding, not both.");
    if (request.version < 11) return refuse(400, "Transfer-Encoding needs HTTP/1.1.");
    if (codings.size() > 1) return refuse(400, "Transfer-Encoding stands twice.");
    if (!equal_ignoring_case(codings[0], "chunked")) return refuse(501, "The only Transfer-Encoding known is chunked.");
    framing.kind = Framing::Kind::Chunked;
  } else if (!lengths.empty()) {
    if (lengths.size() > 1) return refuse(400, "Content-Length stands twice.");
    const std::string_view text = lengths[0];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), framing.length);
    // from_chars takes no sign for unsigned numbers and tells overflow.
    if (error != std::errc() || end != text.data() + text.size())
      return refuse(400, "Content-Length is not a whole number.");
    framing.kind = framing.length > 0 ? Framing::Kind::Length : Framing::Kind::None;
  }
  framing.keep_alive = request.version >= 11 ? !lists(request.headers, "Connection", "close")
                                             : lists(request.headers, "Connection", "keep-alive");
  if (const auto expect = request.headers.find("Expect"); expect && request.version >= 11) {
    if (!equal_ignoring_case(*expect, "100-continue"))
      return refuse(417, "The only expectation known is 100-continue.");
    framing.expect_continue = framing.kind != Framing::Kind::None;
  }
  return framing;
}

/// Brings the target into origin form ("/path?query"); "*" stays.
tl::expected<void, Refusal> normalise_target(Request& request) {
  std::string& target = request.target;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() < scheme.size() || !equal_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    const std::size_t path = target.find_first_of("/?", scheme.size());
    target = path == std::string::npos ? "/" : target[path] == '?' ? "/" + target.substr(path) : target.substr(path);
  }
  if (target.empty() || (target[0] != '/' && !(target == "*" && request.method == "OPTIONS")))
    return refuse(400, "The request target is not a path.");
  return {};
}

}  // namespace

struct HeadParser::State {
  explicit State(const HeadLimits& limits) : limits(limits) {
    parser.eager(false);
    parser.body_limit(boost::none);
    parser.header_limit(static_cast<std::uint32_t>(limits.bytes));
  }

  tl::expected<void, Refusal> finish();

  HeadLimits limits;
  http::request_parser<http::empty_body> parser;
  std::size_t used = 0;       // bytes of the head so far
  bool at_line_end = false;   // the last byte used was a line feed
  bool skipped_line = false;  // one empty line before a request is forgiven (RFC 9112, 2.2)
  Request request;
  Framing framing;
};

HeadParser::HeadParser(const HeadLimits& limits) : state_(std::make_unique<State>(limits)) {}
HeadParser::~HeadParser() = default;

tl::expected<std::size_t, Refusal> HeadParser::feed(BytesView received) {
  State& state = *state_;
  std::size_t skipped = 0;
  if (state.used == 0 && !state.skipped_line && !received.empty() && received[0] == '\r') {
    if (received.size() < 2) return 0;
    if (received[1] == '\n') {
      skipped = 2;
      state.skipped_line = true;
      received = received.subspan(2);
    }
  }
  if (received.empty()) return skipped;
  boost::beast::error_code error;
  const std::size_t used = state.parser.put(boost::asio::buffer(received.data(), received.size()), error);
  // A line that starts with white space continues the one before it in old HTTP; servers read it differently.
  for (const std::uint8_t byte : received.first(used)) {
    if (state.at_line_end && (byte == ' ' || byte == '\t')) return refuse(400, "Folded header lines are not taken.");
    state.at_line_end = byte == '\n';
  }
  state.used += used;
  if (error == http::error::header_limit || state.used > state.limits.bytes ||
      (error == http::error::need_more && state.used + (received.size() - used) > state.limits.bytes))
    return refuse(431, "The request head is larger than this server takes.");
  if (error == http::error::bad_version) return refuse(505, "This server speaks HTTP/1.1.");
  if (error && error != http::error::need_more) return refuse(400, "This is not an HTTP request: " + error.message());
  if (state.parser.is_header_done())
    if (auto finished = state.finish(); !finished) return tl::unexpected(std::move(finished.error()));
  return skipped + used;
}

tl::expected<void, Refusal> HeadParser::State::finish() {
  auto& message = parser.get();
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  request.version = static_cast<int>(message.version());
  if (request.version != 10 && request.version != 11) return refuse(505, "This server speaks HTTP/1.1.");
  std::size_t count = 0;
  for (const auto& field : message) {
    if (++count > limits.fields) return refuse(431, "The request has more header fields than this server takes.");
    request.headers.add(std::string(field.name_string()), std::string(field.value()));
  }
  if (auto target = normalise_target(request); !target) return target;
  const std::size_t hosts = request.headers.all("Host").size();
  if (hosts > 1 || (hosts == 0 && request.version >= 11)) return refuse(400, "A request has exactly one Host header.");
  auto found = framing_of(request);
  if (!found) return tl::unexpected(std::move(found.error()));
  framing = *found;
  return {};
}

bool HeadParser::done() const { return state_->parser.is_header_done(); }
Request HeadParser::take_request() { return std::move(state_->request); }
const Framing& HeadParser::framing() const { return state_->framing; }

}  // namespace likeness::net
