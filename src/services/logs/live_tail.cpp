#include "services/logs/live_tail.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <cstring>
#include <utility>

#include "aws/event_stream.hpp"
#include "base/bytes.hpp"
#include "domain/logs/errors.hpp"

namespace likeness::logs {
namespace {

namespace json = boost::json;
using std::chrono::steady_clock;

constexpr std::size_t kEventsOfASecond = 500;
constexpr std::size_t kMostSessions = 15;
constexpr auto kLasts = std::chrono::hours(3);
constexpr auto kBetween = std::chrono::seconds(1);

json::array list_of(const auto& texts) {
  json::array out;
  for (const auto& text : texts) out.emplace_back(text);
  return out;
}

}  // namespace

struct LiveTail::Session {
  Session(TailRequest asked, FilterPattern compiled) : request(std::move(asked)), pattern(std::move(compiled)) {}

  bool wants(const Arrival& arrival) const {
    if (!request.groups.contains(arrival.group.name)) return false;
    if (request.streams.empty() && request.prefixes.empty()) return true;
    return request.streams.contains(arrival.stream) || std::ranges::any_of(request.prefixes, [&](const auto& prefix) {
             return arrival.stream.starts_with(prefix);
           });
  }

  void take(const Arrival& arrival) {
    if (!wants(arrival)) return;
    const std::lock_guard lock(mutex);
    for (const auto& event : arrival.events) {
      if (!pattern.matches(event.message)) continue;
      if (waiting.size() == kEventsOfASecond) {
        sampled = true;
        return;
      }
      json::object one;
      one["logStreamName"] = arrival.stream;
      one["logGroupIdentifier"] = request.account + ":" + arrival.group.name;
      one["message"] = json::string(event.message.data(), event.message.size());
      one["timestamp"] = event.id.time;
      one["ingestionTime"] = event.id.ingested();
      waiting.emplace_back(std::move(one));
    }
  }

  /// The two messages that a session begins with.
  std::string beginning() const {
    json::object start;
    start["requestId"] = request.request_id;
    start["sessionId"] = uuid_v4();
    start["logGroupIdentifiers"] = list_of(request.identifiers);
    start["logStreamNames"] = list_of(request.streams);
    start["logStreamNamePrefixes"] = list_of(request.prefixes);
    start["logEventFilterPattern"] = request.pattern;
    return aws::write_event("initial-response", "application/json", "{}") +
           aws::write_event("sessionStart", "application/json", json::serialize(start));
  }

  /// What has come since the last time; with mutex held.
  std::string update() {
    json::object metadata;
    metadata["sampled"] = std::exchange(sampled, false);
    json::object out;
    out["sessionMetadata"] = std::move(metadata);
    out["sessionResults"] = std::exchange(waiting, json::array());
    return aws::write_event("sessionUpdate", "application/json", json::serialize(out));
  }

  const TailRequest request;
  const FilterPattern pattern;
  std::mutex mutex;
  std::condition_variable changed;
  json::array waiting;
  bool sampled = false;
  bool ended = false;
};

namespace {

/// Gives an update each second. Ends with its session.
class TailReader final : public net::BodyReader {
 public:
  explicit TailReader(std::shared_ptr<LiveTail::Session> session)
      : session_(std::move(session)), bytes_(session_->beginning()) {}

  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    if (bytes_.empty()) {
      if (last_) return std::size_t{0};
      std::unique_lock lock(session_->mutex);
      const bool ended = session_->changed.wait_until(lock, due_, [&] { return session_->ended; });
      due_ = steady_clock::now() + kBetween;
      bytes_ = session_->update();
      last_ = ended;
      if (steady_clock::now() > until_) {
        bytes_ += aws::write_event_exception("SessionTimeoutException", R"({"message":"The session has timed out."})");
        last_ = true;
      }
    }
    const auto count = std::min(into.size(), bytes_.size());
    std::memcpy(into.data(), bytes_.data(), count);
    bytes_.erase(0, count);
    return count;
  }

 private:
  const std::shared_ptr<LiveTail::Session> session_;
  std::string bytes_;
  steady_clock::time_point due_ = steady_clock::now() + kBetween;
  const steady_clock::time_point until_ = steady_clock::now() + kLasts;
  bool last_ = false;
};

}  // namespace

LiveTail::~LiveTail() { stop(); }

Result<std::shared_ptr<net::BodyReader>> LiveTail::start(TailRequest request) {
  auto pattern = FilterPattern::parse(request.pattern);
  if (!pattern) return fail(pattern);
  auto session = std::make_shared<Session>(std::move(request), std::move(*pattern));
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(sessions_, [](const auto& one) { return one.expired(); });
    if (sessions_.size() >= kMostSessions) return limit_exceeded("There are too many live tail sessions.");
    session->ended = stopped_;
    sessions_.push_back(session);
  }
  return std::static_pointer_cast<net::BodyReader>(std::make_shared<TailReader>(std::move(session)));
}

void LiveTail::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (const auto& one : sessions_) {
    const auto session = one.lock();
    if (session == nullptr) continue;
    {
      const std::lock_guard inner(session->mutex);
      session->ended = true;
    }
    session->changed.notify_all();
  }
}

void LiveTail::done(const Arrival& arrival, const std::shared_ptr<void>&) {
  std::vector<std::shared_ptr<Session>> sessions;
  {
    const std::lock_guard lock(mutex_);
    if (sessions_.empty()) return;
    for (const auto& one : sessions_)
      if (auto session = one.lock()) sessions.push_back(std::move(session));
  }
  for (const auto& session : sessions) session->take(arrival);
}

}  // namespace likeness::logs
