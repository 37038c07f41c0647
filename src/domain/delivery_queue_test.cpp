#include "domain/delivery_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>

#include "storage/testing.hpp"

namespace likeness::domain {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::ElementsAre;

class DeliveryQueueTest : public testing::Test {
 protected:
  void open(DeliveryQueue::Handler handler, DeliveryQueue::Options options = {}) {
    queue_.reset();
    auto queue = DeliveryQueue::open(*store_, "test", Clock::system(), options, std::move(handler));
    ASSERT_TRUE(queue) << queue.error().message;
    queue_ = std::move(*queue);
    queue_->start();
  }
  void add(const std::string& lane, const std::string& body, TimePoint due = {}) {
    auto added = queue_->add({{.lane = lane, .body = body, .due = due}});
    ASSERT_TRUE(added) << added.error().message;
  }
  void note(const std::string& body) {
    const std::lock_guard lock(mutex_);
    seen_.push_back(body);
  }
  std::vector<std::string> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  void wait_for(std::size_t count) {
    while (seen().size() < count) std::this_thread::sleep_for(milliseconds(1));
  }
  std::size_t stored() {
    auto page = store_->range("deliveries", "test", {.first = {}, .last = {}, .limit = 100'000});
    return page->items.size();
  }

  storage::TemporaryStore store_;
  std::mutex mutex_;
  std::vector<std::string> seen_;
  std::unique_ptr<DeliveryQueue> queue_;
};

TEST_F(DeliveryQueueTest, EveryDeliveryIsMadeAndThenForgotten) {
  open([this](const Delivery& delivery) {
    note(delivery.body);
    return Verdict::done();
  });
  for (int i = 0; i < 100; ++i) add("lane", std::to_string(i));
  wait_for(100);
  queue_->stop();
  EXPECT_EQ(seen().size(), 100u);
  EXPECT_EQ(stored(), 0u);
}

TEST_F(DeliveryQueueTest, ALaneOfOneKeepsItsOrder) {
  open(
      [this](const Delivery& delivery) {
        note(delivery.body);
        return Verdict::done();
      },
      {.threads = 8, .per_lane = 1});
  for (int i = 0; i < 50; ++i) add("lane", std::to_string(i));
  wait_for(50);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(seen()[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(DeliveryQueueTest, ALaneThatHangsHoldsUpNoOther) {
  std::promise<void> gate;
  const std::shared_future<void> opened(gate.get_future());
  open(
      [&](const Delivery& delivery) {
        if (delivery.lane == "slow") opened.wait();
        note(delivery.lane);
        return Verdict::done();
      },
      {.threads = 4, .per_lane = 2});
  for (int i = 0; i < 10; ++i) add("slow", "");
  for (int i = 0; i < 10; ++i) add("quick", "");
  wait_for(10);
  EXPECT_EQ(seen(), std::vector<std::string>(10, "quick"));
  EXPECT_EQ(queue_->load("slow"), std::pair(std::size_t{8}, std::size_t{2}));
  gate.set_value();
  wait_for(20);
}

TEST_F(DeliveryQueueTest, WhatFailsIsTriedAgainUnderTheSameId) {
  std::vector<std::pair<std::string, int>> attempts;
  open([&](const Delivery& delivery) {
    attempts.emplace_back(delivery.id, delivery.attempts);
    note(delivery.body);
    if (delivery.attempts == 1) throw std::runtime_error("counts as a failure, to be tried in a minute");
    return delivery.attempts < 1 ? Verdict{.kind = Verdict::Kind::Retry, .due = delivery.due, .body = "second"}
                                 : Verdict::done();
  });
  add("lane", "first");
  wait_for(2);
  queue_->stop();
  EXPECT_THAT(seen(), ElementsAre("first", "second"));
  ASSERT_EQ(attempts.size(), 2u);
  EXPECT_EQ(attempts[0], std::pair(attempts[1].first, 0));
  EXPECT_EQ(attempts[1].second, 1);
  EXPECT_EQ(stored(), 1u);
}

TEST_F(DeliveryQueueTest, ARestartGoesOnWithWhatIsLeft) {
  open([](const Delivery&) { return Verdict::retry(Clock::system().now() + hours(1)); });
  const TimePoint later = Clock::system().now() + hours(1);
  for (int i = 0; i < 5; ++i) add("lane", "later", later);
  for (int i = 0; i < 5; ++i) add("lane", "now");
  std::this_thread::sleep_for(milliseconds(50));
  queue_->stop();
  ASSERT_EQ(stored(), 10u);
  {  // As if the process had ended between the commit and the first attempt.
    auto unstarted = DeliveryQueue::open(*store_, "test", Clock::system(), {}, [](const Delivery&) -> Verdict {
      ADD_FAILURE() << "it was not started";
      return {};
    });
    ASSERT_TRUE((*unstarted)->add({{.lane = "lane", .body = "left"}}));
  }
  open([this](const Delivery& delivery) {
    note(delivery.body);
    return Verdict::done();
  });
  wait_for(1);
  EXPECT_THAT(seen(), ElementsAre("left"));
}

TEST_F(DeliveryQueueTest, ATicketBeginsOnlyAfterItsCommit) {
  open([this](const Delivery& delivery) {
    note(delivery.body);
    return Verdict::done();
  });
  {
    const auto abandoned = queue_->begin({.lane = "lane", .body = "abandoned"});
  }
  auto ticket = queue_->begin({.lane = "lane", .body = "kept"});
  ASSERT_TRUE(store_->commit({ticket.write()}));
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_TRUE(seen().empty());
  ticket.committed();
  wait_for(1);
  EXPECT_THAT(seen(), ElementsAre("kept"));
}

TEST_F(DeliveryQueueTest, ABacklogFarBeyondMemoryIsWorkedOffOnceEach) {
  std::promise<void> gate;
  const std::shared_future<void> opened(gate.get_future());
  std::mutex mutex;
  std::map<std::string, int> times;
  open(
      [&](const Delivery& delivery) {
        opened.wait();
        const std::lock_guard lock(mutex);
        ++times[delivery.body];
        return Verdict::done();
      },
      {.threads = 4, .per_lane = 4, .in_memory = 16});
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w)
    writers.emplace_back([&, w] {
      for (int i = 0; i < 250; ++i) add("lane" + std::to_string(w), std::to_string(w * 1000 + i));
    });
  std::this_thread::sleep_for(milliseconds(20));
  gate.set_value();
  for (auto& writer : writers) writer.join();
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < end) {
    const std::lock_guard lock(mutex);
    if (times.size() == 1000) break;
    std::this_thread::sleep_for(milliseconds(1));
  }
  queue_->stop();
  EXPECT_EQ(times.size(), 1000u);
  for (const auto& [body, count] : times) EXPECT_EQ(count, 1) << body;
  EXPECT_EQ(stored(), 0u);
}

}  // namespace
}  // namespace likeness::domain
