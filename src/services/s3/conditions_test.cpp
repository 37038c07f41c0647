#include "services/s3/conditions.hpp"

#include <gtest/gtest.h>

namespace likeness::s3 {
namespace {

std::string range(std::string_view header, std::uint64_t size) {
  const auto parsed = parse_range(header, size);
  if (!parsed) return parsed.error().code;
  if (!*parsed) return "whole";
  return std::to_string((*parsed)->first) + "+" + std::to_string((*parsed)->length);
}

TEST(Range, IsCutAtTheEndAndRefusedBehindIt) {
  EXPECT_EQ(range("bytes=0-0", 10), "0+1");
  EXPECT_EQ(range("bytes=5-100", 10), "5+5");
  EXPECT_EQ(range("bytes=-3", 10), "7+3");
  EXPECT_EQ(range("bytes=-30", 10), "0+10");
  EXPECT_EQ(range("bytes=9-", 10), "9+1");
  EXPECT_EQ(range("bytes=10-", 10), "InvalidRange");
  EXPECT_EQ(range("bytes=-0", 10), "InvalidRange");
  EXPECT_EQ(range("bytes=0-", 0), "InvalidRange");
}

TEST(Range, WhatIsNoSingleRangeMeansAll) {
  for (const auto* header :
       {"bytes=5-4", "bytes=", "bytes=-", "bytes=a-b", "items=0-1", "bytes=0-1,3-4", "", "bytes=99999999999999999999-"})
    EXPECT_EQ(range(header, 10), "whole") << header;
}

TEST(Range, OfACopyNamesBothEnds) {
  const auto copied = [](std::string_view header) {
    const auto parsed = parse_copy_range(header, 10);
    return parsed ? std::to_string(parsed->first) + "+" + std::to_string(parsed->length) : parsed.error().code;
  };
  EXPECT_EQ(copied("bytes=0-9"), "0+10");
  EXPECT_EQ(copied("bytes=3-3"), "3+1");
  EXPECT_EQ(copied("bytes=3-10"), "InvalidRequest");
  EXPECT_EQ(copied("bytes=3-18446744073709551615"), "InvalidRequest");
  for (const auto* header : {"bytes=0-", "bytes=0- ", "bytes=-3", "bytes= -3", "bytes=5-4", "bytes=", "", "0-1",
                             "bytes=0-1,3-4", "bytes=0-99999999999999999999"})
    EXPECT_EQ(copied(header), "InvalidArgument") << header;
}

TEST(CopySource, IsDecodedAndSplitAtTheFirstSlash) {
  const auto source = parse_copy_source("/bucket/folder/a%20b%3Fc?versionId=abc");
  ASSERT_TRUE(source);
  EXPECT_EQ(source->bucket, "bucket");
  EXPECT_EQ(source->key, "folder/a b?c");
  EXPECT_EQ(source->version_id, "abc");
  EXPECT_EQ(parse_copy_source("bucket%2Fkey")->key, "key");
  for (const auto* bad : {"", "/", "bucket", "bucket/", "/key%zz", "b/k?versionId="})
    EXPECT_FALSE(parse_copy_source(bad)) << bad;
}

TEST(Conditions, AreDecidedInTheOrderOfTheStandard) {
  objects::Version version;
  version.etag = "abc";
  version.modified = TimePoint(std::chrono::seconds(1000));
  const auto before = version.modified - std::chrono::seconds(1);
  EXPECT_FALSE(unmet({}, version));
  EXPECT_FALSE(
      unmet({.if_match = "\"x\", \"abc\"", .if_none_match = {}, .if_modified_since = {}, .if_unmodified_since = before},
            version));
  EXPECT_EQ(unmet({.if_match = "x", .if_none_match = {}, .if_modified_since = {}, .if_unmodified_since = {}}, version)
                ->header,
            "If-Match");
  EXPECT_TRUE(unmet({.if_match = {}, .if_none_match = "*", .if_modified_since = {}, .if_unmodified_since = {}}, version)
                  ->not_modified);
  EXPECT_FALSE(
      unmet({.if_match = {}, .if_none_match = "x", .if_modified_since = version.modified, .if_unmodified_since = {}},
            version));
  EXPECT_TRUE(
      unmet({.if_match = {}, .if_none_match = {}, .if_modified_since = version.modified, .if_unmodified_since = {}},
            version)
          ->not_modified);
}

}  // namespace
}  // namespace likeness::s3
