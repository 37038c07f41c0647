#include "aws/event_stream.hpp"

#include <gtest/gtest.h>

#include <string>

namespace likeness::aws {
namespace {

std::string hex(std::string_view text) { return to_hex(as_bytes(text)); }

// The messages of the specification's own tests.
TEST(EventStream, MessagesHaveTheBytesOfTheSpecification) {
  EXPECT_EQ(hex(write_event_message({}, "")), "000000100000000005c248eb7d98c8ff");
  EXPECT_EQ(hex(write_event_message({}, "{'foo':'bar'}")),
            "0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936");
}

TEST(EventStream, HeadersThatAreNoTextsAreSkipped) {
  const auto message =
      *from_hex("0000002d0000001041c424b80a6576656e742d74797065040000a00c7b27666f6f273a27626172277d36f480a0");
  BytesView bytes = message;
  const auto read = read_event_message(bytes);
  ASSERT_TRUE(read && *read);
  EXPECT_TRUE((*read)->headers.empty());
  EXPECT_EQ((*read)->payload, "{'foo':'bar'}");
}

TEST(EventStream, WhatIsWrittenIsRead) {
  const std::string two = write_event("PayloadChunk", "application/octet-stream", std::string(3000, 'x')) +
                          write_event("InvokeComplete", "application/json", "{}");
  BytesView rest = as_bytes(two);
  auto first = read_event_message(rest);
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->headers.at(":event-type"), "PayloadChunk");
  EXPECT_EQ((*first)->headers.at(":message-type"), "event");
  EXPECT_EQ((*first)->payload.size(), 3000u);
  auto second = read_event_message(rest);
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->payload, "{}");
  EXPECT_TRUE(rest.empty());
}

TEST(EventStream, HalfAMessageWaitsForTheRest) {
  const std::string message = write_event("A", "text/plain", "text");
  for (std::size_t size = 0; size < message.size(); ++size) {
    BytesView part = as_bytes(message).first(size);
    const auto read = read_event_message(part);
    ASSERT_TRUE(read);
    EXPECT_FALSE(*read);
  }
}

TEST(EventStream, AnyByteThatIsChangedIsNoticed) {
  const std::string message = write_event("A", "text/plain", "text");
  for (std::size_t at = 0; at < message.size(); ++at) {
    std::string changed = message;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    BytesView bytes = as_bytes(changed);
    const auto read = read_event_message(bytes);
    ASSERT_FALSE(read) << at;
    EXPECT_EQ(read.error().code, "InvalidEventStream");
  }
}

}  // namespace
}  // namespace likeness::aws
