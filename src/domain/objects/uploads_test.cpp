#include "domain/objects/uploads.hpp"

#include <gtest/gtest.h>

#include "base/crc.hpp"
#include "domain/objects/testing.hpp"

namespace likeness::objects {
namespace {

using testing::long_text;
using testing::source_of;
using testing::World;

constexpr std::size_t kPart = 5 << 20;

class UploadsTest : public ::testing::Test {
 protected:
  std::string begin(std::optional<Checksum::Algorithm> algorithm = {}, std::optional<Checksum::Type> type = {}) {
    return world->uploads.create(bucket, {.key = "key", .metadata = {}, .algorithm = algorithm, .checksum_type = type})
        ->id;
  }
  Part add(const std::string& id, int number, const std::string& text) {
    return *world->uploads.put_part(
        bucket, {.key = "key", .upload_id = id, .number = number, .source = source_of(text, 60'000), .expected = {}});
  }
  std::string complete(const std::string& id, std::vector<CompletedPart> parts) {
    Completion completion;
    completion.key = "key";
    completion.upload_id = id;
    completion.parts = std::move(parts);
    auto done = world->uploads.complete(bucket, completion);
    if (!done) return done.error().code;
    made = *done;
    return "";
  }
  static CompletedPart named(const Part& part) {
    return {.number = part.number, .etag = part.etag, .algorithm = {}, .checksum = {}};
  }

  World world;
  Bucket bucket = world.bucket();
  Version made;
};

TEST_F(UploadsTest, TheObjectIsItsPartsInOrder) {
  const auto id = begin();
  const std::string one = long_text(kPart, 1), two = long_text(kPart + 3, 2), three = "end";
  const auto last = add(id, 9, three);
  const auto first = add(id, 1, one);
  add(id, 4, "replaced");
  const auto middle = add(id, 4, two);
  add(id, 5, long_text(200'000, 7));  // not part of the object
  EXPECT_EQ(world.get(bucket, "key"), "NoSuchKey");
  ASSERT_EQ(complete(id, {named(first), named(middle), named(last)}), "");
  const std::string whole = one + two + three;
  EXPECT_EQ(world.get(bucket, "key"), whole);
  EXPECT_EQ(
      made.etag,
      to_hex(md5(as_bytes(std::string(as_text(*from_hex(first.etag))) + std::string(as_text(*from_hex(middle.etag))) +
                          std::string(as_text(*from_hex(last.etag)))))) +
          "-3");
  EXPECT_EQ(made.checksum->type, Checksum::Type::FullObject);
  ChecksumStream stream(Checksum::Algorithm::Crc64Nvme);
  stream.update(as_bytes(whole));
  EXPECT_EQ(made.checksum->value, stream.finish());
  EXPECT_EQ(world.text_of(made, kPart - 2, 5), whole.substr(kPart - 2, 5));
  EXPECT_EQ(world.text_of(made, kPart + kPart + 2, 4), whole.substr(kPart + kPart + 2));
  EXPECT_EQ(world.blob_files(), 2u);  // the last part is small
  const auto order = made.order;
  EXPECT_EQ(complete(id, {named(first)}), "");  // asked again
  EXPECT_EQ(made.order, order);
  world.remove(bucket, "key");
  EXPECT_EQ(complete(id, {named(first)}), "NoSuchUpload");
  EXPECT_EQ(world.blob_files(), 0u);
}

TEST_F(UploadsTest, WhatDoesNotFitIsRefusedAndTheUploadStays) {
  const auto id = begin();
  const auto small = add(id, 1, "small");
  const auto end = add(id, 2, "end");
  EXPECT_EQ(complete(id, {}), "MalformedXML");
  EXPECT_EQ(complete(id, {named(end), named(small)}), "InvalidPartOrder");
  EXPECT_EQ(complete(id, {named(small), {.number = 3, .etag = "x", .algorithm = {}, .checksum = {}}}),
            "EntityTooSmall");
  EXPECT_EQ(complete(id, {{.number = 2, .etag = small.etag, .algorithm = {}, .checksum = {}}}), "InvalidPart");
  EXPECT_EQ(complete(id, {named(small), named(end)}), "EntityTooSmall");
  EXPECT_EQ(complete(id, {named(end)}), "");
  EXPECT_EQ(world.get(bucket, "key"), "end");
}

TEST_F(UploadsTest, AnAbortedOneIsGoneWithItsBytes) {
  const auto id = begin();
  add(id, 1, long_text(200'000));
  EXPECT_EQ(world.blob_files(), 1u);
  ASSERT_TRUE(world->uploads.abort(bucket, "key", id));
  EXPECT_EQ(world.blob_files(), 0u);
  EXPECT_EQ(world->uploads.abort(bucket, "key", id).error().code, "NoSuchUpload");
  EXPECT_EQ(world->uploads.get(bucket, "key", id).error().code, "NoSuchUpload");
}

TEST_F(UploadsTest, ACompositeChecksumIsThatOfThePartsChecksums) {
  const auto id = begin(Checksum::Algorithm::Sha256);
  const auto part = add(id, 1, "abc");
  EXPECT_EQ(part.checksum, to_base64(sha256(as_bytes("abc"))));
  EXPECT_EQ(complete(id, {named(part)}), "InvalidRequest");  // without the part's checksum
  auto full = named(part);
  full.algorithm = Checksum::Algorithm::Sha256;
  full.checksum = part.checksum;
  ASSERT_EQ(complete(id, {full}), "");
  EXPECT_EQ(made.checksum->value, to_base64(sha256(sha256(as_bytes("abc")))) + "-1");
  EXPECT_EQ(made.checksum->type, Checksum::Type::Composite);
  EXPECT_EQ(world->uploads
                .create(bucket, {.key = "key",
                                 .metadata = {},
                                 .algorithm = Checksum::Algorithm::Sha1,
                                 .checksum_type = Checksum::Type::FullObject})
                .error()
                .code,
            "InvalidRequest");
}

TEST_F(UploadsTest, ManyPartsMakeAnObjectThatSurvivesARestart) {
  const auto id = begin();
  std::vector<CompletedPart> parts;
  const std::string text = long_text(kPart, 3);
  for (int number = 1; number <= 40; ++number) {
    // The first ones are as large as they have to be; they share their bytes to keep the test fast.
    parts.push_back(named(add(id, number, number < 40 ? text : "end")));
  }
  ASSERT_EQ(complete(id, parts), "");
  EXPECT_FALSE(made.manifest.empty());
  world.open();
  const auto found = world->objects.find(bucket, "key");
  EXPECT_EQ(found->size, 39 * kPart + 3);
  EXPECT_EQ(world.text_of(*found, 38 * kPart - 1, 3), text.substr(kPart - 1) + text.substr(0, 2));
  EXPECT_EQ(world.text_of(*found, 39 * kPart, 3), "end");
  world.remove(bucket, "key");
  EXPECT_EQ(world.blob_files(), 0u);
}

TEST_F(UploadsTest, ListingsGoOnWhereTheyEnded) {
  std::vector<std::string> ids;
  for (const auto* key : {"a/1", "a/2", "b", "b", "c"}) {
    ids.push_back(
        world->uploads.create(bucket, {.key = key, .metadata = {}, .algorithm = {}, .checksum_type = {}})->id);
    world.clock.advance(std::chrono::seconds(1));
  }
  std::vector<std::string> seen;
  UploadQuery query{.prefix = {}, .delimiter = "/", .key_marker = {}, .upload_marker = {}, .limit = 1};
  while (true) {
    auto page = world->uploads.list(bucket, query);
    for (const auto& upload : page->uploads) seen.push_back(upload.id);
    for (const auto& prefix : page->common_prefixes) seen.push_back(prefix);
    if (!page->truncated) break;
    query.key_marker = page->next_key;
    query.upload_marker = page->next_upload;
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"a/", ids[2], ids[3], ids[4]}));
  for (int number : {1, 2, 3}) {
    ASSERT_TRUE(world->uploads.put_part(
        bucket, {.key = "b", .upload_id = ids[2], .number = number, .source = source_of("x"), .expected = {}}));
  }
  auto parts = world->uploads.list_parts(bucket, "b", ids[2], 1, 1);
  ASSERT_EQ(parts->parts.size(), 1u);
  EXPECT_EQ(parts->parts[0].number, 2);
  EXPECT_TRUE(parts->truncated);
}

TEST_F(UploadsTest, WhatACrashLeftIsRemovedAtTheStart) {
  // A blob that was committed but belongs to nothing, as after a crash between the two commits.
  auto writer = world.storage->blobs().create(std::nullopt);
  const std::string text = long_text(200'000);
  ASSERT_TRUE((*writer)->write(as_bytes(text)));
  ASSERT_TRUE((*writer)->commit());
  writer->reset();
  world.put(bucket, "kept", long_text(150'000));
  EXPECT_EQ(world.blob_files(), 2u);
  world.clock.advance(std::chrono::hours(24 * 365 * 10));
  world.open();
  EXPECT_EQ(world.blob_files(), 1u);
  EXPECT_EQ(world.get(bucket, "kept"), long_text(150'000));
}

}  // namespace
}  // namespace likeness::objects
