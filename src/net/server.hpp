#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/elastic_pool.hpp"
#include "base/result.hpp"
#include "base/work_pool.hpp"
#include "net/http.hpp"
#include "net/tls.hpp"

namespace likeness::net {

/// A second port, on which TLS is spoken.
struct SecureOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  TlsIdentity identity{};
};

struct ServerOptions {
  std::string host = "127.0.0.1";  // a name or an address; IPv6 without brackets
  std::uint16_t port = 0;          // 0 picks a free one
  std::optional<SecureOptions> secure{};
  unsigned io_threads = 1;
  std::size_t max_connections = 1024;
  std::size_t max_head_bytes = 64 * 1024;
  std::size_t max_head_fields = 200;
  /// Of a body that is gathered before the handler runs; a BodyPlan may say otherwise.
  std::uint64_t max_body_bytes = 32ull * 1024 * 1024;
  /// Of all gathered bodies together: the bound on memory whatever the number of clients.
  std::uint64_t max_gathered_bytes = 1024ull * 1024 * 1024;

  std::chrono::milliseconds idle_timeout{65'000};  // between requests
  std::chrono::milliseconds head_timeout{10'000};  // from the first byte of a head to its end
  /// A body, in either direction, may take this long plus its bytes / min_body_rate; time that the server itself needs
  /// does not count.
  std::chrono::milliseconds body_grace{10'000};
  std::uint64_t min_body_rate = 4096;               // bytes a second
  std::chrono::milliseconds linger_timeout{2'000};  // how long to swallow what a refused client still sends
};

/// What to do with the body of a request, decided on its head.
struct BodyPlan {
  bool stream = false;  // hand it to the handler as Request::stream while it arrives
  bool live = false;    // a stream that may be silent for up to idle_timeout; min_body_rate does not hold
  std::optional<std::uint64_t> max_bytes{};  // instead of max_body_bytes; a stream without it has no limit
};

struct Handlers {
  /// Answers a request. Runs on the work pool and may block. What it throws is answered with 500.
  std::function<Response(Request)> handle;
  /// Answers what must be answered even when the work pool is full. Runs on an io thread: must not block. nullopt
  /// leaves the request to `handle`. Optional.
  std::function<std::optional<Response>(const Request&)> immediate;
  /// Optional; must not block.
  std::function<BodyPlan(const Request&)> plan;
  /// Whether answering a whole request may take long without working (long polls, calls that wait for others): it then
  /// runs on the pool for those, where it keeps nobody from answering. Optional; must not block.
  std::function<bool(const Request&)> waits;
  /// Words an answer that the server gives by itself: 400, 408, 413, 417, 431, 501, 505 (the request broke HTTP or a
  /// limit), 503 (work pool or memory full), 500. `request` is null when there is no whole head. Optional; must not
  /// block. Also told of those answers for logs and metrics.
  std::function<Response(const Request* request, int status, std::string_view message)> refuse;
};

/// Counters since the start, and gauges of now.
struct ServerStats {
  std::uint64_t accepted = 0;
  std::uint64_t turned_away = 0;  // over max_connections
  std::uint64_t requests = 0;     // whole heads
  std::uint64_t refused = 0;      // answered by the server itself
  std::uint64_t timeouts = 0;     // idle, head and body together
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::size_t connections = 0;
  std::size_t idle = 0;  // connections between requests
  std::uint64_t gathered_bytes = 0;
  std::uint64_t failed_handshakes = 0;  // peers that did not get as far as TLS
};

/// An HTTP/1.1 server, of HTTPS too where asked. Takes requests from start() until drain(). The pools must outlive it
/// and must not be stopped before drain() returned.
class Server {
 public:
  /// Errors: "AddressInUse", "AddressNotAvailable", "NetworkFailure", and those of TlsContext::open(); the
  /// message says what to do.
  /// `waiting` takes what Handlers::waits says; null: `pool` takes everything.
  static Result<std::unique_ptr<Server>> start(ServerOptions options, Handlers handlers, WorkPool& pool,
                                               ElasticPool* waiting = nullptr);
  /// Drains with no time left if drain() was not called.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  /// "127.0.0.1:4600", "[::1]:4600".
  const std::string& address() const;
  /// Of the second port; 0 and "" if there is none.
  std::uint16_t secure_port() const;
  std::string secure_address() const;
  /// Another certificate for connections from now on; on an error the last one stays. Those of TlsContext::open().
  Result<void> use_identity(const TlsIdentity& identity);

  /// Takes no new connections, closes the idle ones, lets running requests finish until `deadline` from now and then
  /// cuts the connections. Blocks until that is done and every handler has returned. True if nothing had to be cut.
  bool drain(std::chrono::milliseconds deadline);

  ServerStats stats() const;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Splits "HOST:PORT", "[::1]:4600", ":4600" (every address). Error: "InvalidAddress".
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
Result<HostPort> parse_host_port(std::string_view text);

}  // namespace likeness::net
