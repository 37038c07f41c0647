#include "domain/change_follower.hpp"

#include <utility>

#include "base/log.hpp"

namespace likeness::domain {

namespace {

constexpr std::size_t kChangesAtOnce = 100;
constexpr std::chrono::milliseconds kLongestWait{200};
constexpr std::chrono::seconds kKeepEvery{1};
constexpr std::string_view kSort = "position";

}  // namespace

Result<std::unique_ptr<ChangeFollower>> ChangeFollower::open(Parts parts) {
  auto made = std::unique_ptr<ChangeFollower>(new ChangeFollower(std::move(parts)));
  const Parts& at = made->parts_;
  auto kept = at.store.get(at.table, {at.name, std::string(kSort)});
  if (!kept) return fail(kept);
  made->position_ = made->kept_ = *kept ? std::stoull(**kept) : at.feed.end();
  if (!*kept)
    if (auto done = at.store.commit({made->write_of(made->position_)}); !done) return fail(done);
  return made;
}

storage::Write ChangeFollower::write_of(std::uint64_t position) const {
  return {.table = parts_.table,
          .key = {parts_.name, std::string(kSort)},
          .value = std::to_string(position),
          .expect = storage::Write::Expect::Anything,
          .expected_value = {}};
}

void ChangeFollower::start(Tell tell) {
  tell_ = std::move(tell);
  thread_ = std::thread([this] { run(); });
}

void ChangeFollower::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void ChangeFollower::run() {
  while (!stopping_) {
    const bool more = parts_.feed.wait(position_, kLongestWait);
    if (stopping_) break;
    Result<void> done;
    if (more) {
      auto page = parts_.feed.read(position_, kChangesAtOnce);
      done = page ? tell_(page->changes, page->next) : Result<void>(fail(page));
      if (done) position_ = page->next;
    }
    if (done) done = keep_and_trim();
    if (!done) {
      log::error("{}: {} {}", parts_.trouble, done.error().message, done.error().detail);
      std::this_thread::sleep_for(kLongestWait);
    }
  }
  if (auto done = keep_and_trim(); !done) log::warn("{}: {}", parts_.trouble, done.error().message);
}

/// Now and then only: nothing is lost if a position behind which nothing was committed is not kept.
Result<void> ChangeFollower::keep_and_trim() {
  const auto now = std::chrono::steady_clock::now();
  if (position_ == trimmed_ || (now - last_kept_ < kKeepEvery && !stopping_)) return {};
  if (position_ != kept_) {
    if (auto done = parts_.store.commit({write_of(position_)}); !done) return done;
    kept_ = position_;
  }
  if (auto done = parts_.feed.trim(kept_); !done) return fail(done);
  trimmed_ = kept_;
  last_kept_ = now;
  return {};
}

}  // namespace likeness::domain
