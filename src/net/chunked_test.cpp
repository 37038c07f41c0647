#include "net/chunked.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace likeness::net {
namespace {

/// The body, or nullopt if it is refused or does not end. `rest` gets what stands after it.
std::optional<std::string> decode(std::string_view text, std::size_t step = 1000, std::size_t room = 1000,
                                  std::string* rest = nullptr) {
  ChunkDecoder decoder;
  Bytes out;
  std::size_t used = 0;
  while (!decoder.done()) {
    const std::string_view piece = text.substr(used, step);
    const std::size_t before = out.size();
    const std::size_t count = decoder.feed(as_bytes(piece), out, room);
    EXPECT_LE(out.size() - before, room);
    if (decoder.failed() || piece.empty()) return std::nullopt;
    used += count;
  }
  if (rest != nullptr) *rest = text.substr(used);
  return std::string(as_text(out));
}

TEST(Chunked, GivesTheBodyHoweverItIsCut) {
  const std::string text = "5\r\nhello\r\n006;name=\"v\"\r\n world\r\n0\r\nTrailer: x\r\n\r\nNEXT";
  for (const std::size_t step : {1u, 2u, 3u, 7u, 100u})
    for (const std::size_t room : {1u, 4u, 100u}) {
      std::string rest;
      EXPECT_EQ(decode(text, step, room, &rest), "hello world") << step << " " << room;
      EXPECT_EQ(rest, "NEXT");
    }
}

TEST(Chunked, AnythingOutsideTheFormIsRefused) {
  for (const char* bad : {"\r\n0\r\n\r\n",
                          "g\r\n",
                          "-1\r\n",
                          "+1\r\na\r\n",
                          " 1\r\na\r\n",
                          "0x1\r\na\r\n",
                          "1\na\r\n0\r\n\r\n",
                          "1\r\nab\r\n0\r\n\r\n",
                          "1\r\na\n0\r\n\r\n",
                          "1\r\na0\r\n\r\n",
                          "1\ra\r\n",
                          "1;\n\r\n",
                          "1;a\x01=b\r\n",
                          "0\r\n\n",
                          "0\r\nX: y\n\r\n",
                          "0\r\n\rX",
                          "1000000000000000\r\n",
                          "ffffffffffffffff\r\n",
                          "fffffffffffffffff\r\n",
                          "5\r\nhello"})
    for (const std::size_t step : {1u, 100u}) EXPECT_EQ(decode(bad, step), std::nullopt) << bad;
}

TEST(Chunked, ExtensionsAndTrailersAreBounded) {
  EXPECT_TRUE(decode("1;" + std::string(500, 'x') + "\r\na\r\n0\r\n\r\n"));
  EXPECT_FALSE(decode("1;" + std::string(2000, 'x') + "\r\na\r\n0\r\n\r\n"));
  std::string trailers;
  for (int i = 0; i < 2000; ++i) trailers += "abc: def\r\n";
  EXPECT_FALSE(decode("0\r\n" + trailers + "\r\n"));
}

}  // namespace
}  // namespace likeness::net
