#include "index/slot_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "index/testing.hpp"

namespace likeness::index {
namespace {

TEST(SlotTable, AnErasedSlotHoldsOnlyZeros) {
  std::mt19937 random(1);
  const Encoder encoder(128);
  SlotTable table(128);
  for (std::uint64_t i = 0; i < 20; ++i) {
    const Slot slot = *table.take();
    table.write(slot, test_id(i + 1), *encoder.encode(random_vector(random, 128)));
    table.publish(slot);
  }
  constexpr Slot kGone = 9;
  const auto set_bits = [&] {
    // The sign bits lie among those of the neighbours: words kGone % 8 of its group.
    const std::uint64_t* signs = table.chunk(0).signs(0) + kGone / kLanes * kLanes * 2 + kGone % kLanes;
    return __builtin_popcountll(signs[0]) + __builtin_popcountll(signs[kLanes]);
  };
  EXPECT_GT(set_bits(), 20);
  table.hide(kGone);
  table.erase(kGone);
  const Chunk& chunk = table.chunk(0);
  EXPECT_EQ(set_bits(), 0);
  EXPECT_TRUE(std::all_of(chunk.codes(kGone), chunk.codes(kGone) + 128, [](auto x) { return x == 0; }));
  EXPECT_TRUE(std::all_of(chunk.fine(kGone), chunk.fine(kGone) + 128, [](auto x) { return x == 0; }));
  EXPECT_EQ(chunk.scale(kGone), 0);
  EXPECT_EQ(chunk.coarse_error(kGone), 0);
  EXPECT_EQ(chunk.inverse_l1(0)[kGone], 0);
  EXPECT_EQ(chunk.id(kGone), VectorId{});
  EXPECT_EQ(chunk.live(0), ((std::uint64_t{1} << 20) - 1) & ~(std::uint64_t{1} << kGone));
  EXPECT_EQ(chunk.id(kGone + 1), test_id(kGone + 2));
  EXPECT_EQ(table.take(), kGone);
}

TEST(IdMap, BehavesAsAMapThroughRandomPutsAndRemovals) {
  std::mt19937 random(2);
  const Encoder encoder(64);
  SlotTable table(64);
  IdMap map(table);
  std::map<VectorId, Slot> model;
  const auto vector = *encoder.encode(random_vector(random, 64));
  for (int step = 0; step < 20'000; ++step) {
    const VectorId id = test_id(random() % 700);
    if (random() % 2 == 0) {
      const auto known = model.find(id);
      if (known == model.end()) {
        const Slot slot = *table.take();
        table.write(slot, id, vector);
        map.put(id, slot);
        model[id] = slot;
      }
    } else if (const auto known = model.find(id); known != model.end()) {
      map.remove(id);
      table.erase(known->second);
      model.erase(known);
    } else {
      map.remove(id);
    }
    ASSERT_EQ(map.size(), model.size());
    const VectorId probe = test_id(random() % 700);
    const auto known = model.find(probe);
    ASSERT_EQ(map.find(probe), known == model.end() ? std::nullopt : std::optional<Slot>(known->second));
  }
}

}  // namespace
}  // namespace likeness::index
