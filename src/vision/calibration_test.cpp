#include "vision/calibration.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "vision/face/judge.hpp"

namespace likeness::vision {
namespace {

constexpr std::string_view kExample = R"({
  "logistic": {"smile": {"bias": -2, "weights": {"width": 4}},
               "beard": {"vectors": {"features": [1, -1]}, "curve": "halved"}},
  "linear": {"age": {"bias": 1, "weights": {"years": 2}}},
  "multinomial": {"mood": {"GOOD": {"weights": {"width": 1}}, "BAD": {"bias": 0}}},
  "curves": {"halved": {"x": [0, 1], "y": [0, 0.5]}, "rising": {"x": [-1, 0, 1], "y": [0, 50, 100]}}})";

Calibration example() {
  auto parsed = Calibration::parse(kExample);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return std::move(*parsed);
}

TEST(Calibration, ALogisticHeadGivesAProbability) {
  Measurements measured;
  measured.set("width", 0.5);
  EXPECT_DOUBLE_EQ(example().probability("smile", measured), 0.5);
  measured.set("width", 1);
  EXPECT_NEAR(example().probability("smile", measured), 1 / (1 + std::exp(-2.0)), 1e-12);
}

TEST(Calibration, AMissingMeasurementCountsAsZero) {
  EXPECT_NEAR(example().probability("smile", {}), 1 / (1 + std::exp(2.0)), 1e-12);
}

TEST(Calibration, VectorsAndCurvesApply) {
  Measurements measured;
  const float features[] = {3, 3};
  measured.set_vector("features", features);
  EXPECT_DOUBLE_EQ(example().probability("beard", measured), 0.25);
}

TEST(Calibration, ClassesOfAMultinomialHeadSumToOneInTheirOrder) {
  Measurements measured;
  measured.set("width", 3);
  const auto shares = example().distribution("mood", measured);
  ASSERT_EQ(shares.size(), 2u);
  EXPECT_EQ(example().classes("mood"), (std::vector<std::string>{"GOOD", "BAD"}));
  EXPECT_NEAR(shares[0] + shares[1], 1, 1e-12);
  EXPECT_GT(shares[0], 0.9);
}

TEST(Calibration, CurvesInterpolateHoldTheirEndsAndInvert) {
  const Calibration calibration = example();
  const Curve& curve = calibration.curve("rising");
  EXPECT_DOUBLE_EQ(curve(-5), 0);
  EXPECT_DOUBLE_EQ(curve(0.5), 75);
  EXPECT_DOUBLE_EQ(curve(7), 100);
  EXPECT_DOUBLE_EQ(curve.inverse(75), 0.5);
  EXPECT_DOUBLE_EQ(curve.inverse(-1), -1);
  EXPECT_DOUBLE_EQ(curve.inverse(1000), 1);
}

TEST(Calibration, SaysWhichMemberIsWrong) {
  const auto error_of = [](std::string_view text) {
    auto parsed = Calibration::parse(text);
    return parsed ? std::string("none") : parsed.error().code + ": " + parsed.error().message;
  };
  EXPECT_EQ(error_of("{"), "InvalidCalibration: The calibration is not valid: the text is not a JSON object.");
  EXPECT_NE(error_of(R"({"logistic": {"smile": {"weights": {"a": "b"}}}})").find("logistic.smile"), std::string::npos);
  EXPECT_NE(error_of(R"({"curves": {"c": {"x": [1, 1], "y": [0, 1]}}})").find("rising x"), std::string::npos);
  EXPECT_NE(error_of(R"({"logistic": {"a": {"curve": "absent"}}})").find("absent"), std::string::npos);
}

TEST(Calibration, ABuiltInOneServesTheJudge) {
  auto built_in = Calibration::built_in();
  ASSERT_TRUE(built_in) << built_in.error().message;
  auto judge = FaceJudge::create(std::move(*built_in));
  ASSERT_TRUE(judge) << judge.error().message;
  // Similarity rises with the cosine over its whole range, and back.
  float before = -1;
  for (int step = 0; step <= 40; ++step) {
    const float cosine = -1 + static_cast<float>(step) * 0.05f, similarity = judge->similarity(cosine);
    EXPECT_GE(similarity, before);
    EXPECT_LE(similarity, 100);
    before = similarity;
  }
  for (const float similarity : {50.0f, 70.0f, 80.0f, 90.0f, 99.0f})
    EXPECT_NEAR(judge->similarity(judge->cosine_for(similarity)), similarity, 0.01);
  EXPECT_GT(judge->false_match_rate(70), judge->false_match_rate(95));
}

TEST(Calibration, AJudgeRefusesACalibrationThatLacksAHead) {
  auto judge = FaceJudge::create(example());
  ASSERT_FALSE(judge);
  EXPECT_EQ(judge.error().code, "InvalidCalibration");
}

TEST(Calibration, OnlyTheModelsThatTheWantedFeaturesReadAreRun) {
  auto judge = FaceJudge::create(std::move(*Calibration::built_in()));
  ASSERT_TRUE(judge);
  const Stages none = judge->stages({});
  EXPECT_FALSE(none.eyes || none.age_gender || none.emotion || none.embedding || none.liveness);
  const Stages embedding = judge->stages(Feature::Embedding);
  EXPECT_TRUE(embedding.embedding);
  EXPECT_FALSE(embedding.eyes || embedding.age_gender || embedding.emotion || embedding.liveness);
  EXPECT_TRUE(judge->stages(Feature::EyeDirection).eyes);
  EXPECT_TRUE(judge->stages(Feature::Liveness).liveness);
}

}  // namespace
}  // namespace likeness::vision
