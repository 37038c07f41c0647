#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "domain/checks/rules.hpp"

/// What each subject of a rule is: how it is measured, in which unit, and what may be asked of it.
namespace likeness::checks {

enum class Kind { Flag, Emotion, Number };

struct Measured {
  std::optional<bool> value;  // Flag
  double number = 0;          // Flag, Emotion: confidence in percent that it is so; Number: the quantity
};

struct SubjectInfo {
  Subject subject = Subject::Smile;
  Kind kind = Kind::Flag;
  std::string_view name;
  std::string_view unit;  // "%", " deg", " px" or ""
  double lowest = 0;      // bounds of what a rule may ask for
  double highest = 100;
  vision::Features needs;
  /// False if the rule looks at the whole photo, so that it can be measured without a face.
  bool of_face = true;
  /// nullopt: the analyzer was not asked for it. `face` is the largest one; never called without a face if `of_face`.
  std::optional<Measured> (*measure)(const Rule& rule, const std::vector<vision::Face>& faces,
                                     PhotoSize size) = nullptr;
};

std::span<const SubjectInfo> all_subjects();
const SubjectInfo& info_of(Subject subject);
/// nullptr if there is no subject of that name; names are case-sensitive.
const SubjectInfo* find_subject(std::string_view name);

/// "HAPPY" ...: AWS's wire names of the emotions.
std::optional<vision::EmotionType> emotion_named(std::string_view name);
std::string_view wire_name(vision::EmotionType emotion);

}  // namespace likeness::checks
