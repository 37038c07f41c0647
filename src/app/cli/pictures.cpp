#include "app/cli/pictures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "app/cli/inputs.hpp"
#include "domain/checks/subjects.hpp"
#include "media/decode.hpp"
#include "media/encode.hpp"

namespace likeness::app {
namespace {

namespace fs = std::filesystem;

constexpr int kJpegQuality = 90;

std::string lower_extension(const std::string& path) {
  std::string extension = fs::path(path).extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

bool names_a_picture(const std::string& path) {
  const std::string extension = lower_extension(path);
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool is(const std::optional<vision::Flag>& flag) { return flag && flag->value; }

}  // namespace

Result<std::vector<std::string>> picture_paths(const std::string& target, const std::vector<std::string>& photos) {
  std::error_code error;
  if (names_a_picture(target) && !fs::is_directory(target, error)) {
    if (photos.size() == 1) return std::vector<std::string>{target};
    return client_error("Usage", fmt::format("--draw {} names one picture, but there are {} photos: name a folder.",
                                             target, photos.size()));
  }
  fs::create_directories(target, error);
  if (error || !fs::is_directory(target))
    return client_error("NotWritable", fmt::format("the folder {} cannot be made: {}", target,
                                                   error ? error.message() : "there is a file of that name"));
  std::vector<std::string> paths;
  std::set<std::string> taken;
  for (const std::string& photo : photos) {
    const std::string stem = photo == "-" ? "photo" : fs::path(photo).stem().string();
    std::string name = stem;
    for (int n = 2; !taken.insert(name).second; ++n) name = fmt::format("{}-{}", stem, n);
    paths.push_back((fs::path(target) / (name + ".png")).string());
  }
  return paths;
}

Result<media::Image> decode_photo(BytesView file) {
  media::DecodeLimits limits;
  limits.max_bytes = kMostPhotoBytes;
  limits.min_side = 16;
  limits.max_side = 20'000;
  limits.max_pixels = 200'000'000;
  limits.allow_webp = true;
  return media::decode(file, limits);
}

Result<void> write_picture(const std::string& path, const media::Image& image) {
  auto file = lower_extension(path) == ".png" ? media::encode_png(image) : media::encode_jpeg(image, kJpegQuality);
  if (!file) return fail(file);
  return write_file(path, *file);
}

media::Mark mark_of(const vision::Box& box, int width, int height, media::Color color) {
  media::Mark mark;
  mark.box = {double(box.left) * width, double(box.top) * height, double(box.width) * width,
              double(box.height) * height};
  mark.color = color;
  return mark;
}

media::Mark mark_of(const vision::Face& face, int width, int height, media::Color color) {
  media::Mark mark = mark_of(face.box, width, height, color);
  for (const vision::Landmark& landmark : face.landmarks) {
    if (landmark.x == 0 && landmark.y == 0) continue;
    mark.points.push_back({double(landmark.x) * width, double(landmark.y) * height});
  }
  return mark;
}

std::vector<std::string> describe_for_label(const vision::Face& face) {
  std::vector<std::string> lines;
  std::string who;
  if (face.gender_is_male) who = face.gender_is_male->value ? "Male" : "Female";
  if (face.age_range) who += fmt::format("{}{}-{}", who.empty() ? "" : " ", face.age_range->low, face.age_range->high);
  if (!who.empty()) lines.push_back(who);
  std::vector<std::string> words;
  if (face.emotions)
    words.push_back(fmt::format("{} {:.0f} %", emotion_word((*face.emotions)[0].type), (*face.emotions)[0].confidence));
  if (is(face.smile)) words.push_back("smile");
  if (is(face.mouth_open)) words.push_back("mouth open");
  if (face.eyes_open && !face.eyes_open->value) words.push_back("eyes closed");
  if (is(face.sunglasses))
    words.push_back("sunglasses");
  else if (is(face.eyeglasses))
    words.push_back("glasses");
  if (!words.empty()) lines.push_back(fmt::format("{}", fmt::join(words, ", ")));
  return lines;
}

std::string emotion_word(vision::EmotionType type) { return lower(checks::wire_name(type)); }

std::string hint_of(const checks::RuleResult& result) {
  // "Take off the sunglasses" would be wrong advice to somebody who wears none.
  return result.unsure ? fmt::format("{}: not sure enough.", checks::name_of(result.subject)) : result.hint;
}

media::Panel panel_of(const std::string& photo, const checks::Verdict& verdict) {
  using Tone = media::Panel::Tone;
  media::Panel panel;
  panel.tone = verdict.passed ? Tone::Good : Tone::Bad;
  panel.title = verdict.passed ? "PASS" : "FAIL";
  const auto faces = verdict.face_count;
  panel.subtitle = fmt::format("{}   {} face{}{}", fs::path(photo).filename().string(), faces, faces == 1 ? "" : "s",
                               faces > 1 ? ", the largest is judged" : "");
  for (const checks::RuleResult& result : verdict.results) {
    panel.rows.push_back({result.passed ? Tone::Good : Tone::Bad, std::string(checks::name_of(result.subject)),
                          result.measured_text, result.wanted_text});
    if (const std::string hint = hint_of(result); !result.passed && !hint.empty()) panel.notes.push_back(hint);
  }
  return panel;
}

}  // namespace likeness::app
