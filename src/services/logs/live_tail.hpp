#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "domain/logs/filter_pattern.hpp"
#include "domain/logs/logs.hpp"
#include "net/http.hpp"

namespace likeness::logs {

/// What a live tail shows.
struct TailRequest {
  std::string request_id, account;
  std::vector<std::string> identifiers;  // of its groups, as the caller has them
  std::set<std::string> groups, streams;
  std::vector<std::string> prefixes;  // of streams; neither streams nor prefixes: all
  std::string pattern;
};

/// Sessions that watch events come in. A session gets at most 500 events a second, the rest of the second is left out
/// and it is told so, as on AWS. Thread-safe.
class LiveTail final : public Follower {
 public:
  struct Session;

  LiveTail() = default;
  ~LiveTail() override;

  /// The body of the answer: messages of an event stream, for three hours. Errors: InvalidParameterException (the
  /// pattern), LimitExceededException.
  Result<std::shared_ptr<net::BodyReader>> start(TailRequest request);
  /// Ends all sessions, and those that begin later at once.
  void stop();

  std::shared_ptr<void> prepare(const Arrival&, std::vector<storage::Write>&) override { return nullptr; }
  void done(const Arrival& arrival, const std::shared_ptr<void>&) override;

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<Session>> sessions_;
  bool stopped_ = false;
};

}  // namespace likeness::logs
