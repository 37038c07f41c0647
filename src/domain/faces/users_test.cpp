#include "domain/faces/users.hpp"

#include <gtest/gtest.h>

#include "domain/testing.hpp"

namespace likeness::domain {
namespace {

using testing::photo;
using testing::World;

constexpr auto kNowhere = "0b683aed-a0f1-48b2-9b5e-139e9cc2a757";

class UsersTest : public ::testing::Test {
 protected:
  UsersTest() { EXPECT_TRUE(world->collections.create(world.caller, "staff", {})); }

  std::string face(std::uint8_t person, std::uint8_t variant = 0) {
    return world.add("staff", {.person = person, .variant = variant}, ++salt_);
  }
  void create(const std::string& user) { ASSERT_TRUE(world->users.create(world.caller, "staff", user, {})); }
  Result<Users::Associations> associate(const std::string& user, const std::vector<std::string>& faces,
                                        float threshold = 75, const Users::Token& token = {}) {
    return world->users.associate(world.caller, "staff", user, faces, threshold, token);
  }
  Result<Users::Associations> disassociate(const std::string& user, const std::vector<std::string>& faces) {
    return world->users.disassociate(world.caller, "staff", user, faces, {});
  }
  std::vector<std::string> matching(std::uint8_t person, float threshold = 80) {
    const auto file = photo({{.person = person, .variant = 200}}, 250);
    const auto found = world->users.search_by_image(world.caller, "staff", {.bytes = BytesView(file), .object = {}},
                                                    QualityFilter::None, 10, threshold);
    std::vector<std::string> ids;
    for (const auto& match : found->matches) ids.push_back(match.user_id);
    return ids;
  }
  UserStatus status(const std::string& user) {
    const auto listing = world->users.list(world.caller, "staff", 100, {});
    for (const auto& item : listing->users)
      if (item.id == user) return item.status;
    return UserStatus::Creating;
  }

  World world;
  std::uint8_t salt_ = 0;
};

TEST_F(UsersTest, AreCreatedListedAndDeleted) {
  create("bob");
  create("ann");
  const auto listing = world->users.list(world.caller, "staff", 10, {});
  ASSERT_EQ(listing->users.size(), 2u);
  EXPECT_EQ(listing->users[0].id, "ann");
  EXPECT_EQ(listing->users[0].status, UserStatus::Created);
  EXPECT_EQ(world->collections.describe(world.caller, "staff")->user_count, 2u);
  ASSERT_TRUE(world->users.remove(world.caller, "staff", "ann", {}));
  EXPECT_EQ(world->users.list(world.caller, "staff", 10, {})->users.size(), 1u);
  const auto again = world->users.remove(world.caller, "staff", "ann", {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "ResourceNotFoundException");
}

TEST_F(UsersTest, ASecondOneOfTheSameIdIsAConflict) {
  create("ann");
  const auto again = world->users.create(world.caller, "staff", "ann", {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "ConflictException");
}

TEST_F(UsersTest, AreListedInPages) {
  for (const auto* id : {"a", "b", "c"}) create(id);
  auto page = world->users.list(world.caller, "staff", 2, {});
  ASSERT_EQ(page->users.size(), 2u);
  page = world->users.list(world.caller, "staff", 2, page->next_token);
  ASSERT_EQ(page->users.size(), 1u);
  EXPECT_EQ(page->users[0].id, "c");
  EXPECT_FALSE(page->next_token);
}

TEST_F(UsersTest, AreFoundByTheirFaces) {
  create("ann");
  create("bob");
  const auto done = associate("ann", {face(1, 1), face(1, 2)});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->face_ids.size(), 2u);
  EXPECT_EQ(done->status, UserStatus::Active);
  EXPECT_EQ(status("ann"), UserStatus::Active);
  ASSERT_TRUE(associate("bob", {face(2)}));
  EXPECT_EQ(matching(1), std::vector<std::string>{"ann"});
  EXPECT_EQ(matching(2), std::vector<std::string>{"bob"});
  EXPECT_TRUE(matching(3).empty());
}

TEST_F(UsersTest, MoreFacesMakeABetterVector) {
  create("one");
  create("many");
  ASSERT_TRUE(associate("one", {face(1, 1)}));
  ASSERT_TRUE(associate("many", {face(1, 2), face(1, 3), face(1, 4), face(1, 5)}));
  EXPECT_EQ(matching(1), (std::vector<std::string>{"many", "one"}));
}

TEST_F(UsersTest, AFaceThatDoesNotFitIsNotAssociated) {
  create("ann");
  ASSERT_TRUE(associate("ann", {face(1)}));
  const auto other = face(2);
  const auto done = associate("ann", {other, face(1, 3)});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->face_ids.size(), 1u);
  ASSERT_EQ(done->unsuccessful.size(), 1u);
  EXPECT_EQ(done->unsuccessful[0].face_id, other);
  EXPECT_EQ(done->unsuccessful[0].reason, Users::NotAssociated::LowMatchConfidence);
  EXPECT_LT(*done->unsuccessful[0].confidence, 75);
  EXPECT_EQ(associate("ann", {other}, 0)->face_ids, std::vector{other}) << "unless the caller wants it";
}

TEST_F(UsersTest, TheFirstFacesOfAUserAreAllTaken) {
  create("ann");
  EXPECT_EQ(associate("ann", {face(1), face(2)})->face_ids.size(), 2u);
}

TEST_F(UsersTest, AFaceHasOneUser) {
  create("ann");
  create("bob");
  const auto one = face(1);
  ASSERT_TRUE(associate("ann", {one}));
  const auto taken = associate("bob", {one, kNowhere});
  ASSERT_EQ(taken->unsuccessful.size(), 2u);
  EXPECT_EQ(taken->unsuccessful[0].reason, Users::NotAssociated::AssociatedToADifferentUser);
  EXPECT_EQ(taken->unsuccessful[0].user_id, "ann");
  EXPECT_EQ(taken->unsuccessful[1].reason, Users::NotAssociated::FaceNotFound);
  EXPECT_EQ(taken->status, UserStatus::Created);
  const auto again = associate("ann", {one});
  EXPECT_TRUE(again->face_ids.empty()) << "already associated: in neither list";
  EXPECT_TRUE(again->unsuccessful.empty());
}

TEST_F(UsersTest, AUserHasAtMostAHundredFaces) {
  create("ann");
  std::vector<std::string> faces;
  for (int i = 0; i < 101; ++i) faces.push_back(face(1, static_cast<std::uint8_t>(i)));
  ASSERT_TRUE(associate("ann", {faces[0]}));
  const auto done = associate("ann", {faces.begin() + 1, faces.end()});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->face_ids.size(), 99u);
  ASSERT_EQ(done->unsuccessful.size(), 1u);
  EXPECT_EQ(done->unsuccessful[0].face_id, faces[100]);
  const auto full = associate("ann", {faces[100]});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, "ServiceQuotaExceededException");
}

TEST_F(UsersTest, DisassociatedFacesNoLongerCount) {
  create("ann");
  create("bob");
  const auto one = face(1);
  const auto two = face(2);
  const auto bobs = face(3);
  const auto free = face(4);
  ASSERT_TRUE(associate("ann", {one, two}));
  ASSERT_TRUE(associate("bob", {bobs}));
  auto done = disassociate("ann", {two, bobs, kNowhere, free});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->face_ids, std::vector{two});
  EXPECT_EQ(done->status, UserStatus::Active);
  ASSERT_EQ(done->unsuccessful.size(), 2u);
  EXPECT_EQ(done->unsuccessful[0].reason, Users::NotAssociated::AssociatedToADifferentUser);
  EXPECT_EQ(done->unsuccessful[1].reason, Users::NotAssociated::FaceNotFound);
  EXPECT_TRUE(matching(2).empty());
  EXPECT_EQ(matching(1), std::vector<std::string>{"ann"});
  done = disassociate("ann", {one});
  EXPECT_EQ(done->status, UserStatus::Created);
  EXPECT_TRUE(matching(1).empty()) << "a user without faces matches nothing";
}

TEST_F(UsersTest, AFaceOfAUserIsNotDeleted) {
  create("ann");
  const auto one = face(1);
  ASSERT_TRUE(associate("ann", {one}));
  auto deleted = world->faces.remove(world.caller, "staff", {one});
  EXPECT_TRUE(deleted->face_ids.empty());
  ASSERT_EQ(deleted->unsuccessful.size(), 1u);
  EXPECT_EQ(deleted->unsuccessful[0].reason, Faces::NotDeleted::AssociatedToAnExistingUser);
  EXPECT_EQ(deleted->unsuccessful[0].user_id, "ann");
  ASSERT_TRUE(world->users.remove(world.caller, "staff", "ann", {}));
  deleted = world->faces.remove(world.caller, "staff", {one});
  EXPECT_EQ(deleted->face_ids, std::vector{one}) << "deleting a user frees its faces";
}

TEST_F(UsersTest, ARestartLosesNothing) {
  create("ann");
  const auto one = face(1);
  ASSERT_TRUE(associate("ann", {one}));
  world.restart();
  EXPECT_EQ(matching(1), std::vector<std::string>{"ann"});
  EXPECT_EQ(world->faces.list(world.caller, "staff", 10, {}, {}, {})->faces[0].user_id, "ann");
  EXPECT_EQ(status("ann"), UserStatus::Active);
}

TEST_F(UsersTest, SearchTakesAFaceOrAUser) {
  create("ann");
  create("ann2");
  create("nobody yet");
  const auto one = face(1, 1);
  ASSERT_TRUE(associate("ann", {one}));
  ASSERT_TRUE(associate("ann2", {face(1, 2)}));
  const auto search = [&](std::optional<std::string> user, std::optional<std::string> face_id) {
    return world->users.search(world.caller, "staff", user, face_id, 10, 80);
  };
  EXPECT_EQ(search({}, one)->matches.size(), 2u);
  const auto others = search("ann", {});
  ASSERT_EQ(others->matches.size(), 1u) << "not the user itself";
  EXPECT_EQ(others->matches[0].user_id, "ann2");
  EXPECT_EQ(others->matches[0].status, UserStatus::Active);
  EXPECT_TRUE(search("nobody yet", {})->matches.empty());
  EXPECT_EQ(search({}, {}).error().code, "InvalidParameterException");
  EXPECT_EQ(search("ann", one).error().code, "InvalidParameterException");
  EXPECT_EQ(search("ghost", {}).error().code, "ResourceNotFoundException");
  EXPECT_EQ(search({}, kNowhere).error().message, "faceId was not found in the collection.");
}

TEST_F(UsersTest, SearchByImageTellsWhatItDidNotSearch) {
  const auto file =
      photo({{.person = 1, .size = 70}, {.person = 2, .size = 60}, {.person = 3, .size = 90, .sharpness = 0}});
  const ImageSource source{.bytes = BytesView(file), .object = {}};
  const auto found = world->users.search_by_image(world.caller, "staff", source, QualityFilter::Medium, 10, 80);
  ASSERT_TRUE(found->searched);
  EXPECT_NEAR(found->searched->box.width, 0.7 / 3, 1e-6);
  ASSERT_EQ(found->unsearched.size(), 2u);
  EXPECT_EQ(found->unsearched[0].reasons, std::vector{Reason::LowSharpness});
  EXPECT_EQ(found->unsearched[1].reasons, std::vector{Reason::FaceNotLargest});
}

TEST_F(UsersTest, SearchByImageWithoutAFaceFindsNobodyAndIsNoError) {
  const auto file = photo({});
  const auto found = world->users.search_by_image(world.caller, "staff", {.bytes = BytesView(file), .object = {}},
                                                  QualityFilter::None, 10, 80);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->matches.empty());
  EXPECT_FALSE(found->searched);
}

TEST_F(UsersTest, ARepeatedRequestGetsTheSameAnswer) {
  const Users::Token token = "retry-1";
  ASSERT_TRUE(world->users.create(world.caller, "staff", "ann", token));
  EXPECT_TRUE(world->users.create(world.caller, "staff", "ann", token)) << "the SDK tried again: no conflict";
  const auto one = face(1);
  const auto first = associate("ann", {one, kNowhere}, 75, token);
  world.restart();
  const auto again = associate("ann", {one, kNowhere}, 75, token);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->face_ids, first->face_ids);
  ASSERT_EQ(again->unsuccessful.size(), 1u);
  EXPECT_EQ(again->unsuccessful[0].face_id, kNowhere);
  EXPECT_EQ(again->unsuccessful[0].reason, Users::NotAssociated::FaceNotFound);
  EXPECT_EQ(again->status, UserStatus::Active);
}

TEST_F(UsersTest, ATokenIsForOneRequest) {
  ASSERT_TRUE(world->users.create(world.caller, "staff", "ann", "t"));
  const auto other = world->users.create(world.caller, "staff", "bob", "t");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, "IdempotentParameterMismatchException");
  EXPECT_EQ(other.error().message, "The ClientRequestToken: t you have supplied is already in use.");
  EXPECT_EQ(world->users.list(world.caller, "staff", 10, {})->users.size(), 1u);
  EXPECT_TRUE(world->users.remove(world.caller, "staff", "ann", "t")) << "another operation has tokens of its own";
}

TEST_F(UsersTest, ATokenIsForgottenInTheEnd) {
  ASSERT_TRUE(world->users.create(world.caller, "staff", "ann", "t"));
  ASSERT_TRUE(world->users.create(world.caller, "staff", "eve", "other"));
  world->collections.eraser().flush();
  world.clock.advance(RequestTokens::kLifetime);
  EXPECT_TRUE(world->users.create(world.caller, "staff", "bob", "t"));
  world->collections.eraser().flush();
  EXPECT_EQ(world.store->range(tables::kRequests, world.caller.scope(), {})->items.size(), 1u)
      << "and what is old does not stay in the store";
}

TEST_F(UsersTest, ATokenOfADeletedCollectionDoesNotAnswerForTheNew) {
  ASSERT_TRUE(world->users.create(world.caller, "staff", "ann", "t"));
  ASSERT_TRUE(world->collections.remove(world.caller, "staff"));
  ASSERT_TRUE(world->collections.create(world.caller, "staff", {}));
  ASSERT_TRUE(world->users.create(world.caller, "staff", "ann", "t"));
  EXPECT_EQ(world->users.list(world.caller, "staff", 10, {})->users.size(), 1u);
}

}  // namespace
}  // namespace likeness::domain
