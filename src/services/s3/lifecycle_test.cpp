#include "services/s3/lifecycle.hpp"

#include <gtest/gtest.h>

#include "domain/objects/testing.hpp"

namespace likeness::s3 {
namespace {

using objects::Versioning;
using objects::testing::World;

class LifecycleTest : public ::testing::Test {
 protected:
  void rule(const shapes::LifecycleRule& rule) {
    shapes::BucketLifecycleConfiguration lifecycle;
    lifecycle.rules.emplace().push_back(rule);
    const auto text = write_configuration(
        shape_of_member(*shapes::PutBucketLifecycleConfiguration::operation().input, "LifecycleConfiguration"),
        &lifecycle);
    bucket = *world->buckets.update("photos", [&](objects::Bucket& changed) -> Result<void> {
      changed.configurations[configuration::kLifecycle] = text;
      return {};
    });
  }
  static shapes::LifecycleRule enabled(const std::string& prefix = {}) {
    shapes::LifecycleRule rule;
    rule.status = shapes::ExpirationStatus::Enabled;
    rule.filter.emplace().prefix = prefix;
    return rule;
  }
  Lifecycle::Done after(int days) {
    world.clock.advance(std::chrono::hours(24 * days));
    return Lifecycle(*world.operator->()).run(world.clock.now());
  }

  World world;
  objects::Bucket bucket = world.bucket();
};

TEST_F(LifecycleTest, OldObjectsUnderThePrefixGo) {
  world.put(bucket, "old/a", "x");
  world.put(bucket, "kept/a", "x");
  auto wanted = enabled("old/");
  wanted.expiration.emplace().days = 2;
  rule(wanted);
  EXPECT_EQ(after(1).versions, 0u);
  EXPECT_EQ(after(2).versions, 1u);
  EXPECT_EQ(world.get(bucket, "old/a"), "NoSuchKey");
  EXPECT_EQ(world.get(bucket, "kept/a"), "x");
}

TEST_F(LifecycleTest, WithVersionsAMarkerComesFirstAndOldVersionsGoLater) {
  bucket = world.with("photos", Versioning::Enabled);
  const auto first = world.put(bucket, "a", "1");
  auto wanted = enabled();
  wanted.expiration.emplace().days = 1;
  wanted.noncurrent_version_expiration.emplace().noncurrent_days = 5;
  rule(wanted);
  EXPECT_EQ(after(3).versions, 1u);
  EXPECT_EQ(world.get(bucket, "a"), "delete marker");
  EXPECT_EQ(world.get(bucket, "a", first.version_id()), "1");
  EXPECT_EQ(after(1).versions, 0u);
  EXPECT_EQ(after(6).versions, 1u);
  EXPECT_EQ(world.get(bucket, "a", first.version_id()), "NoSuchVersion");
  EXPECT_EQ(after(2).versions, 1u);  // the marker, which hides nothing any more
  EXPECT_EQ(world.get(bucket, "a"), "NoSuchKey");
}

TEST_F(LifecycleTest, ForgottenUploadsAreAborted) {
  const auto upload = world->uploads.create(bucket, {.key = "a"});
  auto wanted = enabled();
  wanted.abort_incomplete_multipart_upload.emplace().days_after_initiation = 3;
  rule(wanted);
  EXPECT_EQ(after(1).uploads, 0u);
  EXPECT_EQ(after(3).uploads, 1u);
  EXPECT_EQ(world->uploads.get(bucket, "a", upload->id).error().code, "NoSuchUpload");
}

}  // namespace
}  // namespace likeness::s3
