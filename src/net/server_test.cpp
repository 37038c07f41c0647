#include "net/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "net/client.hpp"
#include "net/test_socket.hpp"

namespace likeness::net {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawSocket;
using ::testing::StartsWith;

/// Answers with what it was sent: "METHOD target body".
Response echo(Request request) {
  return text_response(200, "text/plain",
                       request.method + " " + request.target + " " + std::string(as_text(request.body)));
}

class ServerTest : public ::testing::Test {
 protected:
  void start(std::function<Response(Request)> handle = echo) {
    handlers_.handle = std::move(handle);
    pool_.emplace("test", 2, queue_);
    auto server = Server::start(options_, handlers_, *pool_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  void TearDown() override {
    server_.reset();
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
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersManyRequestsOnOneConnection) {
  start();
  RawSocket socket(server_->port());
  for (int i = 0; i < 20; ++i) {
    socket.send("POST /a?b=" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    const std::string response = socket.read_response();
    EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(response, HasSubstr("\r\nDate: "));
    EXPECT_THAT(response, HasSubstr("POST /a?b=" + std::to_string(i) + " abc"));
  }
  EXPECT_EQ(server_->stats().accepted, 1u);
  EXPECT_EQ(server_->stats().requests, 20u);
}

}  // namespace
}  // namespace likeness::net
