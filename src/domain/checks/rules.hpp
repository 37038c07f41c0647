#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "vision/face.hpp"

/// The photo check: does a photo keep a set of rules ("no smile, eyes open, one face, looking straight ahead")?
namespace likeness::checks {

/// Everything that can be measured by a rule. The names in the YAML are these.
enum class Subject {
  // Yes or no, with a confidence.
  Smile,
  Eyeglasses,
  Sunglasses,
  Beard,
  Mustache,
  EyesOpen,
  MouthOpen,
  FaceOccluded,
  // One of AWS's eight emotions, with a confidence.
  Emotion,
  // Numbers.
  FaceCount,       // faces in the photo
  FaceConfidence,  // percent: that this is a face
  FaceWidth,       // percent of the photo's width
  FaceHeight,      // percent of the photo's height
  FacePixels,      // shorter side of the face's box
  MarginLeft,      // percent of the photo's width between box and border; negative where the box is cut
  MarginRight,
  MarginTop,  // percent of the photo's height
  MarginBottom,
  CenterX,  // percent of the photo's width that the middle of the box is right (+) or left (-) of the photo's middle
  CenterY,  // percent of the photo's height, + is lower
  Yaw,      // degrees
  Pitch,
  Roll,
  EyeYaw,  // degrees, direction of the look
  EyePitch,
  Brightness,   // 0..100
  Sharpness,    // 0..100
  Liveness,     // percent: a live person, not a picture of one
  ImageWidth,   // pixels
  ImageHeight,  // pixels
};

std::string_view name_of(Subject subject);

/// One demand on a photo. `value` with `min_confidence` for yes/no subjects and Emotion, `min`/`max` (both inclusive)
/// for numbers.
struct Rule {
  Subject subject = Subject::Smile;
  bool value = true;                                        // yes/no subjects
  vision::EmotionType emotion = vision::EmotionType::Calm;  // Emotion
  double min_confidence = 90;                               // percent; must be exceeded, not only reached
  std::optional<double> min, max;                           // numbers
  std::string hint;                                         // what the person in the photo should do; may be empty
};

struct RuleSet {
  std::string name;
  std::string description;
  std::vector<Rule> rules;

  /// What has to be asked of the FaceAnalyzer so that every rule can be measured.
  vision::Features needed() const;
};

/// Reads a rule set from YAML (the form is in README.md). Error "InvalidRules": the message names the line, what is
/// wrong with it and what is allowed there. Never throws; at most 64 KiB and 100 rules are taken.
Result<RuleSet> parse_rules(std::string_view yaml);

/// Rule sets that come with the program: rules/NAME.yaml. nullopt if there is none of that name.
std::optional<RuleSet> built_in_rules(std::string_view name);
/// Their names; the first one is the default.
std::vector<std::string> built_in_rule_names();

/// Size of the upright photo in pixels.
struct PhotoSize {
  int width = 0, height = 0;
};

struct RuleResult {
  Subject subject = Subject::Smile;
  bool passed = false;
  /// Failed although the value is the wanted one: its confidence is too low.
  bool unsure = false;
  /// What was found: a yes/no value or emotion, and a number (the confidence in percent, or the measured quantity).
  /// All empty when there was nothing to measure, e.g. no face.
  std::optional<bool> measured_value;
  std::optional<double> measured;
  /// The bound that decided: the minimum confidence, or the nearer of min and max.
  double threshold = 0;
  /// How far inside (positive) or outside (negative) the bound, in the unit of the subject. For yes/no subjects the
  /// confidence that the wanted value holds, less the threshold. Empty when there was nothing to measure.
  std::optional<double> margin;
  std::string measured_text;  // "Yes 98.2 %", "-3.1 deg", "no face"
  std::string wanted_text;    // "No > 90 %", "-15 .. 15 deg", "exactly 1"
  std::string reason;         // one sentence with both
  std::string hint;           // of the rule
};

struct Verdict {
  bool passed = false;  // every rule passed
  std::size_t face_count = 0;
  std::vector<RuleResult> results;  // in the order of the rules
};

/// Holds the rules against the faces of one photo. Rules about a face look at the largest, `faces[0]`, as the AWS
/// samples do; with no face they fail. Whatever was not measured (a feature not asked for) fails and says so.
Verdict evaluate(const RuleSet& rules, const std::vector<vision::Face>& faces, PhotoSize size);

}  // namespace likeness::checks
