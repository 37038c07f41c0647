#include "net/response_reader.hpp"

#include <gtest/gtest.h>

#include <string>

namespace likeness::net {
namespace {

constexpr ResponseReader::Options kOptions{.max_body_bytes = 100};

TEST(ResponseReader, ReadsAResponseInWhateverPiecesItComes) {
  const std::string text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    ResponseReader reader("host", kOptions);
    for (std::size_t at = 0; at < text.size(); at += step) {
      ASSERT_FALSE(reader.done());
      const auto fed = reader.feed(std::string_view(text).substr(at, step));
      ASSERT_TRUE(fed) << fed.error().message;
    }
    ASSERT_TRUE(reader.done()) << step;
    EXPECT_TRUE(reader.reusable());
    const Response response = reader.take();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "abcde");
    EXPECT_EQ(response.headers.get("a"), "b");
  }
}

TEST(ResponseReader, TheEndOfTheConnectionEndsABodyWithoutALength) {
  ResponseReader reader("host", kOptions);
  ASSERT_TRUE(reader.feed("HTTP/1.1 200 OK\r\n\r\nabc"));
  EXPECT_TRUE(reader.head_done());
  EXPECT_FALSE(reader.done());
  ASSERT_TRUE(reader.end());
  EXPECT_TRUE(reader.done());
  EXPECT_FALSE(reader.reusable());
  EXPECT_EQ(reader.take().body, "abc");
}

TEST(ResponseReader, ACutResponseIsNone) {
  for (const char* text :
       {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
    ResponseReader reader("host", kOptions);
    ASSERT_TRUE(reader.feed(text)) << text;
    const auto ended = reader.end();
    ASSERT_FALSE(ended) << text;
    EXPECT_EQ(ended.error().code, "BadResponse");
  }
}

TEST(ResponseReader, NothingGrowsWithoutEnd) {
  const auto refused = [](const std::string& begin, const std::string& more) {
    ResponseReader reader("host", kOptions);
    auto fed = reader.feed(begin);
    for (int i = 0; fed && i < 1'000'000 / static_cast<int>(more.size()); ++i) fed = reader.feed(more);
    return !fed && fed.error().code == "BadResponse";
  };
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_TRUE(refused("HTTP/1.1 200 OK\r\nA: ", std::string(1000, 'a')));
  EXPECT_TRUE(refused("HTTP/1.1 200 OK\r\n\r\n", std::string(1000, 'a')));
  EXPECT_TRUE(refused("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", "a"));
  EXPECT_TRUE(refused(chunked, "5\r\naaaaa\r\n"));
  EXPECT_TRUE(refused(chunked + "1;", std::string(1000, 'a')));
  EXPECT_TRUE(refused(chunked + "0\r\n", "A: b\r\n"));
  EXPECT_TRUE(refused("", "HTTP/1.1 102 Processing\r\n\r\n"));
}

TEST(ResponseReader, TrailersMayBeAnything) {
  for (const std::string trailers : {"ab\xAA\r\n92ue\r\n\r\n", ":\r\n\r\n", "\r\n", "a"}) {
    const std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + trailers;
    ResponseReader reader("host", kOptions);
    for (const char c : text) {
      if (!reader.done()) EXPECT_TRUE(reader.feed(std::string_view(&c, 1)));
    }
    EXPECT_EQ(reader.done(), text.ends_with("\r\n\r\n")) << trailers;
  }
}

TEST(ResponseReader, HeadsThatCanBeReadInTwoWaysAreRefused) {
  for (const char* fields : {"Content-Length: 1\r\nContent-Length: 2", "Content-Length: -1", "Content-Length: 1x",
                             "Transfer-Encoding: chunked\r\nContent-Length: 3", "Transfer-Encoding: gzip, chunked",
                             "Content-Length: 99999999999999999999", "Bad Name: x"}) {
    ResponseReader reader("host", kOptions);
    EXPECT_FALSE(reader.feed("HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n\r\n")) << fields;
  }
}

TEST(ResponseReader, WhatComesAfterTheResponseIsNotTheNextOne) {
  ResponseReader reader("host", kOptions);
  ASSERT_TRUE(reader.feed("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"));
  EXPECT_TRUE(reader.done());
  EXPECT_FALSE(reader.reusable());
}

TEST(ResponseReader, AnAnswerToHeadHasNoBody) {
  ResponseReader reader("host", {.max_body_bytes = 100, .head_only = true});
  ASSERT_TRUE(reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"));
  EXPECT_TRUE(reader.done());
  EXPECT_TRUE(reader.reusable());
}

}  // namespace
}  // namespace likeness::net
