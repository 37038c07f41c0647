#include "media/draw.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "media/draw_layout.hpp"
#include "media/draw_text.hpp"

namespace likeness::media {
namespace {

Image grey(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) std::memset(image.row(y), 128, image.stride());
  return image;
}

bool same_pixel(const Image& a, const Image& b, int x, int y) {
  return std::memcmp(a.row(y) + 3 * x, b.row(y) + 3 * x, 3) == 0;
}

bool inside(const Rect& inner, const Rect& outer) {
  return inner.x >= outer.x && inner.y >= outer.y && inner.right() <= outer.right() + 1e-9 &&
         inner.bottom() <= outer.bottom() + 1e-9;
}

TEST(PlaceLabels, NeverLeavesThePhotoWhereverTheBoxIs) {
  const Rect canvas{0, 0, 640, 480};
  for (double x = -100; x <= 640; x += 37)
    for (double y = -100; y <= 480; y += 41)
      for (const double side : {10.0, 80.0, 900.0}) {
        const auto placed = place_labels({{x, y, side, side}}, {{120, 30}}, canvas, 5);
        EXPECT_TRUE(inside(placed[0], canvas)) << x << " " << y << " " << side;
      }
}

TEST(PlaceLabels, SitsOverItsBoxWhenThereIsRoom) {
  const auto placed = place_labels({{200, 200, 100, 100}}, {{80, 20}}, {0, 0, 640, 480}, 5);
  EXPECT_EQ(placed[0].x, 200);
  EXPECT_EQ(placed[0].bottom(), 195);
}

TEST(PlaceLabels, LabelsOfACrowdDoNotCoverOneAnother) {
  std::vector<Rect> boxes;
  std::vector<LabelSize> sizes;
  for (int i = 0; i < 8; ++i) {
    boxes.push_back({40.0 + i * 70, 200, 60, 60});
    sizes.push_back({110, 24});
  }
  const auto placed = place_labels(boxes, sizes, {0, 0, 640, 480}, 4);
  for (std::size_t a = 0; a < placed.size(); ++a)
    for (std::size_t b = a + 1; b < placed.size(); ++b) EXPECT_EQ(overlap(placed[a], placed[b]), 0) << a << " " << b;
}

TEST(PlaceLabels, KeepsOffForeignFacesWhenItCan) {
  const Rect upper{200, 100, 100, 100}, lower{200, 205, 90, 90};
  const auto placed = place_labels({upper, lower}, {{100, 24}, {100, 24}}, {0, 0, 640, 480}, 4);
  EXPECT_EQ(overlap(placed[1], upper), 0);
  EXPECT_EQ(overlap(placed[0], lower), 0);
}

TEST(Drawable, KeepsUtf8AndReplacesTheRest) {
  EXPECT_EQ(drawable("Zoë 李"), "Zoë 李");
  EXPECT_EQ(drawable("a\xff\xc3"), "a??");
  EXPECT_EQ(drawable("a\nb\x7f"), "a?b?");
  EXPECT_EQ(drawable("\xed\xa0\x80"), "???");
  EXPECT_EQ(drawable("\xc0\xaf"), "??");
  EXPECT_EQ(drawable(std::string(1000, 'x')).size(), 400u);
}

TEST(Shortened, CutsWholeCharactersAndMarksTheCut) {
  const auto at_most = [](std::size_t bytes) { return [bytes](const std::string& s) { return s.size() <= bytes; }; };
  EXPECT_EQ(shortened("short", at_most(5)), "short");
  EXPECT_EQ(shortened("Zoë Zoë", at_most(6)), "Zo…");
  EXPECT_EQ(shortened("abc", at_most(1)), "");
}

TEST(Draw, MarksTheBoxAndLeavesTheRestOfThePhotoAsItWas) {
  const Image photo = grey(400, 300);
  Drawing drawing;
  drawing.marks.push_back({.box = {150, 100, 80, 90}, .color = {255, 0, 0}, .points = {{190, 140}}, .lines = {"Ann"}});
  const auto drawn = draw(photo, drawing);
  ASSERT_TRUE(drawn) << drawn.error().message;
  EXPECT_EQ(drawn->width(), 400);
  EXPECT_EQ(drawn->height(), 300);
  EXPECT_FALSE(same_pixel(photo, *drawn, 150, 145)) << "left side of the box";
  EXPECT_FALSE(same_pixel(photo, *drawn, 190, 140)) << "the point";
  for (const auto& [x, y] : {std::pair{5, 5}, {395, 295}, {175, 160}, {5, 295}})
    EXPECT_TRUE(same_pixel(photo, *drawn, x, y)) << x << "," << y;
}

TEST(Draw, TheSameDrawingGivesTheSamePixels) {
  const Image photo = grey(200, 200);
  Drawing drawing;
  drawing.marks.push_back({.box = {50, 50, 80, 90}, .color = {255, 0, 0}, .points = {}, .lines = {"Ann", "98 %"}});
  const auto first = draw(photo, drawing), second = draw(photo, drawing);
  ASSERT_TRUE(first && second);
  for (int y = 0; y < 200; ++y) ASSERT_EQ(std::memcmp(first->row(y), second->row(y), first->stride()), 0);
}

TEST(Draw, ThePanelStandsBesideThePhotoAndCoversNoneOfIt) {
  const Image photo = grey(300, 200);
  Drawing drawing;
  drawing.panel = Panel{Panel::Tone::Bad, "FAIL", "photo.jpg", {}, {"A sentence about what was wrong."}};
  for (int i = 0; i < 30; ++i) drawing.panel->rows.push_back({Panel::Tone::Good, "Smile", "No 98 %", "No > 90 %"});
  const auto drawn = draw(photo, drawing);
  ASSERT_TRUE(drawn) << drawn.error().message;
  EXPECT_GT(drawn->width(), photo.width());
  EXPECT_GT(drawn->height(), photo.height()) << "thirty rows need more room";
  for (int y = 0; y < photo.height(); ++y) ASSERT_EQ(std::memcmp(photo.row(y), drawn->row(y), photo.stride()), 0) << y;
}

TEST(Draw, OddInputIsDrawnOrRefusedWithoutHarm) {
  EXPECT_EQ(draw(Image(), {}).error().code, "InvalidImageFormat");
  Drawing drawing;
  drawing.marks.push_back({.box = {-500, -500, 2000, 2000}, .color = {}, .points = {{-9, 9e9}}, .lines = {"\xff\xfe"}});
  drawing.marks.push_back({.box = {10, 10, 0, 0}, .color = {}, .points = {}, .lines = {std::string(5000, 'w')}});
  drawing.marks.push_back({.box = {10, 10, -5, -5}, .color = {}, .points = {}, .lines = {""}});
  EXPECT_TRUE(draw(grey(80, 80), drawing));
  EXPECT_TRUE(draw(grey(1, 1), drawing));
}

TEST(Draw, SomeFontIsFound) { EXPECT_TRUE(drawing_font()); }

}  // namespace
}  // namespace likeness::media
