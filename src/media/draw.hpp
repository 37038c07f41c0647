#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "media/image.hpp"

/// Draws findings over a photo: boxes, points, labels, and a panel beside the photo for a verdict. Knows nothing of
/// faces or rules.
namespace likeness::media {

struct Color {
  std::uint8_t red = 0, green = 0, blue = 0;
};

/// Pixels of the photo; may lie outside it.
struct Rect {
  double x = 0, y = 0, width = 0, height = 0;
  double right() const { return x + width; }
  double bottom() const { return y + height; }
  double area() const { return width * height; }
};

struct Point {
  double x = 0, y = 0;
};

/// One finding: a box, points on it and a label that is put where it covers neither the border nor other labels, and as
/// little as can be of other boxes.
struct Mark {
  Rect box;
  Color color{0, 200, 255};
  std::vector<Point> points;
  /// The first line is bold. UTF-8; anything else is shown as '?'. Too long lines end in an ellipsis.
  std::vector<std::string> lines;
};

/// A table beside the photo, which itself stays uncovered.
struct Panel {
  enum class Tone { Good, Bad, Plain };
  struct Row {
    Tone tone = Tone::Plain;
    std::string name;    // "Smile"
    std::string found;   // "Yes 98.2 %"
    std::string wanted;  // "No > 90 %"
  };
  Tone tone = Tone::Plain;
  std::string title;     // "FAIL"
  std::string subtitle;  // "sample1.jpg"
  std::vector<Row> rows;
  std::vector<std::string> notes;  // sentences below the rows, wrapped
};

struct Drawing {
  std::vector<Mark> marks;
  std::optional<Panel> panel;
};

/// A copy of `photo` with the drawing on it, wider (and where the panel needs it, higher) if there is a panel. The size
/// of letters and lines follows the size of the photo. Errors: "NoFont" (no usable font is installed),
/// "ImageTooLarge" (a side over 32,767 pixels), "Internal".
Result<Image> draw(const Image& photo, const Drawing& drawing);

/// File of the font that `draw` would use; nullopt if there is none. For diagnosis.
std::optional<std::string> drawing_font();

}  // namespace likeness::media
