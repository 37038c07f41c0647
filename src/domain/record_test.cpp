#include "domain/record.hpp"

#include <gtest/gtest.h>

#include <array>

#include "domain/faces/records.hpp"

namespace likeness::domain {
namespace {

StoredFace face_with(float seed) {
  StoredFace stored;
  stored.face = {.face_id = "0b683aed-a0f1-48b2-9b5e-139e9cc2a757",
                 .image_id = "9ba38e68-35b6-3509-9d2e-fcffa75d1653",
                 .external_image_id = "input.jpg",
                 .box = {0.1f, 0.2f, 0.3f, 0.4f},
                 .confidence = 99.5f,
                 .model_version = "7.0",
                 .user_id = std::nullopt};
  stored.embedding.fill(seed);
  return stored;
}

TEST(Record, GivesBackWhatWasWritten) {
  const auto stored = face_with(0.25f);
  const auto read = decode_face(encode(stored));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->face.face_id, stored.face.face_id);
  EXPECT_EQ(read->face.image_id, stored.face.image_id);
  EXPECT_EQ(read->face.external_image_id, stored.face.external_image_id);
  EXPECT_EQ(read->face.box.width, 0.3f);
  EXPECT_EQ(read->face.confidence, 99.5f);
  EXPECT_EQ(read->embedding, stored.embedding);
}

TEST(Record, AFieldOfALaterVersionIsSkipped) {
  auto bytes = encode(ImageFaces{{"one", "two"}});
  bytes += std::string("\x77\x03", 2) + "abc";
  const auto read = decode_image(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->face_ids, (std::vector<std::string>{"one", "two"}));
}

TEST(Record, EveryTruncationIsRefusedOrWhole) {
  const auto bytes = encode(face_with(0.5f));
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(decode_face(std::string_view(bytes).substr(0, length))) << length;
}

TEST(Record, AnUnknownFormatIsRefused) {
  auto bytes = encode(face_with(0.5f));
  bytes[0] = 2;
  EXPECT_FALSE(decode_face(bytes));
}

TEST(Record, UserWithoutFacesHasNoVector) {
  const auto read = decode_user(encode(StoredUser{.id = "ann", .vector_id = {1}, .face_ids = {}, .embedding = {}}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->status(), UserStatus::Created);
}

TEST(Record, MapsStandInFields) {
  const std::map<std::string, std::string> map = {{"", "empty"}, {"name", ""}, {"zero", std::string(1, '\0')}};
  EXPECT_EQ(decode_map(encode_map(map)), map);
  EXPECT_TRUE(decode_map(encode_map({})).empty());
  EXPECT_TRUE(decode_map("damaged").empty());
  EXPECT_EQ(decode_pair(encode_pair("name", "value")), std::pair(std::string("name"), std::string("value")));
  EXPECT_EQ(encode_pair("name", "value"), encode_map({{"name", "value"}}));
}

TEST(StoredNumbers, HaveSixSignificantDigits) {
  // The pairs of AWS's documentation: six digits count, not six places.
  EXPECT_EQ(static_cast<double>(as_stored(0.063333345f)), 0.06333330273628235);
  EXPECT_EQ(static_cast<double>(as_stored(0.17185204f)), 0.1718519926071167);
  EXPECT_EQ(as_stored(100.0f), 100.0f);
  EXPECT_EQ(as_stored(-0.0123456789f), -0.0123457f);
}

TEST(VectorId, IsTheUuidsSixteenBytes) {
  const std::string uuid = "0b683aed-a0f1-48b2-9b5e-139e9cc2a757";
  const auto id = vector_id_of(uuid);
  ASSERT_TRUE(id);
  EXPECT_EQ((*id)[0], 0x0b);
  EXPECT_EQ((*id)[15], 0x57);
  EXPECT_EQ(uuid_of(*id), uuid);
  EXPECT_FALSE(vector_id_of("0b683aed-a0f1-48b2-9b5e-139e9cc2a75"));
  EXPECT_FALSE(vector_id_of("0b683aedaa0f1-48b2-9b5e-139e9cc2a757"));
}

}  // namespace
}  // namespace likeness::domain
