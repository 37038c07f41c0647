#include "net/connection.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <tuple>

#include "base/log.hpp"
#include "net/held_body.hpp"

namespace likeness::net {
namespace {

constexpr std::size_t kLargePiece = 256 * 1024;  // of a response whose length is known
/// What all connections together hold in large pieces; those that find no room make do with a small one each.
constexpr std::size_t kMaxReadAhead = 64 * 1024 * 1024;

/// Room for pieces of a response that are read before the client takes them; given back at the end.
class ReadAhead {
 public:
  ReadAhead(Counters& counters, std::size_t bytes) : counters_(counters), bytes_(bytes) {
    const std::size_t held = counters_.read_ahead += bytes_;
    if (held <= kMaxReadAhead) return;
    counters_.read_ahead -= bytes_;
    bytes_ = 0;
  }
  ~ReadAhead() { counters_.read_ahead -= bytes_; }
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  bool granted() const { return bytes_ > 0; }

 private:
  Counters& counters_;
  std::size_t bytes_;
};

/// Of a response: a job of the pool fills it, then it is sent.
struct Piece {
  explicit Piece(std::size_t size) : buffer(size) {}
  /// To its end or the stream's.
  void fill(BodyReader& stream, std::size_t size) {
    const std::span<std::uint8_t> room = std::span(buffer).first(size);
    std::size_t filled = 0;
    count = filled;
    while (filled < size) {
      count = stream.read(room.subspan(filled));
      if (!count || *count == 0) break;
      filled += *count;
    }
    if (count) count = filled;
  }
  std::string_view text() const { return as_text(BytesView(buffer).first(*count)); }

  Bytes buffer;
  Result<std::size_t> count = 0;
};

}  // namespace

/// Runs `work` on the pool, or on that of requests that wait, and is back when it is done; waits for room there. False
/// if the connection is closed before.
Awaitable<bool> Connection::on_pool(std::function<void()> work) {
  std::shared_ptr<bool> done = begin_on_pool(work);
  while (!done) {
    if (closed_) co_return false;
    Timer pause(loop_.context.get_executor());
    pause.expires_after(milliseconds(20));
    co_await pause.async_wait(kToken);
    done = begin_on_pool(work);
  }
  // The event ends by cancellation only, also when the connection is closed; the job is waited for all the same.
  while (!*done) co_await event_.async_wait(kToken);
  co_return true;
}

/// What becomes true, and ends event_, when `work` is done; null if the pool has no room.
std::shared_ptr<bool> Connection::begin_on_pool(std::function<void()> work) {
  auto done = std::make_shared<bool>(false);
  // The job's reference moves into the posted end, so that the last one is never let go on a thread of the pool.
  auto job = [self = shared_from_this(), done, work = std::move(work)]() mutable {
    try {
      work();
    } catch (const std::exception& e) {
      log::error("a job of a connection threw: {}", e.what());
    }
    asio::io_context& context = self->loop_.context;
    asio::post(context, [self = std::move(self), done] {
      *done = true;
      self->event_.cancel();
    });
  };
  const bool taken = waits_ ? shared_.waiting->submit(std::move(job))
                            : shared_.pool.submit(std::move(job), WorkPool::Wake::LongestAsleep);
  return taken ? done : nullptr;
}

Awaitable<std::shared_ptr<Reply>> Connection::answer() {
  const auto reply = std::make_shared<Reply>();
  const auto request = std::make_shared<Request>(std::move(request_));
  waits_ = false;
  if (shared_.handlers.immediate && !plan_.stream) {
    std::optional<Response> at_once = shared_.handlers.immediate(*request);
    if (at_once) {
      reply->response = std::move(*at_once);
      co_return reply;
    }
  }
  waits_ = shared_.waiting != nullptr && shared_.handlers.waits && shared_.handlers.waits(*request);
  if (waits_) {
    watch_client();
    request->gone = gone_.get_token();
  }
  // A job that sends spares its client the way back through this thread. Where more of them run, this thread is awake
  // anyway and sends for all, which costs less. While a job sends, nobody else may use the socket: neither TLS nor what
  // still reads the body or watches for the end.
  const bool sends = loop_.jobs == 0 && !tls_ && !waits_ && !plan_.stream;
  if (sends) await_readable();
  const bool counts = !waits_;
  if (counts) ++loop_.jobs;
  reply_ = reply;
  // Held by the job as long as it needs the connection; this coroutine, which waits, holds it all the time.
  auto job = [self = shared_from_this(), reply, request, sends, counts]() mutable {
    Connection& connection = *self;
    bool over = false;
    try {
      over = connection.run_handler(*reply, std::move(*request), sends);
    } catch (const std::exception& e) {
      log::error("a job of a connection threw: {}", e.what());
      reply->failed = true;
    }
    if (counts) --connection.loop_.jobs;
    // The last reference must not be let go here, and once the job is over the connection may be gone.
    self.reset();
    auto running = Reply::Stage::Running;
    if (over && reply->stage.compare_exchange_strong(running, Reply::Stage::Over)) return;
    asio::post(connection.loop_.context, [self = connection.shared_from_this(), reply] {
      reply->done = true;
      self->event_.cancel();
    });
  };
  const auto wake = plan_.stream ? WorkPool::Wake::LongestAsleep : WorkPool::Wake::LastAsleep;
  const bool taken = waits_ ? shared_.waiting->submit(std::move(job)) : shared_.pool.submit(std::move(job), wake);
  if (!taken && counts) --loop_.jobs;
  // The event ends by cancellation only, also when the connection is closed; the job is waited for all the same.
  while (taken && !reply->done) co_await event_.async_wait(kToken);
  reply_.reset();
  gone_ = std::stop_source(std::nostopstate);
  release_gathered();
  if (!taken) reply->response = shared_.refusal(request.get(), 503, "The server is busy. Try again later.");
  co_return reply;
}

/// In a job. True if the response was sent as a whole and the connection waits for another request.
bool Connection::run_handler(Reply& reply, Request request, bool sends) {
  try {
    reply.response = shared_.handlers.handle(std::move(request));
  } catch (const std::exception& e) {
    log::error("a request handler threw: {}", e.what());
    reply.response = shared_.refusal(nullptr, 500, "The server failed to answer.");
  }
  if (!sends) return false;
  // The body of the request is gone by now.
  release_gathered();
  send_at_once(reply);
  if (!reply.settled) return false;
  // What is in it may belong to whoever made it, who need not outlive the server.
  reply.response = {};
  // What the client sent ahead is not announced by the socket any more.
  return reply.framing.keep_alive && begin_ == end_;
}

/// In a job: gives the socket as much of the response as it takes without waiting.
void Connection::send_at_once(Reply& reply) {
  prepare(reply, http_date(std::chrono::system_clock::now()));
  if (reply.response.stream && reply.body.empty() && !head_only_) return;  // made piece by piece, by other jobs
  auto free = SocketUse::Free;
  if (!socket_use_.compare_exchange_strong(free, SocketUse::Sending)) return;
  const std::size_t total = reply.head.size() + reply.body.size();
  while (reply.sent < total && !reply.failed) {
    const std::string_view head = std::string_view(reply.head).substr(std::min(reply.sent, reply.head.size()));
    const std::string_view body = reply.body.substr(reply.sent - (reply.head.size() - head.size()));
    std::array<iovec, 2> parts = {iovec{const_cast<char*>(head.data()), head.size()},
                                  iovec{const_cast<char*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    const ssize_t count = ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      reply.failed = errno != EAGAIN && errno != EWOULDBLOCK;
      break;
    }
    reply.sent += static_cast<std::size_t>(count);
    shared_.counters.bytes_out += static_cast<std::uint64_t>(count);
  }
  auto sending = SocketUse::Sending;
  socket_use_.compare_exchange_strong(sending, SocketUse::Free);
  if (reply.sent < total) return;
  reply.settled = true;
  if (reply.response.on_sent) reply.response.on_sent({.body_bytes = reply.body.size(), .complete = true});
}

/// Writes both in full; false if the client went away or reads too slowly.
Awaitable<bool> Connection::write(std::string_view first, std::string_view second) {
  const std::uint64_t total = first.size() + second.size();
  const SteadyTime start = steady_clock::now();
  std::uint64_t written = 0;
  while (written < total) {
    if (closed_) co_return false;
    set_deadline(write_deadline_, transfer_deadline(steady_clock::now() - start, written));
    const std::array<asio::const_buffer, 2> buffers = {asio::buffer(first), asio::buffer(second)};
    ErrorCode error;
    std::size_t count = 0;
    if (tls_)
      std::tie(error, count) = co_await tls_->async_write_some(buffers, kToken);
    else
      std::tie(error, count) = co_await socket_.async_write_some(buffers, kToken);
    if (error) co_return false;
    written += count;
    shared_.counters.bytes_out += count;
    const std::size_t of_first = std::min(count, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(count - of_first);
  }
  set_deadline(write_deadline_, kNever);
  co_return true;
}

/// One piece is sent while the next is read, if there is room for both.
Awaitable<bool> Connection::send_known(std::shared_ptr<BodyReader> stream, std::uint64_t length, Sent* sent) {
  const ReadAhead room(shared_.counters, length > kPiece ? 2 * kLargePiece : 0);
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(length, room.granted() ? kLargePiece : kPiece));
  // Shared with their jobs, which may outlive this call only if the pool throws them away.
  auto current = std::make_shared<Piece>(size);
  auto next = room.granted() && length > size ? std::make_shared<Piece>(size) : nullptr;
  std::uint64_t unread = length;
  const auto filling = [&stream, &unread](const std::shared_ptr<Piece>& piece) -> std::function<void()> {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(unread, piece->buffer.size()));
    unread -= count;
    return [stream, piece, count] { piece->fill(*stream, count); };
  };
  // The head has been sent, so the client cannot be told that the pool is full: wait for room.
  std::function<void()> first = filling(current);
  bool ran = co_await on_pool(std::move(first));
  while (ran && current->count && *current->count > 0) {
    const std::string_view piece = current->text();
    std::function<void()> work;
    std::shared_ptr<bool> read;
    if (next && unread > 0) {
      work = filling(next);
      read = begin_on_pool(work);
    }
    const bool written = co_await write(piece, {});
    // Waited for in any case: until then the stream is the job's.
    while (read && !*read) co_await event_.async_wait(kToken);
    if (!written) co_return false;
    sent->body_bytes += piece.size();
    if (sent->body_bytes == length) co_return true;
    if (!read) {
      if (!work && unread == 0) co_return false;  // the stream ended early
      if (!work) work = filling(current);
      ran = co_await on_pool(std::move(work));
    }
    if (next) std::swap(current, next);
  }
  co_return false;
}

/// Pieces are sent as the stream has them.
Awaitable<bool> Connection::send_as_it_comes(std::shared_ptr<BodyReader> stream, bool chunked, Sent* sent) {
  // Shared with the job, which may outlive this call only if the pool throws it away.
  const auto buffer = std::make_shared<Bytes>(kPiece);
  const auto count = std::make_shared<Result<std::size_t>>(0);
  while (true) {
    std::function<void()> work = [stream, buffer, count] { *count = stream->read(*buffer); };
    // The head has been sent, so the client cannot be told that the pool is full: wait for room.
    const bool ran = co_await on_pool(std::move(work));
    if (!ran || !count->has_value()) co_return false;
    const std::string_view piece = as_text(BytesView(*buffer).first(**count));
    if (piece.empty()) break;
    const std::string size_line = chunked ? fmt::format("{:x}\r\n", piece.size()) : std::string();
    const bool head_written = size_line.empty() || co_await write(size_line, {});
    if (!head_written) co_return false;
    const std::string_view end = chunked ? "\r\n" : "";
    const bool written = co_await write(piece, end);
    if (!written) co_return false;
    sent->body_bytes += piece.size();
  }
  if (!chunked) co_return true;
  const std::string_view last = "0\r\n\r\n";
  co_return co_await write(last, {});
}

/// Decides how the response is sent, and writes its head. While a job does, the coroutine waits for it, so that what
/// the connection knows of the request stays as it is.
void Connection::prepare(Reply& reply, std::string_view date) {
  Response& response = reply.response;
  ResponseFraming& framing = reply.framing;
  const bool bodiless = response.status < 200 || response.status == 204 || response.status == 304;
  framing.keep_alive = keep_alive_ && !response.close && !loop_.draining && !body_unread();
  if (bodiless) {
    response.stream.reset();
  } else if (!response.stream) {
    framing.length = head_only_ && response.stream_length ? *response.stream_length : response.body.size();
  } else if (response.stream_length) {
    framing.length = response.stream_length;
  } else if (version_ >= 11) {
    framing.chunked = true;
  } else {
    framing.keep_alive = false;
  }
  reply.head = write_response_head(response, framing, date);
  if (bodiless || head_only_) return;
  if (!response.stream) reply.body = response.body;
  if (const auto* held = dynamic_cast<const HeldBody*>(response.stream.get());
      held != nullptr && framing.length == held->whole().size())
    reply.body = held->whole();
}

Awaitable<bool> Connection::send(std::shared_ptr<Reply> reply) {
  if (reply->head.empty()) prepare(*reply, loop_.date_now());
  keep_alive_ = reply->framing.keep_alive;
  if (reply->settled) co_return true;
  const Response& response = reply->response;
  const std::string_view head = std::string_view(reply->head).substr(std::min(reply->sent, reply->head.size()));
  const std::string_view body = reply->body.substr(reply->sent - (reply->head.size() - head.size()));
  Sent sent;
  sent.complete = !reply->failed && co_await write(head, body);
  if (sent.complete) {
    sent.body_bytes = reply->body.size();
    if (response.stream && !head_only_ && reply->body.empty())
      sent.complete = reply->framing.length ? co_await send_known(response.stream, *reply->framing.length, &sent)
                                            : co_await send_as_it_comes(response.stream, reply->framing.chunked, &sent);
  }
  if (response.on_sent) response.on_sent(sent);
  co_return sent.complete;
}

}  // namespace likeness::net
