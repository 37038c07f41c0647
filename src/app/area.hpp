#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "net/http.hpp"

namespace likeness {
class Clock;
class Metrics;
namespace config {
struct Settings;
}
namespace storage {
class Store;
class Blobs;
class Log;
}  // namespace storage
namespace aws {
class Gateway;
class LocalCalls;
class CredentialSource;
class Authorizer;
}  // namespace aws
namespace identity {
class Directory;
class Sessions;
class ServiceRoles;
}  // namespace identity
namespace domain {
class ChangeFeed;
}
namespace objects {
class ObjectStore;
}
namespace s3 {
class S3;
}
namespace eventbridge {
class Dispatcher;
}
namespace logs {
class Sink;
}
namespace metrics {
class Recorder;
}
}  // namespace likeness

namespace likeness::app {

class Health;

/// Where the server is to be reached, known once it listens: "http://127.0.0.1:4600". Thread-safe.
class OwnAddress {
 public:
  void set(std::string url) {
    const std::lock_guard lock(mutex_);
    url_ = std::move(url);
  }
  /// Empty before the server listens.
  std::string get() const {
    const std::lock_guard lock(mutex_);
    return url_;
  }

 private:
  mutable std::mutex mutex_;
  std::string url_;
};

/// Requests that no AWS model knows: links in mails, function URLs, pages under /_likeness/. Filled while the areas
/// open, read-only afterwards.
struct RawPage {
  std::string name;                                          // for the access log: "outbox"
  std::function<bool(const net::Request&)> matches;          // must not block
  std::function<net::Response(const net::Request&)> answer;  // on a pool, may block
  bool waits = false;                                        // for long: on the pool of requests that wait
};

/// What the areas of the server are made of. All of it outlives them.
struct Wiring {
  const config::Settings& settings;
  const std::filesystem::path& data;
  const Clock& clock;
  Metrics& metrics;
  Health& health;
  const OwnAddress& address;

  storage::Store& store;
  storage::Blobs& blobs;
  storage::Log& log;

  const identity::Directory& identities;
  const identity::Sessions& sessions;
  const identity::ServiceRoles& roles;
  const aws::CredentialSource& credentials;  // to check signatures outside of the gateway
  const aws::Authorizer& authorizer;         // and what their owners may

  objects::ObjectStore& objects;
  s3::S3& s3;
  domain::ChangeFeed& object_changes;

  aws::Gateway& gateway;  // to add services to
  const aws::LocalCalls& calls;
  std::vector<RawPage>& pages;

  // Set by the area of logs and metrics, which opens first; null without it.
  logs::Sink* log_sink = nullptr;
  metrics::Recorder* recorder = nullptr;
  // Set by the area of events: the bus, for those that open after it, and for all once the server runs.
  eventbridge::Dispatcher* dispatcher = nullptr;
};

/// A group of services with the threads behind them. Made by `static Result<std::unique_ptr<Area>> open(Wiring&)`,
/// which registers its services and may read the store; nothing runs in the background before `start`.
class Area {
 public:
  virtual ~Area() = default;
  Area() = default;
  Area(const Area&) = delete;
  Area& operator=(const Area&) = delete;

  /// The server takes requests: work that was left over may go on.
  virtual void start() {}
  /// The server is about to stop: ends what waits, begins nothing new, and returns when its threads have ended. Areas
  /// stop in the reverse order of their opening, maybe twice; calls into the others fail or work, but return.
  virtual void stop() {}
};

}  // namespace likeness::app
