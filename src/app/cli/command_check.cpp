#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>

#include "app/cli/commands.hpp"
#include "app/cli/face_json.hpp"
#include "app/cli/inputs.hpp"
#include "app/cli/pictures.hpp"
#include "domain/checks/rules.hpp"

namespace likeness::app {
namespace {

constexpr std::size_t kMostRuleBytes = 64 * 1024;

struct Checked {
  std::vector<vision::Face> faces;
  checks::Verdict verdict;
  int width = 0, height = 0;
};

Result<checks::RuleSet> load_rules(const std::string& name) {
  if (auto built_in = checks::built_in_rules(name)) return std::move(*built_in);
  auto text = read_file(name, kMostRuleBytes);
  if (!text)
    return client_error("InvalidRules",
                        fmt::format("{}: {} (neither a rule file nor one of the built-in sets {})", name,
                                    text.error().message, fmt::join(checks::built_in_rule_names(), ", ")));
  auto rules = checks::parse_rules(as_text(*text));
  if (!rules) return client_error("InvalidRules", fmt::format("{}: {}", name, rules.error().message));
  return rules;
}

Result<void> draw_verdict(const std::string& path, const Photo& photo, const Checked& checked) {
  media::Drawing drawing;
  for (std::size_t i = 0; i < checked.faces.size(); ++i) {
    const media::Color color = i > 0 ? kOtherColor : checked.verdict.passed ? kPassColor : kFailColor;
    media::Mark mark = i == 0 ? mark_of(checked.faces[i], checked.width, checked.height, color)
                              : mark_of(checked.faces[i].box, checked.width, checked.height, color);
    if (i == 0 && checked.faces.size() > 1) mark.lines.push_back("judged");
    drawing.marks.push_back(std::move(mark));
  }
  drawing.panel = panel_of(photo.path, checked.verdict);
  auto picture = media::draw(photo.image, drawing);
  if (!picture) return fail(picture);
  return write_picture(path, *picture);
}

std::string margin_text(const checks::RuleResult& result) {
  if (!result.margin) return "";
  return fmt::format("{:+.{}f}", *result.margin, *result.margin != 0 && std::abs(*result.margin) < 0.05 ? 3 : 1);
}

void show_text(Console& console, const CheckOptions& options, const std::string& path, const Checked& checked,
               const std::optional<std::string>& picture) {
  const checks::Verdict& verdict = checked.verdict;
  const Terminal& terminal = console.terminal;
  console.out << terminal.styled(verdict.passed ? "PASS" : "FAIL", verdict.passed ? Style::Good : Style::Bad) << "  "
              << terminal.styled(printable(path), Style::Bold)
              << terminal.styled(fmt::format("  {} x {}, {}{}{}", checked.width, checked.height,
                                             counted(verdict.face_count, "face", "faces"),
                                             verdict.face_count > 1 ? ", the largest is judged" : "",
                                             picture ? ", drawn in " + printable(*picture) : ""),
                                 Style::Faint)
              << '\n';
  Table table;
  for (const checks::RuleResult& result : verdict.results) {
    if (options.brief && result.passed) continue;
    const Style style = result.passed ? Style::Good : Style::Bad;
    table.row({{std::string(result.passed ? terminal.tick() : terminal.cross()), style},
               {std::string(checks::name_of(result.subject))},
               {result.measured_text, result.passed ? Style::Plain : Style::Bad},
               {"wanted " + result.wanted_text, Style::Faint},
               {margin_text(result), style, true},
               {result.passed ? "" : hint_of(result)}});
  }
  console.out << table.text(terminal, "  ");
}

void show_json(Console& console, const checks::RuleSet& rules, const std::string& path, const Checked& checked,
               const std::optional<std::string>& picture) {
  boost::json::object line;
  line["Photo"] = path;
  line["ImageWidth"] = checked.width;
  line["ImageHeight"] = checked.height;
  line["Verdict"] = checked.verdict.passed ? "PASS" : "FAIL";
  line["RuleSet"] = rules.name;
  line["Rules"] = rules_json(rules, checked.verdict);
  line["FaceDetails"] = face_details_json(checked.faces);
  if (picture) line["Picture"] = *picture;
  console.out << boost::json::serialize(line) << '\n';
}

}  // namespace

int run_check(const CheckOptions& options, FaceService& service, Console& console) {
  const auto rules = load_rules(options.rules);
  if (!rules) return give_up(console, rules.error());
  const auto photos = find_photos(options.photos);
  if (!photos) return give_up(console, photos.error());
  std::vector<std::string> pictures;
  if (options.draw) {
    auto paths = picture_paths(*options.draw, *photos);
    if (!paths) return give_up(console, paths.error());
    pictures = std::move(*paths);
  }
  const vision::Features wanted = rules->needed();
  std::size_t passed = 0;
  const auto work = [&](std::size_t i, const Photo& photo) -> Result<Checked> {
    auto faces = service.detect(photo, wanted);
    if (!faces) return fail(faces);
    Checked checked{std::move(*faces), {}, photo.image.width(), photo.image.height()};
    checked.verdict = checks::evaluate(*rules, checked.faces, {checked.width, checked.height});
    if (!pictures.empty())
      if (auto drawn = draw_verdict(pictures[i], photo, checked); !drawn) return fail(drawn);
    return checked;
  };
  const auto show = [&](std::size_t i, const Checked& checked) {
    if (checked.verdict.passed) ++passed;
    const auto picture = pictures.empty() ? std::nullopt : std::optional(pictures[i]);
    if (console.json)
      show_json(console, *rules, (*photos)[i], checked, picture);
    else
      show_text(console, options, (*photos)[i], checked, photos->size() == 1 ? picture : std::nullopt);
  };
  const Tally tally = over_photos(console, *photos, options.jobs, work, show);
  const std::size_t judged = tally.photos - tally.failed;
  if (!console.json && !tally.fatal && photos->size() > 1)
    console.out << fmt::format("{} passed, {} failed the rules '{}'; {}{}\n", passed, judged - passed,
                               printable(rules->name.empty() ? options.rules : rules->name), tally_text(tally),
                               options.draw ? "; pictures in " + printable(*options.draw) : "");
  return tally.exit_code(passed == judged ? kDone : kNo);
}

}  // namespace likeness::app
