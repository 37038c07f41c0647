#include "net/connection.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <limits>

#include "base/log.hpp"

namespace likeness::net {

/// Lets a client that is still sending read our last response: closing at once would reset the connection under it.
Awaitable<void> Connection::linger() {
  lingering_ = true;
  set_deadline(read_deadline_, steady_clock::now() + shared_.options.linger_timeout);
  // Tells the client that nothing was cut off, and waits for it to say the same, which it need not.
  if (tls_) co_await tls_->async_shutdown(kToken);
  ErrorCode ignored;
  socket_.shutdown(Tcp::socket::shutdown_send, ignored);
  Bytes scrap(kPiece);
  const auto buffer = asio::buffer(scrap);
  while (!expired_ && !closed_) {
    const auto [error, received] = co_await socket_.async_read_some(buffer, kToken);
    if (error) co_return;
    shared_.counters.bytes_in += received;
  }
}

/// False if the peer does not speak TLS, or not as we do.
Awaitable<bool> Connection::shake_hands() {
  set_deadline(read_deadline_, steady_clock::now() + shared_.options.head_timeout);
  set_idle(true);
  const auto [error] = co_await tls_->async_handshake(TlsStream::server, kToken);
  set_deadline(read_deadline_, kNever);
  set_idle(false);
  if (!error && !closed_) co_return true;
  ++shared_.counters.failed_handshakes;
  if (error.category() == asio::error::get_ssl_category() && ERR_GET_REASON(error.value()) == SSL_R_HTTP_REQUEST) {
    // Said in the client's own tongue.
    const Response response = shared_.refusal(nullptr, 400, "This port takes HTTPS: begin the address with https://.");
    const std::string head = write_response_head(response, {response.body.size(), false, false}, loop_.date_now());
    ErrorCode ignored;
    socket_.write_some(asio::buffer(head + response.body), ignored);
  }
  log::debug("no TLS with {}: {}", remote_address_, error.message());
  co_return false;
}

Awaitable<void> Connection::run(std::shared_ptr<Connection> self) {
  if (self->tls_) {
    const bool secured = co_await self->shake_hands();
    if (!secured) co_return self->close();
  }
  bool answered = true;
  while (self->keep_alive_ && answered) {
    const Outcome outcome = co_await self->read_head();
    if (outcome == Outcome::End) co_return self->close();
    answered = co_await self->serve_one(outcome);
  }
  if (answered && !self->closed_ && !self->pumping_) co_await self->linger();
  self->close();
}

void Connection::watch_client() {
  gone_ = std::stop_source();
  if (!body_unread()) await_readable();
}

void Connection::await_readable() {
  if (readable_awaited_) return;
  readable_awaited_ = true;
  // Completes when there is something to read, be it the end; at the latest with the next request.
  socket_.async_wait(Tcp::socket::wait_read, [weak = weak_from_this()](const ErrorCode&) {
    const auto self = weak.lock();
    if (!self) return;
    self->readable_awaited_ = false;
    self->notice_reply();
    self->check_client();
  });
}

void Connection::check_client() {
  if (!gone_.stop_possible() || gone_.stop_requested() || closed_ || body_unread()) return;
  pollfd state{socket_.native_handle(), POLLRDHUP, 0};
  if (::poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) gone_.request_stop();
}

/// From a head, or the failure to read one, to the end of its response. False if nothing more can be said.
Awaitable<bool> Connection::serve_one(Outcome outcome) {
  const bool have_head = outcome == Outcome::Ok;
  if (have_head) {
    begin_request();
    if (framing_.kind == Framing::Kind::Length && framing_.length > body_limit_) {
      refusal_ = Refusal{413, "The request body is larger than this server takes."};
    } else if (!plan_.stream) {
      outcome = co_await gather_body();
    }
  }
  std::shared_ptr<Reply> reply;
  if (refusal_) {
    keep_alive_ = false;
    reply = std::make_shared<Reply>();
    reply->response = shared_.refusal(have_head ? &request_ : nullptr, refusal_->status, refusal_->message);
  } else if (outcome != Outcome::Ok) {
    co_return false;
  } else {
    reply = co_await answer();
  }
  const bool sent = co_await send(reply);
  release_gathered();
  if (stream_) {
    const std::shared_ptr<RequestStream> stream = std::move(stream_);
    stream_.reset();
    stream->fail({"ConnectionClosed", "The request is over.", Error::Fault::Client, {}});
  }
  co_return sent;
}

void Connection::begin_request() {
  ++shared_.counters.requests;
  request_.remote_address = remote_address_;
  request_.secure = tls_.has_value();
  request_.received_at = std::chrono::system_clock::now();
  version_ = request_.version;
  head_only_ = request_.method == "HEAD";
  keep_alive_ = framing_.keep_alive;
  plan_ = shared_.handlers.plan ? shared_.handlers.plan(request_) : BodyPlan{};
  constexpr auto kNoLimit = std::numeric_limits<std::uint64_t>::max();
  body_limit_ = plan_.max_bytes.value_or(plan_.stream ? kNoLimit : shared_.options.max_body_bytes);
  decoder_ = ChunkDecoder();
  body_received_ = 0;
  body_waited_ = {};
  body_done_ = framing_.kind == Framing::Kind::None;
  continue_due_ = framing_.expect_continue;
  refusal_.reset();
  if (!plan_.stream) return;
  // The stream holds the connection, and lets go of it when it fails or the request is over (RequestStream::fail).
  stream_ = std::make_shared<RequestStream>([self = shared_from_this()] {
    asio::post(self->loop_.context, [self] { asio::co_spawn(self->loop_.context, pump(self), asio::detached); });
  });
  if (body_done_) stream_->deposit({}, true);
  request_.stream = stream_;
}

}  // namespace likeness::net
