#include "net/listener.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/log.hpp"

namespace likeness::net {
namespace {

std::string words_of(int error) { return std::system_category().message(error); }

Failure not_opened(int error, const std::string& host, std::uint16_t port, const std::string& setting) {
  if (error == EADDRINUSE)
    return client_error("AddressInUse", fmt::format("Port {} of {} is in use by another program: stop it, or choose "
                                                    "another port with {}.",
                                                    port, host, setting));
  if (error == EACCES)
    return client_error("AddressNotAvailable",
                        fmt::format("Port {} may be opened by root only: choose one above 1023.", port));
  return client_error("AddressNotAvailable", fmt::format("Cannot listen on {}:{}: {}.", host, port, words_of(error)));
}

/// Port and "HOST:PORT" of what a socket is bound to.
std::pair<std::uint16_t, std::string> bound_to(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return {ntohs(v6.sin6_port), fmt::format("[{}]:{}", text.data(), ntohs(v6.sin6_port))};
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
  inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  return {ntohs(v4.sin_port), fmt::format("{}:{}", text.data(), ntohs(v4.sin_port))};
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(const std::string& host, std::uint16_t port,
                                                 const std::string& setting) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); failed != 0)
    return client_error("AddressNotAvailable",
                        fmt::format("The address {} is not known: {}.", host, ::gai_strerror(failed)));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> freed(found, ::freeaddrinfo);

  std::unique_ptr<Listener> listener(new Listener);
  listener->socket_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  listener->wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (listener->socket_ < 0 || listener->wake_ < 0) return not_opened(errno, host, port, setting);
  const int yes = 1;
  if (::setsockopt(listener->socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
      ::bind(listener->socket_, found->ai_addr, found->ai_addrlen) != 0 || ::listen(listener->socket_, SOMAXCONN) != 0)
    return not_opened(errno, host, port, setting);
  std::tie(listener->port_, listener->address_) = bound_to(listener->socket_);
  if (listener->port_ == 0) return server_error("NetworkFailure", "The port is not known.", words_of(errno));
  return listener;
}

Listener::~Listener() {
  stop();
  if (wake_ >= 0) ::close(wake_);
}

void Listener::start(const std::string& thread_name, std::function<void(int)> taken) {
  thread_ = std::thread([this, taken = std::move(taken)] { accept_all(taken); });
  pthread_setname_np(thread_.native_handle(), thread_name.c_str());
}

void Listener::stop() {
  const std::uint64_t one = 1;
  if (thread_.joinable()) {
    // Cannot fail: the counter of an eventfd is far from its end.
    if (::write(wake_, &one, sizeof(one)) != sizeof(one)) log::error("cannot wake the thread of {}", address_);
    thread_.join();
  }
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

void Listener::accept_all(const std::function<void(int)>& taken) const {
  std::array<pollfd, 2> waited = {pollfd{socket_, POLLIN, 0}, pollfd{wake_, POLLIN, 0}};
  constexpr int kPause = 200;  // milliseconds
  while (true) {
    if (::poll(waited.data(), waited.size(), -1) < 0 && errno != EINTR) log::error("poll: {}", words_of(errno));
    if (waited[1].revents != 0) return;
    const int socket = ::accept4(socket_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      taken(socket);
      continue;
    }
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) continue;
    // Out of file descriptors, most likely: clients wait in the backlog meanwhile.
    log::warn("cannot take a connection: {}", words_of(errno));
    if (::poll(&waited[1], 1, kPause) > 0) return;
  }
}

}  // namespace likeness::net
