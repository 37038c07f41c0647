#include "domain/faces/collections.hpp"

#include <gtest/gtest.h>

#include "domain/testing.hpp"

namespace likeness::domain {
namespace {

using testing::World;

#define EXPECT_ERROR(result, expected_code, expected_message) \
  do {                                                        \
    const auto& outcome = (result);                           \
    ASSERT_FALSE(outcome);                                    \
    EXPECT_EQ(outcome.error().code, expected_code);           \
    EXPECT_EQ(outcome.error().message, expected_message);     \
  } while (false)

std::vector<std::string> ids_of(const Collections::Listing& listing) {
  std::vector<std::string> ids;
  for (const auto& item : listing.items) ids.push_back(item.id);
  return ids;
}

TEST(Collections, ACreatedOneIsDescribed) {
  World world;
  ASSERT_TRUE(world->collections.create(world.caller, "staff", {}));
  const auto found = world->collections.describe(world.caller, "staff");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->arn, "arn:aws:rekognition:us-east-1:000000000000:collection/staff");
  EXPECT_EQ(found->collection.face_model_version, "7.0");
  EXPECT_EQ(found->collection.created, world.clock.now());
  EXPECT_EQ(found->face_count, 0u);
  EXPECT_EQ(found->user_count, 0u);
}

TEST(Collections, TheArnOfCreateLacksItsFirstWord) {
  EXPECT_EQ(short_collection_arn(Caller{}, "staff"), "aws:rekognition:us-east-1:000000000000:collection/staff");
}

TEST(Collections, ASecondOneOfTheSameNameIsRefused) {
  World world;
  ASSERT_TRUE(world->collections.create(world.caller, "staff", {}));
  EXPECT_ERROR(world->collections.create(world.caller, "staff", {}), "ResourceAlreadyExistsException",
               "The collection id: staff already exists");
  EXPECT_TRUE(world->collections.create(world.caller, "Staff", {})) << "names are case-sensitive";
}

TEST(Collections, AnUnknownOneIsAClientError) {
  World world;
  constexpr auto kMessage = "The collection id: ghosts does not exist";
  EXPECT_ERROR(world->collections.describe(world.caller, "ghosts"), "ResourceNotFoundException", kMessage);
  EXPECT_ERROR(world->collections.remove(world.caller, "ghosts"), "ResourceNotFoundException", kMessage);
  EXPECT_ERROR(world->faces.search(world.caller, "ghosts", "0b683aed-a0f1-48b2-9b5e-139e9cc2a757", 1, 80),
               "ResourceNotFoundException", kMessage);
}

TEST(Collections, BelongToOneRegionOfOneAccount) {
  World world;
  ASSERT_TRUE(world->collections.create(world.caller, "staff", {}));
  const Caller elsewhere{.account = "000000000000", .region = "eu-west-1", .arn = {}};
  EXPECT_FALSE(world->collections.describe(elsewhere, "staff"));
  EXPECT_TRUE(world->collections.create(elsewhere, "staff", {}));
  EXPECT_TRUE(
      ids_of(*world->collections.list({.account = "111111111111", .region = "us-east-1", .arn = {}}, 10, {})).empty());
}

TEST(Collections, AreListedInPages) {
  World world;
  for (const auto* id : {"c", "a", "e", "b", "d"}) ASSERT_TRUE(world->collections.create(world.caller, id, {}));
  auto page = world->collections.list(world.caller, 2, {});
  ASSERT_TRUE(page);
  EXPECT_EQ(ids_of(*page), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(page->items[0].face_model_version, "7.0");
  ASSERT_TRUE(page->next_token);
  page = world->collections.list(world.caller, 2, page->next_token);
  EXPECT_EQ(ids_of(*page), (std::vector<std::string>{"c", "d"}));
  page = world->collections.list(world.caller, 2, page->next_token);
  EXPECT_EQ(ids_of(*page), (std::vector<std::string>{"e"}));
  EXPECT_FALSE(page->next_token);
  EXPECT_FALSE(world->collections.list(world.caller, 5, {})->next_token) << "a full last page has no next one";
}

TEST(Collections, NamesAlikeIn200CharactersAreAllListed) {
  World world;
  std::vector<std::string> names;
  for (int i = 0; i < 5; ++i) {
    names.push_back(std::string(200, 'x') + std::to_string(i));
    ASSERT_TRUE(world->collections.create(world.caller, names.back(), {}));
  }
  std::vector<std::string> seen;
  std::optional<std::string> token;
  do {
    const auto page = world->collections.list(world.caller, 2, token);
    ASSERT_TRUE(page);
    for (auto& id : ids_of(*page)) seen.push_back(id);
    token = page->next_token;
    if (token) {
      EXPECT_LE(token->size(), 255u);
    }
  } while (token);
  EXPECT_EQ(seen, names);
}

TEST(Collections, AMadeUpPageTokenIsRefused) {
  World world;
  EXPECT_ERROR(world->collections.list(world.caller, 2, "bm90IGEgdG9rZW4="), "InvalidPaginationTokenException",
               "Invalid Pagination Token");
}

TEST(Collections, OneMadeAgainIsEmpty) {
  World world;
  ASSERT_TRUE(world->collections.create(world.caller, "staff", {}));
  world.add("staff", {.person = 1});
  ASSERT_EQ(world->collections.describe(world.caller, "staff")->face_count, 1u);
  ASSERT_TRUE(world->collections.remove(world.caller, "staff"));
  EXPECT_FALSE(world->collections.describe(world.caller, "staff"));
  ASSERT_TRUE(world->collections.create(world.caller, "staff", {}));
  EXPECT_EQ(world->collections.describe(world.caller, "staff")->face_count, 0u);
  EXPECT_TRUE(world->faces.list(world.caller, "staff", 10, {}, {}, {})->faces.empty());
}

TEST(Collections, NothingOfADeletedOneStaysInTheStore) {
  World world;
  ASSERT_TRUE(world->collections.create(world.caller, "staff", {}));
  const auto face = world.add("staff", {.person = 1});
  ASSERT_TRUE(world->users.create(world.caller, "staff", "ann", {}));
  const auto generation = world->collections.describe(world.caller, "staff")->collection.generation;
  ASSERT_TRUE(world->collections.remove(world.caller, "staff"));
  world->collections.eraser().flush();
  for (const auto table : {tables::kFaces, tables::kImages, tables::kUsers})
    EXPECT_TRUE(world.store->range(table, generation, {})->items.empty()) << table;
  EXPECT_TRUE(world.store->range(tables::kDeleted, "collections", {})->items.empty());
}

TEST(Collections, AnErasureGoesOnAfterARestart) {
  World world;
  ASSERT_TRUE(world->collections.create(world.caller, "staff", {}));
  const auto face = world.add("staff", {.person = 1});
  const auto generation = world->collections.describe(world.caller, "staff")->collection.generation;
  // As a crash right after the commit of DeleteCollection leaves it.
  ASSERT_TRUE(world.store->commit({{.table = std::string(tables::kCollections),
                                    .key = {world.caller.scope(), "staff"},
                                    .value = std::nullopt,
                                    .expect = storage::Write::Expect::Present,
                                    .expected_value = {}},
                                   {.table = std::string(tables::kDeleted),
                                    .key = {"collections", generation},
                                    .value = "x",
                                    .expect = storage::Write::Expect::Anything,
                                    .expected_value = {}}}));
  world.restart();
  world->collections.eraser().flush();
  EXPECT_FALSE(world->collections.describe(world.caller, "staff"));
  EXPECT_TRUE(world.store->range(tables::kFaces, generation, {})->items.empty());
}

TEST(Collections, KeepTheModelVersionOfTheirCreation) {
  World world;
  ASSERT_TRUE(world->collections.create(world.caller, "old", {}));
  world.analyzer.version = "8.0";
  world.restart();
  EXPECT_EQ(world->collections.describe(world.caller, "old")->collection.face_model_version, "7.0");
  const auto file = testing::photo({{.person = 1}});
  const auto indexed = world->faces.index(world.caller, "old", {.image = {.bytes = BytesView(file), .object = {}}});
  ASSERT_FALSE(indexed);
  EXPECT_EQ(indexed.error().code, "InvalidParameterException");
}

TEST(Tags, AreKeptChangedAndRemoved) {
  World world;
  ASSERT_TRUE(world->collections.create(world.caller, "staff", {{"team", "blue"}, {"cost", "7"}}));
  const auto arn = collection_arn(world.caller, "staff");
  ASSERT_TRUE(world->collections.tag(world.caller, arn, {{"team", "red"}, {"new", ""}}));
  ASSERT_TRUE(world->collections.untag(world.caller, arn, {"cost", "never there"}));
  world.restart();
  EXPECT_EQ(*world->collections.tags_of(world.caller, arn), (Tags{{"team", "red"}, {"new", ""}}));
  EXPECT_EQ(*world->collections.tags_of(world.caller, short_collection_arn(world.caller, "staff")),
            (Tags{{"team", "red"}, {"new", ""}}))
      << "the ARN as CreateCollection gave it will do";
}

TEST(Tags, AreAtMost200) {
  World world;
  Tags tags;
  for (int i = 0; i < 200; ++i) tags["key" + std::to_string(i)] = "v";
  ASSERT_TRUE(world->collections.create(world.caller, "staff", tags));
  const auto arn = collection_arn(world.caller, "staff");
  EXPECT_TRUE(world->collections.tag(world.caller, arn, {{"key7", "other"}}));
  const auto refused = world->collections.tag(world.caller, arn, {{"one more", "v"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "ServiceQuotaExceededException");
  EXPECT_EQ(world->collections.tags_of(world.caller, arn)->size(), 200u) << "a refused change changes nothing";
}

TEST(Tags, NeedTheArnOfACollectionThatIsThere) {
  World world;
  EXPECT_EQ(world->collections.tags_of(world.caller, collection_arn(world.caller, "ghosts")).error().code,
            "ResourceNotFoundException");
  EXPECT_EQ(world->collections.tag(world.caller, "arn:aws:s3:::some-bucket-name", {}).error().code,
            "InvalidParameterException");
  ASSERT_TRUE(world->collections.create(world.caller, "staff", {}));
  EXPECT_EQ(world->collections.tags_of(world.caller, "arn:aws:rekognition:eu-west-1:000000000000:collection/staff")
                .error()
                .code,
            "ResourceNotFoundException");
}

TEST(Quotas, OfCollectionsIsKept) {
  World world({.images = {}, .quotas = {.collections = 2}});
  ASSERT_TRUE(world->collections.create(world.caller, "a", {}));
  ASSERT_TRUE(world->collections.create(world.caller, "b", {}));
  EXPECT_ERROR(world->collections.create(world.caller, "c", {}), "ServiceQuotaExceededException",
               "The number of collections would exceed the limit of 2");
}

}  // namespace
}  // namespace likeness::domain
