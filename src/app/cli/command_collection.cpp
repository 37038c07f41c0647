#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>

#include "app/cli/commands.hpp"
#include "app/cli/face_json.hpp"
#include "app/cli/inputs.hpp"
#include "app/cli/pictures.hpp"
#include "media/encode.hpp"

/// `likeness index` and `likeness search`.
namespace likeness::app {
namespace {

namespace json = boost::json;

constexpr std::size_t kLongestExternalId = 255;

Result<std::vector<std::string>> pictures_for(const std::optional<std::string>& draw,
                                              const std::vector<std::string>& photos) {
  if (!draw) return std::vector<std::string>{};
  return picture_paths(*draw, photos);
}

/// What a person calls a face: its person, else the name it was indexed under, else its id.
std::string name_of_face(const StoredFace& face) {
  if (!face.user_id.empty()) return face.user_id;
  return face.external_image_id.empty() ? face.face_id : face.external_image_id;
}

/// Makes the collection if it is not there: an index command that fails on a new name helps nobody.
Result<bool> ensure_collection(FaceService& service, const std::string& id) {
  auto found = service.describe_collection(id);
  if (found) return false;
  if (found.error().code != "ResourceNotFoundException") return fail(found);
  auto made = service.create_collection(id);
  if (!made && made.error().code != "ResourceAlreadyExistsException") return fail(made);
  return true;
}

struct IndexedPhoto {
  Indexed indexed;
  int width = 0, height = 0;
};

Result<void> draw_indexed(const std::string& path, const Photo& photo, const Indexed& indexed) {
  media::Drawing drawing;
  const int width = photo.image.width(), height = photo.image.height();
  for (const Indexed::Record& record : indexed.records) {
    media::Mark mark = mark_of(record.detail, width, height, kNamedColor);
    mark.lines = {name_of_face(record.face), record.face.face_id.substr(0, 8)};
    drawing.marks.push_back(std::move(mark));
  }
  for (const Indexed::Left& left : indexed.left) {
    media::Mark mark = mark_of(left.detail, width, height, kOtherColor);
    mark.lines = {"left out", fmt::format("{}", fmt::join(left.reasons, ", "))};
    drawing.marks.push_back(std::move(mark));
  }
  auto picture = media::draw(photo.image, drawing);
  if (!picture) return fail(picture);
  return write_picture(path, *picture);
}

void show_indexed(Console& console, const std::string& path, const Indexed& indexed) {
  const Terminal& terminal = console.terminal;
  console.out << terminal.styled(printable(path), Style::Bold)
              << terminal.styled(
                     fmt::format("  {} indexed{}", counted(indexed.records.size(), "face", "faces"),
                                 indexed.left.empty() ? "" : ", " + std::to_string(indexed.left.size()) + " left out"),
                     Style::Faint)
              << '\n';
  Table table;
  for (const Indexed::Record& record : indexed.records)
    table.row({{std::string(terminal.tick()), Style::Good},
               {printable(name_of_face(record.face))},
               {record.face.face_id, Style::Faint}});
  for (const Indexed::Left& left : indexed.left)
    table.row({{std::string(terminal.cross()), Style::Warn},
               {"left out"},
               {fmt::format("{}", fmt::join(left.reasons, ", ")), Style::Faint}});
  console.out << table.text(terminal, "  ");
}

json::object indexed_json(const std::string& path, const Indexed& indexed) {
  json::object line;
  line["Photo"] = path;
  json::array records, left;
  for (const Indexed::Record& record : indexed.records) {
    json::object entry;
    entry["Face"] = stored_face_json(record.face);
    entry["FaceDetail"] = face_detail_json(record.detail);
    records.push_back(std::move(entry));
  }
  for (const Indexed::Left& face : indexed.left) {
    json::object entry;
    entry["Reasons"] = json::value_from(face.reasons);
    entry["FaceDetail"] = face_detail_json(face.detail);
    left.push_back(std::move(entry));
  }
  line["FaceRecords"] = std::move(records);
  line["UnindexedFaces"] = std::move(left);
  line["FaceModelVersion"] = indexed.face_model_version;
  return line;
}

/// One face of a photo and who it may be.
struct Candidate {
  Searched searched;                 // box and matches, in the ratios of the whole photo
  std::optional<vision::Face> face;  // with --all: the face itself
  bool not_searched = false;         // the face could not be found again in its cut-out
};

/// Pixels of `face` with half its size around it: enough for the detector, little enough for the neighbours.
media::Image cut_out(const media::Image& photo, const vision::Box& box, vision::Box& frame) {
  const double grow = 0.5;
  const auto clamp = [](double value, int most) { return static_cast<int>(std::clamp(value, 0.0, double(most))); };
  const int left = clamp((box.left - grow * box.width) * photo.width(), photo.width());
  const int top = clamp((box.top - grow * box.height) * photo.height(), photo.height());
  const int right = clamp((box.left + (1 + grow) * box.width) * photo.width(), photo.width());
  const int bottom = clamp((box.top + (1 + grow) * box.height) * photo.height(), photo.height());
  media::Image out(std::max(1, right - left), std::max(1, bottom - top));
  for (int y = 0; y < out.height(); ++y)
    std::copy_n(photo.row(std::min(top + y, photo.height() - 1)) + 3 * std::min(left, photo.width() - out.width()),
                out.stride(), out.row(y));
  frame = {static_cast<float>(left) / static_cast<float>(photo.width()),
           static_cast<float>(top) / static_cast<float>(photo.height()),
           static_cast<float>(out.width()) / static_cast<float>(photo.width()),
           static_cast<float>(out.height()) / static_cast<float>(photo.height())};
  return out;
}

vision::Box in_photo(const vision::Box& box, const vision::Box& frame) {
  return {frame.left + box.left * frame.width, frame.top + box.top * frame.height, box.width * frame.width,
          box.height * frame.height};
}

float intersection_over_union(const vision::Box& a, const vision::Box& b) {
  const float width = std::min(a.left + a.width, b.left + b.width) - std::max(a.left, b.left);
  const float height = std::min(a.top + a.height, b.top + b.height) - std::max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const float both = width * height;
  return both / (a.area() + b.area() - both);
}

/// The API searches for the largest face of a photo only, so each face is cut out and searched for by itself.
Result<std::vector<Candidate>> search_all(FaceService& service, const SearchOptions& options, const Photo& photo) {
  auto faces = service.detect(photo, {});
  if (!faces) return fail(faces);
  std::vector<Candidate> found;
  for (const vision::Face& face : *faces) {
    Candidate candidate;
    candidate.searched.box = face.box;
    candidate.searched.confidence = face.confidence;
    vision::Box frame;
    media::Image pixels = cut_out(photo.image, face.box, frame);
    const std::size_t smallest = std::min(pixels.width(), pixels.height());
    auto file = smallest >= 80 ? media::encode_png(pixels) : Result<Bytes>(client_error("TooSmall", ""));
    candidate.face = face;
    if (!file) {
      candidate.not_searched = true;
      found.push_back(std::move(candidate));
      continue;
    }
    const Photo part{photo.path, std::move(*file), std::move(pixels)};
    auto answer = service.search(options.collection, part, {options.threshold, options.max_faces});
    if (!answer && ends_everything(answer.error())) return fail(answer);
    if (answer && intersection_over_union(in_photo(answer->box, frame), candidate.searched.box) > 0.3f)
      candidate.searched.matches = std::move(answer->matches);
    else
      candidate.not_searched = true;
    found.push_back(std::move(candidate));
  }
  return found;
}

Result<std::vector<Candidate>> search_photo(FaceService& service, const SearchOptions& options, const Photo& photo) {
  if (options.all_faces) return search_all(service, options, photo);
  auto searched = service.search(options.collection, photo, {options.threshold, options.max_faces});
  if (!searched) return fail(searched);
  std::vector<Candidate> found(1);
  found[0].searched = std::move(*searched);
  return found;
}

Result<void> draw_search(const std::string& path, const Photo& photo, const std::vector<Candidate>& found) {
  media::Drawing drawing;
  for (const Candidate& candidate : found) {
    const auto& matches = candidate.searched.matches;
    const media::Color color = matches.empty() ? kOtherColor : kNamedColor;
    media::Mark mark = candidate.face
                           ? mark_of(*candidate.face, photo.image.width(), photo.image.height(), color)
                           : mark_of(candidate.searched.box, photo.image.width(), photo.image.height(), color);
    if (matches.empty())
      mark.lines = {candidate.not_searched ? "not searched" : "unknown"};
    else
      mark.lines = {name_of_face(matches[0].face), fmt::format("{:.1f} %", matches[0].similarity)};
    drawing.marks.push_back(std::move(mark));
  }
  auto picture = media::draw(photo.image, drawing);
  if (!picture) return fail(picture);
  return write_picture(path, *picture);
}

void show_search(Console& console, FaceService& service, const std::string& path, const std::vector<Candidate>& found,
                 const std::optional<std::string>& picture) {
  const Terminal& terminal = console.terminal;
  console.out << terminal.styled(printable(path), Style::Bold)
              << terminal.styled(fmt::format("  {}{}",
                                             found.empty()       ? "no face"
                                             : found.size() == 1 ? "1 face searched for"
                                                                 : std::to_string(found.size()) + " faces searched for",
                                             picture ? ", drawn in " + printable(*picture) : ""),
                                 Style::Faint)
              << '\n';
  Table table;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::string number = found.size() > 1 ? "#" + std::to_string(i + 1) : "";
    const auto& matches = found[i].searched.matches;
    if (matches.empty())
      table.row(
          {{number, Style::Faint},
           {"-", Style::Faint, true},
           {found[i].not_searched ? "too small or unclear to search for" : "nobody that is known", Style::Faint}});
    for (std::size_t k = 0; k < matches.size(); ++k) {
      const auto rate = service.false_match_rate(matches[k].similarity);
      table.row({{k == 0 ? number : "", Style::Faint},
                 {fmt::format("{:.1f} %", matches[k].similarity), Style::Good, true},
                 {printable(name_of_face(matches[k].face)), Style::Bold},
                 {matches[k].face.face_id, Style::Faint},
                 {rate ? "strangers reach it " + rate_text(*rate) : "", Style::Faint}});
    }
  }
  console.out << table.text(terminal, "  ");
}

json::array matches_json(const std::vector<FaceMatch>& matches) {
  json::array out;
  for (const FaceMatch& match : matches) {
    json::object entry;
    entry["Similarity"] = match.similarity;
    entry["Face"] = stored_face_json(match.face);
    out.push_back(std::move(entry));
  }
  return out;
}

json::object search_json(const std::string& path, const SearchOptions& options, const std::vector<Candidate>& found) {
  json::object line;
  line["Photo"] = path;
  if (!options.all_faces) {
    line["SearchedFaceBoundingBox"] = box_json(found[0].searched.box);
    line["SearchedFaceConfidence"] = found[0].searched.confidence;
    line["FaceMatches"] = matches_json(found[0].searched.matches);
    return line;
  }
  json::array faces;
  for (const Candidate& candidate : found) {
    json::object entry;
    entry["SearchedFaceBoundingBox"] = box_json(candidate.searched.box);
    entry["SearchedFaceConfidence"] = candidate.searched.confidence;
    entry["Searched"] = !candidate.not_searched;
    entry["FaceMatches"] = matches_json(candidate.searched.matches);
    faces.push_back(std::move(entry));
  }
  line["SearchedFaces"] = std::move(faces);
  return line;
}

}  // namespace

std::string external_id_for(const std::string& path) {
  std::string id = path == "-" ? "photo" : std::filesystem::path(path).stem().string();
  if (id.size() > kLongestExternalId) id.resize(kLongestExternalId);
  for (char& c : id) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                         c == '.' || c == '-' || c == ':';
    if (!allowed) c = '_';
  }
  return id.empty() ? "photo" : id;
}

int run_index(const IndexOptions& options, FaceService& service, Console& console) {
  const auto photos = find_photos(options.photos);
  if (!photos) return give_up(console, photos.error());
  const auto pictures = pictures_for(options.draw, *photos);
  if (!pictures) return give_up(console, pictures.error());
  const auto made = ensure_collection(service, options.collection);
  if (!made) return give_up(console, made.error());
  if (*made && !console.json) console.out << fmt::format("made the collection {}\n", printable(options.collection));
  std::size_t faces = 0, left = 0;
  const auto work = [&](std::size_t i, const Photo& photo) -> Result<Indexed> {
    IndexRequest request;
    request.external_image_id = options.name.value_or(external_id_for(photo.path));
    request.max_faces = options.max_faces;
    request.quality_filter = options.quality_filter;
    auto indexed = service.index(options.collection, photo, request);
    if (!indexed) return fail(indexed);
    if (!pictures->empty())
      if (auto drawn = draw_indexed((*pictures)[i], photo, *indexed); !drawn) return fail(drawn);
    return indexed;
  };
  const auto show = [&](std::size_t i, const Indexed& indexed) {
    faces += indexed.records.size();
    left += indexed.left.size();
    if (console.json)
      console.out << json::serialize(indexed_json((*photos)[i], indexed)) << '\n';
    else
      show_indexed(console, (*photos)[i], indexed);
  };
  const Tally tally = over_photos(console, *photos, options.jobs, work, show);
  if (!console.json && !tally.fatal && photos->size() > 1)
    console.out << fmt::format("{} in the collection {}, {} left out; {}\n", counted(faces, "face", "faces"),
                               printable(options.collection), left, tally_text(tally));
  return tally.exit_code(faces > 0 ? kDone : kNo);
}

int run_search(const SearchOptions& options, FaceService& service, Console& console) {
  const auto photos = find_photos(options.photos);
  if (!photos) return give_up(console, photos.error());
  const auto pictures = pictures_for(options.draw, *photos);
  if (!pictures) return give_up(console, pictures.error());
  std::size_t matched = 0;
  const auto work = [&](std::size_t i, const Photo& photo) -> Result<std::vector<Candidate>> {
    auto found = search_photo(service, options, photo);
    if (!found) return fail(found);
    if (!pictures->empty())
      if (auto drawn = draw_search((*pictures)[i], photo, *found); !drawn) return fail(drawn);
    return found;
  };
  const auto show = [&](std::size_t i, const std::vector<Candidate>& found) {
    for (const Candidate& candidate : found) matched += candidate.searched.matches.empty() ? 0 : 1;
    const auto picture = pictures->empty() ? std::nullopt : std::optional((*pictures)[i]);
    if (!console.json) return show_search(console, service, (*photos)[i], found, picture);
    json::object line = search_json((*photos)[i], options, found);
    if (picture) line["Picture"] = *picture;
    console.out << json::serialize(line) << '\n';
  };
  const Tally tally = over_photos(console, *photos, options.jobs, work, show);
  if (!console.json && !tally.fatal && photos->size() > 1)
    console.out << fmt::format("{} recognised; {}\n", counted(matched, "face", "faces"), tally_text(tally));
  return tally.exit_code(matched > 0 ? kDone : kNo);
}

}  // namespace likeness::app
