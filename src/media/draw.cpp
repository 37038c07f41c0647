#include "media/draw.hpp"

#include <cairo-ft.h>
#include <cairo.h>
#include <fontconfig/fontconfig.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numbers>

#include "media/draw_layout.hpp"
#include "media/draw_text.hpp"

namespace likeness::media {
namespace {

constexpr int kMostPixelsASide = 32'767;  // cairo's limit
constexpr const char* kFamily = "DejaVu Sans";

constexpr Color kGood{46, 204, 113};
constexpr Color kBad{255, 82, 82};
constexpr Color kPlain{0, 200, 255};
constexpr Color kPanel{24, 27, 33};
constexpr Color kPanelLine{52, 57, 67};
constexpr Color kText{240, 243, 247};
constexpr Color kFaint{152, 161, 175};

template <class T, void (*Destroy)(T*)>
struct Destroyer {
  void operator()(T* object) const { Destroy(object); }
};
using Surface = std::unique_ptr<cairo_surface_t, Destroyer<cairo_surface_t, cairo_surface_destroy>>;
using Context = std::unique_ptr<cairo_t, Destroyer<cairo_t, cairo_destroy>>;
using FontFace = std::unique_ptr<cairo_font_face_t, Destroyer<cairo_font_face_t, cairo_font_face_destroy>>;
using Pattern = std::unique_ptr<FcPattern, Destroyer<FcPattern, FcPatternDestroy>>;
using CharSet = std::unique_ptr<FcCharSet, Destroyer<FcCharSet, FcCharSetDestroy>>;

Color color_of(Panel::Tone tone) {
  switch (tone) {
    case Panel::Tone::Good: return kGood;
    case Panel::Tone::Bad: return kBad;
    case Panel::Tone::Plain: break;
  }
  return kPlain;
}

/// The installed font nearest to DejaVu Sans that has the characters of `text`, so that names in other scripts show
/// when the machine has any font for them.
Pattern match_font(const std::string& text, bool bold) {
  const Pattern wanted(FcPatternCreate());
  FcPatternAddString(wanted.get(), FC_FAMILY, reinterpret_cast<const FcChar8*>(kFamily));
  FcPatternAddInteger(wanted.get(), FC_WEIGHT, bold ? FC_WEIGHT_BOLD : FC_WEIGHT_NORMAL);
  FcPatternAddBool(wanted.get(), FC_SCALABLE, FcTrue);
  const CharSet characters(FcCharSetCreate());
  const auto* at = reinterpret_cast<const FcChar8*>(text.data());
  int left = static_cast<int>(text.size());
  while (left > 0) {
    FcChar32 character = 0;
    const int used = FcUtf8ToUcs4(at, &character, left);
    if (used <= 0) break;
    FcCharSetAddChar(characters.get(), character);
    at += used;
    left -= used;
  }
  FcPatternAddCharSet(wanted.get(), FC_CHARSET, characters.get());
  FcConfigSubstitute(nullptr, wanted.get(), FcMatchPattern);
  FcDefaultSubstitute(wanted.get());
  FcResult result = FcResultNoMatch;
  return Pattern(FcFontMatch(nullptr, wanted.get(), &result));
}

class Painter {
 public:
  Painter(cairo_t* cairo, double em) : cairo_(cairo), em_(em) {}

  double em() const { return em_; }

  void set_color(Color color, double alpha = 1) {
    cairo_set_source_rgba(cairo_, color.red / 255.0, color.green / 255.0, color.blue / 255.0, alpha);
  }

  void set_font(const std::string& text, double size, bool bold) {
    cairo_set_font_face(cairo_, face_for(text, bold));
    cairo_set_font_size(cairo_, size);
  }

  double text_width(const std::string& text, double size, bool bold) {
    set_font(text, size, bold);
    cairo_text_extents_t extents{};
    cairo_text_extents(cairo_, text.c_str(), &extents);
    return extents.x_advance;
  }

  std::string fitted(const std::string& text, double size, bool bold, double width) {
    return shortened(drawable(text), [&](const std::string& part) { return text_width(part, size, bold) <= width; });
  }

  /// `top` is the top of a line that is 1.3 em high.
  void text(double x, double top, const std::string& line, double size, bool bold, Color color) {
    set_font(line, size, bold);
    set_color(color);
    cairo_move_to(cairo_, x, top + size * 1.0);
    cairo_show_text(cairo_, line.c_str());
  }

  void rounded(const Rect& rect, double radius) {
    radius = std::max(0.0, std::min({radius, rect.width / 2, rect.height / 2}));
    const double quarter = std::numbers::pi / 2;
    cairo_new_sub_path(cairo_);
    cairo_arc(cairo_, rect.right() - radius, rect.y + radius, radius, -quarter, 0);
    cairo_arc(cairo_, rect.right() - radius, rect.bottom() - radius, radius, 0, quarter);
    cairo_arc(cairo_, rect.x + radius, rect.bottom() - radius, radius, quarter, 2 * quarter);
    cairo_arc(cairo_, rect.x + radius, rect.y + radius, radius, 2 * quarter, 3 * quarter);
    cairo_close_path(cairo_);
  }

  /// A thin frame with strong corners, over a dark shade so that it shows on any photo.
  void box(const Rect& box, Color color) {
    const double line = std::max(1.5, em_ / 8);
    const double corner = std::min(box.width, box.height) * 0.22;
    cairo_set_line_cap(cairo_, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(cairo_, CAIRO_LINE_JOIN_ROUND);
    rounded(box, line * 2);
    set_color({0, 0, 0}, 0.35);
    cairo_set_line_width(cairo_, line * 1.1);
    cairo_stroke(cairo_);
    rounded(box, line * 2);
    set_color(color, 0.75);
    cairo_set_line_width(cairo_, line * 0.55);
    cairo_stroke(cairo_);
    for (const bool shade : {true, false}) {
      set_color(shade ? Color{0, 0, 0} : color, shade ? 0.45 : 1);
      cairo_set_line_width(cairo_, shade ? line * 2.2 : line * 1.4);
      for (const double x : {box.x, box.right()}) {
        for (const double y : {box.y, box.bottom()}) {
          cairo_move_to(cairo_, x + (x == box.x ? corner : -corner), y);
          cairo_line_to(cairo_, x, y);
          cairo_line_to(cairo_, x, y + (y == box.y ? corner : -corner));
        }
      }
      cairo_stroke(cairo_);
    }
  }

  void point(Point at, double radius, Color color) {
    cairo_new_sub_path(cairo_);
    cairo_arc(cairo_, at.x, at.y, radius * 1.6, 0, 2 * std::numbers::pi);
    set_color({0, 0, 0}, 0.55);
    cairo_fill(cairo_);
    cairo_arc(cairo_, at.x, at.y, radius, 0, 2 * std::numbers::pi);
    set_color(color);
    cairo_fill(cairo_);
  }

  void fill(const Rect& rect, Color color, double alpha = 1) {
    set_color(color, alpha);
    cairo_rectangle(cairo_, rect.x, rect.y, rect.width, rect.height);
    cairo_fill(cairo_);
  }

  void fill_rounded(const Rect& rect, double radius, Color color, double alpha = 1) {
    rounded(rect, radius);
    set_color(color, alpha);
    cairo_fill(cairo_);
  }

  void sign(double x, double y, double size, Panel::Tone tone) {
    cairo_set_line_width(cairo_, size * 0.18);
    cairo_set_line_cap(cairo_, CAIRO_LINE_CAP_ROUND);
    set_color(color_of(tone));
    if (tone == Panel::Tone::Good) {
      cairo_move_to(cairo_, x + size * 0.12, y + size * 0.55);
      cairo_line_to(cairo_, x + size * 0.40, y + size * 0.82);
      cairo_line_to(cairo_, x + size * 0.88, y + size * 0.22);
    } else if (tone == Panel::Tone::Bad) {
      cairo_move_to(cairo_, x + size * 0.18, y + size * 0.22);
      cairo_line_to(cairo_, x + size * 0.82, y + size * 0.82);
      cairo_move_to(cairo_, x + size * 0.82, y + size * 0.22);
      cairo_line_to(cairo_, x + size * 0.18, y + size * 0.82);
    } else {
      cairo_move_to(cairo_, x + size * 0.2, y + size * 0.52);
      cairo_line_to(cairo_, x + size * 0.8, y + size * 0.52);
    }
    cairo_stroke(cairo_);
  }

 private:
  /// Plain ASCII always has the same font; asking fontconfig for it anew would cost more than the drawing.
  cairo_font_face_t* face_for(const std::string& text, bool bold) {
    const bool ascii = std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    FontFace& kept = ascii ? ascii_faces_[bold ? 1 : 0] : other_face_;
    if (!ascii || !kept) {
      const Pattern pattern = match_font(ascii ? "Likeness" : text, bold);
      kept.reset(cairo_ft_font_face_create_for_pattern(pattern.get()));
    }
    return kept.get();
  }

  cairo_t* cairo_;
  double em_;
  std::array<FontFace, 2> ascii_faces_;
  FontFace other_face_;
};

struct Label {
  std::vector<std::string> lines;
  double size = 0;  // of the letters
  LabelSize extent;
};

/// Labels of small boxes in a crowd use smaller letters, but never unreadable ones.
double label_letters(const Mark& mark, double em) {
  const double smallest = std::min(em, std::max(10.0, em * 0.6));
  return std::clamp(mark.box.height * 0.2, smallest, em);
}

Label measure_label(Painter& painter, const Mark& mark, double photo_width) {
  Label label;
  label.size = label_letters(mark, painter.em());
  const double padding = label.size * 0.5;
  double widest = 0;
  for (std::size_t i = 0; i < mark.lines.size(); ++i) {
    if (mark.lines[i].empty()) continue;
    const bool bold = i == 0;
    const double size = bold ? label.size : label.size * 0.88;
    label.lines.push_back(painter.fitted(mark.lines[i], size, bold, photo_width * 0.9 - 3 * padding));
    widest = std::max(widest, painter.text_width(label.lines.back(), size, bold));
  }
  if (label.lines.empty()) return label;
  label.extent = {widest + padding * 2.3, static_cast<double>(label.lines.size()) * label.size * 1.3 + padding * 0.9};
  return label;
}

void draw_label(Painter& painter, const Label& label, const Rect& place, Color color) {
  const double padding = label.size * 0.5;
  painter.fill_rounded(place, label.size * 0.3, {15, 17, 21}, 0.82);
  painter.fill_rounded({place.x, place.y, label.size * 0.28, place.height}, label.size * 0.14, color);
  double top = place.y + padding * 0.55;
  for (std::size_t i = 0; i < label.lines.size(); ++i) {
    const bool bold = i == 0;
    painter.text(place.x + padding * 1.3, top, label.lines[i], bold ? label.size : label.size * 0.88, bold,
                 bold ? kText : Color{214, 220, 228});
    top += label.size * 1.3;
  }
}

void draw_marks(Painter& painter, const std::vector<Mark>& marks, const Rect& photo) {
  std::vector<Rect> boxes;
  std::vector<LabelSize> sizes;
  std::vector<Label> labels;
  for (const Mark& mark : marks) {
    painter.box(mark.box, mark.color);
    const double radius =
        std::clamp(std::min(mark.box.width, mark.box.height) * 0.011, 0.8, std::max(1.0, painter.em() * 0.2));
    for (const Point at : mark.points) painter.point(at, radius, {255, 255, 255});
    labels.push_back(measure_label(painter, mark, photo.width));
    boxes.push_back(mark.box);
    sizes.push_back(labels.back().extent);
  }
  const auto places = place_labels(boxes, sizes, photo, painter.em() * 0.35);
  for (std::size_t i = 0; i < marks.size(); ++i)
    if (sizes[i].width > 0) draw_label(painter, labels[i], places[i], marks[i].color);
}

std::vector<std::string> wrapped(Painter& painter, const std::string& sentence, double size, double width) {
  std::vector<std::string> lines;
  std::string line, word;
  const auto add_word = [&] {
    if (word.empty()) return;
    const std::string longer = line.empty() ? word : line + " " + word;
    if (!line.empty() && painter.text_width(longer, size, false) > width) {
      lines.push_back(line);
      line = word;
    } else {
      line = longer;
    }
    word.clear();
  };
  for (const char c : drawable(sentence)) {
    if (c == ' ')
      add_word();
    else
      word.push_back(c);
  }
  add_word();
  if (!line.empty()) lines.push_back(line);
  for (std::string& each : lines) each = painter.fitted(each, size, false, width);
  return lines;
}

/// The panel is laid out twice by the same code: once without drawing, to learn its height.
class PanelWriter {
 public:
  PanelWriter(Painter& painter, const Panel& panel, const Rect& area, bool paint)
      : painter_(painter), panel_(panel), area_(area), paint_(paint), em_(painter.em()) {}

  /// Height used.
  double write() {
    const double padding = em_ * 1.4;
    left_ = area_.x + padding;
    width_ = area_.width - 2 * padding;
    y_ = area_.y + padding;
    write_title();
    write_rows();
    write_notes();
    return y_ - area_.y + padding;
  }

 private:
  void put(double x, const std::string& text, double size, bool bold, Color color, double room) {
    if (paint_) painter_.text(x, y_, painter_.fitted(text, size, bold, room), size, bold, color);
  }

  void write_title() {
    const double size = em_ * 1.5;
    const std::string title = drawable(panel_.title);
    const double width = painter_.text_width(title, size, true) + size * 1.2;
    if (paint_) painter_.fill_rounded({left_, y_, width, size * 1.55}, size * 0.3, color_of(panel_.tone));
    y_ += size * 0.22;
    put(left_ + size * 0.6, title, size, true, {16, 18, 22}, width);
    y_ += size * 1.33 + em_ * 0.7;
    if (!panel_.subtitle.empty()) {
      put(left_, panel_.subtitle, em_ * 0.95, false, kFaint, width_);
      y_ += em_ * 1.5;
    }
    y_ += em_ * 0.3;
  }

  void write_rows() {
    const double first = left_ + em_ * 1.5;
    const double name_width = width_ * 0.34, found_width = width_ * 0.27;
    const double wanted_left = first + name_width + found_width;
    if (!panel_.rows.empty()) {
      const double size = em_ * 0.75;
      put(first, "rule", size, false, kFaint, name_width);
      put(first + name_width, "measured", size, false, kFaint, found_width);
      put(wanted_left, "wanted", size, false, kFaint, left_ + width_ - wanted_left);
      y_ += size * 1.9;
    }
    for (const Panel::Row& row : panel_.rows) {
      if (paint_) {
        painter_.fill({left_, y_ - em_ * 0.28, width_, std::max(1.0, em_ * 0.06)}, kPanelLine);
        painter_.sign(left_ + em_ * 0.1, y_ + em_ * 0.22, em_ * 0.85, row.tone);
      }
      put(first, row.name, em_, true, kText, name_width - em_ * 0.4);
      put(first + name_width, row.found, em_, false, row.tone == Panel::Tone::Plain ? kText : color_of(row.tone),
          found_width - em_ * 0.4);
      put(wanted_left, row.wanted, em_, false, kFaint, left_ + width_ - wanted_left);
      y_ += em_ * 1.75;
    }
  }

  void write_notes() {
    if (panel_.notes.empty()) return;
    y_ += em_ * 0.5;
    const double size = em_ * 0.9;
    for (const std::string& note : panel_.notes) {
      for (const std::string& line : wrapped(painter_, note, size, width_)) {
        put(left_, line, size, false, kText, width_);
        y_ += size * 1.35;
      }
      y_ += size * 0.35;
    }
  }

  Painter& painter_;
  const Panel& panel_;
  Rect area_;
  bool paint_;
  double em_;
  double left_ = 0, width_ = 0, y_ = 0;
};

Surface surface_of(int width, int height) {
  return Surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height));
}

/// RGB rows to cairo's native-endian 0x00RRGGBB.
void copy_in(const Image& photo, cairo_surface_t* surface) {
  cairo_surface_flush(surface);
  unsigned char* data = cairo_image_surface_get_data(surface);
  const auto stride = static_cast<std::size_t>(cairo_image_surface_get_stride(surface));
  for (int y = 0; y < photo.height(); ++y) {
    const std::uint8_t* from = photo.row(y);
    auto* to = reinterpret_cast<std::uint32_t*>(data + static_cast<std::size_t>(y) * stride);
    for (int x = 0; x < photo.width(); ++x, from += 3)
      to[x] = static_cast<std::uint32_t>(from[0] << 16 | from[1] << 8 | from[2]);
  }
  cairo_surface_mark_dirty(surface);
}

Image copy_out(cairo_surface_t* surface) {
  cairo_surface_flush(surface);
  Image image(cairo_image_surface_get_width(surface), cairo_image_surface_get_height(surface));
  const unsigned char* data = cairo_image_surface_get_data(surface);
  const auto stride = static_cast<std::size_t>(cairo_image_surface_get_stride(surface));
  for (int y = 0; y < image.height(); ++y) {
    const auto* from = reinterpret_cast<const std::uint32_t*>(data + static_cast<std::size_t>(y) * stride);
    std::uint8_t* to = image.row(y);
    for (int x = 0; x < image.width(); ++x, to += 3) {
      to[0] = static_cast<std::uint8_t>(from[x] >> 16);
      to[1] = static_cast<std::uint8_t>(from[x] >> 8);
      to[2] = static_cast<std::uint8_t>(from[x]);
    }
  }
  return image;
}

double letters_for(const Image& photo) {
  const double side = std::sqrt(static_cast<double>(photo.width()) * photo.height());
  return std::clamp(side / 62, 11.0, 120.0);
}

double panel_letters(const Panel& panel, double em, int height) {
  const double lines =
      10 + 1.75 * static_cast<double>(panel.rows.size()) + 2.0 * static_cast<double>(panel.notes.size());
  return std::clamp(height / lines, em, em * 1.35);
}

}  // namespace

std::optional<std::string> drawing_font() {
  const Pattern font = match_font("Likeness", false);
  FcChar8* file = nullptr;
  if (!font || FcPatternGetString(font.get(), FC_FILE, 0, &file) != FcResultMatch) return std::nullopt;
  return reinterpret_cast<const char*>(file);
}

Result<Image> draw(const Image& photo, const Drawing& drawing) {
  if (photo.empty()) return client_error("InvalidImageFormat", "There is no image to draw on.");
  if (!drawing_font())
    return server_error("NoFont", "No font was found to write labels with: install fonts-dejavu-core.");
  const double em = letters_for(photo);
  // Few rows get larger letters, as far as the height of the photo goes.
  const double panel_em = drawing.panel ? panel_letters(*drawing.panel, em, photo.height()) : em;
  int width = photo.width(), height = photo.height();
  Rect panel_area;
  if (drawing.panel) {
    const double panel_width = std::round(panel_em * 32);
    panel_area = {static_cast<double>(width), 0, panel_width, static_cast<double>(height)};
    const Surface scratch = surface_of(1, 1);
    const Context cairo(cairo_create(scratch.get()));
    Painter painter(cairo.get(), panel_em);
    const double needed = PanelWriter(painter, *drawing.panel, panel_area, false).write();
    panel_area.height = std::max(panel_area.height, std::ceil(needed));
    width += static_cast<int>(panel_width);
    height = static_cast<int>(panel_area.height);
  }
  if (width > kMostPixelsASide || height > kMostPixelsASide)
    return client_error("ImageTooLarge", "The image is too large to draw on.");
  const Surface surface = surface_of(width, height);
  if (cairo_surface_status(surface.get()) != CAIRO_STATUS_SUCCESS)
    return server_error("Internal", "The picture could not be drawn.",
                        cairo_status_to_string(cairo_surface_status(surface.get())));
  const Context cairo(cairo_create(surface.get()));
  Painter painter(cairo.get(), em);
  if (drawing.panel) painter.fill({0, 0, double(width), double(height)}, kPanel);
  copy_in(photo, surface.get());
  const Rect area{0, 0, static_cast<double>(photo.width()), static_cast<double>(photo.height())};
  cairo_save(cairo.get());
  cairo_rectangle(cairo.get(), 0, 0, area.width, area.height);
  cairo_clip(cairo.get());  // a box cut by the border must not run into the panel
  draw_marks(painter, drawing.marks, area);
  cairo_restore(cairo.get());
  if (drawing.panel) {
    Painter panel_painter(cairo.get(), panel_em);
    PanelWriter(panel_painter, *drawing.panel, panel_area, true).write();
  }
  if (cairo_status(cairo.get()) != CAIRO_STATUS_SUCCESS)
    return server_error("Internal", "The picture could not be drawn.",
                        cairo_status_to_string(cairo_status(cairo.get())));
  return copy_out(surface.get());
}

}  // namespace likeness::media
