#include "functions/api_connection.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace likeness::functions {
namespace {

// The official clients send the cause of an error, up to a megabyte, in a header; bodies of errors in a trailer.
constexpr net::HeadLimits kHeadLimits{.bytes = 2 * 1024 * 1024, .fields = 200};
constexpr std::size_t kMaxTrailers = 1024 * 1024;
constexpr std::size_t kReadAtOnce = 256 * 1024;
constexpr std::size_t kMaxAhead = 64 * 1024;  // of what follows a request that waits for its answer

}  // namespace

ApiConnection::ApiConnection(Loop& loop, Descriptor socket, ApiOwner& owner)
    : loop_(loop), socket_(std::move(socket)), owner_(&owner) {}

ApiConnection::~ApiConnection() { close(); }

bool ApiConnection::start() {
  head_.emplace(kHeadLimits);
  watch_ = loop_.watch(socket_.get(), EPOLLIN | EPOLLRDHUP, [weak = weak_from_this()](std::uint32_t events) {
    if (const auto self = weak.lock()) self->ready(events);
  });
  return watch_ != 0;
}

void ApiConnection::close() {
  owner_ = nullptr;
  state_ = State::Closed;
  if (watch_ != 0) loop_.forget(watch_);
  socket_.close();
}

void ApiConnection::fail() {
  ApiOwner* owner = owner_;
  const auto self = shared_from_this();
  close();
  if (owner != nullptr) owner->on_closed(*this);
}

void ApiConnection::update_events() {
  if (watch_ == 0) return;
  const bool reading = !paused_;
  const bool writing = out_sent_ < out_.size();
  loop_.change(watch_, (reading ? EPOLLIN | EPOLLRDHUP : 0U) | (writing ? EPOLLOUT : 0U));
}

void ApiConnection::ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) flush();
  if (paused_ && (events & (EPOLLHUP | EPOLLERR)) != 0) return fail();
  if (state_ != State::Closed && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 && !paused_) receive();
}

void ApiConnection::receive() {
  std::array<char, 65536> buffer;
  std::size_t total = 0;
  while (total < kReadAtOnce && state_ != State::Closed && !paused_) {
    const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return fail();
    total += static_cast<std::size_t>(count);
    in_.append(buffer.data(), static_cast<std::size_t>(count));
    proceed();
    if (state_ == State::Waiting && in_.size() - in_used_ > kMaxAhead) return fail();
    if (static_cast<std::size_t>(count) < buffer.size()) return;
  }
}

void ApiConnection::proceed() {
  // An answer from within leads back here.
  if (proceeding_) return;
  proceeding_ = true;
  while ((state_ == State::Head && read_head()) || (state_ == State::Body && !paused_ && read_body())) {
  }
  proceeding_ = false;
  if (in_used_ == in_.size()) {
    in_.clear();
    in_used_ = 0;
  } else if (in_used_ > kMaxAhead) {
    in_.erase(0, in_used_);
    in_used_ = 0;
  }
}

bool ApiConnection::read_head() {
  if (in_used_ == in_.size()) return false;
  const auto used = head_->feed(as_bytes(std::string_view(in_).substr(in_used_)));
  if (!used) {
    keep_alive_ = false;
    state_ = State::Waiting;
    answer(used.error().status, "", "");
    return false;
  }
  in_used_ += *used;
  if (!head_->done()) return false;
  request_ = head_->take_request();
  framing_ = head_->framing();
  keep_alive_ = framing_.keep_alive;
  answered_ = discarding_ = false;
  body_.clear();
  body_bytes_ = 0;
  chunks_.reset();
  body_left_ = 0;
  if (framing_.kind == net::Framing::Kind::Chunked) chunks_.emplace(kMaxTrailers);
  if (framing_.kind == net::Framing::Kind::Length) body_left_ = framing_.length;
  state_ = State::Body;
  if (owner_ == nullptr) return false;
  mode_ = owner_->on_head(*this, request_);
  if (framing_.expect_continue) send("HTTP/1.1 100 Continue\r\n\r\n", "");
  if (!chunks_ && !mode_.pieces)
    body_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, mode_.limit)));
  if (!chunks_ && body_left_ == 0) end_body();
  return state_ != State::Closed;
}

bool ApiConnection::read_body() {
  const std::string_view rest = std::string_view(in_).substr(in_used_);
  if (rest.empty()) return false;
  if (!chunks_) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, rest.size()));
    in_used_ += size;
    body_left_ -= size;
    take(rest.substr(0, size));
    if (state_ == State::Body && body_left_ == 0) end_body();
    return state_ != State::Closed;
  }
  chunk_.clear();
  in_used_ += chunks_->feed(as_bytes(rest), chunk_, kReadAtOnce);
  if (chunks_->failed()) {
    fail();
    return false;
  }
  const bool done = chunks_->done();
  take(as_text(chunk_));
  if (state_ == State::Body && done) end_body();
  return state_ != State::Closed;
}

void ApiConnection::take(std::string_view piece) {
  if (discarding_ || piece.empty() || owner_ == nullptr) return;
  body_bytes_ += piece.size();
  if (body_bytes_ > mode_.limit) {
    discarding_ = true;
    body_.clear();
    owner_->on_too_large(*this, request_);
  } else if (mode_.pieces) {
    owner_->on_piece(*this, piece);
  } else {
    body_ += piece;
  }
}

void ApiConnection::end_body() {
  head_.emplace(kHeadLimits);
  if (discarding_ || answered_) {
    state_ = State::Head;
    if (!keep_alive_) fail();
    return;
  }
  state_ = State::Waiting;
  if (owner_ != nullptr)
    owner_->on_request(*this, request_, std::move(body_), chunks_ ? chunks_->trailers() : std::string());
}

void ApiConnection::answer(int status, std::string_view headers, std::string_view body) {
  if (state_ == State::Closed) return;
  const auto self = shared_from_this();  // the owner may let go of us on the way
  const std::string head =
      fmt::format("HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}{}\r\n", status,
                  net::reason_phrase(status), body.size(), keep_alive_ ? "" : "Connection: close\r\n", headers);
  if (state_ == State::Waiting)
    state_ = State::Head;
  else
    answered_ = true;
  send(head, body);
  if (state_ == State::Head && !keep_alive_) return fail();
  if (state_ == State::Head) proceed();
}

void ApiConnection::send(std::string_view first, std::string_view second) {
  if (state_ == State::Closed) return;
  std::size_t sent = 0;
  if (out_.empty()) {
    std::array<iovec, 2> parts = {iovec{const_cast<char*>(first.data()), first.size()},
                                  iovec{const_cast<char*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = second.empty() ? 1 : 2;
    const ssize_t count = ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) sent = static_cast<std::size_t>(count);
  }
  if (sent == first.size() + second.size()) return;
  if (sent < first.size()) out_ += first.substr(sent);
  out_ += second.substr(sent > first.size() ? sent - first.size() : 0);
  update_events();
}

void ApiConnection::flush() {
  while (out_sent_ < out_.size()) {
    const ssize_t count =
        ::send(socket_.get(), out_.data() + out_sent_, out_.size() - out_sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return fail();
    out_sent_ += static_cast<std::size_t>(count);
  }
  out_.clear();
  out_sent_ = 0;
  update_events();
}

void ApiConnection::pause() {
  paused_ = true;
  update_events();
}

void ApiConnection::resume() {
  if (!paused_) return;
  const auto self = shared_from_this();
  paused_ = false;
  update_events();
  proceed();
}

}  // namespace likeness::functions
