#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <filesystem>
#include <system_error>

#include "app/cli/commands.hpp"
#include "app/cli/face_json.hpp"
#include "app/cli/inputs.hpp"
#include "app/cli/pictures.hpp"

namespace likeness::app {
namespace {

struct Detected {
  std::vector<vision::Face> faces;
  int width = 0, height = 0;
};

std::string flag_text(const std::optional<vision::Flag>& flag) {
  if (!flag) return "";
  return fmt::format("{} {:.0f}", flag->value ? "yes" : "no", flag->confidence);
}

void show_text(Console& console, const std::string& path, const Detected& found,
               const std::optional<std::string>& picture) {
  const Terminal& terminal = console.terminal;
  console.out << terminal.styled(printable(path), Style::Bold)
              << terminal.styled(fmt::format("  {} x {}, {}{}", found.width, found.height,
                                             counted(found.faces.size(), "face", "faces"),
                                             picture ? ", drawn in " + printable(*picture) : ""),
                                 Style::Faint)
              << '\n';
  if (found.faces.empty()) return;
  Table table;
  table.header({"#", "box", "sure %", "who", "emotion", "smile", "eyes open", "mouth open", "glasses", "yaw", "pitch",
                "roll", "sharp", "bright"});
  for (std::size_t i = 0; i < found.faces.size(); ++i) {
    const vision::Face& face = found.faces[i];
    const auto about = describe_for_label(face);
    const auto pixels = [](float ratio, int size) { return static_cast<int>(std::lround(double(ratio) * size)); };
    const std::string box =
        fmt::format("{}x{}+{}+{}", pixels(face.box.width, found.width), pixels(face.box.height, found.height),
                    pixels(face.box.left, found.width), pixels(face.box.top, found.height));
    const std::string emotion = !face.emotions ? ""
                                               : fmt::format("{} {:.0f}", emotion_word((*face.emotions)[0].type),
                                                             (*face.emotions)[0].confidence);
    table.row({{std::to_string(i + 1), Style::Faint, true},
               {box},
               {fmt::format("{:.1f}", face.confidence), Style::Plain, true},
               {face.age_range || face.gender_is_male ? about.at(0) : ""},
               {emotion},
               {flag_text(face.smile)},
               {flag_text(face.eyes_open)},
               {flag_text(face.mouth_open)},
               {flag_text(face.eyeglasses)},
               {fmt::format("{:.0f}", face.pose.yaw), Style::Plain, true},
               {fmt::format("{:.0f}", face.pose.pitch), Style::Plain, true},
               {fmt::format("{:.0f}", face.pose.roll), Style::Plain, true},
               {fmt::format("{:.0f}", face.quality.sharpness), Style::Plain, true},
               {fmt::format("{:.0f}", face.quality.brightness), Style::Plain, true}});
  }
  console.out << table.text(terminal, "  ");
}

Result<void> draw_faces(const std::string& path, const Photo& photo, const Detected& found) {
  media::Drawing drawing;
  for (const vision::Face& face : found.faces) {
    media::Mark mark = mark_of(face, found.width, found.height, kFoundColor);
    mark.lines = describe_for_label(face);
    drawing.marks.push_back(std::move(mark));
  }
  auto picture = media::draw(photo.image, drawing);
  if (!picture) return fail(picture);
  return write_picture(path, *picture);
}

/// The face in the middle with as much room around it as a passport photo has; cut at the borders of the photo.
media::Image cropped(const media::Image& photo, const vision::Box& box) {
  constexpr float kBeside = .6f, kAbove = .6f, kBelow = .7f;  // of the face's box
  const auto pixel = [](float ratio, int size) { return std::clamp(static_cast<int>(ratio * float(size)), 0, size); };
  const int left = pixel(box.left - kBeside * box.width, photo.width());
  const int right = pixel(box.left + (1 + kBeside) * box.width, photo.width());
  const int top = pixel(box.top - kAbove * box.height, photo.height());
  const int bottom = pixel(box.top + (1 + kBelow) * box.height, photo.height());
  media::Image out(std::max(right - left, 1), std::max(bottom - top, 1));
  for (int y = 0; y < out.height(); ++y)
    std::copy_n(
        photo.row(std::min(top + y, photo.height() - 1)) + std::ptrdiff_t{3} * std::min(left, photo.width() - 1),
        std::size_t{3} * static_cast<std::size_t>(out.width()), out.row(y));
  return out;
}

/// NAME-1.jpg, NAME-2.jpg ... in the order of the faces.
Result<void> write_crops(const std::string& folder, const std::string& path, const Photo& photo,
                         const Detected& found) {
  const std::string name = std::filesystem::path(path).stem().string();
  for (std::size_t i = 0; i < found.faces.size(); ++i) {
    const auto file = std::filesystem::path(folder) / fmt::format("{}-{}.jpg", name, i + 1);
    if (auto written = write_picture(file.string(), cropped(photo.image, found.faces[i].box)); !written) return written;
  }
  return {};
}

}  // namespace

int run_detect(const DetectOptions& options, FaceService& service, Console& console) {
  const auto photos = find_photos(options.photos);
  if (!photos) return give_up(console, photos.error());
  std::vector<std::string> pictures;
  if (options.draw) {
    auto paths = picture_paths(*options.draw, *photos);
    if (!paths) return give_up(console, paths.error());
    pictures = std::move(*paths);
  }
  if (options.crops) {
    std::error_code problem;
    std::filesystem::create_directories(*options.crops, problem);
    if (problem) return give_up(console, client_error("NotWritable", *options.crops + " cannot be made.").value());
  }
  std::size_t faces = 0;
  const auto work = [&](std::size_t i, const Photo& photo) -> Result<Detected> {
    auto found = service.detect(photo, vision::Features::attributes());
    if (!found) return fail(found);
    Detected detected{std::move(*found), photo.image.width(), photo.image.height()};
    if (!pictures.empty())
      if (auto drawn = draw_faces(pictures[i], photo, detected); !drawn) return fail(drawn);
    if (options.crops)
      if (auto cut = write_crops(*options.crops, (*photos)[i], photo, detected); !cut) return fail(cut);
    return detected;
  };
  const auto show = [&](std::size_t i, const Detected& found) {
    faces += found.faces.size();
    const auto picture = pictures.empty() ? std::nullopt : std::optional(pictures[i]);
    if (!console.json) return show_text(console, (*photos)[i], found, photos->size() == 1 ? picture : std::nullopt);
    boost::json::object line;
    line["Photo"] = (*photos)[i];
    line["ImageWidth"] = found.width;
    line["ImageHeight"] = found.height;
    line["FaceDetails"] = face_details_json(found.faces);
    if (picture) line["Picture"] = *picture;
    console.out << boost::json::serialize(line) << '\n';
  };
  const Tally tally = over_photos(console, *photos, options.jobs, work, show);
  if (!console.json && !tally.fatal && photos->size() > 1)
    console.out << fmt::format("{}; {}{}\n", counted(faces, "face", "faces"), tally_text(tally),
                               options.draw ? "; pictures in " + printable(*options.draw) : "");
  return tally.exit_code(faces > 0 ? kDone : kNo);
}

}  // namespace likeness::app
