#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/cli/face_service.hpp"
#include "base/result.hpp"
#include "domain/checks/rules.hpp"
#include "media/draw.hpp"
#include "media/image.hpp"

/// The pictures of `--draw`.
namespace likeness::app {

/// Which file each photo is drawn into. `target` is a file (its name ends in .png, .jpg or .jpeg) for a single photo,
/// else a folder, made if it is missing, that gets NAME.png for each photo; photos of equal names get NAME-2.png ...
/// Errors: "NotWritable", "Usage" (a file was named for several photos).
Result<std::vector<std::string>> picture_paths(const std::string& target, const std::vector<std::string>& photos);

/// Decodes what the command line takes: JPEG, PNG and WebP, larger and smaller than AWS's limits.
Result<media::Image> decode_photo(BytesView file);

/// PNG, or JPEG where the name ends in .jpg or .jpeg.
Result<void> write_picture(const std::string& path, const media::Image& image);

constexpr media::Color kFoundColor{0, 200, 255};
constexpr media::Color kPassColor{46, 204, 113};
constexpr media::Color kFailColor{255, 82, 82};
constexpr media::Color kOtherColor{170, 178, 190};
constexpr media::Color kNamedColor{255, 196, 0};

/// The box and landmarks of a face in the pixels of a photo of this size; the label is the caller's.
media::Mark mark_of(const vision::Face& face, int width, int height, media::Color color);
media::Mark mark_of(const vision::Box& box, int width, int height, media::Color color);

/// "Female 24-32", "calm", "smiling": what there is to say in few words, for labels.
std::vector<std::string> describe_for_label(const vision::Face& face);

/// "calm", "happy" ...
std::string emotion_word(vision::EmotionType type);

/// What the person should do about a rule that failed; where the value was right but not sure enough, that.
std::string hint_of(const checks::RuleResult& result);

/// The verdict beside the photo.
media::Panel panel_of(const std::string& photo, const checks::Verdict& verdict);

}  // namespace likeness::app
