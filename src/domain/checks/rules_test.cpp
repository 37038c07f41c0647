#include "domain/checks/rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "domain/checks/subjects.hpp"

namespace likeness::checks {
namespace {

using testing::HasSubstr;
using vision::Flag;

constexpr PhotoSize kSize{1000, 800};

vision::Face good_face() {
  vision::Face face;
  face.box = {0.3f, 0.2f, 0.4f, 0.6f};
  face.confidence = 99;
  face.quality = {70, 80};
  face.smile = Flag{false, 97};
  face.sunglasses = Flag{false, 99};
  face.eyes_open = Flag{true, 95};
  face.mouth_open = Flag{false, 92};
  return face;
}

RuleSet rules_of(const std::string& rules) {
  auto parsed = parse_rules("rules:\n" + rules);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed.value_or(RuleSet{});
}

std::string refusal(const std::string& yaml) {
  const auto parsed = parse_rules(yaml);
  EXPECT_FALSE(parsed);
  if (parsed) return "accepted";
  EXPECT_EQ(parsed.error().code, "InvalidRules");
  return parsed.error().message;
}

TEST(PassportRules, AreTheFourAttributesEachOverNinety) {
  const auto rules = built_in_rules("passport");
  ASSERT_TRUE(rules);
  ASSERT_EQ(rules->rules.size(), 4u);
  const std::pair<Subject, bool> wanted[] = {
      {Subject::Smile, false}, {Subject::Sunglasses, false}, {Subject::EyesOpen, true}, {Subject::MouthOpen, false}};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(rules->rules[i].subject, wanted[i].first);
    EXPECT_EQ(rules->rules[i].value, wanted[i].second);
    EXPECT_EQ(rules->rules[i].min_confidence, 90);
  }
}

TEST(BuiltInRules, AllParseAndTheFirstIsPassport) {
  EXPECT_EQ(built_in_rule_names().front(), "passport");
  for (const std::string& name : built_in_rule_names()) {
    const auto rules = built_in_rules(name);
    ASSERT_TRUE(rules) << name;
    EXPECT_EQ(rules->name, name);
  }
  EXPECT_FALSE(built_in_rules("nothing"));
}

TEST(Subjects, StandInTheOrderOfTheEnum) {
  for (std::size_t i = 0; i < all_subjects().size(); ++i)
    EXPECT_EQ(static_cast<std::size_t>(all_subjects()[i].subject), i) << all_subjects()[i].name;
  EXPECT_EQ(all_subjects().back().subject, Subject::ImageHeight);
}

TEST(Evaluate, APhotoThatKeepsEveryRulePasses) {
  const Verdict verdict = evaluate(*built_in_rules("passport"), {good_face()}, kSize);
  EXPECT_TRUE(verdict.passed);
  EXPECT_EQ(verdict.face_count, 1u);
  EXPECT_NEAR(*verdict.results[0].margin, 7, 1e-6);
  EXPECT_EQ(verdict.results[0].measured_text, "No 97.0 %");
  EXPECT_EQ(verdict.results[0].wanted_text, "No > 90 %");
}

TEST(Evaluate, ConfidenceMustBeExceededNotReached) {
  vision::Face face = good_face();
  face.smile = Flag{false, 90};
  EXPECT_FALSE(evaluate(*built_in_rules("passport"), {face}, kSize).passed);
  face.smile = Flag{false, 90.001f};
  EXPECT_TRUE(evaluate(*built_in_rules("passport"), {face}, kSize).passed);
}

TEST(Evaluate, TheWrongValueFailsHoweverSureAndSaysByHowMuch) {
  vision::Face face = good_face();
  face.smile = Flag{true, 98};
  const Verdict verdict = evaluate(*built_in_rules("passport"), {face}, kSize);
  EXPECT_FALSE(verdict.passed);
  const RuleResult& smile = verdict.results[0];
  EXPECT_FALSE(smile.passed);
  EXPECT_FALSE(smile.unsure);
  EXPECT_NEAR(*smile.margin, 2 - 90, 1e-4);
  EXPECT_EQ(smile.measured_value, true);
  EXPECT_EQ(smile.reason, "Smile is Yes (98.0 %), but must be No.");
  EXPECT_THAT(smile.hint, HasSubstr("smile"));
  EXPECT_TRUE(verdict.results[1].passed);
}

TEST(Evaluate, AWrongValueFailsEvenUnderAThresholdBelowOneHalf) {
  vision::Face face = good_face();
  face.smile = Flag{true, 55};
  const auto rules = rules_of("  - {rule: Smile, value: false, min_confidence: 30}\n");
  EXPECT_FALSE(evaluate(rules, {face}, kSize).passed);
}

TEST(Evaluate, ANumberShortOfTheThresholdNeverReadsAsIfItReachedIt) {
  vision::Face face = good_face();
  face.smile = Flag{false, 89.996f};
  const auto result = evaluate(*built_in_rules("passport"), {face}, kSize).results[0];
  EXPECT_FALSE(result.passed);
  EXPECT_EQ(result.measured_text, "No 89.996 %");
  EXPECT_TRUE(result.unsure);
}

TEST(Evaluate, WithoutAFaceEveryRuleAboutOneFails) {
  const auto rules =
      rules_of("  - {rule: Smile, value: false}\n  - {rule: FaceCount, max: 0}\n  - {rule: ImageWidth, min: 500}\n");
  const Verdict verdict = evaluate(rules, {}, kSize);
  EXPECT_FALSE(verdict.passed);
  EXPECT_FALSE(verdict.results[0].passed);
  EXPECT_EQ(verdict.results[0].measured_text, "no face");
  EXPECT_FALSE(verdict.results[0].margin);
  EXPECT_TRUE(verdict.results[1].passed);
  EXPECT_TRUE(verdict.results[2].passed);
}

TEST(Evaluate, WhatWasNotAskedForFailsAndSaysSo) {
  const auto rules = rules_of("  - {rule: Liveness, min: 50}\n");
  const Verdict verdict = evaluate(rules, {good_face()}, kSize);
  EXPECT_FALSE(verdict.passed);
  EXPECT_EQ(verdict.results[0].measured_text, "not measured");
}

TEST(Evaluate, ANumberThatIsNoneFails) {
  vision::Face face = good_face();
  face.pose.yaw = NAN;
  EXPECT_FALSE(evaluate(rules_of("  - {rule: Yaw, min: -15, max: 15}\n"), {face}, kSize).passed);
}

TEST(Evaluate, LooksAtTheLargestFaceAndCountsAll) {
  vision::Face small = good_face();
  small.smile = Flag{true, 99};
  const auto rules = rules_of("  - {rule: Smile, value: false}\n  - {rule: FaceCount, min: 1, max: 1}\n");
  const Verdict verdict = evaluate(rules, {good_face(), small}, kSize);
  EXPECT_TRUE(verdict.results[0].passed);
  EXPECT_FALSE(verdict.results[1].passed);
  EXPECT_EQ(verdict.results[1].measured_text, "2");
  EXPECT_EQ(verdict.results[1].wanted_text, "exactly 1");
}

struct NumberCase {
  const char* rule;
  bool passed;
  double measured;
  double margin;
};

TEST(Evaluate, NumbersAreHeldAgainstBothBoundsInclusive) {
  vision::Face face = good_face();
  face.pose = {.roll = 2, .yaw = -20, .pitch = 15};
  face.eye_direction = vision::EyeDirection{5, -6, 90};
  face.liveness = 88;
  const NumberCase cases[] = {
      {"{rule: Yaw, min: -15, max: 15}", false, -20, -5},  {"{rule: Pitch, min: -15, max: 15}", true, 15, 0},
      {"{rule: Roll, min: -10, max: 10}", true, 2, 8},     {"{rule: FaceHeight, min: 20, max: 80}", true, 60, 20},
      {"{rule: FaceWidth, max: 30}", false, 40, -10},      {"{rule: FacePixels, min: 300}", true, 400, 100},
      {"{rule: MarginLeft, min: 5}", true, 30, 25},        {"{rule: MarginRight, min: 5}", true, 30, 25},
      {"{rule: MarginTop, min: 25}", false, 20, -5},       {"{rule: MarginBottom, min: 5}", true, 20, 15},
      {"{rule: CenterX, min: -15, max: 15}", true, 0, 15}, {"{rule: CenterY, min: -15, max: 15}", true, 0, 15},
      {"{rule: EyeYaw, min: -20, max: 20}", true, 5, 15},  {"{rule: EyePitch, min: -5, max: 5}", false, -6, -1},
      {"{rule: Brightness, min: 40}", true, 70, 30},       {"{rule: Sharpness, min: 90}", false, 80, -10},
      {"{rule: Liveness, min: 50}", true, 88, 38},         {"{rule: FaceConfidence, min: 99.5}", false, 99, -0.5},
      {"{rule: ImageWidth, min: 1000}", true, 1000, 0},    {"{rule: ImageHeight, max: 700}", false, 800, -100},
  };
  for (const NumberCase& c : cases) {
    const auto rules = rules_of(std::string("  - ") + c.rule + "\n");
    const auto result = evaluate(rules, {face}, kSize).results.at(0);
    EXPECT_EQ(result.passed, c.passed) << c.rule;
    EXPECT_NEAR(result.measured.value_or(NAN), c.measured, 1e-4) << c.rule;
    EXPECT_NEAR(result.margin.value_or(NAN), c.margin, 1e-4) << c.rule;
  }
}

TEST(Evaluate, EmotionIsHeldAgainstItsOwnConfidence) {
  vision::Face face = good_face();
  face.emotions.emplace();
  (*face.emotions)[0] = {vision::EmotionType::Happy, 70};
  (*face.emotions)[1] = {vision::EmotionType::Calm, 30};
  EXPECT_FALSE(evaluate(rules_of("  - {rule: Emotion, value: CALM, min_confidence: 50}\n"), {face}, kSize).passed);
  EXPECT_TRUE(evaluate(rules_of("  - {rule: Emotion, value: HAPPY, min_confidence: 50}\n"), {face}, kSize).passed);
}

TEST(RuleSet, KnowsWhatHasToBeAskedOfTheAnalyzer) {
  const auto rules =
      rules_of("  - {rule: Smile, value: false}\n  - {rule: Yaw, max: 3}\n  - {rule: Liveness, min: 1}\n");
  EXPECT_EQ(rules.needed(), vision::Feature::Smile | vision::Feature::Liveness);
}

TEST(ParseRules, ReadsNamesAndDefaults) {
  const auto rules = parse_rules("name: mine\ndescription: d\nrules:\n- rule: EyesOpen\n  value: yes\n  hint: h\n");
  ASSERT_TRUE(rules) << rules.error().message;
  EXPECT_EQ(rules->name, "mine");
  EXPECT_EQ(rules->rules.at(0).min_confidence, 90);
  EXPECT_TRUE(rules->rules.at(0).value);
  EXPECT_EQ(rules->rules.at(0).hint, "h");
}

TEST(ParseRules, ErrorsNameTheLineAndWhatIsAllowed) {
  const std::string unknown =
      refusal("rules:\n  - rule: Smile\n    value: false\n  - rule: Smiles\n    value: false\n");
  EXPECT_THAT(unknown, HasSubstr("line 4"));
  EXPECT_THAT(unknown, HasSubstr("'Smiles'"));
  EXPECT_THAT(unknown, HasSubstr("Sunglasses, Beard"));
  const std::string member = refusal("rules:\n  - rule: Yaw\n    maximum: 3\n");
  EXPECT_THAT(member, HasSubstr("line 3"));
  EXPECT_THAT(member, HasSubstr("'maximum'; allowed are rule, min, max, hint"));
  EXPECT_THAT(refusal("rules:\n  - rule: Smile\n    value: maybe\n"),
              HasSubstr("line 3: value of Smile must be true or"));
  EXPECT_THAT(refusal("rules:\n  - rule: Smile\n"), HasSubstr("line 2: Smile needs the member 'value'"));
  EXPECT_THAT(refusal("rules:\n  - rule: Yaw\n    min: steep\n"), HasSubstr("number from -180 to 180, not 'steep'"));
  EXPECT_THAT(refusal("rules:\n  - {rule: Smile, value: false, min_confidence: 100}\n"), HasSubstr("from 0 to 99.99"));
  EXPECT_THAT(refusal("rules:\n  - {rule: Emotion, value: BORED}\n"), HasSubstr("allowed are HAPPY, SAD"));
  EXPECT_THAT(refusal("rules:\n  - {rule: Yaw, min: 5, max: 2}\n"), HasSubstr("min of Yaw is greater"));
  EXPECT_THAT(refusal("rules:\n  - {rule: Yaw, min: .nan}\n"), HasSubstr("must be a number"));
  EXPECT_THAT(refusal("rules:\n  - {rule: Yaw, min: 1, min: 2}\n"), HasSubstr("stands there twice"));
  EXPECT_THAT(refusal("rules:\n  - rule: Yaw\n"), HasSubstr("needs a min, a max or both"));
}

TEST(ParseRules, WhatIsNoRuleFileIsRefused) {
  for (const char* bad : {"", "a", "rules:", "rules: []", "rules: 3", "- rule: Smile", "rules:\n  - 3", "rules: [[1]]",
                          "rules: {a: 1}", "x: 1\nrules: []", "rules:\n\t- rule: Smile", "rules: [", "{}", "\xff\xfe",
                          "rules:\n  - {value: true}", "rules:\n  - {[1]: 2}", "*nothing"})
    EXPECT_FALSE(refusal(bad).empty()) << bad;
  EXPECT_THAT(refusal(std::string(70'000, ' ')), HasSubstr("64 KiB"));
  EXPECT_THAT(refusal("rules: " + std::string(3000, '[')), HasSubstr("deeply"));
  std::string dashes;
  for (int i = 0; i < 3000; ++i) dashes += "- ";
  EXPECT_THAT(refusal(dashes), HasSubstr("deeply"));
}

}  // namespace
}  // namespace likeness::checks
