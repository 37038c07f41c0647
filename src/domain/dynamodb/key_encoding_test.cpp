#include "domain/dynamodb/key_encoding.hpp"

#include <gtest/gtest.h>

#include <random>

#include "domain/dynamodb/item_record.hpp"
#include "domain/dynamodb/table.hpp"

namespace likeness::dynamodb {
namespace {

Value number(std::string_view text) { return {*Number::parse(text)}; }

Number random_number(std::mt19937& random) {
  std::string text = random() % 2 ? "-" : "";
  const auto digits = 1 + random() % 38;
  for (std::size_t i = 0; i < digits; ++i) text += static_cast<char>('0' + random() % 10);
  text += "E" + std::to_string(static_cast<int>(random() % 180) - 120);
  const auto parsed = Number::parse(text);
  return parsed ? *parsed : Number::of(static_cast<int>(random() % 100) - 50);
}

TEST(KeyEncoding, BytesOfNumbersSortAsTheNumbers) {
  std::mt19937 random(7);
  std::vector<Number> numbers = {Number(),        Number::of(1),   Number::of(-1),  Number::of(10),  Number::of(11),
                                 Number::of(-10), Number::of(-11), Number::of(100), Number::of(110), Number::of(-110)};
  for (int i = 0; i < 400; ++i) numbers.push_back(random_number(random));
  for (const auto& a : numbers)
    for (const auto& b : numbers) {
      EXPECT_EQ(a <=> b, key_value({a}).compare(key_value({b})) <=> 0) << a.text() << " and " << b.text();
      // Also where something follows.
      std::string left, right;
      append_separated(left, key_value({a}));
      append_separated(right, key_value({b}));
      EXPECT_EQ(a <=> b, (left + "z").compare(right + "z") <=> 0) << a.text() << " and " << b.text();
    }
}

TEST(KeyEncoding, ASeparatedStringSortsAsItself) {
  const std::vector<std::string> ascending = {"",
                                              std::string(1, '\0'),
                                              std::string(2, '\0'),
                                              std::string("\0a", 2),
                                              "\x01",
                                              "a",
                                              std::string("a\0", 2),
                                              std::string("a\0b", 3),
                                              "aa",
                                              "b"};
  for (std::size_t i = 0; i < ascending.size(); ++i)
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      std::string left, right;
      append_separated(left, ascending[i]);
      append_separated(right, ascending[j]);
      EXPECT_EQ(i <=> j, (left + "tail").compare(right + "tail") <=> 0);
    }
}

TEST(KeyEncoding, HashesAreThoseOfDynamoDb) {
  EXPECT_EQ(hash_of_key({std::string("A")}), 0x0cb5bbe48b872698u);
  EXPECT_EQ(hash_of_key({Binary{"A"}}), 0x0cb5bbe48b872698u);
  EXPECT_EQ(hash_of_key(number("0")), 0xce212d751674ab5du);
  EXPECT_EQ(hash_of_key(number("1")), 0xc3a0310aed78739bu);
  EXPECT_EQ(hash_of_key(number("-1")), 0x0267df4c95559d50u);
  EXPECT_EQ(hash_of_key(number("251")), 0x001cc67ab5ccc1c3u);
  EXPECT_EQ(hash_of_key(number("-12.5")), 0xcd50d82986db9487u);
  EXPECT_EQ(hash_of_key(number("0.001")), 0x3223fe2c2fe7bd22u);
  EXPECT_EQ(hash_of_key(number("12345678901234567890123456789012345678")), 0xb50a4cbd60115903u);
}

TEST(KeyEncoding, SegmentsCoverTheHashOnce) {
  EXPECT_EQ(segment_start(0, 3), std::string(8, '\0'));
  EXPECT_LT(segment_start(1, 3), segment_start(2, 3));
  EXPECT_EQ(segment_start(3, 3), "");
  EXPECT_EQ(after_prefix("ab"), "ac");
  EXPECT_EQ(after_prefix("a\xFF"), "b");
  EXPECT_EQ(after_prefix("\xFF\xFF"), "");
}

Attributes everything() {
  return {{"b", {Binary{std::string("\0\xFF", 2)}}},
          {"bool", {true}},
          {"bs", {BinarySet{{"x", ""}}}},
          {"l", {List{{std::string("a")}, number("-1E-130"), {List{}}}}},
          {"m", {Attributes{{"", {Null{}}}, {"deep", {Attributes{}}}}}},
          {"n", number("-12345678901234567890123456789012345678E80")},
          {"ns", {NumberSet{{*Number::parse("0"), *Number::parse("1.5")}}}},
          {"s", {std::string("text")}},
          {"ss", {StringSet{{"b", "a"}}}}};
}

TEST(ItemRecord, GivesBackWhatItWasGiven) {
  const auto item = everything();
  const auto read = decode_item(encode_item(item));
  ASSERT_TRUE(read);
  EXPECT_TRUE(*read == item);
  std::mt19937 random(3);
  for (int i = 0; i < 500; ++i) {
    const Attributes one{{"n", {random_number(random)}}};
    EXPECT_TRUE(decode_item(encode_item(one)) == one) << shown(*one.find("n"));
  }
}

TEST(ItemRecord, DamagedBytesAreNoItem) {
  const std::string record = encode_item(everything());
  for (std::size_t cut = 0; cut < record.size(); ++cut) EXPECT_FALSE(decode_item(record.substr(0, cut)));
  std::mt19937 random(5);
  for (int i = 0; i < 20000; ++i) {
    std::string damaged = record;
    for (int j = 0; j < 3; ++j) damaged[random() % damaged.size()] = static_cast<char>(random());
    (void)decode_item(damaged);  // must not read beyond its end
  }
}

TEST(Table, IsReadBackAsItWasStored) {
  Table table;
  table.account = "000000000000";
  table.region = "eu-west-1";
  table.name = "Music";
  table.id = "7c9e";
  table.created = TimePoint(std::chrono::milliseconds(1'700'000'000'123));
  table.keys = {{"Artist", Type::S}, KeyAttribute{"Year", Type::N}};
  table.attributes = {{"Year", Type::N}, {"Artist", Type::S}, {"Genre", Type::B}};
  Index index;
  index.name = "ByGenre";
  index.id = 4;
  index.keys = {{"Genre", Type::B}, std::nullopt};
  index.projection = Projection::Include;
  index.included = {"Title", "Price"};
  index.status = Status::Creating;
  table.indexes.push_back(index);
  table.tags = {{"team", "a"}};
  table.stream = {true, StreamView::OldImage, "2026-11-21T10:15:30.123"};
  const auto read = decode_table(encode_table(table));
  ASSERT_TRUE(read);
  EXPECT_EQ(encode_table(*read), encode_table(table));
  EXPECT_EQ(read->keys, table.keys);
  EXPECT_EQ(read->created, table.created);
  EXPECT_EQ(read->find_index("ByGenre")->included, index.included);
  EXPECT_EQ(read->arn(), "arn:aws:dynamodb:eu-west-1:000000000000:table/Music");
}

TEST(Value, SetsAreEqualInAnyOrder) {
  EXPECT_TRUE((Value{StringSet{{"a", "b"}}} == Value{StringSet{{"b", "a"}}}));
  EXPECT_FALSE((Value{StringSet{{"a", "b"}}} == Value{StringSet{{"a", "c"}}}));
  EXPECT_FALSE((Value{std::string("1")} == number("1")));
}

TEST(Value, SizesAreCountedAsAwsDoes) {
  EXPECT_EQ(size_of(Attributes{{"ab", {std::string("xyz")}}}), 5u);
  EXPECT_EQ(size_of(Attributes{{"a", {true}}, {"b", {Null{}}}}), 4u);
  EXPECT_EQ(size_of(Value{List{{std::string("a")}, {std::string("bc")}}}), 3u + 2 + 3);
  EXPECT_EQ(size_of(Value{Attributes{{"k", {std::string("v")}}}}), 3u + 1 + 2);
}

}  // namespace
}  // namespace likeness::dynamodb
