#include "net/connection.hpp"

#include <algorithm>
#include <tuple>

namespace likeness::net {
namespace {

constexpr std::size_t kFirstBuffer = 4 * 1024;  // what an idle connection holds
constexpr std::size_t kReadStep = 256 * 1024;   // a gathered body grows by this: zeroed while in the cache
constexpr std::size_t kTlsRecord = 16 * 1024;   // no read of TLS gives more
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

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

}  // namespace likeness::net
