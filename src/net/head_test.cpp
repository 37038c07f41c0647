#include "net/head.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace likeness::net {
namespace {

using ::testing::HasSubstr;

struct Parsed {
  int refused = 0;  // status, 0 if taken
  bool done = false;
  std::size_t used = 0;
  Request request;
  Framing framing;
};

/// Feeds `text` in pieces of `step` bytes.
Parsed parse(std::string_view text, std::size_t step = 1 << 20, HeadLimits limits = {}) {
  HeadParser parser(limits);
  Parsed parsed;
  std::size_t given = 0;
  while (!parser.done()) {
    given = std::min(text.size(), given + step);
    const auto used = parser.feed(as_bytes(text.substr(parsed.used, given - parsed.used)));
    if (!used) {
      parsed.refused = used.error().status;
      return parsed;
    }
    parsed.used += *used;
    if (!parser.done() && given == text.size()) return parsed;
  }
  parsed.done = true;
  parsed.request = parser.take_request();
  parsed.framing = parser.framing();
  return parsed;
}

std::string with(std::string_view fields) {
  return "POST /p?q=1 HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

TEST(Head, IsTheSameHoweverTheBytesAreCut) {
  const std::string head = with("X-A:  a b \r\nx-a: c\r\nContent-Length: 12\r\n");
  for (std::size_t step = 1; step <= head.size() + 4; ++step) {
    const Parsed parsed = parse(head + "BODY", step);
    ASSERT_TRUE(parsed.done) << step;
    EXPECT_EQ(parsed.used, head.size());
    EXPECT_EQ(parsed.request.method, "POST");
    EXPECT_EQ(parsed.request.target, "/p?q=1");
    EXPECT_EQ(parsed.request.headers.all("X-A"), (std::vector<std::string_view>{"a b", "c"}));
    EXPECT_EQ(parsed.framing.kind, Framing::Kind::Length);
    EXPECT_EQ(parsed.framing.length, 12u);
  }
}

TEST(Head, ShapesThatSmuggleARequestAreRefused) {
  for (const char* fields : {
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
           "Content-Length: 5\r\nContent-Length: 5\r\n",
           "Content-Length: 5\r\nContent-Length: 6\r\n",
           "Content-Length: 5, 5\r\n",
           "Content-Length: +5\r\n",
           "Content-Length: -1\r\n",
           "Content-Length: 5 5\r\n",
           "Content-Length: 0x5\r\n",
           "Content-Length: \r\n",
           "Content-Length: 18446744073709551616\r\n",
           "Content-Length : 5\r\n",
           " Content-Length: 5\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding:\r\n chunked\r\n",
           "X: a\r\n folded\r\n",
           "X: a\r\n\tfolded\r\n",
           "X: a\nContent-Length: 5\r\n",
           "X: a\rContent-Length: 5\r\n",
           "X\r\n",
           ": x\r\n",
           "X y: z\r\n",
           "Host: second\r\n",
       }) {
    for (const std::size_t step : {1u, 7u, 1000u}) EXPECT_EQ(parse(with(fields), step).refused, 400) << fields;
  }
  for (const char* coding : {"gzip", "chunked, chunked", "identity", "gzip, chunked", "xchunked", "chunked;a=b"}) {
    const int refused = parse(with("Transfer-Encoding: " + std::string(coding) + "\r\n")).refused;
    EXPECT_TRUE(refused == 501 || refused == 400) << coding << refused;
  }
}

TEST(Head, ANulByteIsRefused) {
  EXPECT_EQ(parse(with(std::string_view("X: a\0b\r\n", 8))).refused, 400);
  EXPECT_EQ(parse(std::string_view("GET /a\0b HTTP/1.1\r\nHost: h\r\n\r\n", 32)).refused, 400);
}

TEST(Head, GarbageIsRefusedAtOnce) {
  EXPECT_EQ(parse("\x16\x03\x01\x02\x01\x01\xfc\x03").refused, 400);  // TLS on the plain port
  EXPECT_EQ(parse("hello there\r\n\r\n").refused, 400);
  EXPECT_EQ(parse("GET  /two-spaces HTTP/1.1\r\nHost: h\r\n\r\n").refused, 400);
  EXPECT_EQ(parse("GET /\r\nHost: h\r\n\r\n").refused, 400);
}

TEST(Head, OtherVersionsAreRefusedAsSuch) {
  EXPECT_EQ(parse("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").refused, 505);
  EXPECT_EQ(parse("GET / HTTP/1.2\r\nHost: h\r\n\r\n").refused, 505);
  EXPECT_EQ(parse("GET / HTTP/0.9\r\nHost: h\r\n\r\n").refused, 505);
}

TEST(Head, HostIsNeededFromVersion11On) {
  EXPECT_EQ(parse("GET / HTTP/1.1\r\n\r\n").refused, 400);
  const Parsed old = parse("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.done);
  EXPECT_EQ(old.request.version, 10);
  EXPECT_FALSE(old.framing.keep_alive);
}

TEST(Head, LimitsOfBytesAndFieldsAre431) {
  HeadLimits limits;
  limits.bytes = 1024;
  limits.fields = 10;
  for (const std::size_t step : {1u, 100u, 100000u}) {
    EXPECT_EQ(parse(with("X: " + std::string(2000, 'x') + "\r\n"), step, limits).refused, 431) << step;
    EXPECT_EQ(parse("GET /" + std::string(2000, 'x'), step, limits).refused, 431) << step;
  }
  std::string many;
  for (int i = 0; i < 10; ++i) many += "a: b\r\n";
  EXPECT_EQ(parse(with(many), 1000, limits).refused, 431);
}

TEST(Head, ConnectionTokensDecideWhetherItIsKept) {
  EXPECT_TRUE(parse(with("")).framing.keep_alive);
  EXPECT_FALSE(parse(with("Connection: Close\r\n")).framing.keep_alive);
  EXPECT_FALSE(parse(with("Connection: keep-alive,\t close\r\n")).framing.keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").framing.keep_alive);
}

TEST(Head, TheTargetBecomesAPath) {
  EXPECT_EQ(parse("GET http://h:80/a?b HTTP/1.1\r\nHost: h\r\n\r\n").request.target, "/a?b");
  EXPECT_EQ(parse("GET HTTP://h?b HTTP/1.1\r\nHost: h\r\n\r\n").request.target, "/?b");
  EXPECT_EQ(parse("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n").request.target, "/");
  EXPECT_EQ(parse("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").request.target, "*");
  EXPECT_EQ(parse("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n").refused, 400);
  EXPECT_EQ(parse("GET a HTTP/1.1\r\nHost: h\r\n\r\n").refused, 400);
}

TEST(Head, OneEmptyLineBeforeARequestIsForgiven) {
  EXPECT_TRUE(parse("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 1).done);
  EXPECT_EQ(parse("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n").refused, 400);
}

TEST(Head, ExpectationsOtherThanContinueAre417) {
  EXPECT_TRUE(parse(with("Expect: 100-continue\r\nContent-Length: 1\r\n")).framing.expect_continue);
  EXPECT_FALSE(parse(with("Expect: 100-continue\r\n")).framing.expect_continue);
  EXPECT_EQ(parse(with("Expect: miracles\r\n")).refused, 417);
}

}  // namespace
}  // namespace likeness::net
