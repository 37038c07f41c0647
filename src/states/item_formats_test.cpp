#include <gtest/gtest.h>

#include <string>

#include "states/gunzip.hpp"
#include "states/map_runs.hpp"

namespace likeness::states {
namespace {

ItemReader csv_of(std::vector<std::string> headers = {}) {
  ItemReader reader;
  reader.input_type = "CSV";
  reader.csv_header_location = headers.empty() ? "FIRST_ROW" : "GIVEN";
  reader.csv_headers = std::move(headers);
  return reader;
}

std::string items(const ItemReader& reader, std::string_view text, ItemBudget budget = {.items = 100}) {
  auto read = parse_items(reader, text, budget);
  if (!read) return read.error().error + ": " + read.error().cause;
  return write_json(Value(*read)).substr(0, 500);
}

TEST(ItemFormats, RowsOfCsvBecomeObjects) {
  EXPECT_EQ(items(csv_of(),
                  "\xEF\xBB\xBF"
                  "a,b\r\n1,\"x,\"\"y\"\"\n2\"\r\n\r\n3\r\n"),
            R"([{"a":"1","b":"x,\"y\"\n2"},{"a":"3","b":""}])");
  EXPECT_EQ(items(csv_of({"a"}), "1,2\n3"), R"([{"a":"1"},{"a":"3"}])");
  EXPECT_EQ(items(csv_of(), "a,a\n1,2"), "States.ItemReaderFailed: CSV headers cannot contain duplicates.");
}

TEST(ItemFormats, NoMoreItemsAreReadThanAskedFor) {
  ItemBudget budget{.items = 2};
  EXPECT_EQ(parse_items(csv_of({"a"}), "1\n2\n3", budget)->size(), 2U);
  EXPECT_EQ(budget.items, 0U);
  EXPECT_EQ(parse_items(csv_of({"a"}), "1\n2\n3", budget)->size(), 0U);
}

TEST(ItemFormats, ManyHeadersOverShortRowsAreNotTakenIntoMemory) {
  std::string text = "h0";
  for (int i = 1; i < 1000; ++i) text += ",h" + std::to_string(i);
  for (int i = 0; i < 1000; ++i) text += "\nx";
  EXPECT_EQ(items(csv_of(), text, {.items = 10'000, .bytes = 1 << 20}),
            "States.ItemReaderFailed: The items take more memory than this server gives to one map.");
  ItemBudget enough{.items = 10'000};
  const auto read = parse_items(csv_of(), text, enough);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->size(), 1000U);
  EXPECT_EQ(read->back().as_object().size(), 1000U);
}

TEST(ItemFormats, AnInventoryNamesItsColumnsAndFiles) {
  const auto files = parse_inventory({}, R"({"destinationBucket":"arn:aws:s3:::b","fileFormat":"CSV",)"
                                         R"("fileSchema":" Bucket , Key","files":[{"key":"1.csv.gz"},7]})");
  ASSERT_TRUE(files);
  EXPECT_EQ(files->reader.csv_headers, (std::vector<std::string>{"Bucket", "Key"}));
  EXPECT_EQ(write_json(Value(files->places)), R"([{"Bucket":"b","Key":"1.csv.gz"},{"Bucket":"b","Key":""}])");
  EXPECT_FALSE(parse_inventory({}, R"({"files":{}})"));
  EXPECT_FALSE(parse_inventory({}, R"({"files":[],"fileFormat":"ORC"})"));
}

TEST(ItemFormats, WhatWasUnloadedIsListedLineByLine) {
  const auto files = parse_unloaded({}, "\"s3://b/a/1\"\r\n\ns3://b/2");
  ASSERT_TRUE(files);
  EXPECT_EQ(write_json(Value(files->places)), R"([{"Bucket":"b","Key":"a/1"},{"Bucket":"b","Key":"2"}])");
  for (const auto* bad : {"x", "s3://", "s3://b", "s3://b/", "s3:///k"}) EXPECT_FALSE(parse_unloaded({}, bad)) << bad;
}

TEST(ItemFormats, DamagedGzipIsRefused) {
  EXPECT_EQ(gunzip("\x1F\x8B nonsense", 100).error().code, "Damaged");
  EXPECT_EQ(gunzip(std::string("\x1F\x8B\x08\0\0\0\0\0\0\x03", 10), 100).error().code, "Damaged");
}

}  // namespace
}  // namespace likeness::states
