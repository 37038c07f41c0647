#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "domain/dynamodb/change_writers.hpp"
#include "domain/dynamodb/items.hpp"
#include "domain/dynamodb/streams.hpp"
#include "domain/dynamodb/tables.hpp"
#include "domain/dynamodb/ttl.hpp"
#include "storage/testing.hpp"

namespace likeness::dynamodb {
namespace {

using namespace std::chrono_literals;

class TestClock final : public Clock {
 public:
  TimePoint now() const override { return now_; }
  void advance(std::chrono::milliseconds by) { now_ += by; }

 private:
  TimePoint now_ = TimePoint(1'790'000'000s);
};

bool always() { return true; }

class StreamsTest : public testing::Test {
 protected:
  StreamsTest() { start(); }

  void start() {
    items_.reset();
    auto opened = Tables::open(store());
    ASSERT_TRUE(opened);
    tables_ = std::move(*opened);
    streams_ = std::make_unique<Streams>(store(), clock_);
    streams_->attach(*tables_);
    writers_ = std::make_unique<ChangeWriters>(*streams_);
    items_ = std::make_unique<Items>(store(), *tables_, clock_, writers_.get());
    expiry_ = std::make_unique<Expiry>(store(), *tables_, *items_, clock_);
  }

  storage::Store& store() { return storage_->store(); }

  TablePtr make_table(StreamView view = StreamView::NewAndOldImages,
                      const std::string& label = "2026-09-21T13:33:20.000") {
    Table table;
    table.account = "000000000000";
    table.region = "us-east-1";
    table.name = "Photos";
    table.id = "id-1";
    table.keys.partition = {"pk", Type::S};
    table.attributes = {table.keys.partition};
    table.stream = {true, view, label};
    auto made = tables_->create(table);
    EXPECT_TRUE(made);
    return *made;
  }

  void write(const TablePtr& table, WriteRequest::Kind kind, Attributes item) {
    WriteRequest request;
    request.table = table;
    request.kind = kind;
    request.item = std::move(item);
    auto done = items_->write_one(std::move(request));
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_FALSE(done->refused);
  }

  StreamInfo stream_of(const TablePtr& table) {
    auto found = streams_->find(table->stream_arn());
    EXPECT_TRUE(found && *found);
    return **found;
  }

  std::vector<StreamRecord> all(const StreamInfo& stream) {
    auto page = streams_->read(stream, 0, 1000);
    EXPECT_TRUE(page);
    return page->records;
  }

  TablePtr current() { return *tables_->find(caller_, "Photos"); }

  storage::TemporaryStorage storage_;
  TestClock clock_;
  domain::Caller caller_;
  std::unique_ptr<Tables> tables_;
  std::unique_ptr<Streams> streams_;
  std::unique_ptr<ChangeWriters> writers_;
  std::unique_ptr<Items> items_;
  std::unique_ptr<Expiry> expiry_;
};

Value text(const char* value) { return Value{std::string(value)}; }
Value number(std::int64_t value) { return Value{Number::of(value)}; }

TEST_F(StreamsTest, EachChangeIsARecordInOrder) {
  const TablePtr table = make_table();
  write(table, WriteRequest::Kind::Put, {{"pk", text("a")}, {"n", number(1)}});
  write(table, WriteRequest::Kind::Put, {{"pk", text("a")}, {"n", number(1)}});  // changes nothing
  write(table, WriteRequest::Kind::Put, {{"pk", text("a")}, {"n", number(2)}});
  write(table, WriteRequest::Kind::Delete, {{"pk", text("a")}});
  const StreamInfo stream = stream_of(table);
  const auto records = all(stream);
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].kind, ItemChange::Kind::Insert);
  EXPECT_FALSE(records[0].old_item);
  EXPECT_EQ(records[1].kind, ItemChange::Kind::Modify);
  EXPECT_EQ(*records[1].old_item->find("n"), number(1));
  EXPECT_EQ(*records[1].new_item->find("n"), number(2));
  EXPECT_EQ(records[2].kind, ItemChange::Kind::Remove);
  EXPECT_FALSE(records[2].new_item);
  EXPECT_LT(records[0].sequence_number, records[1].sequence_number);
  EXPECT_GE(records[0].sequence_number.size(), 21U);
  EXPECT_EQ(Streams::position_of(stream, records[1].sequence_number), records[1].position);
}

TEST_F(StreamsTest, TheViewDecidesWhatARecordHolds) {
  const TablePtr table = make_table(StreamView::KeysOnly);
  write(table, WriteRequest::Kind::Put, {{"pk", text("a")}, {"n", number(1)}});
  const auto records = all(stream_of(table));
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].keys, (Attributes{{"pk", text("a")}}));
  EXPECT_FALSE(records[0].new_item);
  EXPECT_FALSE(records[0].old_item);
}

TEST_F(StreamsTest, AStreamThatWasTurnedOffEndsAndIsKeptBesideTheNextOne) {
  const TablePtr table = make_table();
  write(table, WriteRequest::Kind::Put, {{"pk", text("a")}});
  const StreamInfo first = stream_of(table);
  EXPECT_FALSE(streams_->read(first, 0, 10)->ended);
  ASSERT_TRUE(tables_->change(*table, [](Table& changed) -> Result<void> {
    changed.stream.enabled = false;
    return {};
  }));
  auto page = streams_->read(first, 0, 10);
  EXPECT_EQ(page->records.size(), 1U);
  EXPECT_TRUE(streams_->read(first, page->next, 10)->ended);
  ASSERT_TRUE(tables_->change(*table, [](Table& changed) -> Result<void> {
    changed.stream = {true, StreamView::NewImage, "2026-09-21T14:00:00.000"};
    return {};
  }));
  write(current(), WriteRequest::Kind::Put, {{"pk", text("b")}});
  auto both = streams_->list(caller_, "Photos", "", 10);
  ASSERT_TRUE(both);
  ASSERT_EQ(both->size(), 2U);
  EXPECT_FALSE((*both)[0].enabled);
  EXPECT_TRUE((*both)[1].enabled);
  EXPECT_EQ(all((*both)[0]).size(), 1U);
  EXPECT_EQ(all((*both)[1]).size(), 1U);
  EXPECT_EQ(streams_->list(caller_, "Photos", (*both)[0].arn(), 10)->size(), 1U);
  EXPECT_TRUE(streams_->list(caller_, "Photo", "", 10)->empty());
}

TEST_F(StreamsTest, RecordsSurviveARestartAndPositionsGoOn) {
  write(make_table(), WriteRequest::Kind::Put, {{"pk", text("a")}});
  expiry_.reset();
  items_.reset();
  tables_.reset();
  storage_.reopen();
  start();
  write(current(), WriteRequest::Kind::Put, {{"pk", text("b")}});
  const auto records = all(stream_of(current()));
  ASSERT_EQ(records.size(), 2U);
  EXPECT_LT(records[0].position, records[1].position);
}

TEST_F(StreamsTest, ADayLaterRecordsAreGoneAndThenTheStreamThatIsOff) {
  const TablePtr table = make_table();
  write(table, WriteRequest::Kind::Put, {{"pk", text("a")}});
  clock_.advance(23h);
  write(table, WriteRequest::Kind::Put, {{"pk", text("b")}});
  clock_.advance(2h);
  const StreamInfo stream = stream_of(table);
  ASSERT_TRUE(streams_->trim(always));
  const auto records = all(stream);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(*records[0].keys.find("pk"), text("b"));
  EXPECT_EQ(streams_->bounds(stream)->first, records[0].position);

  ASSERT_TRUE(tables_->change(*table, [](Table& changed) -> Result<void> {
    changed.stream = {true, StreamView::NewImage, "2026-09-22T14:00:00.000"};
    return {};
  }));
  ASSERT_TRUE(streams_->trim(always));
  EXPECT_EQ(streams_->list(caller_, "Photos", "", 10)->size(), 2U);
  clock_.advance(25h);
  ASSERT_TRUE(streams_->trim(always));
  EXPECT_EQ(streams_->list(caller_, "Photos", "", 10)->size(), 1U);
}

TEST_F(StreamsTest, ExpiredItemsAreDeletedAndTheirRecordsSaySo) {
  const TablePtr table = make_table();
  const std::int64_t now = 1'790'000'000;
  write(table, WriteRequest::Kind::Put, {{"pk", text("before")}, {"ends", number(now - 10)}});
  ASSERT_TRUE(expiry_->set(*table, {true, "ends"}));
  const TablePtr with_ttl = current();
  write(with_ttl, WriteRequest::Kind::Put, {{"pk", text("due")}, {"ends", number(now - 1)}});
  write(with_ttl, WriteRequest::Kind::Put, {{"pk", text("later")}, {"ends", number(now + 60)}});
  write(with_ttl, WriteRequest::Kind::Put, {{"pk", text("text")}, {"ends", text("1")}});
  write(with_ttl, WriteRequest::Kind::Put, {{"pk", text("milliseconds")}, {"ends", number(now / 1000)}});
  write(with_ttl, WriteRequest::Kind::Put, {{"pk", text("changed")}, {"ends", number(now - 1)}});
  write(with_ttl, WriteRequest::Kind::Put, {{"pk", text("changed")}, {"ends", number(now + 60)}});

  auto deleted = expiry_->sweep(always);
  ASSERT_TRUE(deleted) << deleted.error().message;
  EXPECT_EQ(*deleted, 2U);
  for (const auto& [name, there] : std::vector<std::pair<const char*, bool>>{{"before", false},
                                                                             {"due", false},
                                                                             {"later", true},
                                                                             {"text", true},
                                                                             {"milliseconds", true},
                                                                             {"changed", true}}) {
    auto item = items_->get(*with_ttl, {{"pk", text(name)}});
    ASSERT_TRUE(item);
    EXPECT_EQ(item->has_value(), there) << name;
  }
  const auto records = all(stream_of(table));
  ASSERT_FALSE(records.empty());
  EXPECT_TRUE(records.back().expired);
  EXPECT_EQ(records.back().kind, ItemChange::Kind::Remove);
  EXPECT_FALSE(records.front().expired);

  clock_.advance(2min);
  EXPECT_EQ(*expiry_->sweep(always), 2U);
  EXPECT_EQ(*expiry_->sweep(always), 0U);
}

TEST_F(StreamsTest, TimeToLiveThatWasTurnedOffDeletesNothing) {
  const TablePtr table = make_table();
  ASSERT_TRUE(expiry_->set(*table, {true, "ends"}));
  write(current(), WriteRequest::Kind::Put, {{"pk", text("a")}, {"ends", number(1'790'000'005)}});
  EXPECT_EQ(expiry_->set(*current(), {true, "ends"}).error().message, "TimeToLive is already enabled");
  EXPECT_EQ(expiry_->set(*current(), {true, "other"}).error().message,
            "TimeToLive is active on a different AttributeName: current AttributeName is ends");
  ASSERT_TRUE(expiry_->set(*current(), {false, "ends"}));
  EXPECT_EQ(expiry_->set(*current(), {false, "ends"}).error().message, "TimeToLive is already disabled");
  clock_.advance(1min);
  EXPECT_EQ(*expiry_->sweep(always), 0U);
  EXPECT_TRUE(store().range(kExpiryTable, table->id, {.first = {}, .last = {}, .limit = 10})->items.empty());
}

}  // namespace
}  // namespace likeness::dynamodb
