#include "services/s3/form_reader.hpp"

#include <gtest/gtest.h>

#include "domain/objects/testing.hpp"

namespace likeness::s3 {
namespace {

using objects::testing::source_of;

struct Read {
  std::string name, filename, content;
  bool operator==(const Read&) const = default;
};

Result<std::vector<Read>> read_all(const std::string& body, std::size_t bite) {
  FormReader reader(source_of(body, bite), "XX");
  std::vector<Read> all;
  while (true) {
    auto part = reader.next();
    if (!part) return fail(part);
    if (!*part) return all;
    Read one{(*part)->name, (*part)->filename.value_or("-"), {}};
    Bytes buffer(7);
    for (auto got = reader.read(buffer);; got = reader.read(buffer)) {
      if (!got) return fail(got);
      if (*got == 0) break;
      one.content.append(as_text(BytesView(buffer).first(*got)));
    }
    all.push_back(std::move(one));
  }
}

TEST(FormReader, GivesThePartsHoweverTheyArrive) {
  const std::string body =
      "preamble\r\n--XX\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nuser/${filename}\r\n"
      "--XX\r\ncontent-disposition: form-data; name=empty\r\n\r\n\r\n"
      "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".txt\"\r\nContent-Type: "
      "text/plain\r\n\r\n"
      "line\r\n--X\r\n-- not the end\r\n--XX--\r\n";
  const std::vector<Read> expected{
      {"key", "-", "user/${filename}"}, {"empty", "-", ""}, {"file", "a \"b\".txt", "line\r\n--X\r\n-- not the end"}};
  for (const std::size_t bite : {1u, 3u, 64u, 10'000u}) {
    auto parts = read_all(body, bite);
    ASSERT_TRUE(parts) << parts.error().message;
    EXPECT_EQ(*parts, expected) << bite;
  }
}

TEST(FormReader, WhatEndsEarlyIsMalformed) {
  const std::string body = "--XX\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nvalue\r\n--XX--";
  ASSERT_TRUE(read_all(body, 5));
  for (std::size_t length = 0; length + 2 < body.size(); ++length)
    EXPECT_FALSE(read_all(body.substr(0, length), 5)) << length;
}

TEST(FormPolicy, EveryFieldNeedsItsCondition) {
  const TimePoint now(std::chrono::seconds(1'700'000'000));
  const std::string policy = R"({"expiration": "2030-01-01T00:00:00Z", "conditions": [{"bucket": "photos"},
      ["starts-with", "$key", "user/"], ["eq", "$acl", "private"], ["content-length-range", 1, 100]]})";
  const auto code = [&](const FormFields& fields, const std::string& bucket = "photos") {
    auto checked = check_form_policy(policy, fields, bucket, now);
    return checked ? "" : checked.error().code + ": " + checked.error().message;
  };
  const FormFields good{{"key", "user/a"}, {"acl", "private"}, {"policy", "x"}, {"x-amz-signature", "x"}};
  EXPECT_EQ(code(good), "");
  EXPECT_EQ(check_form_policy(policy, good, "photos", now)->length_range->second, 100u);
  EXPECT_NE(code(good, "other"), "");
  auto fields = good;
  fields["key"] = "other/a";
  EXPECT_EQ(
      code(fields),
      "AccessDenied: Invalid according to Policy: Policy Condition failed: [\"starts-with\", \"$key\", \"user/\"]");
  fields = good;
  fields["content-type"] = "text/html";
  EXPECT_EQ(code(fields), "AccessDenied: Invalid according to Policy: Extra input fields: content-type");
  EXPECT_EQ(
      check_form_policy(R"({"expiration": "2020-01-01T00:00:00Z", "conditions": []})", {}, "b", now).error().message,
      "Invalid according to Policy: Policy expired.");
  EXPECT_EQ(check_form_policy("[]", {}, "b", now).error().code, "InvalidPolicyDocument");
}

}  // namespace
}  // namespace likeness::s3
