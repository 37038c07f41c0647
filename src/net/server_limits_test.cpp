#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "net/server_testing.hpp"

namespace likeness::net {
namespace {

using namespace std::chrono_literals;
using testing::echo;
using ::testing::HasSubstr;
using testing::RawSocket;
using testing::ServerTest;
using ::testing::StartsWith;

TEST_F(ServerTest, AClientThatSendsItsHeadByteByByteIsClosed) {
  options_.head_timeout = 300ms;
  start();
  RawSocket socket(server_->port());
  const auto begin = std::chrono::steady_clock::now();
  const std::string text = "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(1000, 'x');
  bool taken = true;
  for (std::size_t i = 0; i < text.size() && taken; ++i) {
    taken = socket.send(text.substr(i, 1));
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_FALSE(taken);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  EXPECT_EQ(server_->stats().timeouts, 1u);
}

TEST_F(ServerTest, AClientThatSendsItsBodyTooSlowlyIsToldAndClosed) {
  options_.body_grace = 300ms;
  options_.min_body_rate = 1'000'000;
  start();
  for (const char* framing : {"Content-Length: 100000", "Transfer-Encoding: chunked"}) {
    RawSocket socket(server_->port());
    socket.send(std::string("PUT / HTTP/1.1\r\nHost: x\r\n") + framing + "\r\n\r\n1000\r\n");
    std::atomic<bool> over = false;
    std::thread sender([&] {
      while (!over && socket.send("x")) std::this_thread::sleep_for(20ms);
    });
    EXPECT_THAT(socket.read_until("\r\n\r\n", 5s), StartsWith("HTTP/1.1 408 "));
    over = true;
    sender.join();
  }
}

TEST_F(ServerTest, ASteadyClientAboveTheLeastRateIsNotClosed) {
  options_.body_grace = 300ms;
  options_.min_body_rate = 1000;
  start();
  RawSocket socket(server_->port());
  socket.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n");
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(socket.send(std::string(100, 'x')));
    std::this_thread::sleep_for(40ms);  // 2500 bytes a second, longer than the grace in all
  }
  EXPECT_THAT(socket.read_response(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, AClientThatDoesNotReadItsAnswerIsClosed) {
  options_.body_grace = 300ms;
  options_.min_body_rate = 1'000'000'000;
  std::promise<Sent> sent;
  start([&](Request) {
    Response response = text_response(200, "text/plain", std::string(50'000'000, 'x'));
    response.on_sent = [&](const Sent& what) { sent.set_value(what); };
    return response;
  });
  RawSocket socket(server_->port());
  socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  auto outcome = sent.get_future();
  ASSERT_EQ(outcome.wait_for(10s), std::future_status::ready);
  EXPECT_FALSE(outcome.get().complete);
}

TEST_F(ServerTest, AnIdleConnectionIsClosedQuietly) {
  options_.idle_timeout = 200ms;
  start();
  RawSocket socket(server_->port());
  socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(socket.read_response(), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(socket.read_all(5s), "");
  EXPECT_TRUE(socket.closed());
}

TEST_F(ServerTest, AFullPoolIsAnsweredAtOnceInTheWordsOfTheCallback) {
  queue_ = 1;
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  handlers_.refuse = [](const Request* request, int status, std::string_view) {
    return text_response(status, "application/json", "{\"busy\":\"" + (request ? request->target : "") + "\"}");
  };
  handlers_.immediate = [](const Request& request) -> std::optional<Response> {
    if (request.target != "/health") return std::nullopt;
    return text_response(200, "text/plain", "alive");
  };
  std::atomic<int> running = 0;
  start([&, opened](Request request) {
    ++running;
    opened.wait();
    return echo(std::move(request));
  });
  std::vector<std::unique_ptr<RawSocket>> sockets;
  std::vector<RawSocket*> waiting;
  for (int i = 0; i < 6; ++i) {  // two threads and one place in the queue
    sockets.push_back(std::make_unique<RawSocket>(server_->port()));
    sockets.back()->send("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    while (running < std::min(2, i + 1)) std::this_thread::sleep_for(5ms);
  }
  for (auto& socket : sockets) {
    const std::string answer = socket->read_until("}", 300ms);
    if (answer.empty())
      waiting.push_back(socket.get());
    else
      EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("{\"busy\":\"/")));
  }
  EXPECT_EQ(waiting.size(), 3u);
  EXPECT_THAT(ask("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), HasSubstr("alive"));
  gate.set_value();
  for (RawSocket* socket : waiting) EXPECT_THAT(socket->read_response(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, BodiesHeldInMemoryAreBoundedOverAllConnections) {
  options_.max_gathered_bytes = 100'000;
  start();
  RawSocket holder(server_->port());
  holder.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 90001\r\n\r\n" + std::string(90'000, 'x'));
  while (server_->stats().gathered_bytes < 90'000) std::this_thread::sleep_for(5ms);
  RawSocket second(server_->port());
  second.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + std::string(90'000, 'x'));
  EXPECT_THAT(second.read_response(), StartsWith("HTTP/1.1 503 "));
  holder.send("x");
  EXPECT_THAT(holder.read_response(), StartsWith("HTTP/1.1 200 "));
  while (server_->stats().gathered_bytes > 0) std::this_thread::sleep_for(5ms);
}

TEST_F(ServerTest, AtTheLimitTheLongestIdleConnectionMakesRoom) {
  options_.max_connections = 2;
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  start([opened](Request request) {
    if (request.target == "/wait") opened.wait();
    return echo(std::move(request));
  });
  RawSocket idle(server_->port());
  idle.send("GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(idle.read_response(), HasSubstr("/first"));
  RawSocket busy(server_->port());
  busy.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  while (server_->stats().requests < 2) std::this_thread::sleep_for(5ms);
  RawSocket third(server_->port());
  third.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  idle.read_all(5s);
  EXPECT_TRUE(idle.closed());
  while (server_->stats().requests < 3) std::this_thread::sleep_for(5ms);
  RawSocket fourth(server_->port());  // nobody is idle now
  EXPECT_THAT(fourth.read_all(), StartsWith("HTTP/1.1 503 "));
  gate.set_value();
  EXPECT_THAT(busy.read_response(), HasSubstr("/wait"));
  EXPECT_THAT(third.read_response(), HasSubstr("/wait"));
  EXPECT_EQ(server_->stats().turned_away, 1u);
}

TEST_F(ServerTest, DrainLetsRunningRequestsFinishAndTakesNoNewOnes) {
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  start([opened](Request request) {
    opened.wait();
    return echo(std::move(request));
  });
  RawSocket running(server_->port()), idle(server_->port());
  running.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  while (server_->stats().requests < 1 || server_->stats().connections < 2) std::this_thread::sleep_for(5ms);
  auto drained = std::async(std::launch::async, [&] { return server_->drain(30s); });
  idle.read_all(20s);
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(RawSocket(server_->port()).connected());
  gate.set_value();
  EXPECT_THAT(running.read_all(), AllOf(HasSubstr("GET /slow"), HasSubstr("Connection: close")));
  EXPECT_TRUE(drained.get());
}

TEST_F(ServerTest, DrainCutsWhatIsStillBusyAtItsDeadline) {
  start();
  RawSocket half(server_->port());
  half.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  while (server_->stats().requests < 1) std::this_thread::sleep_for(5ms);
  EXPECT_FALSE(server_->drain(200ms));
  EXPECT_EQ(half.read_all(), "");
  EXPECT_TRUE(half.closed());
}

}  // namespace
}  // namespace likeness::net
