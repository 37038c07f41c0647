#include "app/throttle.hpp"

#include <gtest/gtest.h>

namespace likeness::app {
namespace {

using namespace std::chrono_literals;

TEST(Throttle, LetsTheRateThroughAndABurstOfOneSecond) {
  Throttle throttle({{"DetectFaces", 5}});
  const Throttle::Time start{};
  int admitted = 0;
  for (int i = 0; i < 20; ++i) admitted += throttle.admit("DetectFaces", start) ? 1 : 0;
  EXPECT_EQ(admitted, 5);
  for (int ms = 0; ms < 10'000; ms += 10)
    admitted += throttle.admit("DetectFaces", start + std::chrono::milliseconds(ms)) ? 1 : 0;
  EXPECT_NEAR(admitted, 55, 1);
}

TEST(Throttle, OperationsAreApartAndOthersAreFree) {
  Throttle throttle({{"A", 1}, {"B", 0}, {"C", 0.5}});
  const Throttle::Time start{};
  EXPECT_TRUE(throttle.admit("A", start));
  EXPECT_FALSE(throttle.admit("A", start));
  EXPECT_FALSE(throttle.admit("B", start));
  EXPECT_FALSE(throttle.admit("B", start + 1h));
  EXPECT_TRUE(throttle.admit("C", start));
  EXPECT_FALSE(throttle.admit("C", start + 1s));
  EXPECT_TRUE(throttle.admit("C", start + 2s));
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(throttle.admit("D", start));
}

TEST(Throttle, AClockThatStandsStillOrGoesBackGivesNothing) {
  Throttle throttle({{"A", 1}});
  const Throttle::Time start = Throttle::Time{} + 10s;
  EXPECT_TRUE(throttle.admit("A", start));
  EXPECT_FALSE(throttle.admit("A", start - 5s));
}

TEST(Throttle, AwsRatesFollowTheRegion) {
  EXPECT_EQ(aws_default_rates("us-east-1").at("DetectFaces"), 50);
  EXPECT_EQ(aws_default_rates("eu-central-1").at("DetectFaces"), 5);
}

}  // namespace
}  // namespace likeness::app
