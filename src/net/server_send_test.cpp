#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "net/held_body.hpp"
#include "net/server_testing.hpp"

namespace likeness::net {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::RawSocket;

/// How responses get to the client: from the job that made them, or from the loop.
using ServerSendTest = testing::ServerTest;

TEST_F(ServerSendTest, RequestsSentAheadAreAnsweredWithoutWaitingForMore) {
  start();
  RawSocket socket(server_->port());
  for (int round = 0; round < 50; ++round) {
    socket.send(
        "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
    for (const char* path : {"/1", "/2", "/3"}) EXPECT_THAT(socket.read_response(), HasSubstr(path));
  }
}

TEST_F(ServerSendTest, AnAnswerLargerThanTheSocketTakesArrivesWhole) {
  std::string body(20'000'000, 'x');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 23);
  start([&](Request) { return text_response(200, "text/plain", body); });
  RawSocket socket(server_->port());
  for (int round = 0; round < 3; ++round) {
    socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string answer = socket.read_response();
    ASSERT_GT(answer.size(), body.size());
    EXPECT_TRUE(std::string_view(answer).substr(answer.size() - body.size()) == body);
  }
}

TEST_F(ServerSendTest, ABodyThatOthersHaveInMemoryIsSentAsItIs) {
  struct Text final : HeldBody {
    explicit Text(std::string_view of) : text(of) {}
    std::string_view whole() const override { return text; }
    Result<std::size_t> read(std::span<std::uint8_t>) override { return server_error("NeverRead", "Not piecewise."); }
    std::string_view text;
  };
  const std::string body(300'000, 'h');
  start([&](Request) {
    Response response;
    response.stream = std::make_shared<Text>(body);
    response.stream_length = body.size();
    return response;
  });
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), EndsWith("\r\n\r\n" + body));
  RawSocket head(server_->port());
  head.send("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(head.read_all(), AllOf(HasSubstr("Content-Length: 300000\r\n"), EndsWith("\r\n\r\n")));
}

TEST_F(ServerSendTest, ManyConnectionsThatComeAndGoAllGetTheirAnswers) {
  start();
  std::vector<std::thread> clients;
  std::atomic<int> right = 0;
  for (int client = 0; client < 4; ++client)
    clients.emplace_back([&, client] {
      for (int i = 0; i < 50; ++i) {
        RawSocket socket(server_->port());
        const std::string path = "/" + std::to_string(client) + "-" + std::to_string(i);
        for (int again = 0; again < 3; ++again) {
          socket.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
          if (socket.read_response().find(path) != std::string::npos) ++right;
        }
      }
    });
  for (auto& client : clients) client.join();
  EXPECT_EQ(right, 600);
  EXPECT_TRUE(server_->drain(30s));
}

TEST_F(ServerSendTest, AConnectionThatIsCutWhileItIsAnsweredEndsCleanly) {
  for (int round = 0; round < 20; ++round) {
    start([](Request) { return text_response(200, "text/plain", std::string(3'000'000, 'x')); });
    std::vector<std::unique_ptr<RawSocket>> clients;
    for (int i = 0; i < 3; ++i) {
      clients.push_back(std::make_unique<RawSocket>(server_->port()));
      clients.back()->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    server_->drain(1ms * round);
    server_.reset();
  }
}

}  // namespace
}  // namespace likeness::net
