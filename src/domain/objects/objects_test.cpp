#include "domain/objects/objects.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "domain/objects/names.hpp"
#include "domain/objects/testing.hpp"

namespace likeness::objects {
namespace {

using testing::long_text;
using testing::source_of;
using testing::World;

template <class T>
std::string code_of(const Result<T>& result) {
  return result ? "" : result.error().code;
}

TEST(Names, OfBuckets) {
  for (const auto* good : {"abc", "my-photos.2026", "1a3", "a.b.c"}) EXPECT_TRUE(check_bucket_name(good)) << good;
  for (const auto* bad : {"ab", "Photos", "-abc", "abc-", "a..b", "192.168.0.1", "a_b", "xn--abc", "abc-s3alias",
                          "a123456789012345678901234567890123456789012345678901234567890123"})
    EXPECT_FALSE(check_bucket_name(bad)) << bad;
}

TEST(Names, OrdersSortTheNewestFirstWhateverTheClockSays) {
  const TimePoint now(std::chrono::seconds(1'700'000'000));
  const auto first = new_order(now, "");
  const auto second = new_order(now, first);
  const auto third = new_order(now - std::chrono::hours(1), second);
  EXPECT_LT(second, first);
  EXPECT_LT(third, second);
  EXPECT_TRUE(is_version_id(first));
}

TEST(Buckets, ANameIsTakenOnce) {
  World world;
  world.bucket("photos");
  EXPECT_EQ(code_of(world->buckets.create({.name = "photos", .account = "000000000000", .region = "us-east-1"})),
            "BucketAlreadyOwnedByYou");
  EXPECT_EQ(code_of(world->buckets.create({.name = "photos", .account = "111111111111", .region = "us-east-1"})),
            "BucketAlreadyExists");
  world.open();
  EXPECT_EQ(world->buckets.list()->size(), 1u);
}

TEST(Buckets, OnlyAnEmptyOneGoesAndItsObjectsAreNotThoseOfTheNext) {
  World world;
  const auto bucket = world.bucket();
  world.put(bucket, "a", "text");
  EXPECT_EQ(code_of(world->buckets.remove("photos")), "BucketNotEmpty");
  world.put(bucket, "b", "still writable");
  world.remove(bucket, "a");
  world.remove(bucket, "b");
  EXPECT_TRUE(world->buckets.remove("photos"));
  EXPECT_EQ(code_of(world.try_put(bucket, "late", "text")), "NoSuchBucket");
  const auto again = world.bucket();
  EXPECT_EQ(world.get(again, "late"), "NoSuchKey");
}

TEST(Objects, OfAnySizeComeBackAsTheyWere) {
  World world;
  const auto bucket = world.bucket();
  for (const std::size_t size : {0u, 1u, 131'072u, 131'073u, 262'144u, 262'145u, 1'000'000u}) {
    const std::string text = long_text(size);
    const auto made = world.put(bucket, "key", text);
    EXPECT_EQ(made.etag, to_hex(md5(as_bytes(text))));
    EXPECT_EQ(world.get(bucket, "key"), text) << size;
    world.open();
    EXPECT_EQ(world.get(bucket, "key"), text) << size;
    if (size > 100) {
      EXPECT_EQ(world.text_of(*world->objects.find(bucket, "key"), size - 50, 20), text.substr(size - 50, 20));
    }
  }
}

TEST(Objects, AReplacedObjectLeavesNothingBehindAndReadersFinish) {
  World world;
  const auto bucket = world.bucket();
  const std::string old_text = long_text(300'000, 1);
  const auto old_version = world.put(bucket, "key", old_text);
  EXPECT_EQ(world.blob_files(), 1u);
  auto reader = world->objects.open(old_version, 0, old_version.size);
  world.put(bucket, "key", "short");
  std::string text;
  Bytes buffer(50'000);
  for (auto got = (*reader)->read(buffer); got && *got > 0; got = (*reader)->read(buffer))
    text.append(as_text(BytesView(buffer).first(*got)));
  EXPECT_EQ(text, old_text);
  EXPECT_EQ(world.blob_files(), 0u);
}

TEST(Objects, WhatDoesNotMatchItsDigestOrLengthChangesNothing) {
  World world;
  const auto bucket = world.bucket();
  world.put(bucket, "key", "before");
  const auto put = [&](Expected expected, std::size_t size = 300'000) {
    return code_of(world->objects.put(bucket, {.key = "key",
                                               .metadata = {},
                                               .source = source_of(long_text(size)),
                                               .expected = std::move(expected),
                                               .conditions = {},
                                               .origin = {}}));
  };
  EXPECT_EQ(put({.md5 = Bytes(16)}), "BadDigest");
  EXPECT_EQ(put({.algorithm = Checksum::Algorithm::Crc32, .checksum = "AAAAAA=="}), "BadDigest");
  EXPECT_EQ(put({.trailer = [] { return std::optional<std::string>("AAAAAAAAAAA="); }}), "BadDigest");
  EXPECT_EQ(put({.size = 299'999}), "IncompleteBody");
  EXPECT_EQ(put({.size = 300'001}), "IncompleteBody");
  EXPECT_EQ(put({.max_size = 100}), "EntityTooLarge");
  EXPECT_EQ(world.get(bucket, "key"), "before");
  EXPECT_EQ(world.blob_files(), 0u);
}

TEST(Objects, ASourceThatFailsChangesNothing) {
  World world;
  const auto bucket = world.bucket();
  int calls = 0;
  const Source broken = [&](std::span<std::uint8_t> into) -> Result<std::size_t> {
    if (++calls == 3) return client_error("ConnectionClosed", "gone");
    return into.size();
  };
  EXPECT_EQ(
      code_of(world->objects.put(
          bucket, {.key = "key", .metadata = {}, .source = broken, .expected = {}, .conditions = {}, .origin = {}})),
      "ConnectionClosed");
  EXPECT_EQ(world.get(bucket, "key"), "NoSuchKey");
  EXPECT_EQ(world.blob_files(), 0u);
}

TEST(Objects, ConditionsAreDecidedOnTheCurrentVersion) {
  World world;
  const auto bucket = world.bucket();
  EXPECT_EQ(code_of(world.try_put(bucket, "key", "1", {.if_match = "abc"})), "NoSuchKey");
  EXPECT_EQ(code_of(world.try_put(bucket, "key", "1", {.if_none_match = true})), "");
  EXPECT_EQ(code_of(world.try_put(bucket, "key", "2", {.if_none_match = true})), "PreconditionFailed");
  const auto etag = world->objects.find(bucket, "key")->etag;
  EXPECT_EQ(code_of(world.try_put(bucket, "key", "2", {.if_match = etag})), "");
  EXPECT_EQ(code_of(world.try_put(bucket, "key", "3", {.if_match = etag})), "PreconditionFailed");
  EXPECT_EQ(world.get(bucket, "key"), "2");
}

TEST(Objects, OfManyWritersWithIfNoneMatchOneWins) {
  World world;
  const auto bucket = world.bucket();
  std::atomic<int> won = 0;
  std::vector<std::thread> writers;
  for (int i = 0; i < 8; ++i)
    writers.emplace_back(
        [&, i] { won += world.try_put(bucket, "key", std::to_string(i), {.if_none_match = true}) ? 1 : 0; });
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(won, 1);
}

TEST(Versions, EachPutAddsOneAndARemovalHidesThem) {
  World world;
  const auto bucket = world.bucket("photos", Versioning::Enabled);
  const auto first = world.put(bucket, "key", "1");
  const auto second = world.put(bucket, "key", "2");
  EXPECT_EQ(world.get(bucket, "key"), "2");
  EXPECT_EQ(world.get(bucket, "key", first.version_id()), "1");
  const auto removed = world.remove(bucket, "key");
  EXPECT_TRUE(removed.made_marker);
  EXPECT_EQ(world.get(bucket, "key"), "delete marker");
  EXPECT_EQ(world.get(bucket, "key", second.version_id()), "2");
  // Removing the marker brings the object back.
  EXPECT_TRUE(world.remove(bucket, "key", removed.version_id).removed_marker);
  EXPECT_EQ(world.get(bucket, "key"), "2");
  world.remove(bucket, "key", second.version_id());
  EXPECT_EQ(world.get(bucket, "key"), "1");
  world.remove(bucket, "key", first.version_id());
  EXPECT_EQ(world.get(bucket, "key"), "NoSuchKey");
  EXPECT_EQ(world.get(bucket, "key", first.version_id()), "NoSuchVersion");
  EXPECT_TRUE(world->buckets.remove("photos"));
}

TEST(Versions, ThereIsOneNullVersionWhateverTheOrderOfSettings) {
  World world;
  auto bucket = world.bucket();
  world.put(bucket, "key", "from before");
  bucket = world.with("photos", Versioning::Enabled);
  const auto versioned = world.put(bucket, "key", "versioned");
  EXPECT_EQ(world.get(bucket, "key", "null"), "from before");
  bucket = world.with("photos", Versioning::Suspended);
  world.put(bucket, "key", "suspended");
  EXPECT_EQ(world.get(bucket, "key", "null"), "suspended");
  EXPECT_EQ(world.get(bucket, "key", versioned.version_id()), "versioned");
  world.put(bucket, "key", "again");
  EXPECT_EQ(world.get(bucket, "key"), "again");
  const auto removed = world.remove(bucket, "key");  // replaces the null version by a marker
  EXPECT_EQ(removed.version_id, "null");
  EXPECT_EQ(world.get(bucket, "key", "null"), "delete marker");
  world.remove(bucket, "key", "null");
  EXPECT_EQ(world.get(bucket, "key"), "versioned");
  EXPECT_EQ(world.get(bucket, "key", "null"), "NoSuchVersion");
}

TEST(Versions, LockedOnesStay) {
  World world;
  const auto bucket = world.bucket("photos", Versioning::Enabled);
  const auto made = world.put(bucket, "key", "1");
  const auto retain = [&](Retention::Mode mode) {
    return world->objects.modify(bucket, "key", made.version_id(),
                                 [&](Metadata& metadata) -> Result<void> {
                                   metadata.retention =
                                       Retention{.mode = mode, .until = world.clock.now() + std::chrono::hours(1)};
                                   return {};
                                 },
                                 "", {});
  };
  const auto remove = [&](bool bypass) {
    return code_of(world->objects.remove(
        bucket,
        {.key = "key", .version_id = made.version_id(), .bypass_governance = bypass, .if_match = {}, .origin = {}}));
  };
  ASSERT_TRUE(retain(Retention::Mode::Compliance));
  EXPECT_EQ(remove(true), "AccessDenied");
  ASSERT_TRUE(retain(Retention::Mode::Governance));
  EXPECT_EQ(remove(false), "AccessDenied");
  world.clock.advance(std::chrono::hours(2));
  EXPECT_EQ(remove(false), "");
}

TEST(Objects, EveryChangeIsInTheFeed) {
  World world;
  const auto bucket = world.bucket("photos", Versioning::Enabled);
  world.put(bucket, "a b.jpg", "12345");
  world.remove(bucket, "a b.jpg");
  const auto page = world.feed->read(0);
  ASSERT_EQ(page->changes.size(), 2u);
  EXPECT_EQ(page->changes[0].kind, "ObjectCreated:Put");
  EXPECT_EQ(page->changes[0].resource, "photos");
  const auto change = decode_object_change(page->changes[0].body);
  EXPECT_EQ(change->key, "a b.jpg");
  EXPECT_EQ(change->size, 5u);
  EXPECT_EQ(change->etag, to_hex(md5(as_bytes("12345"))));
  EXPECT_EQ(page->changes[1].kind, "ObjectRemoved:DeleteMarkerCreated");
}

TEST(Objects, WritersOfOneKeyLeaveExactlyOneObject) {
  World world;
  const auto bucket = world.bucket();
  std::vector<std::thread> writers;
  for (unsigned i = 0; i < 4; ++i)
    writers.emplace_back([&, i] {
      for (unsigned k = 0; k < 10; ++k) world.put(bucket, "key", long_text(140'000, i * 10 + k));
    });
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(world.blob_files(), 1u);
  const auto text = world.get(bucket, "key");
  EXPECT_EQ(to_hex(md5(as_bytes(text))), world->objects.find(bucket, "key")->etag);
}

}  // namespace
}  // namespace likeness::objects
