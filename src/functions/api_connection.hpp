#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "functions/loop.hpp"
#include "functions/process.hpp"
#include "net/chunked.hpp"
#include "net/head.hpp"
#include "net/http.hpp"

namespace likeness::functions {

class ApiConnection;

/// Who answers the requests of a connection. Called on the loop's thread.
class ApiOwner {
 public:
  struct BodyMode {
    std::size_t limit = 0;
    bool pieces = false;  // told piece by piece instead of as a whole
  };

  virtual ~ApiOwner() = default;
  virtual BodyMode on_head(ApiConnection& connection, const net::Request& request) = 0;
  virtual void on_piece(ApiConnection& connection, std::string_view piece) = 0;
  /// A whole request; `body` is empty if it was told in pieces. To be answered, now or later.
  virtual void on_request(ApiConnection& connection, const net::Request& request, std::string body,
                          const std::string& trailers) = 0;
  /// The body is longer than the limit. To be answered now; what follows of it is thrown away.
  virtual void on_too_large(ApiConnection& connection, const net::Request& request) = 0;
  virtual void on_closed(ApiConnection& connection) = 0;
};

/// One connection of a worker to its Runtime API: HTTP/1.1 with as little as that needs.
class ApiConnection : public std::enable_shared_from_this<ApiConnection> {
 public:
  /// `owner` must outlive the connection or close() it.
  ApiConnection(Loop& loop, Descriptor socket, ApiOwner& owner);
  ~ApiConnection();
  ApiConnection(const ApiConnection&) = delete;
  ApiConnection& operator=(const ApiConnection&) = delete;

  /// False if it cannot be watched.
  bool start();
  /// Answers the request at hand. `headers` are whole lines.
  void answer(int status, std::string_view headers, std::string_view body);
  /// Stops reading until resume().
  void pause();
  void resume();
  /// Closes without a word to the owner.
  void close();

 private:
  enum class State { Head, Body, Waiting, Closed };
  void ready(std::uint32_t events);
  void receive();
  void proceed();
  bool read_head();
  bool read_body();
  void end_body();
  void take(std::string_view piece);
  void send(std::string_view first, std::string_view second);
  void flush();
  void update_events();
  void fail();

  Loop& loop_;
  Descriptor socket_;
  ApiOwner* owner_;
  Loop::Token watch_ = 0;
  State state_ = State::Head;
  bool paused_ = false;
  bool answered_ = false;    // the request at hand, before its end was read
  bool discarding_ = false;  // the rest of the body at hand
  bool keep_alive_ = true;
  bool proceeding_ = false;

  std::string in_;
  std::size_t in_used_ = 0;
  std::optional<net::HeadParser> head_;
  net::Request request_;
  net::Framing framing_;
  std::optional<net::ChunkDecoder> chunks_;
  Bytes chunk_;
  std::uint64_t body_left_ = 0;
  ApiOwner::BodyMode mode_;
  std::string body_;
  std::size_t body_bytes_ = 0;

  std::string out_;
  std::size_t out_sent_ = 0;
};

}  // namespace likeness::functions
