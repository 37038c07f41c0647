#include "domain/queues/queues.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "domain/queues/line.hpp"
#include "storage/testing.hpp"

namespace likeness::queues {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class SetClock final : public Clock {
 public:
  TimePoint now() const override { return TimePoint(milliseconds(at.load())); }
  void pass(milliseconds time) { at += time.count(); }
  std::atomic<std::int64_t> at{1'800'000'000'000};
};

class QueuesTest : public testing::Test {
 protected:
  QueuesTest() { open(); }

  void open() {
    queues.reset();
    auto opened = Queues::open(*store, clock, {});
    ASSERT_TRUE(opened) << opened.error().message;
    queues = std::move(*opened);
  }
  /// As after a kill: what is in the store is all there is.
  void restart() {
    queues.reset();
    store.reopen();
    open();
  }
  std::shared_ptr<Queue> create(const std::string& name, const AttributeTexts& attributes = {}) {
    auto queue = queues->create(name, attributes, {});
    EXPECT_TRUE(queue) << queue.error().message;
    return *queue;
  }
  static Outgoing text(std::string body) {
    Outgoing message;
    message.body = std::move(body);
    return message;
  }
  static Outgoing grouped(std::string group, std::string body, std::string id = {}) {
    Outgoing message = text(std::move(body));
    message.group = std::move(group);
    message.deduplication = id.empty() ? message.body : std::move(id);
    return message;
  }
  static Sent send(const std::shared_ptr<Queue>& queue, Outgoing message) {
    std::vector<Outgoing> one;
    one.push_back(std::move(message));
    auto sent = queue->send(std::move(one));
    EXPECT_TRUE(sent);
    EXPECT_TRUE((*sent)[0]) << (*sent)[0].error().message;
    return *(*sent)[0];
  }
  static std::vector<Received> receive(const std::shared_ptr<Queue>& queue, std::size_t limit = 10,
                                       std::optional<std::int64_t> visibility = {}) {
    ReceiveRequest request;
    request.limit = limit;
    request.visibility = visibility;
    auto received = queue->receive(request);
    EXPECT_TRUE(received) << received.error().message << received.error().detail;
    return std::move(*received);
  }
  static std::vector<std::string> bodies(const std::vector<Received>& received) {
    std::vector<std::string> out;
    for (const auto& one : received) out.push_back(one.message.body);
    return out;
  }
  static Result<void> remove(const std::shared_ptr<Queue>& queue, const std::string& receipt) {
    auto done = queue->remove({receipt});
    return (*done)[0];
  }

  SetClock clock;
  storage::TemporaryStore store;
  std::unique_ptr<Queues> queues;
};

TEST_F(QueuesTest, AMessageIsReceivedAgainUntilItIsDeleted) {
  const auto queue = create("q");
  send(queue, text("one"));
  auto first = receive(queue);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].message.body, "one");
  EXPECT_TRUE(receive(queue).empty());
  clock.pass(seconds(31));
  auto second = receive(queue);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].state.receives, 2u);
  EXPECT_NE(second[0].receipt, first[0].receipt);
  // An old handle deletes nothing, and says nothing.
  EXPECT_TRUE(remove(queue, first[0].receipt));
  EXPECT_EQ(queue->counts().in_flight, 1u);
  EXPECT_TRUE(remove(queue, second[0].receipt));
  EXPECT_TRUE(remove(queue, second[0].receipt));
  clock.pass(seconds(31));
  EXPECT_TRUE(receive(queue).empty());
  EXPECT_EQ(queue->counts().visible, 0u);
}

TEST_F(QueuesTest, WhatWasAcknowledgedIsThereAfterARestart) {
  auto queue = create("q");
  for (int i = 0; i < 5; ++i) send(queue, text(std::to_string(i)));
  const auto taken = receive(queue, 2);
  ASSERT_EQ(taken.size(), 2u);
  ASSERT_TRUE(remove(queue, taken[0].receipt));
  Outgoing late = text("late");
  late.delay_seconds = 100;
  send(queue, late);
  restart();
  queue = *queues->find("q");
  EXPECT_EQ(queue->counts().visible, 3u);
  EXPECT_EQ(queue->counts().in_flight, 1u);
  EXPECT_EQ(queue->counts().delayed, 1u);
  EXPECT_EQ(receive(queue).size(), 3u);
  EXPECT_TRUE(remove(queue, taken[1].receipt));  // handles live on
  clock.pass(seconds(101));
  EXPECT_THAT(bodies(receive(queue)), testing::Contains("late"));
}

TEST_F(QueuesTest, LargeMessagesComeBackWhole) {
  const auto queue = create("q");
  Outgoing large = text(std::string(1'048'000, 'x') + "end");
  large.attributes["n"] = {"Binary", std::string("\0\1", 2), true};
  send(queue, large);
  const auto received = receive(queue);
  ASSERT_EQ(received.size(), 1u);
  EXPECT_EQ(received[0].message.body, large.body);
  EXPECT_EQ(received[0].message.attributes.at("n").value, std::string("\0\1", 2));
  auto refused = queue->send({text(std::string(1'048'577, 'x'))});
  EXPECT_EQ((*refused)[0].error().code, "InvalidParameterValueException");
  ASSERT_TRUE(remove(queue, received[0].receipt));
  EXPECT_TRUE((*store).range(kBodies, queue->describe()->contents, {.first = {}, .last = {}})->items.empty());
}

TEST_F(QueuesTest, DelayedMessagesComeWhenTheirTimeHas) {
  const auto queue = create("q", {{"DelaySeconds", "10"}});
  send(queue, text("by the queue"));
  Outgoing now = text("by the message");
  now.delay_seconds = 0;
  send(queue, now);
  EXPECT_EQ(queue->counts().delayed, 1u);
  EXPECT_THAT(bodies(receive(queue)), testing::ElementsAre("by the message"));
  clock.pass(seconds(11));
  EXPECT_THAT(bodies(receive(queue)), testing::ElementsAre("by the queue"));
}

TEST_F(QueuesTest, VisibilityCanBeChangedWhileInFlight) {
  const auto queue = create("q");
  send(queue, text("one"));
  const auto received = receive(queue);
  auto changed = queue->change_visibility({{received[0].receipt, 0}});
  ASSERT_TRUE((*changed)[0]);
  const auto again = receive(queue);
  ASSERT_EQ(again.size(), 1u);
  changed = queue->change_visibility({{received[0].receipt, 10}, {again[0].receipt, 100}, {"made up", 1}});
  EXPECT_EQ((*changed)[0].error().code, "MessageNotInflight");
  EXPECT_TRUE((*changed)[1]);
  EXPECT_EQ((*changed)[2].error().code, "ReceiptHandleIsInvalid");
  clock.pass(seconds(60));
  EXPECT_TRUE(receive(queue).empty());
  clock.pass(seconds(41));
  EXPECT_EQ(receive(queue).size(), 1u);
}

TEST_F(QueuesTest, AReceiverWaitsForAMessage) {
  const auto queue = create("q");
  std::thread sender([&] {
    std::this_thread::sleep_for(milliseconds(100));
    send(queue, text("late"));
  });
  ReceiveRequest request;
  request.wait = 20;
  const auto started = std::chrono::steady_clock::now();
  auto received = queue->receive(request);
  sender.join();
  ASSERT_TRUE(received);
  EXPECT_EQ(received->size(), 1u);
  EXPECT_LT(std::chrono::steady_clock::now() - started, seconds(5));
}

TEST_F(QueuesTest, MessagesReceivedTooOftenAreDeadLetters) {
  const auto dead = create("dead");
  const auto queue = create(
      "q", {{"RedrivePolicy", R"({"deadLetterTargetArn":")" + dead->describe()->arn + R"(","maxReceiveCount":2})"},
            {"VisibilityTimeout", "1"}});
  const auto sent = send(queue, text("poison"));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(receive(queue).size(), 1u);
    clock.pass(seconds(2));
  }
  EXPECT_TRUE(receive(queue).empty());
  EXPECT_EQ(queue->counts().visible, 0u);
  EXPECT_EQ(dead->counts().visible, 1u);
  const auto letters = receive(dead);
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].message.id, sent.id);
  EXPECT_EQ(letters[0].message.source_arn, queue->describe()->arn);
  EXPECT_THAT(queues->sources_of(dead->describe()->arn), testing::ElementsAre("q"));
}

TEST_F(QueuesTest, DeadLettersMoveBack) {
  const auto dead = create("dead");
  const auto queue = create(
      "q", {{"RedrivePolicy", R"({"deadLetterTargetArn":")" + dead->describe()->arn + R"(","maxReceiveCount":1})"},
            {"VisibilityTimeout", "1"}});
  for (int i = 0; i < 30; ++i) send(queue, text(std::to_string(i)));
  for (int i = 0; i < 3; ++i) receive(queue);
  clock.pass(seconds(2));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(receive(queue).empty());
  ASSERT_EQ(dead->counts().visible, 30u);
  auto task = queues->move_tasks().start(dead->describe()->arn, "", 0);
  ASSERT_TRUE(task);
  EXPECT_EQ(queues->move_tasks().start(dead->describe()->arn, "", 0).error().code, "UnsupportedOperation");
  for (int i = 0; i < 10 && queues->move_tasks().any_active(); ++i) ASSERT_TRUE(queues->move_tasks().step(1));
  const auto tasks = queues->move_tasks().list(dead->describe()->arn);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].status, MoveTask::Status::Completed);
  EXPECT_EQ(tasks[0].moved, 30u);
  EXPECT_EQ(queue->counts().visible, 30u);
  const auto back = receive(queue);
  ASSERT_EQ(back.size(), 10u);
  EXPECT_EQ(back[0].state.receives, 1u);
  EXPECT_EQ(back[0].message.source_arn, "");
}

TEST_F(QueuesTest, OldMessagesGo) {
  const auto queue = create("q", {{"MessageRetentionPeriod", "60"}});
  for (int i = 0; i < 3; ++i) send(queue, text("old"));
  clock.pass(seconds(50));
  send(queue, text("young"));
  clock.pass(seconds(15));
  ASSERT_TRUE(queues->tend());
  EXPECT_EQ(queue->counts().visible, 1u);
  EXPECT_THAT(bodies(receive(queue)), testing::ElementsAre("young"));
}

TEST_F(QueuesTest, APurgeEmptiesAndANameRestsAfterADelete) {
  const auto queue = create("q");
  for (int i = 0; i < 300; ++i) send(queue, text("x"));
  ASSERT_TRUE(queues->purge("q"));
  EXPECT_EQ(queue->counts().visible, 0u);
  EXPECT_TRUE(receive(queue).empty());
  send(queue, text("new"));
  EXPECT_EQ(queues->purge("q").error().code, "PurgeQueueInProgress");
  const auto contents = queue->describe()->contents;
  ASSERT_TRUE(queues->tend());
  EXPECT_EQ(receive(queue).size(), 1u);
  ASSERT_TRUE(queues->remove("q"));
  ASSERT_TRUE(queues->tend());
  EXPECT_TRUE((*store).range(kStates, contents, {.first = {}, .last = {}})->items.empty());
  EXPECT_EQ(queue->send({text("late")}).error().code, "QueueDoesNotExist");
  EXPECT_EQ(queues->create("q", {}, {}).error().code, "QueueDeletedRecently");
  clock.pass(seconds(61));
  EXPECT_TRUE(queues->create("q", {}, {}));
}

TEST_F(QueuesTest, TheSameQueueCanBeCreatedAgainButNotAnother) {
  create("q", {{"VisibilityTimeout", "5"}});
  EXPECT_TRUE(queues->create("q", {}, {}));
  EXPECT_TRUE(queues->create("q", {{"VisibilityTimeout", "5"}}, {}));
  auto other = queues->create("q", {{"VisibilityTimeout", "6"}}, {});
  EXPECT_EQ(other.error().code, "QueueNameExists");
  EXPECT_EQ(other.error().message,
            "A queue already exists with the same name and a different value for attribute VisibilityTimeout");
  EXPECT_EQ(queues->create("no spaces", {}, {}).error().code, "InvalidParameterValueException");
  EXPECT_EQ(queues->create("f.fifo", {}, {}).error().code, "InvalidParameterValueException");
  EXPECT_EQ(queues->create("f", {{"FifoQueue", "true"}}, {}).error().code, "InvalidParameterValueException");
  EXPECT_EQ(queues->create("n", {{"Unknown", "1"}}, {}).error().code, "InvalidAttributeName");
  EXPECT_EQ(queues->create("n", {{"DelaySeconds", "901"}}, {}).error().code, "InvalidAttributeValue");
}

class FifoTest : public QueuesTest {
 protected:
  std::shared_ptr<Queue> queue = create("f.fifo", {{"FifoQueue", "true"}});
};

TEST_F(FifoTest, AGroupKeepsItsOrderAndWaitsForWhatIsInFlight) {
  for (const auto* body : {"a1", "a2", "a3"}) send(queue, grouped("a", body));
  for (const auto* body : {"b1", "b2"}) send(queue, grouped("b", body));
  const auto first = receive(queue, 2);
  EXPECT_THAT(bodies(first), testing::ElementsAre("a1", "a2"));
  const auto second = receive(queue, 1);
  EXPECT_THAT(bodies(second), testing::ElementsAre("b1"));
  EXPECT_TRUE(receive(queue).empty());
  ASSERT_TRUE(remove(queue, first[0].receipt));
  EXPECT_TRUE(receive(queue).empty());  // a2 is still in flight
  ASSERT_TRUE(remove(queue, first[1].receipt));
  EXPECT_THAT(bodies(receive(queue)), testing::ElementsAre("a3"));
  clock.pass(seconds(31));
  EXPECT_EQ(remove(queue, second[0].receipt).error().code, "InvalidParameterValueException");
  EXPECT_THAT(bodies(receive(queue)), testing::ElementsAre("a3", "b1", "b2"));
}

TEST_F(FifoTest, TheSameIdIsOneMessageForFiveMinutes) {
  const auto first = send(queue, grouped("a", "body", "id"));
  const auto again = send(queue, grouped("a", "other body", "id"));
  EXPECT_EQ(first.id, again.id);
  EXPECT_EQ(first.sequence, again.sequence);
  EXPECT_EQ(first.sequence.size(), 20u);
  EXPECT_EQ(queue->counts().visible, 1u);
  const auto received = receive(queue);
  ASSERT_TRUE(remove(queue, received[0].receipt));
  restart();
  queue = *queues->find("f.fifo");
  send(queue, grouped("a", "body", "id"));
  EXPECT_EQ(queue->counts().visible, 0u);
  clock.pass(seconds(301));
  ASSERT_TRUE(queues->tend());
  EXPECT_GT(send(queue, grouped("a", "body", "id")).sequence, first.sequence);
  EXPECT_EQ(queue->counts().visible, 1u);
  EXPECT_EQ((*queue->send({text("no group")}))[0].error().code, "MissingRequiredParameterException");
}

TEST_F(FifoTest, OrderSurvivesARestart) {
  for (int i = 0; i < 50; ++i) send(queue, grouped(i % 2 == 0 ? "even" : "odd", std::to_string(i)));
  const auto before = receive(queue, 3);
  EXPECT_THAT(bodies(before), testing::ElementsAre("0", "2", "4"));
  restart();
  queue = *queues->find("f.fifo");
  EXPECT_THAT(bodies(receive(queue, 3)), testing::ElementsAre("1", "3", "5"));
  EXPECT_TRUE(receive(queue).empty());
  for (const auto& one : before) ASSERT_TRUE(remove(queue, one.receipt));
  EXPECT_THAT(bodies(receive(queue, 2)), testing::ElementsAre("6", "8"));
}

TEST_F(FifoTest, TheSameAttemptGetsTheSameMessages) {
  for (const auto* body : {"a1", "a2"}) send(queue, grouped("a", body));
  ReceiveRequest request;
  request.attempt = "once";
  const auto first = queue->receive(request);
  const auto again = queue->receive(request);
  ASSERT_EQ(first->size(), 1u);
  ASSERT_EQ(again->size(), 1u);
  EXPECT_EQ((*first)[0].receipt, (*again)[0].receipt);
}

TEST_F(FifoTest, ManyAtOnceLoseNothingAndKeepTheOrderOfGroups) {
  constexpr int kGroups = 8, kEach = 60;
  std::vector<std::thread> threads;
  threads.reserve(kGroups);
  for (int g = 0; g < kGroups; ++g)
    threads.emplace_back([&, g] {
      for (int i = 0; i < kEach; ++i)
        send(queue, grouped("g" + std::to_string(g), std::to_string(i), std::to_string(g) + "-" + std::to_string(i)));
    });
  std::mutex mutex;
  std::map<std::string, std::vector<int>> seen;
  std::atomic<int> left{kGroups * kEach};
  for (int r = 0; r < 4; ++r)
    threads.emplace_back([&] {
      while (left > 0) {
        ReceiveRequest request;
        request.limit = 5;
        request.wait = 1;
        auto received = queue->receive(request);
        ASSERT_TRUE(received);
        for (const auto& one : *received) {
          {
            const std::lock_guard lock(mutex);
            seen[*one.message.group].push_back(std::stoi(one.message.body));
          }
          ASSERT_TRUE(remove(queue, one.receipt));
          --left;
        }
      }
    });
  for (auto& thread : threads) thread.join();
  for (const auto& [group, numbers] : seen) {
    EXPECT_EQ(numbers.size(), static_cast<std::size_t>(kEach)) << group;
    EXPECT_TRUE(std::ranges::is_sorted(numbers)) << group;
  }
}

TEST_F(QueuesTest, ManyAtOnceLoseNothingAndGetNothingTwice) {
  const auto queue = create("q", {{"VisibilityTimeout", "1000"}});
  constexpr int kSenders = 6, kEach = 200;
  std::vector<std::thread> threads;
  threads.reserve(kSenders * 2);
  std::atomic<int> left{kSenders * kEach};
  std::mutex mutex;
  std::multiset<std::string> seen;
  for (int s = 0; s < kSenders; ++s)
    threads.emplace_back([&, s] {
      for (int i = 0; i < kEach; ++i) send(queue, text(std::to_string(s) + "-" + std::to_string(i)));
    });
  for (int r = 0; r < kSenders; ++r)
    threads.emplace_back([&] {
      while (left > 0) {
        clock.pass(milliseconds(1));
        ReceiveRequest request;
        request.limit = 7;
        request.wait = 1;
        auto received = queue->receive(request);
        ASSERT_TRUE(received) << received.error().code << " " << received.error().message;
        std::vector<std::string> receipts;
        for (const auto& one : *received) receipts.push_back(one.receipt);
        auto removed = queue->remove(receipts);
        ASSERT_TRUE(removed);
        const std::lock_guard lock(mutex);
        for (const auto& one : *received) seen.insert(one.message.body);
        left -= static_cast<int>(received->size());
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kSenders * kEach));
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), seen.size());
  EXPECT_EQ(queue->counts().visible + queue->counts().in_flight, 0u);
}

TEST_F(QueuesTest, AFifoLineReadsOnBeyondItsWindow) {
  // The states as a queue writes them, with a window far smaller than the queue.
  for (Sequence i = 1; i <= 40; ++i) {
    State state;
    state.group = "g" + std::to_string(i % 3);
    state.visible_at = state.sent = 1000;
    storage::Write write;
    write.table = kStates;
    write.key = {"c", sequence_key(i)};
    write.value = encode(state);
    ASSERT_TRUE(store->commit({write}));
  }
  auto line = make_fifo_line(*store, "c", 40, 8);
  ASSERT_TRUE(line);
  std::map<Sequence, std::vector<Sequence>> order;
  std::size_t count = 0;
  while (true) {
    auto taken = (*line)->take(2, 2000);
    ASSERT_TRUE(taken);
    if (taken->empty()) break;
    for (const auto& place : *taken) {
      order[place.sequence % 3].push_back(place.sequence);
      ASSERT_TRUE(store->commit({storage::Write{.table = std::string(kStates),
                                                .key = {"c", sequence_key(place.sequence)},
                                                .value = {},
                                                .expected_value = {}}}));
      (*line)->removed(place.sequence);
      ++count;
    }
    if (count == 20) {
      const auto sequence = (*line)->expect("g0");
      (*line)->dropped(sequence);
    }
  }
  EXPECT_EQ(count, 40u);
  for (const auto& [group, sequences] : order) EXPECT_TRUE(std::ranges::is_sorted(sequences));
}

TEST_F(QueuesTest, DigestsAreThoseOfAws) {
  // The example of AWS's developer guide has no attributes; these digests are those that its SDKs compute.
  EXPECT_EQ(md5_of("This is a test message"), "fafb00f5732ab283681e124bf8747ed1");
  Attributes attributes;
  attributes["timestamp"] = {"Number", "1493147359900", false};
  EXPECT_EQ(md5_of(attributes), "235c5c510d26fb653d073faed50ae77c");
}

TEST_F(QueuesTest, WhoHasGoneGetsNothingAndLeavesItToTheNext) {
  const auto queue = create("q");
  ReceiveRequest request;
  request.wait = 20;
  std::stop_source gone;
  std::vector<Received> of_the_gone, of_the_other;
  std::thread first([&] {
    auto leaving = request;
    leaving.gone = gone.get_token();
    of_the_gone = *queue->receive(leaving);
  });
  std::this_thread::sleep_for(milliseconds(50));
  std::thread second([&] { of_the_other = *queue->receive(request); });
  std::this_thread::sleep_for(milliseconds(50));
  gone.request_stop();
  send(queue, text("hello"));
  first.join();
  second.join();
  EXPECT_TRUE(of_the_gone.empty());
  ASSERT_EQ(of_the_other.size(), 1u);
  EXPECT_EQ(of_the_other[0].message.body, "hello");
  EXPECT_EQ(of_the_other[0].state.receives, 1u);
}

}  // namespace
}  // namespace likeness::queues
