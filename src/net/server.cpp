#include "net/server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "net/listener.hpp"
#include "net/loop.hpp"

namespace likeness::net {

using std::chrono::milliseconds;

class Server::Impl {
 public:
  Impl(ServerOptions options, Handlers handlers, WorkPool& pool, ElasticPool* waiting)
      : shared_{std::move(options), std::move(handlers), pool, waiting, {}, {}, {}, 0} {
    const auto count = std::max(1u, shared_.options.io_threads);
    loops_.reserve(count);
    for (unsigned i = 0; i < count; ++i) loops_.push_back(std::make_unique<Loop>(shared_));
  }
  ~Impl() { drain(milliseconds(0)); }

  Result<void> listen();
  void run();
  bool drain(milliseconds deadline);
  Result<void> use_identity(const TlsIdentity& identity);

  Shared shared_;
  std::unique_ptr<Listener> plain_, secure_;

 private:
  /// The connections go round the loops.
  Loop& next_loop() { return *loops_[next_++ % loops_.size()]; }
  std::shared_ptr<const TlsContext> tls() {
    const std::lock_guard lock(tls_mutex_);
    return tls_;
  }

  std::vector<std::unique_ptr<Loop>> loops_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex tls_mutex_;
  std::shared_ptr<const TlsContext> tls_;
  bool drained_ = false;
};

Result<void> Server::Impl::listen() {
  const ServerOptions& options = shared_.options;
  auto plain = Listener::open(options.host, options.port, "--listen");
  if (!plain) return fail(plain);
  plain_ = std::move(*plain);
  if (!options.secure) return {};
  if (auto fine = use_identity(options.secure->identity); !fine) return fine;
  auto secure = Listener::open(options.secure->host, options.secure->port, "--tls-listen");
  if (!secure) return fail(secure);
  secure_ = std::move(*secure);
  return {};
}

Result<void> Server::Impl::use_identity(const TlsIdentity& identity) {
  auto context = TlsContext::open(identity);
  if (!context) return fail(context);
  const std::lock_guard lock(tls_mutex_);
  tls_ = std::move(*context);
  return {};
}

void Server::Impl::run() {
  for (std::size_t i = 0; i < loops_.size(); ++i) loops_[i]->start(fmt::format("io-{}", i));
  plain_->start("accept", [this](int socket) { next_loop().adopt(socket, nullptr); });
  if (secure_) secure_->start("accept-tls", [this](int socket) { next_loop().adopt(socket, tls()); });
}

bool Server::Impl::drain(milliseconds deadline) {
  if (drained_) return true;
  drained_ = true;
  if (plain_) plain_->stop();
  if (secure_) secure_->stop();
  for (const auto& loop : loops_) loop->drain();
  bool whole = true;
  {
    std::unique_lock lock(shared_.mutex);
    const auto nobody = [this] { return shared_.alive == 0; };
    whole = shared_.changed.wait_for(lock, deadline, nobody);
    if (!whole) log::warn("{} connections were still busy at the end of the drain time and are cut", shared_.alive);
  }
  // Posted even when nobody is left: it also waits for connections that were accepted at the last moment.
  for (const auto& loop : loops_) loop->cut();
  {
    std::unique_lock lock(shared_.mutex);
    shared_.changed.wait(lock, [this] { return shared_.alive == 0; });
  }
  for (const auto& loop : loops_) loop->stop();
  for (const auto& loop : loops_) loop->join();
  return whole;
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Handlers handlers, WorkPool& pool,
                                              ElasticPool* waiting) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(handlers), pool, waiting);
  auto listening = impl->listen();
  if (!listening) return fail(listening);
  impl->run();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::uint16_t Server::port() const { return impl_->plain_->port(); }
const std::string& Server::address() const { return impl_->plain_->address(); }
std::uint16_t Server::secure_port() const { return impl_->secure_ ? impl_->secure_->port() : 0; }
std::string Server::secure_address() const { return impl_->secure_ ? impl_->secure_->address() : std::string(); }
Result<void> Server::use_identity(const TlsIdentity& identity) { return impl_->use_identity(identity); }
bool Server::drain(milliseconds deadline) { return impl_->drain(deadline); }

ServerStats Server::stats() const {
  const Counters& c = impl_->shared_.counters;
  return {c.accepted,  c.turned_away, c.requests, c.refused,  c.timeouts,         c.bytes_in,
          c.bytes_out, c.connections, c.idle,     c.gathered, c.failed_handshakes};
}

}  // namespace likeness::net
