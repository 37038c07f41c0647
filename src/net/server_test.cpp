#include "net/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <semaphore>
#include <thread>

#include "net/server_testing.hpp"

namespace likeness::net {
namespace {

using namespace std::chrono_literals;
using testing::echo;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawSocket;
using testing::ServerTest;
using ::testing::StartsWith;

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

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  start([](Request request) {
    if (request.target == "/0") std::this_thread::sleep_for(50ms);  // must not be overtaken
    return echo(std::move(request));
  });
  std::string all;
  for (int i = 0; i < 10; ++i)
    all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n" +
           std::to_string(i) + "\r\n0\r\n\r\n";
  RawSocket socket(server_->port());
  socket.send(all);
  for (int i = 0; i < 10; ++i) {
    const std::string number = std::to_string(i);
    EXPECT_THAT(socket.read_response(), HasSubstr("POST /" + number + " " + number));
  }
}

TEST_F(ServerTest, RequestsThatWaitKeepNobodyFromBeingAnswered) {
  std::promise<void> gate;
  const std::shared_future<void> opened(gate.get_future());
  handlers_.waits = [](const Request& request) { return request.target.starts_with("/wait"); };
  start([opened](Request request) {
    if (request.target.starts_with("/wait")) opened.wait();
    return echo(std::move(request));
  });
  std::vector<std::unique_ptr<RawSocket>> waiting;
  for (int i = 0; i < 8; ++i) {
    waiting.push_back(std::make_unique<RawSocket>(server_->port()));
    waiting.back()->send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  while (waiting_.busy() < 8) std::this_thread::sleep_for(1ms);
  EXPECT_THAT(ask("GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), HasSubstr("GET /quick"));
  // One more than there are threads for is told so instead of being kept.
  EXPECT_THAT(ask("GET /wait HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 503 "));
  gate.set_value();
  for (auto& socket : waiting) EXPECT_THAT(socket->read_response(), HasSubstr("GET /wait"));
}

/// Answers "/wait" once the client has gone, or once it is let go.
struct Waiting {
  std::counting_semaphore<10> begun{0}, told{0}, let_go{0};

  Response operator()(Request request) {
    if (request.target == "/wait") {
      begun.release();
      const std::stop_callback callback(request.gone, [this] { let_go.release(); });
      let_go.acquire();
      if (request.gone.stop_requested()) told.release();
    }
    return echo(std::move(request));
  }
};

TEST_F(ServerTest, AHandlerThatWaitsIsToldThatItsClientHasGone) {
  handlers_.waits = [](const Request& request) { return request.target == "/wait"; };
  Waiting waiting;
  start(std::ref(waiting));
  RawSocket socket(server_->port());
  const std::string_view wait = "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n";
  // One that stays is told nothing, and gets its answer.
  for (int i = 0; i < 2; ++i) {
    socket.send(wait);
    waiting.begun.acquire();
    waiting.let_go.release();
    EXPECT_THAT(socket.read_response(), HasSubstr("GET /wait"));
  }
  EXPECT_FALSE(waiting.told.try_acquire());
  socket.send(wait);
  waiting.begun.acquire();
  socket.close();
  waiting.told.acquire();
  // Also behind a request that was not read yet.
  RawSocket impatient(server_->port());
  impatient.send(std::string(wait) + "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
  waiting.begun.acquire();
  impatient.close();
  waiting.told.acquire();
  EXPECT_THAT(ask("GET /alive HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), HasSubstr("GET /alive"));
}

TEST_F(ServerTest, WhatIsCutIsToldSo) {
  handlers_.waits = [](const Request&) { return true; };
  Waiting waiting;
  start(std::ref(waiting));
  RawSocket socket(server_->port());
  socket.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  waiting.begun.acquire();
  EXPECT_FALSE(server_->drain(10ms));
  waiting.told.acquire();
}

TEST_F(ServerTest, ABodyOfAnyCutArrivesWhole) {
  start();
  for (const std::size_t step : {1u, 13u, 4096u}) {
    RawSocket socket(server_->port());
    const std::string body(step == 1 ? 300 : 200'000, 'b');
    const std::string text =
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    for (std::size_t at = 0; at < text.size(); at += step) socket.send(std::string_view(text).substr(at, step));
    EXPECT_THAT(socket.read_response(), HasSubstr(body));
  }
}

TEST_F(ServerTest, ContinueIsSentOnlyToAClientThatWaitsForIt) {
  start();
  RawSocket waiting(server_->port());
  waiting.send("PUT /w HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(waiting.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  waiting.send("body");
  EXPECT_THAT(waiting.read_response(), HasSubstr("PUT /w body"));

  RawSocket hasty(server_->port());
  hasty.send("PUT /h HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody");
  EXPECT_THAT(hasty.read_response(), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, ATooLargeBodyIsRefusedBeforeItIsSent) {
  options_.max_body_bytes = 1000;
  start();
  RawSocket socket(server_->port());
  socket.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(socket.read_all(), StartsWith("HTTP/1.1 413 "));
  EXPECT_TRUE(socket.closed());
}

TEST_F(ServerTest, AClientThatSendsATooLargeBodyAllTheSameReadsTheAnswer) {
  options_.max_body_bytes = 1000;
  start();
  for (const bool chunked : {false, true}) {
    RawSocket socket(server_->port());
    const std::string body(4'000'000, 'x');
    std::thread sender([&] {
      if (chunked)
        socket.send("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3d0900\r\n" + body +
                    "\r\n0\r\n\r\n");
      else
        socket.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n" + body);
    });
    EXPECT_THAT(socket.read_all(), AllOf(StartsWith("HTTP/1.1 413 "), HasSubstr("Connection: close\r\n")));
    sender.join();
  }
}

TEST_F(ServerTest, BrokenHeadsAndChunksAreAnsweredAndTheConnectionEnds) {
  start();
  EXPECT_THAT(ask("hello\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask("\x16\x03\x01\x02"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(ask("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n"), StartsWith("HTTP/1.1 501 "));
  EXPECT_THAT(ask("PUT / HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n"), StartsWith("HTTP/1.1 417 "));
  // What follows a refused request is never taken for another.
  const std::string smuggled =
      ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
          "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(smuggled, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(smuggled, Not(HasSubstr("/hidden")));
}

TEST_F(ServerTest, ARequestThatEndsEarlyReachesNoHandler) {
  std::atomic<int> handled = 0;
  start([&](Request request) {
    ++handled;
    return echo(std::move(request));
  });
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost:"), "");
  EXPECT_EQ(ask("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"), "");
  EXPECT_EQ(ask("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"), "");
  EXPECT_EQ(handled, 0);
}

TEST_F(ServerTest, HeadHasTheLengthButNotTheBody) {
  start();
  RawSocket socket(server_->port());
  socket.send("HEAD /abc HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string both = socket.read_all();
  EXPECT_THAT(both, HasSubstr("Content-Length: 10\r\nConnection: keep-alive\r\n\r\nHTTP/1.1 200 OK"));
  EXPECT_THAT(both, HasSubstr("GET /next"));
}

TEST_F(ServerTest, StatusesWithoutABodyHaveNone) {
  start([](Request) { return Response{.status = 204, .headers = {}, .body = "ignored"}; });
  const std::string answer = ask("DELETE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, Not(HasSubstr("Content-Length")));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(ServerTest, OldClientsGetTheirConnectionClosed) {
  start();
  RawSocket socket(server_->port());
  socket.send("GET /old HTTP/1.0\r\n\r\n");
  EXPECT_THAT(socket.read_all(), AllOf(HasSubstr("Connection: close"), HasSubstr("GET /old")));
  EXPECT_TRUE(socket.closed());
}

TEST_F(ServerTest, AValueFromARequestCannotAddAHeader) {
  start([](Request request) {
    Response response = text_response(200, "text/plain", "");
    response.headers.add("X-Echo", *percent_decode(request.query()));
    return response;
  });
  const std::string answer = ask("GET /?a%0D%0ASet-Cookie:%20b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("X-Echo: a  Set-Cookie: b\r\n"));
}

TEST_F(ServerTest, AHandlerThatThrowsIsAnsweredWith500) {
  start([](Request) -> Response { throw std::runtime_error("secret"); });
  const std::string answer = ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, Not(HasSubstr("secret")));
}

TEST_F(ServerTest, APortInUseIsNamed) {
  start();
  options_.port = server_->port();
  const auto second = Server::start(options_, handlers_, *pool_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "AddressInUse");
  EXPECT_THAT(second.error().message, HasSubstr(std::to_string(server_->port())));
}

}  // namespace
}  // namespace likeness::net
