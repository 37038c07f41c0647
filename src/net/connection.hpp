#pragma once

#include <array>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "net/chunked.hpp"
#include "net/head.hpp"
#include "net/loop.hpp"
#include "net/request_stream.hpp"
#include "net/response_head.hpp"

// For connection*.cpp and loop.cpp only.
//
// How it works. Each io thread has an io_context of its own, and each connection belongs to one of them for life, so no
// state of a connection needs a lock. A connection is one coroutine: read a head, read the body, hand the request to
// the work pool, write the response, again. While a handler runs the coroutine waits on a timer that the handler's job
// cancels. A job that is the only one of its loop writes the response by itself, as far as the socket takes it at once;
// when that is all of it, the loop is not woken but learns of it with the next request (Reply::Stage). Deadlines are a
// time in the connection that the loop's sweep compares four times a second, which costs less than a timer an
// operation.
//
// Rule for coroutines in these files: every awaited argument is a named variable, and no lambda is a coroutine.

namespace likeness::net {

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

inline constexpr asio::as_tuple_t<asio::use_awaitable_t<Executor>> kToken{};
inline constexpr SteadyTime kNever = SteadyTime::max();
inline constexpr std::size_t kPiece = 64 * 1024;  // of a streamed body

class Connection;

/// What a connection knows of its loop. Touched by the loop's thread only.
struct LoopState {
  // Declared before the context, which ends what still uses it.
  std::unordered_set<Connection*> connections;
  std::atomic<bool> draining = false;  // also read by jobs
  std::atomic<int> jobs = 0;           // that make responses right now
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

/// A response from the moment that its request is handed over. A job makes it and sends what the socket takes; the rest
/// is the loop's.
struct Reply {
  /// How far the job is, and whether the loop has to be told of its end.
  enum class Stage : std::uint8_t {
    Running,  // the loop waits
    Asked,    // something happens on the connection: the job is to tell the loop when it ends
    Over,     // all is sent; the loop has not been told, and need not be before something happens
  };

  Response response;
  ResponseFraming framing;
  std::string head;  // empty: not written yet
  std::string_view body;
  std::size_t sent = 0;  // of head and body
  bool failed = false;   // the client has gone
  bool settled = false;  // all has been sent, and on_sent was told

  std::atomic<Stage> stage = Stage::Running;
  bool done = false;  // the loop's: the job is over
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
  bool idle() const { return idle_ || reply_is_over(); }
  /// Of two idle connections the one with the earlier deadline has been idle for longer.
  SteadyTime deadline() const { return read_deadline_; }
  void close() {
    closed_ = true;
    gone_.request_stop();
    // A job that is sending right now keeps the socket; whoever waits for the job closes it then.
    ErrorCode ignored;
    if (socket_use_.exchange(SocketUse::Closed) != SocketUse::Sending) socket_.close(ignored);
    event_.cancel();
    notice_reply();
  }
  /// The coroutine goes on if its response has been sent; else the job will tell. Called by the sweep, too, so that the
  /// time for being idle begins.
  void notice_reply() {
    if (!reply_ || reply_->stage.exchange(Reply::Stage::Asked) != Reply::Stage::Over) return;
    reply_->done = true;
    event_.cancel();
  }
  bool reply_is_over() const { return reply_ && reply_->stage == Reply::Stage::Over; }
  /// While a handler waits nothing is read, so a client that hangs up is noticed by asking. Called by the sweep, too:
  /// behind bytes that were not read yet (a pipelined request, the end of TLS) the end of a connection wakes nobody.
  void check_client();

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
  Awaitable<bool> on_pool(std::function<void()> work);
  Awaitable<std::shared_ptr<Reply>> answer();
  bool run_handler(Reply& reply, Request request, bool sends);
  void send_at_once(Reply& reply);
  void prepare(Reply& reply, std::string_view date);
  Awaitable<bool> send(std::shared_ptr<Reply> reply);
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
  /// From here until the handler is done.
  void watch_client();
  void await_readable();
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
  bool waits_ = false;                       // the request is one for the pool of those that wait
  std::stop_source gone_{std::nostopstate};  // of such a request, while its handler runs
  bool readable_awaited_ = false;
  std::shared_ptr<Reply> reply_;  // while its job may run
  enum class SocketUse : std::uint8_t { Free, Sending, Closed };
  std::atomic<SocketUse> socket_use_ = SocketUse::Free;  // by jobs
  int version_ = 11;
  std::string remote_address_;
};

}  // namespace likeness::net
