#include "functions/loop.hpp"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <future>
#include <system_error>
#include <utility>

namespace likeness::functions {

Loop::~Loop() {
  stop();
  if (epoll_ >= 0) ::close(epoll_);
  if (wake_ >= 0) ::close(wake_);
}

Result<void> Loop::start(const std::string& thread_name) {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = 0;
  if (epoll_ < 0 || wake_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0)
    return server_error("NetworkFailure", "Functions cannot be run.",
                        "epoll: " + std::system_category().message(errno));
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), thread_name.substr(0, 15).c_str());
  return {};
}

void Loop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  if (!thread_.joinable()) return;
  [[maybe_unused]] const auto woken = ::eventfd_write(wake_, 1);
  thread_.join();
}

bool Loop::post(std::function<void()> call) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return false;
    first = posted_.empty();
    posted_.push_back(std::move(call));
  }
  if (first) [[maybe_unused]]
    const auto woken = ::eventfd_write(wake_, 1);
  return true;
}

bool Loop::call(const std::function<void()>& call) {
  auto done = std::make_shared<std::promise<void>>();
  auto called = done->get_future();
  if (!post([call, done] {
        call();
        done->set_value();
      }))
    return false;
  // A promise that is dropped with the loop ends the wait as well.
  done.reset();
  called.wait();
  return true;
}

Loop::Token Loop::watch(int descriptor, std::uint32_t events, std::function<void(std::uint32_t)> ready) {
  const Token token = ++last_;
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) return 0;
  watches_.emplace(token, Watch{descriptor, std::make_shared<std::function<void(std::uint32_t)>>(std::move(ready))});
  return token;
}

void Loop::change(Token watch, std::uint32_t events) {
  const auto found = watches_.find(watch);
  if (found == watches_.end()) return;
  epoll_event event{};
  event.events = events;
  event.data.u64 = watch;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, found->second.descriptor, &event);
}

void Loop::forget(Token& watch) {
  const auto found = watches_.find(watch);
  if (found != watches_.end()) {
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, found->second.descriptor, nullptr);
    watches_.erase(found);
  }
  watch = 0;
}

Loop::Token Loop::after(std::chrono::milliseconds delay, std::function<void()> call) {
  const Token token = ++last_;
  const Time when = std::chrono::steady_clock::now() + delay;
  times_.emplace(when, token);
  timers_.emplace(token, std::make_pair(when, std::move(call)));
  return token;
}

void Loop::cancel(Token& timer) {
  const auto found = timers_.find(timer);
  if (found != timers_.end()) {
    const auto [first, last] = times_.equal_range(found->second.first);
    const auto entry = std::find_if(first, last, [&](const auto& time) { return time.second == timer; });
    if (entry != last) times_.erase(entry);
    timers_.erase(found);
  }
  timer = 0;
}

int Loop::until_next_timer() const {
  if (times_.empty()) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(times_.begin()->first - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

void Loop::run_timers() {
  const Time now = std::chrono::steady_clock::now();
  while (!times_.empty() && times_.begin()->first <= now) {
    const Token token = times_.begin()->second;
    times_.erase(times_.begin());
    const auto found = timers_.find(token);
    if (found == timers_.end()) continue;
    const auto call = std::move(found->second.second);
    timers_.erase(found);
    call();
  }
}

void Loop::run_posted() {
  std::vector<std::function<void()>> calls;
  {
    const std::lock_guard lock(mutex_);
    calls.swap(posted_);
  }
  for (const auto& call : calls) call();
}

void Loop::run() {
  std::array<epoll_event, 64> events;
  for (;;) {
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), until_next_timer());
    for (int i = 0; i < count; ++i) {
      const epoll_event event = events[static_cast<std::size_t>(i)];  // a copy: the kernel's is packed
      const std::uint64_t watch = event.data.u64;
      if (watch == 0) {
        eventfd_t ignored = 0;
        ::eventfd_read(wake_, &ignored);
        continue;
      }
      const auto found = watches_.find(watch);
      if (found == watches_.end()) continue;  // forgotten by one before it
      const auto ready = found->second.ready;
      (*ready)(event.events);
    }
    run_posted();
    run_timers();
    const std::lock_guard lock(mutex_);
    if (stopping_ && posted_.empty()) {
      ended_ = true;
      break;
    }
  }
  watches_.clear();
  timers_.clear();
  times_.clear();
}

}  // namespace likeness::functions
