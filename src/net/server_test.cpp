#include "net/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <semaphore>
#include <stop_token>
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

// --- streams -------------------------------------------------------------------------------------------------------

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

TEST_F(ServerTest, AStreamedResponseIsChunkedOrHasItsLengthOrEndsWithTheConnection) {
  start([](Request request) {
    Response response;
    response.stream = std::make_shared<TextReader>("one two three");
    if (request.target == "/length") response.stream_length = 13;
    if (request.target == "/short") response.stream_length = 20;
    return response;
  });
  EXPECT_THAT(
      ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
      HasSubstr("Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n7\r\none two\r\n6\r\n three\r\n0\r\n\r\n"));
  EXPECT_THAT(ask("GET /length HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              HasSubstr("Content-Length: 13\r\nConnection: close\r\n\r\none two three"));
  EXPECT_THAT(ask("GET / HTTP/1.0\r\n\r\n"), HasSubstr("Connection: close\r\n\r\none two three"));
  // A stream that ends early cannot be mended: the client sees the connection end instead of a short body.
  EXPECT_THAT(ask("GET /short HTTP/1.1\r\nHost: x\r\n\r\n"), HasSubstr("Content-Length: 20"));
  RawSocket socket(server_->port());
  socket.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(socket.read_until("0\r\n\r\n"), HasSubstr("\r\n\r\nHTTP/1.1 200 OK"));
}

/// Reads a streamed request to its end; "error CODE" if it fails.
std::string read_to_end(BodyReader& stream) {
  std::string all;
  Bytes piece(1000);
  while (true) {
    const auto count = stream.read(piece);
    if (!count) return "error " + count.error().code;
    if (*count == 0) return all;
    all += as_text(BytesView(piece).first(*count));
  }
}

TEST_F(ServerTest, AStreamedRequestIsReadWhileItArrives) {
  handlers_.plan = [](const Request&) { return BodyPlan{.stream = true}; };
  std::promise<std::string> first;
  start([&](Request request) {
    Bytes piece(3);
    const auto count = request.stream->read(piece);
    if (request.target == "/live") first.set_value(std::string(as_text(BytesView(piece).first(*count))));
    return text_response(200, "text/plain",
                         std::string(as_text(BytesView(piece).first(*count))) + read_to_end(*request.stream));
  });
  RawSocket socket(server_->port());
  socket.send("PUT /live HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(socket.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send("3\r\nabc\r\n");
  EXPECT_EQ(first.get_future().get(), "abc");  // long before the body ends
  socket.send("4\r\ndefg\r\n0\r\n\r\n");
  EXPECT_THAT(socket.read_response(), HasSubstr("\r\n\r\nabcdefg"));
  // The connection goes on.
  const std::string large(500'000, 'y');
  socket.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" + large);
  EXPECT_THAT(socket.read_response(), HasSubstr(large));
  EXPECT_EQ(server_->stats().gathered_bytes, 0u);
}

TEST_F(ServerTest, AStreamTellsWhyItEnded) {
  options_.body_grace = 300ms;
  options_.min_body_rate = 1'000'000;
  handlers_.plan = [](const Request&) { return BodyPlan{.stream = true, .live = false, .max_bytes = 10}; };
  std::promise<std::string> seen[4];
  start([&](Request request) {
    seen[request.target[1] - '0'].set_value(read_to_end(*request.stream));
    return text_response(200, "text/plain", "");
  });
  const std::string head = " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  ask("PUT /0" + head + "3\r\na");
  EXPECT_EQ(seen[0].get_future().get(), "error ConnectionClosed");
  ask("PUT /1" + head + "zz");
  EXPECT_EQ(seen[1].get_future().get(), "error BadRequest");
  ask("PUT /2" + head + "b\r\nabcdefghijk\r\n0\r\n\r\n");
  EXPECT_EQ(seen[2].get_future().get(), "error BodyTooLarge");
  RawSocket slow(server_->port());
  slow.send("PUT /3" + head + "3\r\na");
  EXPECT_EQ(seen[3].get_future().get(), "error RequestTimeout");
}

TEST_F(ServerTest, ABodyThatTheHandlerLeavesUnreadEndsTheConnection) {
  handlers_.plan = [](const Request&) { return BodyPlan{.stream = true}; };
  start([](Request) { return text_response(403, "text/plain", "no"); });
  EXPECT_THAT(ask("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x')),
              AllOf(StartsWith("HTTP/1.1 403"), HasSubstr("Connection: close")));
}

// --- the client ----------------------------------------------------------------------------------------------------

TEST_F(ServerTest, TheClientKeepsItsConnectionAndOpensANewOneWhenNeeded) {
  options_.idle_timeout = 300ms;
  start();
  auto client = Client::for_endpoint("http://127.0.0.1:" + std::to_string(server_->port()) + "/");
  ASSERT_TRUE(client);
  Request request;
  request.method = "POST";
  request.target = "/x";
  request.body = Bytes(300'000, 'z');
  for (int i = 0; i < 5; ++i) {
    const auto response = client->send(request);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body.size(), 300'008u);
  }
  EXPECT_EQ(server_->stats().accepted, 1u);
  std::this_thread::sleep_for(800ms);
  EXPECT_TRUE(client->send(request));
  EXPECT_EQ(server_->stats().accepted, 2u);
}

TEST_F(ServerTest, TheClientReadsChunksAndBodilessAnswers) {
  start([](Request request) {
    Response response;
    if (request.method != "DELETE") response.stream = std::make_shared<TextReader>(std::string(1000, 'c'));
    if (request.method == "DELETE") response.status = 204;
    return response;
  });
  auto client = Client::for_endpoint(server_->address());
  ASSERT_TRUE(client);
  for (const char* method : {"GET", "HEAD", "DELETE", "GET"}) {
    Request request;
    request.method = method;
    request.target = "/";
    const auto response = client->send(request);
    ASSERT_TRUE(response) << method << response.error().message;
    EXPECT_EQ(response->body, std::string(method) == "GET" ? std::string(1000, 'c') : "");
  }
  EXPECT_EQ(server_->stats().accepted, 1u);
}

TEST(ClientTest, SaysWhatIsWrong) {
  EXPECT_EQ(Client::for_endpoint("https://x").error().code, "InvalidAddress");
  EXPECT_EQ(Client::for_endpoint("http://").error().code, "InvalidAddress");
  EXPECT_EQ(Client::for_endpoint("http://a/b").error().code, "InvalidAddress");
  auto nobody = Client::for_endpoint("http://127.0.0.1:1");
  ASSERT_TRUE(nobody);
  EXPECT_EQ(nobody->send({.method = "GET", .target = "/"}).error().code, "ConnectionFailed");
}

TEST(HostPort, IsReadInEveryForm) {
  EXPECT_EQ(parse_host_port("[::1]:80")->host, "::1");
  EXPECT_EQ(parse_host_port(":80")->host, "0.0.0.0");
  EXPECT_EQ(parse_host_port("localhost:4600")->port, 4600);
  for (const char* bad : {"", "localhost", "a:b", "a:-1", "a:65536", "::1:80", "a:", "a:80x", "http://a:80"})
    EXPECT_FALSE(parse_host_port(bad)) << bad;
}

}  // namespace
}  // namespace likeness::net
