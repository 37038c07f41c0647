#include "domain/image_source.hpp"

#include <gtest/gtest.h>

#include "domain/testing.hpp"

namespace likeness::domain {
namespace {

Result<LoadedImage> load(const ImageSource& source) {
  NoObjects objects;
  return load_image({}, source, objects, {});
}
Result<LoadedImage> load(BytesView file) { return load(ImageSource{.bytes = file, .object = {}}); }

TEST(ImageSource, TheSameFileHasTheSameId) {
  const auto file = testing::photo({});
  const auto image = load(file);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->pixels.width(), 200);
  EXPECT_EQ(image->id, uuid_v3(file));
}

TEST(ImageSource, ExactlyOneMustBeGiven) {
  const auto file = testing::photo({});
  for (const auto& source :
       {ImageSource{}, ImageSource{.bytes = BytesView(file), .object = ObjectReference{"b", "k", {}}}}) {
    const auto image = load(source);
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().code, "InvalidParameterException");
  }
}

TEST(ImageSource, AnObjectThatCannotBeReadIsAClientError) {
  const auto image = load(ImageSource{.bytes = {}, .object = ObjectReference{"bucket", "photo.jpg", {}}});
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code, "InvalidS3ObjectException");
  EXPECT_EQ(image.error().message,
            "Unable to get object metadata from S3. Check object key, region and/or access permissions.");
}

TEST(ImageSource, WhatIsNoImageHasAnInvalidFormat) {
  const auto text = as_bytes("this is no image");
  auto cut = testing::photo({});
  cut.resize(cut.size() / 2);
  for (const BytesView file : {text, BytesView(cut), BytesView()}) {
    const auto image = load(file);
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().code, "InvalidImageFormatException");
    EXPECT_EQ(image.error().message, "Request has invalid image format");
  }
}

TEST(ImageSource, AnImageUnder80PixelsIsAnInvalidParameter) {
  const auto file = *media::encode_png(media::Image(79, 200));
  const auto image = load(file);
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code, "InvalidParameterException");
  EXPECT_EQ(image.error().message, "Request has invalid parameters");
}

TEST(ImageSource, TooManyBytesAreTooLarge) {
  auto file = testing::photo({});
  file.resize(6 << 20);
  const auto image = load(file);
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code, "ImageTooLargeException");
  EXPECT_EQ(image.error().message, "Image size is too large");
}

/// Answers with one file, however it is asked.
class OneObject : public ObjectReader {
 public:
  explicit OneObject(Bytes file) : file_(std::move(file)) {}
  Result<Bytes> read(const Caller&, const ObjectReference& object, std::size_t) override {
    asked = object;
    return file_;
  }
  ObjectReference asked;

 private:
  Bytes file_;
};

TEST(ImageSource, ObjectsMayBeLargerThanBytes) {
  auto file = testing::photo({});
  file.resize(6 << 20);  // bytes after a PNG's end are of no account
  OneObject objects(file);
  const ImageSource source{.bytes = {}, .object = ObjectReference{"bucket", "photo.jpg", "v1"}};
  const auto image = load_image({}, source, objects, {});
  ASSERT_TRUE(image);
  EXPECT_EQ(image->id, uuid_v3(file));
  EXPECT_EQ(objects.asked.version, "v1");
}

}  // namespace
}  // namespace likeness::domain
