#include "net/response_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <charconv>
#include <iterator>
#include <optional>
#include <utility>

#include "net/chunked.hpp"

namespace likeness::net {
namespace {

namespace http = boost::beast::http;

constexpr std::uint32_t kMostHead = 64 * 1024;
// Enough for any honest server.
constexpr int kMostInterim = 16;

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(out) : std::nullopt;
}

}  // namespace

/// Beast reads heads. Bodies are taken apart here: its reader of chunks has assertions that a hostile trailer breaks.
struct ResponseReader::State {
  enum class Body { None, Length, Chunked, UntilEnd };

  std::string peer;
  Options options;
  std::optional<http::response_parser<http::empty_body>> parser;
  std::string held;  // of the head
  int interim = 0;
  bool head_done = false, done = false, keep_alive = false;
  Response response;
  Body body = Body::None;
  std::uint64_t left = 0;  // of a body of known length
  ChunkDecoder chunks;
  Bytes unchunked;

  void renew() {
    parser.emplace();
    parser->eager(false);
    parser->skip(options.head_only);
    parser->body_limit(boost::none);
    parser->header_limit(kMostHead);
  }
  Failure bad(std::string_view why) const {
    return client_error("BadResponse", fmt::format("{} does not answer in HTTP: {}.", peer, why));
  }
  Result<void> read_head();
  Result<void> finish_head();
  Result<void> find_body();
  Result<std::size_t> read_body(std::string_view bytes);
};

ResponseReader::ResponseReader(std::string peer, const Options& options) : state_(std::make_unique<State>()) {
  state_->peer = std::move(peer);
  state_->options = options;
  state_->renew();
}
ResponseReader::~ResponseReader() = default;

Result<void> ResponseReader::feed(std::string_view bytes) {
  State& state = *state_;
  if (!state.head_done) {
    state.held.append(bytes);
    if (auto read = state.read_head(); !read) return read;
    if (!state.head_done) return {};
    const std::string rest = std::exchange(state.held, {});
    return feed(rest);
  }
  auto used = state.read_body(bytes);
  if (!used) return fail(used);
  if (*used < bytes.size()) state.keep_alive = false;
  return {};
}

Result<void> ResponseReader::State::read_head() {
  std::size_t used = 0;
  while (used < held.size() && !head_done) {
    boost::beast::error_code error;
    const auto taken = parser->put(boost::asio::buffer(held.data() + used, held.size() - used), error);
    used += taken;
    if (error && error != http::error::need_more) return bad(error.message());
    if (parser->is_header_done()) {
      if (auto finished = finish_head(); !finished) return finished;
    } else {
      break;
    }
  }
  held.erase(0, used);
  if (!head_done && held.size() > kMostHead) return bad("the head is too long");
  return {};
}

Result<void> ResponseReader::State::finish_head() {
  const auto& message = parser->get();
  const auto status = static_cast<int>(message.result_int());
  if (status < 100) return bad("bad status");
  if (status < 200 && status != 101) {
    if (++interim > kMostInterim) return bad("too many interim responses");
    renew();
    return {};
  }
  response.status = status;
  for (const auto& field : message) response.headers.add(std::string(field.name_string()), std::string(field.value()));
  if (auto found = find_body(); !found) return found;
  keep_alive = parser->keep_alive() && body != Body::UntilEnd;
  head_done = true;
  done = body == Body::None;
  return {};
}

Result<void> ResponseReader::State::find_body() {
  if (options.head_only || response.status < 200 || response.status == 204 || response.status == 304) return {};
  const auto codings = response.headers.all("Transfer-Encoding");
  const auto lengths = response.headers.all("Content-Length");
  if (!codings.empty()) {
    if (codings.size() > 1 || !equal_ignoring_case(codings.front(), "chunked") || !lengths.empty())
      return bad("bad Transfer-Encoding");
    body = Body::Chunked;
    return {};
  }
  body = Body::UntilEnd;
  for (const auto text : lengths) {
    const auto length = whole_number(text);
    if (!length || (body == Body::Length && *length != left)) return bad("bad Content-Length");
    left = *length;
    body = Body::Length;
  }
  if (left > options.max_body_bytes) return bad("the body is too long");
  if (body == Body::Length && left == 0) body = Body::None;
  return {};
}

/// How many of the bytes belong to the body.
Result<std::size_t> ResponseReader::State::read_body(std::string_view bytes) {
  if (done || body == Body::None) return 0;
  const auto room = options.max_body_bytes - response.body.size();
  if (body == Body::Chunked) {
    unchunked.clear();
    const auto used = chunks.feed(as_bytes(bytes), unchunked, bytes.size());
    if (chunks.failed()) return bad("bad chunk");
    if (unchunked.size() > room) return bad("the body is too long");
    response.body.append(as_text(unchunked));
    done = chunks.done();
    return used;
  }
  if (body == Body::UntilEnd) {
    if (bytes.size() > room) return bad("the body is too long");
    response.body.append(bytes);
    return bytes.size();
  }
  const auto used = static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size()));
  response.body.append(bytes.substr(0, used));
  left -= used;
  done = left == 0;
  return used;
}

Result<void> ResponseReader::end() {
  State& state = *state_;
  if (state.head_done && state.body == State::Body::UntilEnd) state.done = true;
  if (!state.done)
    return client_error("BadResponse", fmt::format("{} closed the connection within its answer.", state.peer));
  return {};
}

bool ResponseReader::head_done() const { return state_->head_done; }
bool ResponseReader::done() const { return state_->done; }
bool ResponseReader::reusable() const { return state_->done && state_->keep_alive; }
Response ResponseReader::take() { return std::move(state_->response); }

Result<std::string> write_request_head(std::string_view first, std::string_view host, const Headers& headers) {
  constexpr std::string_view kEnds("\r\n\0", 3);
  if (first.find_first_of(kEnds) != std::string_view::npos)
    return client_error("InvalidHeader", "The request line has characters that none may have.");
  std::string out(first);
  out += "\r\n";
  if (!headers.contains("Host")) fmt::format_to(std::back_inserter(out), "Host: {}\r\n", host);
  for (const Header& field : headers) {
    if (field.name.empty() || field.name.find_first_of(": ") != std::string::npos ||
        field.name.find_first_of(kEnds) != std::string::npos || field.value.find_first_of(kEnds) != std::string::npos)
      return client_error("InvalidHeader", "A header of the request has characters that no header may have.");
    fmt::format_to(std::back_inserter(out), "{}: {}\r\n", field.name, field.value);
  }
  return out;
}

}  // namespace likeness::net
