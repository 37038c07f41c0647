#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>

#include "app/cli/commands.hpp"
#include "app/cli/face_json.hpp"
#include "app/cli/inputs.hpp"
#include "app/cli/pictures.hpp"

namespace likeness::app {
namespace {

struct Compared {
  Comparison comparison;
  int width = 0, height = 0;
};

Result<void> draw_comparison(const std::string& path, const Photo& target, const Compared& compared) {
  media::Drawing drawing;
  for (const Comparison::Match& match : compared.comparison.matches) {
    media::Mark mark = mark_of(match.face, compared.width, compared.height, kPassColor);
    mark.lines = {fmt::format("same person {:.1f} %", match.similarity)};
    drawing.marks.push_back(std::move(mark));
  }
  for (const vision::Face& face : compared.comparison.unmatched) {
    media::Mark mark = mark_of(face, compared.width, compared.height, kOtherColor);
    mark.lines = {"someone else"};
    drawing.marks.push_back(std::move(mark));
  }
  auto picture = media::draw(target.image, drawing);
  if (!picture) return fail(picture);
  return write_picture(path, *picture);
}

void show_text(Console& console, FaceService& service, const std::string& path, const Compared& compared,
               const std::optional<std::string>& picture) {
  const Terminal& terminal = console.terminal;
  const Comparison& found = compared.comparison;
  const std::size_t faces = found.matches.size() + found.unmatched.size();
  const bool same = !found.matches.empty();
  console.out << terminal.styled(same ? "SAME" : "OTHER", same ? Style::Good : Style::Bad) << (same ? "   " : "  ")
              << terminal.styled(printable(path), Style::Bold);
  if (same) {
    const float similarity = found.matches[0].similarity;
    console.out << fmt::format("  similarity {:.1f} %", similarity);
    if (const auto rate = service.false_match_rate(similarity))
      console.out << terminal.styled(fmt::format(" (strangers reach it {})", rate_text(*rate)), Style::Faint);
  }
  console.out << terminal.styled(fmt::format("  {}{}", counted(faces, "face", "faces"),
                                             picture ? ", drawn in " + printable(*picture) : ""),
                                 Style::Faint)
              << '\n';
}

void show_json(Console& console, const std::string& source, const std::string& path, const Compared& compared,
               const std::optional<std::string>& picture) {
  boost::json::object line;
  line["Photo"] = path;
  line["SourcePhoto"] = source;
  boost::json::object source_face;
  source_face["BoundingBox"] = box_json(compared.comparison.source_box);
  source_face["Confidence"] = compared.comparison.source_confidence;
  line["SourceImageFace"] = std::move(source_face);
  boost::json::array matches;
  for (const Comparison::Match& match : compared.comparison.matches) {
    boost::json::object entry;
    entry["Similarity"] = match.similarity;
    entry["Face"] = face_detail_json(match.face);
    matches.push_back(std::move(entry));
  }
  line["FaceMatches"] = std::move(matches);
  line["UnmatchedFaces"] = face_details_json(compared.comparison.unmatched);
  if (picture) line["Picture"] = *picture;
  console.out << boost::json::serialize(line) << '\n';
}

}  // namespace

int run_compare(const CompareOptions& options, FaceService& service, Console& console) {
  const auto targets = find_photos(options.targets);
  if (!targets) return give_up(console, targets.error());
  std::vector<std::string> pictures;
  if (options.draw) {
    auto paths = picture_paths(*options.draw, *targets);
    if (!paths) return give_up(console, paths.error());
    pictures = std::move(*paths);
  }
  auto source = load_photo(options.source);
  if (!source) {
    source.error().message = options.source + ": " + source.error().message;
    return give_up(console, source.error());
  }
  std::size_t matched = 0;
  const auto work = [&](std::size_t i, const Photo& target) -> Result<Compared> {
    auto comparison = service.compare(*source, target, options.threshold);
    if (!comparison) return fail(comparison);
    Compared compared{std::move(*comparison), target.image.width(), target.image.height()};
    if (!pictures.empty())
      if (auto drawn = draw_comparison(pictures[i], target, compared); !drawn) return fail(drawn);
    return compared;
  };
  const auto show = [&](std::size_t i, const Compared& compared) {
    if (!compared.comparison.matches.empty()) ++matched;
    const auto picture = pictures.empty() ? std::nullopt : std::optional(pictures[i]);
    if (console.json)
      show_json(console, options.source, (*targets)[i], compared, picture);
    else
      show_text(console, service, (*targets)[i], compared, picture);
  };
  const Tally tally = over_photos(console, *targets, options.jobs, work, show);
  if (!console.json && !tally.fatal && targets->size() > 1)
    console.out << fmt::format("{} with the person of {}; {}\n", counted(matched, "photo", "photos"),
                               printable(options.source), tally_text(tally));
  return tally.exit_code(matched > 0 ? kDone : kNo);
}

}  // namespace likeness::app
