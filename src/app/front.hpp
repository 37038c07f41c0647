#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "app/access_log.hpp"
#include "app/area.hpp"
#include "app/health.hpp"
#include "aws/gateway.hpp"
#include "base/metrics.hpp"
#include "net/http.hpp"

namespace likeness::app {

/// The services behind the front, as functions so that tests can stand in for them.
struct Chain {
  std::function<aws::Answer(const net::Request&)> call;
  std::function<aws::Answer(const net::Request&, const Error&)> refuse;
  std::function<bool(const net::Request&)> wants_stream = {};
  std::function<bool(const net::Request&)> waits = {};
  const std::vector<RawPage>* pages = nullptr;  // answered here instead of by a service
};

struct FrontOptions {
  std::string account, region;
  bool metrics = true;
};

/// Where requests leave the network: its own pages under /_likeness/, everything else to the services, and for each
/// request one line in the access log and its metrics. Thread-safe.
class Front {
 public:
  Front(FrontOptions options, Chain chain, const Health& health, Metrics& metrics, AccessLog& access_log);

  /// Whether the request may wait for long, so that it belongs on the pool for those. Does not block.
  bool waits(const net::Request& request) const;
  /// On the work pool.
  net::Response handle(net::Request request);
  /// The server's own pages: on an io thread, so that they answer however busy the services are.
  std::optional<net::Response> immediate(const net::Request& request);
  /// What the network answers by itself: broken HTTP, limits, a full work pool.
  net::Response refuse(const net::Request* request, int status, std::string_view message);

 private:
  net::Response recorded(net::Response response, AccessEntry entry, std::chrono::steady_clock::time_point started);
  const RawPage* raw_page(const net::Request& request) const;
  net::Response own_page(const net::Request& request) const;

  const FrontOptions options_;
  const Chain chain_;
  const Health& health_;
  Metrics& metrics_;
  AccessLog& access_log_;
};

}  // namespace likeness::app
