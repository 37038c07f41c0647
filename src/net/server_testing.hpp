#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "net/server.hpp"
#include "net/test_socket.hpp"

namespace likeness::net::testing {

/// Answers with what it was sent: "METHOD target body".
inline Response echo(Request request) {
  return text_response(200, "text/plain",
                       request.method + " " + request.target + " " + std::string(as_text(request.body)));
}

/// A server with two workers; what is set before `start` holds.
class ServerTest : public ::testing::Test {
 protected:
  void start(std::function<Response(Request)> handle = echo) {
    handlers_.handle = std::move(handle);
    pool_.emplace("test", 2, queue_);
    auto server = Server::start(options_, handlers_, *pool_, &waiting_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  void TearDown() override {
    server_.reset();
    waiting_.stop();
    pool_.reset();
  }
  std::string ask(std::string_view text) {
    RawSocket socket(server_->port());
    socket.send(text);
    socket.half_close();
    return socket.read_all();
  }

  ServerOptions options_;
  Handlers handlers_;
  std::size_t queue_ = 100;
  std::optional<WorkPool> pool_;
  ElasticPool waiting_{"waiting", 8};
  std::unique_ptr<Server> server_;
};

/// Gives `text` in pieces of at most seven bytes.
class TextReader final : public BodyReader {
 public:
  explicit TextReader(std::string text) : text_(std::move(text)) {}
  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    const std::size_t count = std::min<std::size_t>({7, into.size(), text_.size() - at_});
    std::copy_n(text_.begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
    at_ += count;
    return count;
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

}  // namespace likeness::net::testing
