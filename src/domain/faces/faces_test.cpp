#include "domain/faces/faces.hpp"

#include <gtest/gtest.h>

#include <set>

#include "domain/testing.hpp"

namespace likeness::domain {
namespace {

using testing::photo;
using testing::TestFace;
using testing::World;

constexpr auto kNowhere = "0b683aed-a0f1-48b2-9b5e-139e9cc2a757";

ImageSource bytes_of(const Bytes& file) { return {.bytes = BytesView(file), .object = {}}; }

class FacesTest : public ::testing::Test {
 protected:
  FacesTest() { EXPECT_TRUE(world->collections.create(world.caller, "staff", {})); }

  Result<Faces::Indexed> index(const Bytes& file, Faces::IndexRequest request = {}) {
    request.image = bytes_of(file);
    return world->faces.index(world.caller, "staff", request);
  }
  std::vector<IndexedFace> all() { return world->faces.list(world.caller, "staff", 1000, {}, {}, {})->faces; }
  std::set<std::string> found(const TestFace& face, float threshold = 80) {
    const auto file = photo({face}, 99);
    const auto matches =
        world->faces.search_by_image(world.caller, "staff", bytes_of(file), QualityFilter::None, 80, threshold);
    std::set<std::string> ids;
    for (const auto& match : matches->matches) ids.insert(match.face.face_id);
    return ids;
  }

  World world;
};

TEST_F(FacesTest, IndexedFacesAreListedWithRoundedNumbers) {
  const auto indexed = index(photo({{.person = 1}}), {.image = {}, .external_image_id = "badge-7"});
  ASSERT_TRUE(indexed);
  ASSERT_EQ(indexed->records.size(), 1u);
  EXPECT_EQ(indexed->face_model_version, "7.0");
  const auto& answered = indexed->records[0].face;
  const auto listed = all();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].face_id, answered.face_id);
  EXPECT_EQ(listed[0].image_id, answered.image_id);
  EXPECT_EQ(listed[0].external_image_id, "badge-7");
  EXPECT_EQ(listed[0].model_version, "7.0");
  EXPECT_EQ(listed[0].box.width, 0.166667f);
  EXPECT_EQ(answered.box.width, 0.5f / 3) << "the answer has the numbers of the detection";
  EXPECT_EQ(listed[0].confidence, 99.1235f);
  EXPECT_EQ(answered.face_id[14], '4') << "a random UUID";
}

TEST_F(FacesTest, ImageIdDerivesFromTheImagesBytes) {
  const auto file = photo({{.person = 1}});
  const auto one = index(file, {.image = {}, .external_image_id = "a"});
  const auto two = index(file, {.image = {}, .external_image_id = "b"});
  EXPECT_EQ(one->records[0].face.image_id, uuid_v3(file));
  EXPECT_EQ(one->records[0].face.image_id, two->records[0].face.image_id);
  EXPECT_EQ(one->records[0].face.image_id[14], '3');
}

TEST_F(FacesTest, TheSameImageWithTheSameExternalIdIsNotStoredTwice) {
  const auto file = photo({{.person = 1, .size = 60}, {.person = 2, .size = 40}});
  const auto first = index(file, {.image = {}, .external_image_id = "a"});
  const auto again = index(file, {.image = {}, .external_image_id = "a"});
  ASSERT_EQ(again->records.size(), 2u);
  EXPECT_EQ(again->records[0].face.face_id, first->records[0].face.face_id);
  EXPECT_EQ(again->records[1].face.face_id, first->records[1].face.face_id);
  EXPECT_EQ(all().size(), 2u);
  ASSERT_TRUE(index(file, {.image = {}, .external_image_id = "b"}));
  ASSERT_TRUE(index(file));
  EXPECT_EQ(all().size(), 6u) << "another external id, or none, makes other faces";
}

TEST_F(FacesTest, IndexingAgainBringsInWhatWasLeftOutOrDeleted) {
  const auto file = photo({{.person = 1, .size = 60}, {.person = 2, .size = 40}});
  const auto one = index(file, {.image = {}, .max_faces = 1});
  ASSERT_EQ(one->records.size(), 1u);
  const auto both = index(file);
  ASSERT_EQ(both->records.size(), 2u);
  EXPECT_EQ(both->records[0].face.face_id, one->records[0].face.face_id);
  ASSERT_TRUE(world->faces.remove(world.caller, "staff", {both->records[0].face.face_id}));
  const auto again = index(file);
  EXPECT_NE(again->records[0].face.face_id, both->records[0].face.face_id) << "deleted for good";
  EXPECT_EQ(again->records[1].face.face_id, both->records[1].face.face_id);
  EXPECT_EQ(all().size(), 2u);
}

TEST_F(FacesTest, ReasonsAreToldForFacesThatWereNotIndexed) {
  const auto file = photo({{.person = 1, .size = 90, .sharpness = 0},
                           {.person = 2, .size = 60},
                           {.person = 3, .size = 50},
                           {.person = 4, .size = 40, .yaw = 88}});
  const auto indexed = index(file, {.image = {}, .max_faces = 1});
  ASSERT_EQ(indexed->records.size(), 1u);
  EXPECT_NEAR(indexed->records[0].face.box.width, 0.2, 1e-6);
  ASSERT_EQ(indexed->unindexed.size(), 3u);
  EXPECT_EQ(indexed->unindexed[0].reasons, std::vector{Reason::LowSharpness});
  EXPECT_EQ(indexed->unindexed[1].reasons, std::vector{Reason::ExceedsMaxFaces});
  EXPECT_EQ(indexed->unindexed[2].reasons, std::vector{Reason::ExtremePose});
  EXPECT_EQ(index(file, {.image = {}, .filter = QualityFilter::None})->records.size(), 4u);
}

TEST_F(FacesTest, AnImageWithoutFacesIsNoError) {
  const auto indexed = index(photo({}));
  ASSERT_TRUE(indexed);
  EXPECT_TRUE(indexed->records.empty());
  EXPECT_TRUE(indexed->unindexed.empty());
  EXPECT_TRUE(all().empty());
}

TEST_F(FacesTest, AnImageOfAHundredFacesIsStoredWhole) {
  std::vector<TestFace> faces;
  for (int i = 0; i < 100; ++i)
    faces.push_back({.person = static_cast<std::uint8_t>(i), .size = static_cast<std::uint8_t>(40 + i)});
  const auto indexed = index(photo(faces));
  ASSERT_TRUE(indexed);
  EXPECT_EQ(indexed->records.size(), 100u);
  EXPECT_EQ(all().size(), 100u);
  EXPECT_EQ(world->collections.describe(world.caller, "staff")->face_count, 100u);
  EXPECT_EQ(found({.person = 99}).size(), 1u);
}

TEST_F(FacesTest, OnlyTheAttributesAskedForAreThere) {
  EXPECT_FALSE(index(photo({{.person = 1}}, 1))->records[0].detail.smile);
  const auto indexed = index(photo({{.person = 1}}, 2), {.image = {}, .attributes = vision::Feature::Smile});
  EXPECT_TRUE(indexed->records[0].detail.smile);
  EXPECT_FALSE(indexed->records[0].detail.embedding) << "the vector never leaves";
}

TEST_F(FacesTest, SearchFindsThePersonAndNotTheFaceItself) {
  const auto ann1 = world.add("staff", {.person = 1, .variant = 1}, 1);
  const auto ann2 = world.add("staff", {.person = 1, .variant = 2}, 2);
  world.add("staff", {.person = 2}, 3);
  const auto matches = world->faces.search(world.caller, "staff", ann1, 80, 80);
  ASSERT_TRUE(matches);
  ASSERT_EQ(matches->matches.size(), 1u);
  EXPECT_EQ(matches->matches[0].face.face_id, ann2);
  EXPECT_GT(matches->matches[0].similarity, 80);
  EXPECT_LT(matches->matches[0].similarity, 99);
}

TEST_F(FacesTest, ThresholdAndCountLimitTheMatches) {
  for (int i = 0; i < 5; ++i)
    world.add("staff", {.person = 1, .variant = static_cast<std::uint8_t>(i)}, static_cast<std::uint8_t>(i));
  world.add("staff", {.person = 2}, 9);
  const auto file = photo({{.person = 1, .variant = 50}}, 77);
  const auto search = [&](std::size_t count, float threshold) {
    return *world->faces.search_by_image(world.caller, "staff", bytes_of(file), QualityFilter::None, count, threshold);
  };
  EXPECT_EQ(search(80, 80).matches.size(), 5u);
  EXPECT_EQ(search(3, 80).matches.size(), 3u);
  EXPECT_EQ(search(80, 99).matches.size(), 0u);
  EXPECT_EQ(search(80, 0).matches.size(), 6u) << "a threshold of 0 matches everything";
  const auto ordered = search(80, 0).matches;
  for (std::size_t i = 1; i < ordered.size(); ++i) EXPECT_GE(ordered[i - 1].similarity, ordered[i].similarity);
}

TEST_F(FacesTest, SearchByImageUsesTheLargestFace) {
  const auto ann = world.add("staff", {.person = 1}, 1);
  world.add("staff", {.person = 2}, 2);
  const auto file = photo({{.person = 2, .size = 30}, {.person = 1, .variant = 9, .size = 70}});
  const auto matches = world->faces.search_by_image(world.caller, "staff", bytes_of(file), QualityFilter::None, 80, 80);
  ASSERT_EQ(matches->matches.size(), 1u);
  EXPECT_EQ(matches->matches[0].face.face_id, ann);
  EXPECT_NEAR(matches->searched->box.width, 0.7 / 3, 1e-6);
}

TEST_F(FacesTest, SearchByImageWithoutAFaceIsAnError) {
  const auto empty = photo({});
  auto failed = world->faces.search_by_image(world.caller, "staff", bytes_of(empty), QualityFilter::None, 80, 80);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "InvalidParameterException");
  EXPECT_EQ(failed.error().message, "There are no faces in the image. Should be at least 1.");
  const auto blurred = photo({{.person = 1, .sharpness = 0}});
  EXPECT_FALSE(world->faces.search_by_image(world.caller, "staff", bytes_of(blurred), QualityFilter::High, 80, 80));
}

TEST_F(FacesTest, SearchForAnUnknownFaceIsAnError) {
  const auto failed = world->faces.search(world.caller, "staff", kNowhere, 80, 80);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "InvalidParameterException");
  EXPECT_EQ(failed.error().message, "faceId was not found in the collection.");
}

TEST_F(FacesTest, ADeletedFaceIsGoneFromListSearchAndStore) {
  const auto ann = world.add("staff", {.person = 1}, 1);
  const auto bob = world.add("staff", {.person = 2}, 2);
  const auto deleted = world->faces.remove(world.caller, "staff", {ann, kNowhere, ann});
  ASSERT_TRUE(deleted);
  EXPECT_EQ(deleted->face_ids, std::vector{ann});
  ASSERT_EQ(deleted->unsuccessful.size(), 1u);
  EXPECT_EQ(deleted->unsuccessful[0].face_id, kNowhere);
  EXPECT_EQ(deleted->unsuccessful[0].reason, Faces::NotDeleted::FaceNotFound);
  EXPECT_EQ(all().size(), 1u);
  EXPECT_TRUE(found({.person = 1}).empty());
  EXPECT_EQ(found({.person = 2}), std::set{bob});
  const auto generation = world->collections.describe(world.caller, "staff")->collection.generation;
  EXPECT_EQ(world.store->range(tables::kFaces, generation, {})->items.size(), 1u);
  EXPECT_EQ(world.store->range(tables::kImages, generation, {})->items.size(), 1u) << "nor its image's id";
}

TEST_F(FacesTest, ManyFacesAreDeletedInOneRequest) {
  std::vector<std::string> ids;
  for (int i = 0; i < 130; ++i) ids.push_back(world.add("staff", {.person = 1}, static_cast<std::uint8_t>(i)));
  const auto deleted = world->faces.remove(world.caller, "staff", ids);
  EXPECT_EQ(deleted->face_ids, ids);
  EXPECT_TRUE(all().empty());
}

TEST_F(FacesTest, ARestartLosesNothing) {
  const auto ann = world.add("staff", {.person = 1}, 1);
  const auto bob = world.add("staff", {.person = 2}, 2);
  ASSERT_TRUE(world->faces.remove(world.caller, "staff", {bob}));
  world.restart();
  EXPECT_EQ(found({.person = 1, .variant = 3}), std::set{ann});
  EXPECT_TRUE(found({.person = 2}).empty());
  EXPECT_EQ(world->collections.describe(world.caller, "staff")->face_count, 1u);
}

TEST_F(FacesTest, AreListedInPagesEachOnce) {
  std::set<std::string> added;
  for (int i = 0; i < 7; ++i) added.insert(world.add("staff", {.person = 1}, static_cast<std::uint8_t>(i)));
  std::set<std::string> listed;
  std::optional<std::string> token;
  int pages = 0;
  do {
    const auto page = world->faces.list(world.caller, "staff", 3, token, {}, {});
    ASSERT_TRUE(page);
    for (const auto& face : page->faces) EXPECT_TRUE(listed.insert(face.face_id).second);
    token = page->next_token;
    ++pages;
  } while (token);
  EXPECT_EQ(listed, added);
  EXPECT_EQ(pages, 3);
}

TEST_F(FacesTest, AreListedByIdsAndByUser) {
  const auto ann = world.add("staff", {.person = 1}, 1);
  const auto bob = world.add("staff", {.person = 2}, 2);
  ASSERT_TRUE(world->users.create(world.caller, "staff", "ann", {}));
  ASSERT_TRUE(world->users.associate(world.caller, "staff", "ann", {ann}, 75, {}));
  auto page = world->faces.list(world.caller, "staff", 10, {}, std::vector<std::string>{bob, kNowhere}, {});
  ASSERT_EQ(page->faces.size(), 1u);
  EXPECT_EQ(page->faces[0].face_id, bob);
  EXPECT_FALSE(page->faces[0].user_id);
  page = world->faces.list(world.caller, "staff", 10, {}, {}, "ann");
  ASSERT_EQ(page->faces.size(), 1u);
  EXPECT_EQ(page->faces[0].face_id, ann);
  EXPECT_EQ(page->faces[0].user_id, "ann");
  EXPECT_TRUE(world->faces.list(world.caller, "staff", 10, {}, std::vector<std::string>{bob}, "ann")->faces.empty());
  EXPECT_EQ(world->faces.list(world.caller, "staff", 10, {}, {}, "nobody").error().code, "ResourceNotFoundException");
}

TEST_F(FacesTest, PageTokensAreForOneListing) {
  for (int i = 0; i < 4; ++i) world.add("staff", {.person = 1}, static_cast<std::uint8_t>(i));
  ASSERT_TRUE(world->collections.create(world.caller, "guests", {}));
  const auto page = world->faces.list(world.caller, "staff", 2, {}, {}, {});
  EXPECT_EQ(world->faces.list(world.caller, "guests", 2, page->next_token, {}, {}).error().code,
            "InvalidPaginationTokenException");
}

TEST_F(FacesTest, TheQuotaOfFacesIsKept) {
  World small({.images = {}, .quotas = {.faces_per_collection = 2}});
  ASSERT_TRUE(small->collections.create(small.caller, "c", {}));
  small.add("c", {.person = 1}, 1);
  const auto file = photo({{.person = 1, .size = 50}, {.person = 2, .size = 60}}, 2);
  const auto refused = small->faces.index(small.caller, "c", {.image = bytes_of(file)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "ServiceQuotaExceededException");
  EXPECT_EQ(small->faces.list(small.caller, "c", 10, {}, {}, {})->faces.size(), 1u) << "all faces of an image or none";
}

TEST_F(FacesTest, ABusyAnalyzerIsThrottling) {
  world.analyzer.busy = true;
  const auto failed = index(photo({{.person = 1}}));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "ThrottlingException");
  EXPECT_EQ(failed.error().message, "Slow down; sudden increase in rate of requests.");
}

}  // namespace
}  // namespace likeness::domain
