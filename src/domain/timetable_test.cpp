#include "domain/timetable.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace likeness::domain {
namespace {

using namespace std::chrono_literals;

/// What was called, and a wait for it.
class Calls {
 public:
  void add(const std::string& name) {
    const std::lock_guard lock(mutex_);
    names_.push_back(name);
    changed_.notify_all();
  }
  std::vector<std::string> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 10s, [&] { return names_.size() >= count; });
    return names_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> names_;
};

TEST(Timetable, CallsInTheOrderOfTheTimes) {
  Calls calls;
  Timetable timetable(Clock::system(), [&](const std::string& name, TimePoint) { calls.add(name); });
  const auto now = Clock::system().now();
  timetable.set("second", now + 40ms);
  timetable.set("first", now + 20ms);
  timetable.set("overdue", now - 1h);
  timetable.start();
  EXPECT_EQ(calls.wait_for(3), (std::vector<std::string>{"overdue", "first", "second"}));
  EXPECT_EQ(timetable.size(), 0u);
}

TEST(Timetable, ATimeCanBeMovedAndTakenBack) {
  Calls calls;
  Timetable timetable(Clock::system(), [&](const std::string& name, TimePoint) { calls.add(name); });
  timetable.start();
  const auto now = Clock::system().now();
  timetable.set("moved", now + 1h);
  timetable.set("gone", now + 10ms);
  timetable.remove("gone");
  timetable.set("moved", now + 30ms);
  EXPECT_EQ(calls.wait_for(1), (std::vector<std::string>{"moved"}));
  timetable.set("never", now + 1h);
  timetable.stop();
  timetable.stop();
}

TEST(Timetable, ACallbackMaySetItsNameAgain) {
  Calls calls;
  Timetable* self = nullptr;
  Timetable timetable(Clock::system(), [&](const std::string& name, TimePoint due) {
    calls.add(name);
    self->set(name, due + 5ms);
  });
  self = &timetable;
  timetable.set("again", Clock::system().now());
  timetable.start();
  EXPECT_GE(calls.wait_for(3).size(), 3u);
}

}  // namespace
}  // namespace likeness::domain
