#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <limits>
#include <thread>
#include <tuple>
#include <unordered_set>

#include "base/log.hpp"
#include "net/chunked.hpp"
#include "net/head.hpp"
#include "net/loop.hpp"
#include "net/request_stream.hpp"
#include "net/response_head.hpp"
#include "net/tls.hpp"

// How it works. Each io thread has an io_context of its own, and each connection belongs to one of them for life, so no
// state of a connection needs a lock. A connection is one coroutine: read a head, read the body, hand the request to
// the work pool, write the response, again. While a handler runs the coroutine waits on a timer that the handler's job
// cancels. Deadlines are a time in the connection that the loop's sweep compares four times a second, which costs less
// than a timer an operation.
//
// Rule for coroutines in this file: every awaited argument is a named variable, and no lambda is a coroutine.

namespace likeness::net {
namespace {

namespace asio = boost::asio;
using Executor = asio::io_context::executor_type;
using Tcp = asio::ip::tcp;
using Socket = asio::basic_stream_socket<Tcp, Executor>;
using TlsStream = asio::ssl::stream<Socket&>;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;
template <class T>
using Awaitable = asio::awaitable<T, Executor>;
using SteadyTime = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ErrorCode = boost::system::error_code;

constexpr asio::as_tuple_t<asio::use_awaitable_t<Executor>> kToken{};
constexpr milliseconds kSweepInterval{250};
constexpr SteadyTime kNever = SteadyTime::max();
constexpr std::size_t kFirstBuffer = 4 * 1024;   // what an idle connection holds
constexpr std::size_t kPiece = 64 * 1024;        // of a streamed body
constexpr std::size_t kLargePiece = 256 * 1024;  // of a response whose length is known
/// What all connections together hold in large pieces; those that find no room make do with a small one each.
constexpr std::size_t kMaxReadAhead = 64 * 1024 * 1024;
constexpr std::size_t kReadStep = 256 * 1024;  // a gathered body grows by this: zeroed while in the cache
constexpr std::size_t kTlsRecord = 16 * 1024;  // no read of TLS gives more
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

class Connection;

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

/// What a connection knows of its loop. Touched by the loop's thread only.
struct LoopState {
  // Declared before the context, which ends what still uses it.
  std::unordered_set<Connection*> connections;
  bool draining = false;
  bool stopping = false;
  std::string date;
  std::time_t date_second = 0;

  asio::io_context context{1};
  asio::executor_work_guard<Executor> work{context.get_executor()};
  Timer sweep_timer{context.get_executor()};

  std::string_view date_now() {
    const TimePoint now = std::chrono::system_clock::now();
    const std::time_t second = std::chrono::system_clock::to_time_t(now);
    if (second != date_second) {
      date = http_date(now);
      date_second = second;
    }
    return date;
  }
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// `tls`: owned from here on; null if there is none.
  Connection(Shared& shared, LoopState& loop, Socket socket, SSL* tls)
      : shared_(shared), loop_(loop), socket_(std::move(socket)), event_(loop.context.get_executor()) {
    if (tls != nullptr) tls_.emplace(socket_, tls);
    shared_.enter();
    loop_.connections.insert(this);
    ++shared_.counters.connections;
    event_.expires_at(kNever);
    ErrorCode gone;
    const Tcp::endpoint peer = socket_.remote_endpoint(gone);
    asio::ip::address address = peer.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped())
      address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    remote_address_ = address.to_string();
  }
  ~Connection() {
    set_idle(false);
    release_gathered();
    loop_.connections.erase(this);
    --shared_.counters.connections;
    shared_.leave();
  }

  static Awaitable<void> run(std::shared_ptr<Connection> self);

  /// Called by the sweep. A first expiry cancels what is pending, so that the coroutine may still say why; a second
  /// closes.
  void check_deadline(SteadyTime now) {
    if (now < std::min(read_deadline_, write_deadline_)) return;
    if (expired_ || lingering_) return close();
    ++shared_.counters.timeouts;
    if (idle_) return close();
    expired_ = true;
    read_deadline_ = now + shared_.options.linger_timeout;
    write_deadline_ = kNever;
    ErrorCode ignored;
    socket_.cancel(ignored);
  }
  bool idle() const { return idle_; }
  /// Of two idle connections the one with the earlier deadline has been idle for longer.
  SteadyTime deadline() const { return read_deadline_; }
  void close() {
    closed_ = true;
    ErrorCode ignored;
    socket_.close(ignored);
    event_.cancel();
  }

 private:
  enum class Outcome { Ok, End, Failed };  // Failed: refusal_ says why, or the connection is gone if refusal_ is empty

  Awaitable<bool> shake_hands();
  Awaitable<Outcome> read_head();
  Awaitable<bool> serve_one(Outcome outcome);
  void begin_request();
  Awaitable<Outcome> gather_body();
  Awaitable<Outcome> read_piece(Bytes* into, std::size_t most);
  Awaitable<std::size_t> receive(std::uint8_t* into, std::size_t room);
  Awaitable<bool> fill_buffer();
  static Awaitable<void> pump(std::shared_ptr<Connection> self);
  std::shared_ptr<bool> begin_on_pool(std::function<void()> work);
  Awaitable<bool> on_pool(std::function<void()> work, bool insist);
  Awaitable<Response> answer();
  Awaitable<bool> send(Response response);
  Awaitable<bool> send_known(std::shared_ptr<BodyReader> stream, std::uint64_t length, Sent* sent);
  Awaitable<bool> send_as_it_comes(std::shared_ptr<BodyReader> stream, bool chunked, Sent* sent);
  Awaitable<bool> write(std::string_view first, std::string_view second);
  Awaitable<void> linger();

  void set_idle(bool idle) {
    if (idle != idle_) idle ? ++shared_.counters.idle : --shared_.counters.idle;
    idle_ = idle;
  }
  void release_gathered() {
    shared_.counters.gathered -= gathered_;
    gathered_ = 0;
  }
  // Once expired, the one deadline that is left is for saying goodbye.
  void set_deadline(SteadyTime& deadline, SteadyTime time) {
    if (!expired_) deadline = time;
  }
  /// When a transfer that has waited `waited` on the peer for `bytes` is too slow.
  SteadyTime transfer_deadline(steady_clock::duration waited, std::uint64_t bytes) const {
    const ServerOptions& options = shared_.options;
    const auto earned = milliseconds(bytes * 1000 / std::max<std::uint64_t>(1, options.min_body_rate));
    return steady_clock::now() + options.body_grace + earned - waited;
  }
  bool body_unread() const { return framing_.kind != Framing::Kind::None && !body_done_; }

  Shared& shared_;
  LoopState& loop_;
  Socket socket_;
  std::optional<TlsStream> tls_;  // over socket_, where the connection is secure
  Timer event_;                   // never expires by itself: cancelled when a job is done
  SteadyTime read_deadline_ = kNever, write_deadline_ = kNever;
  bool expired_ = false, closed_ = false, idle_ = false, lingering_ = false;

  Bytes buffer_;  // received and not used: bytes begin_ .. end_
  std::size_t begin_ = 0, end_ = 0;

  // Of the request at hand.
  Request request_;
  Framing framing_;
  BodyPlan plan_;
  ChunkDecoder decoder_;
  std::uint64_t body_received_ = 0, body_limit_ = 0;
  std::uint64_t gathered_ = 0;
  steady_clock::duration body_waited_{};
  bool body_done_ = false, continue_due_ = false, pumping_ = false;
  std::shared_ptr<RequestStream> stream_;
  std::optional<Refusal> refusal_;
  bool keep_alive_ = true, head_only_ = false;
  bool waits_ = false;  // the request is one for the pool of those that wait
  int version_ = 11;
  std::string remote_address_;
};
// --- receiving ---------------------------------------------------------------------------------------------------

/// One read: the bytes received; 0 at the end of the connection, on a failure or when time is up.
Awaitable<std::size_t> Connection::receive(std::uint8_t* into, std::size_t room) {
  if (expired_ || closed_) co_return 0;
  const auto buffer = asio::buffer(into, room);
  ErrorCode error;
  std::size_t received = 0;
  if (tls_)
    std::tie(error, received) = co_await tls_->async_read_some(buffer, kToken);
  else
    std::tie(error, received) = co_await socket_.async_read_some(buffer, kToken);
  if (error || expired_) co_return 0;
  shared_.counters.bytes_in += received;
  co_return received;
}

/// Receives more into buffer_, which grows to twice its size when it is full.
Awaitable<bool> Connection::fill_buffer() {
  if (begin_ > 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(std::max(kFirstBuffer, buffer_.size() * 2));
  const std::size_t received = co_await receive(buffer_.data() + end_, buffer_.size() - end_);
  end_ += received;
  co_return received > 0;
}

Awaitable<Connection::Outcome> Connection::read_head() {
  const HeadLimits limits{shared_.options.max_head_bytes, shared_.options.max_head_fields};
  HeadParser parser(limits);
  bool started = begin_ < end_;
  const ServerOptions& options = shared_.options;
  set_deadline(read_deadline_, steady_clock::now() + (started ? options.head_timeout : options.idle_timeout));
  set_idle(!started);
  if (!started && buffer_.size() > kFirstBuffer) {
    Bytes().swap(buffer_);
    begin_ = end_ = 0;
  }
  while (true) {
    if (begin_ < end_) {
      const auto used = parser.feed(BytesView(buffer_).subspan(begin_, end_ - begin_));
      if (!used) {
        refusal_ = used.error();
        co_return Outcome::Failed;
      }
      begin_ += *used;
      if (parser.done()) break;
    }
    if (loop_.draining && !started) co_return Outcome::End;
    const bool received = co_await fill_buffer();
    if (!received) {
      if (started && expired_) refusal_ = Refusal{408, "The request head did not arrive in time."};
      co_return started ? Outcome::Failed : Outcome::End;
    }
    if (!started) {
      started = true;
      set_idle(false);
      set_deadline(read_deadline_, steady_clock::now() + options.head_timeout);
    }
  }
  set_deadline(read_deadline_, kNever);
  request_ = parser.take_request();
  framing_ = parser.framing();
  co_return Outcome::Ok;
}

/// Appends what comes next of the body to `into`: at least one byte, unless the body ends (body_done_) or fails.
Awaitable<Connection::Outcome> Connection::read_piece(Bytes* into, std::size_t most) {
  const std::size_t before = into->size();
  if (continue_due_) {
    continue_due_ = false;
    if (begin_ == end_) {
      const bool sent = co_await write(kContinue, {});
      if (!sent) co_return Outcome::Failed;
    }
  }
  while (into->size() == before && !body_done_) {
    const bool direct = framing_.kind == Framing::Kind::Length && begin_ == end_;
    bool received = true;
    if (begin_ == end_) {
      const SteadyTime start = steady_clock::now();
      set_deadline(read_deadline_,
                   plan_.live ? start + shared_.options.idle_timeout : transfer_deadline(body_waited_, body_received_));
      if (direct) {
        const std::size_t room = static_cast<std::size_t>(
            std::min<std::uint64_t>(tls_ ? std::min(most, kTlsRecord) : most, framing_.length - body_received_));
        into->resize(before + room);
        const std::size_t count = co_await receive(into->data() + before, room);
        into->resize(before + count);
        received = count > 0;
      } else {
        received = co_await fill_buffer();
      }
      body_waited_ += steady_clock::now() - start;
      set_deadline(read_deadline_, kNever);
    }
    if (!received) {
      if (expired_) refusal_ = Refusal{408, "The request body did not arrive in time."};
      co_return Outcome::Failed;
    }
    const BytesView buffered = BytesView(buffer_).subspan(begin_, end_ - begin_);
    if (framing_.kind == Framing::Kind::Chunked) {
      begin_ += decoder_.feed(buffered, *into, most);
      body_done_ = decoder_.done();
      if (decoder_.failed()) {
        refusal_ = Refusal{400, "The chunks of the request body are malformed."};
        co_return Outcome::Failed;
      }
    } else if (!direct) {
      const std::size_t take =
          static_cast<std::size_t>(std::min<std::uint64_t>({buffered.size(), most, framing_.length - body_received_}));
      into->insert(into->end(), buffered.begin(), buffered.begin() + static_cast<std::ptrdiff_t>(take));
      begin_ += take;
    }
    body_received_ += into->size() - before;
    if (framing_.kind == Framing::Kind::Length) body_done_ = body_received_ == framing_.length;
    if (body_received_ > body_limit_) {
      refusal_ = Refusal{413, "The request body is larger than this server takes."};
      co_return Outcome::Failed;
    }
  }
  co_return Outcome::Ok;
}

Awaitable<Connection::Outcome> Connection::gather_body() {
  // Reserved, not touched: memory is spent as bytes arrive, and max_gathered_bytes counts those.
  if (framing_.kind == Framing::Kind::Length) request_.body.reserve(static_cast<std::size_t>(framing_.length));
  while (!body_done_) {
    const std::size_t before = request_.body.size();
    const Outcome outcome = co_await read_piece(&request_.body, kReadStep);
    if (outcome != Outcome::Ok) co_return outcome;
    const std::uint64_t grown = request_.body.size() - before;
    gathered_ += grown;
    const std::uint64_t gathered_by_all = shared_.counters.gathered += grown;
    if (gathered_by_all > shared_.options.max_gathered_bytes) {
      refusal_ = Refusal{503, "The server holds as many requests as it has memory for. Try again later."};
      co_return Outcome::Failed;
    }
  }
  co_return Outcome::Ok;
}

/// Reads one piece of a streamed body for the handler that asked for it.
Awaitable<void> Connection::pump(std::shared_ptr<Connection> self) {
  if (!self->stream_) co_return;  // the request is over
  self->pumping_ = true;
  Bytes piece;
  const Outcome outcome = co_await self->read_piece(&piece, kPiece);
  self->pumping_ = false;
  const std::shared_ptr<RequestStream> stream = self->stream_;
  if (!stream) co_return;
  if (outcome == Outcome::Ok) {
    stream->deposit(std::move(piece), self->body_done_);
    co_return;
  }
  self->keep_alive_ = false;
  if (!self->refusal_)
    stream->fail({"ConnectionClosed", "The client closed the connection.", Error::Fault::Client, {}});
  else if (self->refusal_->status == 408)
    stream->fail({"RequestTimeout", self->refusal_->message, Error::Fault::Client, {}});
  else if (self->refusal_->status == 413)
    stream->fail({"BodyTooLarge", self->refusal_->message, Error::Fault::Client, {}});
  else
    stream->fail({"BadRequest", self->refusal_->message, Error::Fault::Client, {}});
}

// --- answering ---------------------------------------------------------------------------------------------------

/// Runs `work` on the pool, or on that of requests that wait, and is back when it is done. False if the pool has no
/// room and the caller does not insist.
Awaitable<bool> Connection::on_pool(std::function<void()> work, bool insist) {
  std::shared_ptr<bool> done = begin_on_pool(work);
  while (!done) {
    if (!insist || closed_) co_return false;
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
  const bool taken = waits_ ? shared_.waiting->submit(std::move(job)) : shared_.pool.submit(std::move(job));
  return taken ? done : nullptr;
}

Awaitable<Response> Connection::answer() {
  const auto request = std::make_shared<Request>(std::move(request_));
  waits_ = false;
  if (shared_.handlers.immediate && !plan_.stream) {
    std::optional<Response> at_once = shared_.handlers.immediate(*request);
    if (at_once) co_return std::move(*at_once);
  }
  waits_ = shared_.waiting != nullptr && shared_.handlers.waits && shared_.handlers.waits(*request);
  const auto response = std::make_shared<Response>();
  std::function<void()> work = [&shared = shared_, request, response] {
    try {
      *response = shared.handlers.handle(std::move(*request));
    } catch (const std::exception& e) {
      log::error("a request handler threw: {}", e.what());
      *response = shared.refusal(nullptr, 500, "The server failed to answer.");
    }
  };
  const bool ran = co_await on_pool(std::move(work), false);
  release_gathered();
  if (!ran) co_return shared_.refusal(request.get(), 503, "The server is busy. Try again later.");
  co_return std::move(*response);
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
  bool ran = co_await on_pool(std::move(first), true);
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
      ran = co_await on_pool(std::move(work), true);
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
    const bool ran = co_await on_pool(std::move(work), true);
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

Awaitable<bool> Connection::send(Response response) {
  const bool bodiless = response.status < 200 || response.status == 204 || response.status == 304;
  ResponseFraming framing;
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
  keep_alive_ = framing.keep_alive;
  const std::string head = write_response_head(response, framing, loop_.date_now());
  const std::string_view body = bodiless || head_only_ || response.stream ? std::string_view() : response.body;
  Sent sent;
  sent.complete = co_await write(head, body);
  if (sent.complete) {
    sent.body_bytes = body.size();
    if (response.stream && !head_only_)
      sent.complete = framing.length ? co_await send_known(response.stream, *framing.length, &sent)
                                     : co_await send_as_it_comes(response.stream, framing.chunked, &sent);
  }
  if (response.on_sent) response.on_sent(sent);
  co_return sent.complete;
}

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
  Response response;
  if (refusal_) {
    keep_alive_ = false;
    response = shared_.refusal(have_head ? &request_ : nullptr, refusal_->status, refusal_->message);
  } else if (outcome != Outcome::Ok) {
    co_return false;
  } else {
    response = co_await answer();
  }
  const bool sent = co_await send(std::move(response));
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

}  // namespace

class Loop::Impl {
 public:
  explicit Impl(Shared& shared) : shared_(shared) {}

  void sweep() {
    state_.sweep_timer.expires_after(kSweepInterval);
    state_.sweep_timer.async_wait([this](const ErrorCode& error) {
      if (error || state_.stopping) return;
      const SteadyTime now = steady_clock::now();
      for (Connection* connection : state_.connections) connection->check_deadline(now);
      sweep();
    });
  }

  /// Makes room for one connection by closing the one that has been idle for longest; false if none is idle.
  bool evict_idle() {
    Connection* oldest = nullptr;
    for (Connection* connection : state_.connections)
      if (connection->idle() && (oldest == nullptr || connection->deadline() < oldest->deadline())) oldest = connection;
    if (oldest != nullptr) oldest->close();
    return oldest != nullptr;
  }

  void adopt(int descriptor, const TlsContext* tls) {
    ErrorCode error;
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    const bool v6 =
        ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0 && address.ss_family == AF_INET6;
    Socket socket(state_.context, v6 ? Tcp::v6() : Tcp::v4(), descriptor);
    socket.non_blocking(true, error);
    socket.set_option(Tcp::no_delay(true), error);
    if (shared_.counters.connections >= shared_.options.max_connections && !evict_idle()) {
      ++shared_.counters.turned_away;
      if (tls != nullptr) return;  // nothing can be said before the handshake
      const Response response = shared_.refusal(nullptr, 503, "The server has as many connections as it takes.");
      const std::string head = write_response_head(response, {response.body.size(), false, false}, state_.date_now());
      socket.write_some(asio::buffer(head + response.body), error);
      return;
    }
    SSL* session = tls == nullptr ? nullptr : SSL_new(tls->native());
    if (tls != nullptr && session == nullptr) return log::error("there is no memory for a TLS connection");
    ++shared_.counters.accepted;
    const auto connection = std::make_shared<Connection>(shared_, state_, std::move(socket), session);
    asio::co_spawn(state_.context, Connection::run(connection), asio::detached);
  }

  void run(const std::string& thread_name) {
    sweep();
    thread_ = std::thread([this] { state_.context.run(); });
    pthread_setname_np(thread_.native_handle(), thread_name.c_str());
  }

  void join() {
    // One that was not started has no thread: what was posted is run here.
    if (thread_.joinable())
      thread_.join();
    else
      state_.context.run();
  }

  Shared& shared_;
  LoopState state_;
  std::thread thread_;
};

Loop::Loop(Shared& shared) : impl_(std::make_unique<Impl>(shared)) {}
Loop::~Loop() = default;

void Loop::start(const std::string& thread_name) { impl_->run(thread_name); }

void Loop::adopt(int socket, std::shared_ptr<const TlsContext> tls) {
  asio::post(impl_->state_.context,
             [impl = impl_.get(), socket, tls = std::move(tls)] { impl->adopt(socket, tls.get()); });
}

void Loop::drain() {
  asio::post(impl_->state_.context, [&state = impl_->state_] {
    state.draining = true;
    for (Connection* connection : state.connections)
      if (connection->idle()) connection->close();
  });
}

void Loop::cut() {
  asio::post(impl_->state_.context, [&state = impl_->state_] {
    for (Connection* connection : state.connections) connection->close();
  });
}

void Loop::stop() {
  asio::post(impl_->state_.context, [&state = impl_->state_] {
    state.stopping = true;
    state.sweep_timer.cancel();
    state.work.reset();
  });
}

void Loop::join() { impl_->join(); }

}  // namespace likeness::net
