#include "net/loop.hpp"

#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <thread>

#include "base/log.hpp"
#include "net/connection.hpp"
#include "net/tls.hpp"

namespace likeness::net {
namespace {

constexpr milliseconds kSweepInterval{250};

}  // namespace

class Loop::Impl {
 public:
  explicit Impl(Shared& shared) : shared_(shared) {}

  void sweep() {
    state_.sweep_timer.expires_after(kSweepInterval);
    state_.sweep_timer.async_wait([this](const ErrorCode& error) {
      if (error || state_.stopping) return;
      const SteadyTime now = steady_clock::now();
      for (Connection* connection : state_.connections) {
        connection->check_deadline(now);
        if (connection->reply_is_over()) connection->notice_reply();
        connection->check_client();
      }
      sweep();
    });
  }

  /// Makes room for one connection by closing the one that has been idle for longest; false if none is idle.
  bool evict_idle() {
    Connection* oldest = nullptr;
    for (Connection* connection : state_.connections)
      if (connection->idle() && (oldest == nullptr || connection->deadline() < oldest->deadline())) oldest = connection;
    if (oldest != nullptr) oldest->close();
    return oldest != nullptr;
  }

  void adopt(int descriptor, const TlsContext* tls) {
    ErrorCode error;
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    const bool v6 =
        ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0 && address.ss_family == AF_INET6;
    Socket socket(state_.context, v6 ? Tcp::v6() : Tcp::v4(), descriptor);
    socket.non_blocking(true, error);
    socket.set_option(Tcp::no_delay(true), error);
    if (shared_.counters.connections >= shared_.options.max_connections && !evict_idle()) {
      ++shared_.counters.turned_away;
      if (tls != nullptr) return;  // nothing can be said before the handshake
      const Response response = shared_.refusal(nullptr, 503, "The server has as many connections as it takes.");
      const std::string head = write_response_head(response, {response.body.size(), false, false}, state_.date_now());
      socket.write_some(asio::buffer(head + response.body), error);
      return;
    }
    SSL* session = tls == nullptr ? nullptr : SSL_new(tls->native());
    if (tls != nullptr && session == nullptr) return log::error("there is no memory for a TLS connection");
    ++shared_.counters.accepted;
    const auto connection = std::make_shared<Connection>(shared_, state_, std::move(socket), session);
    asio::co_spawn(state_.context, Connection::run(connection), asio::detached);
  }

  void run(const std::string& thread_name) {
    sweep();
    thread_ = std::thread([this] { state_.context.run(); });
    pthread_setname_np(thread_.native_handle(), thread_name.c_str());
  }

  void join() {
    // One that was not started has no thread: what was posted is run here.
    if (thread_.joinable())
      thread_.join();
    else
      state_.context.run();
  }

  Shared& shared_;
  LoopState state_;
  std::thread thread_;
};

Loop::Loop(Shared& shared) : impl_(std::make_unique<Impl>(shared)) {}
Loop::~Loop() = default;

void Loop::start(const std::string& thread_name) { impl_->run(thread_name); }

void Loop::adopt(int socket, std::shared_ptr<const TlsContext> tls) {
  asio::post(impl_->state_.context,
             [impl = impl_.get(), socket, tls = std::move(tls)] { impl->adopt(socket, tls.get()); });
}

void Loop::drain() {
  asio::post(impl_->state_.context, [&state = impl_->state_] {
    state.draining = true;
    for (Connection* connection : state.connections)
      if (connection->idle()) connection->close();
  });
}

void Loop::cut() {
  asio::post(impl_->state_.context, [&state = impl_->state_] {
    for (Connection* connection : state.connections) connection->close();
  });
}

void Loop::stop() {
  asio::post(impl_->state_.context, [&state = impl_->state_] {
    state.stopping = true;
    state.sweep_timer.cancel();
    state.work.reset();
  });
}

void Loop::join() { impl_->join(); }

}  // namespace likeness::net
