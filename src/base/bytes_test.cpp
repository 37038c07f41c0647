#include "base/bytes.hpp"

#include <gtest/gtest.h>

namespace likeness {
namespace {

TEST(Base64, KnownVectorsOfRfc4648RoundTrip) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), coded);
    const auto decoded = from_base64(coded);
    ASSERT_TRUE(decoded) << coded;
    EXPECT_EQ(as_text(*decoded), plain);
  }
}

TEST(Base64, AnythingOutsideTheFormIsRefused) {
  for (const char* bad : {"Zg", "Zg=", "Zg=a", "Z===", "Zh==", "Zm9=", "Zm9v\n", "Zm9*", "====", "Zg==Zg==", "-_-_"})
    EXPECT_FALSE(from_base64(bad)) << bad;
}

TEST(Hex, RoundTripsAndRefusesOddOrForeignDigits) {
  EXPECT_EQ(to_hex(as_bytes("\x01\xAB")), "01ab");
  EXPECT_EQ(from_hex("01AB"), (Bytes{0x01, 0xAB}));
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
}

TEST(Hash, KnownDigests) {
  EXPECT_EQ(to_hex(sha256(as_bytes(""))), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(md5(as_bytes("abc"))), "900150983cd24fb0d6963f7d28e17f72");
  // RFC 4231, test case 2.
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Uuid, VersionFourIsRandomAndVersionThreeFollowsTheData) {
  EXPECT_NE(uuid_v4(), uuid_v4());
  EXPECT_EQ(uuid_v4()[14], '4');
  EXPECT_EQ(uuid_v3(as_bytes("photo")), uuid_v3(as_bytes("photo")));
  EXPECT_NE(uuid_v3(as_bytes("photo")), uuid_v3(as_bytes("Photo")));
  EXPECT_EQ(uuid_v3(as_bytes("photo"))[14], '3');
}

}  // namespace
}  // namespace likeness
