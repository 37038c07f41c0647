// Many requests at once on one collection; run under ThreadSanitizer too (preset tsan).
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "domain/testing.hpp"

namespace likeness::domain {
namespace {

using testing::photo;
using testing::World;

ImageSource bytes_of(const Bytes& file) { return {.bytes = BytesView(file), .object = {}}; }

void in_threads(int count, const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int t = 0; t < count; ++t) threads.emplace_back([&work, t] { work(t); });
  for (auto& thread : threads) thread.join();
}

std::set<std::string> searchable(World& world, const std::string& collection) {
  std::set<std::string> ids;
  const auto file = photo({{.person = 7}}, 200);
  const auto found =
      world->faces.search_by_image(world.caller, collection, bytes_of(file), QualityFilter::None, 4096, 0);
  for (const auto& match : found->matches) ids.insert(match.face.face_id);
  return ids;
}

std::set<std::string> listed(World& world, const std::string& collection) {
  std::set<std::string> ids;
  const auto page = world->faces.list(world.caller, collection, 4096, {}, {}, {});
  for (const auto& face : page->faces) ids.insert(face.face_id);
  return ids;
}

TEST(Concurrency, TheSameImageFromManyThreadsIsStoredOnce) {
  World world;
  ASSERT_TRUE(world->collections.create(world.caller, "c", {}));
  const auto file = photo({{.person = 1, .size = 60}, {.person = 2, .size = 40}});
  std::mutex mutex;
  std::set<std::string> answered;
  in_threads(6, [&](int) {
    const auto indexed = world->faces.index(world.caller, "c", {.image = bytes_of(file)});
    ASSERT_TRUE(indexed);
    const std::lock_guard lock(mutex);
    for (const auto& record : indexed->records) answered.insert(record.face.face_id);
  });
  EXPECT_EQ(answered.size(), 2u);
  EXPECT_EQ(listed(world, "c"), answered);
}

TEST(Concurrency, IndexAndStoreAgreeAfterAnyMix) {
  World world;
  ASSERT_TRUE(world->collections.create(world.caller, "c", {}));
  in_threads(4, [&](int t) {
    std::vector<std::string> mine;
    for (int i = 0; i < 25; ++i) {
      const auto file = photo({{.person = static_cast<std::uint8_t>(t), .variant = static_cast<std::uint8_t>(i)}});
      const auto indexed = world->faces.index(world.caller, "c", {.image = bytes_of(file)});
      ASSERT_TRUE(indexed);
      mine.push_back(indexed->records[0].face.face_id);
      EXPECT_TRUE(searchable(world, "c").contains(mine.back())) << "what was answered can be found";
      if (i % 3 == 2) {
        ASSERT_EQ(world->faces.remove(world.caller, "c", {mine.front()})->face_ids.size(), 1u);
        EXPECT_FALSE(searchable(world, "c").contains(mine.front()));
        mine.erase(mine.begin());
      }
    }
  });
  EXPECT_EQ(searchable(world, "c"), listed(world, "c"));
  const auto before = listed(world, "c");
  world.restart();
  EXPECT_EQ(searchable(world, "c"), before);
}

TEST(Concurrency, AFaceIsDeletedByOneRequestOnly) {
  World world;
  ASSERT_TRUE(world->collections.create(world.caller, "c", {}));
  for (int round = 0; round < 10; ++round) {
    const auto face = world.add("c", {.person = 1}, static_cast<std::uint8_t>(round));
    std::atomic<int> deleted = 0;
    in_threads(
        4, [&](int) { deleted += static_cast<int>(world->faces.remove(world.caller, "c", {face})->face_ids.size()); });
    EXPECT_EQ(deleted, 1);
  }
}

TEST(Concurrency, AFaceGoesToOneUserOrIsDeletedNeverBoth) {
  World world;
  ASSERT_TRUE(world->collections.create(world.caller, "c", {}));
  for (const auto* id : {"u0", "u1", "u2"}) ASSERT_TRUE(world->users.create(world.caller, "c", id, {}));
  for (int round = 0; round < 10; ++round) {
    const auto face = world.add("c", {.person = 1}, static_cast<std::uint8_t>(round));
    std::atomic<int> won = 0;
    in_threads(4, [&](int t) {
      if (t == 3) {
        won += static_cast<int>(world->faces.remove(world.caller, "c", {face})->face_ids.size());
      } else {
        const auto done = world->users.associate(world.caller, "c", "u" + std::to_string(t), {face}, 0, {});
        ASSERT_TRUE(done) << done.error().message << done.error().detail;
        won += static_cast<int>(done->face_ids.size());
      }
    });
    EXPECT_EQ(won, 1);
  }
}

TEST(Concurrency, OneTokenIsOneExecution) {
  World world;
  ASSERT_TRUE(world->collections.create(world.caller, "c", {}));
  in_threads(4, [&](int) { EXPECT_TRUE(world->users.create(world.caller, "c", "ann", "token")); });
  EXPECT_EQ(world->users.list(world.caller, "c", 10, {})->users.size(), 1u);
}

TEST(Concurrency, ADeletedCollectionLeavesNothingOfRequestsUnderWay) {
  for (int round = 0; round < 5; ++round) {
    World world;
    ASSERT_TRUE(world->collections.create(world.caller, "c", {}));
    const auto generation = world->collections.describe(world.caller, "c")->collection.generation;
    std::atomic<bool> stop = false;
    std::thread deleter([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(5 * round));
      ASSERT_TRUE(world->collections.remove(world.caller, "c"));
      stop = true;
    });
    in_threads(3, [&](int t) {
      for (int i = 0; i < 200 && !stop; ++i) {
        const auto file = photo({{.person = static_cast<std::uint8_t>(t), .variant = static_cast<std::uint8_t>(i)}});
        const auto indexed = world->faces.index(world.caller, "c", {.image = bytes_of(file)});
        if (!indexed) {
          EXPECT_EQ(indexed.error().code, "ResourceNotFoundException") << indexed.error().detail;
        }
        if (t == 0) {
          const auto found =
              world->faces.search_by_image(world.caller, "c", bytes_of(file), QualityFilter::None, 10, 50);
          if (!found) {
            EXPECT_EQ(found.error().code, "ResourceNotFoundException") << found.error().detail;
          }
        }
      }
    });
    deleter.join();
    world->collections.eraser().flush();
    EXPECT_TRUE(world.store->range(tables::kFaces, generation, {})->items.empty());
    EXPECT_FALSE(world->collections.describe(world.caller, "c"));
  }
}

TEST(Concurrency, ACollectionIsReadInOnceForAllThatWaitForIt) {
  World world;
  ASSERT_TRUE(world->collections.create(world.caller, "c", {}));
  for (int i = 0; i < 50; ++i) world.add("c", {.person = 7, .variant = static_cast<std::uint8_t>(i)});
  world.restart();
  in_threads(6, [&](int) { EXPECT_EQ(searchable(world, "c").size(), 50u); });
}

}  // namespace
}  // namespace likeness::domain
