#include "domain/faces/detection.hpp"

#include <gtest/gtest.h>

#include "domain/testing.hpp"

namespace likeness::domain {
namespace {

using testing::photo;
using testing::World;

ImageSource bytes_of(const Bytes& file) { return {.bytes = BytesView(file), .object = {}}; }

TEST(Detect, GivesAllFacesLargestFirst) {
  World world;
  const auto file = photo({{.person = 1, .size = 30}, {.person = 2, .size = 60}});
  const auto faces = world->detection.detect(world.caller, bytes_of(file), {});
  ASSERT_EQ(faces->size(), 2u);
  EXPECT_GT((*faces)[0].box.area(), (*faces)[1].box.area());
  EXPECT_FALSE((*faces)[0].embedding);
  EXPECT_TRUE(world->detection.detect(world.caller, bytes_of(photo({})), {})->empty());
}

TEST(Compare, TellsMatchesFromTheRest) {
  World world;
  const auto source = photo({{.person = 2, .size = 20}, {.person = 1, .size = 60}});
  const auto target = photo({{.person = 1, .variant = 1, .size = 30},
                             {.person = 2, .size = 70},
                             {.person = 1, .variant = 0, .size = 40},
                             {.person = 3, .size = 50}});
  const auto compared =
      world->detection.compare(world.caller, bytes_of(source), bytes_of(target), 80, QualityFilter::None);
  ASSERT_TRUE(compared);
  EXPECT_NEAR(compared->source.box.width, 0.2, 1e-6) << "the largest face of the source";
  ASSERT_EQ(compared->matches.size(), 2u);
  EXPECT_NEAR(compared->matches[0].similarity, 100, 1e-3);
  EXPECT_GT(compared->matches[0].similarity, compared->matches[1].similarity);
  ASSERT_EQ(compared->unmatched.size(), 2u);
  EXPECT_NEAR(compared->unmatched[0].box.width, 0.7 / 3, 1e-6);
}

TEST(Compare, NeedsAFaceOnBothSides) {
  World world;
  const auto face = photo({{.person = 1}});
  const auto nobody = photo({});
  for (const auto& [source, target] : {std::pair(face, nobody), {nobody, face}}) {
    const auto compared =
        world->detection.compare(world.caller, bytes_of(source), bytes_of(target), 80, QualityFilter::None);
    ASSERT_FALSE(compared);
    EXPECT_EQ(compared.error().code, "InvalidParameterException");
    EXPECT_EQ(compared.error().message, "Request has invalid parameters");
  }
}

TEST(Compare, LeavesOutFacesThatTheFilterRefuses) {
  World world;
  const auto source = photo({{.person = 1}});
  const auto target = photo({{.person = 1, .size = 60, .sharpness = 0}, {.person = 1, .size = 50}});
  const auto compared =
      world->detection.compare(world.caller, bytes_of(source), bytes_of(target), 80, QualityFilter::Auto);
  EXPECT_EQ(compared->matches.size(), 1u);
  EXPECT_TRUE(compared->unmatched.empty());
}

}  // namespace
}  // namespace likeness::domain
