#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>

#include "net/server_testing.hpp"

namespace likeness::net {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::RawSocket;
using testing::ServerTest;
using ::testing::StartsWith;
using testing::TextReader;

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

}  // namespace
}  // namespace likeness::net
