#include "net/client.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>
#include <utility>

#include "net/response_reader.hpp"
#include "net/server.hpp"

namespace likeness::net {
namespace {

/// False when nothing happened within `timeout`.
bool wait_for(int socket, short events, std::chrono::milliseconds timeout) {
  pollfd entry{socket, events, 0};
  int ready = 0;
  do ready = ::poll(&entry, 1, static_cast<int>(timeout.count()));
  while (ready < 0 && errno == EINTR);
  return ready > 0;
}

}  // namespace

Result<Client> Client::for_endpoint(std::string_view endpoint) { return for_endpoint(endpoint, Options()); }

Result<Client> Client::for_endpoint(std::string_view endpoint, Options options) {
  constexpr std::string_view kScheme = "http://";
  if (endpoint.starts_with("https://"))
    return client_error("InvalidAddress", "https:// endpoints are not supported yet; use http://HOST:PORT.");
  std::string_view rest = endpoint;
  if (rest.starts_with(kScheme)) rest.remove_prefix(kScheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t bracket = rest.rfind(']');
  const bool has_port =
      rest.substr(bracket == std::string_view::npos ? 0 : bracket).find(':') != std::string_view::npos;
  const auto address = parse_host_port(has_port ? std::string(rest) : std::string(rest) + ":80");
  if (!address || address->port == 0 || rest.empty() || rest.starts_with(':'))
    return client_error("InvalidAddress",
                        fmt::format("'{}' is not an endpoint such as http://127.0.0.1:4600.", endpoint));
  return Client(address->host, std::to_string(address->port), std::string(rest), options);
}

Client::Client(std::string host, std::string port, std::string authority, Options options)
    : host_(std::move(host)), port_(std::move(port)), authority_(std::move(authority)), options_(options) {}
Client::~Client() { disconnect(); }
Client::Client(Client&& other) noexcept
    : host_(std::move(other.host_)),
      port_(std::move(other.port_)),
      authority_(std::move(other.authority_)),
      options_(other.options_),
      socket_(std::exchange(other.socket_, -1)) {}
Client& Client::operator=(Client&& other) noexcept {
  if (this == &other) return *this;
  disconnect();
  host_ = std::move(other.host_);
  port_ = std::move(other.port_);
  authority_ = std::move(other.authority_);
  options_ = other.options_;
  socket_ = std::exchange(other.socket_, -1);
  return *this;
}

void Client::disconnect() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

Result<void> Client::connect() {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failed = ::getaddrinfo(host_.c_str(), port_.c_str(), &hints, &found); failed != 0)
    return client_error("ConnectionFailed",
                        fmt::format("The host {} is not known: {}.", host_, ::gai_strerror(failed)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  int error = 0;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    socket_ = ::socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);
    if (socket_ < 0) {
      error = errno;
      continue;
    }
    error = ::connect(socket_, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      error = ETIMEDOUT;
      socklen_t size = sizeof(error);
      if (wait_for(socket_, POLLOUT, options_.connect_timeout))
        ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error == 0) {
      const int on = 1;
      ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      return {};
    }
    disconnect();
  }
  return client_error("ConnectionFailed", fmt::format("Nobody answers at {}: {}.", authority_, std::strerror(error)));
}

Result<void> Client::write(std::string_view data) {
  while (!data.empty()) {
    const ssize_t count = ::send(socket_, data.data(), data.size(), MSG_NOSIGNAL);
    if (count > 0) {
      data.remove_prefix(static_cast<std::size_t>(count));
    } else if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (!wait_for(socket_, POLLOUT, options_.io_timeout))
        return client_error("RequestTimeout", fmt::format("{} takes no more of the request.", authority_));
    } else if (count < 0 && errno != EINTR) {
      return client_error("ConnectionClosed", fmt::format("{} closed the connection.", authority_));
    }
  }
  return {};
}

Result<Response> Client::send(const Request& request) {
  auto begun =
      write_request_head(fmt::format("{} {} HTTP/1.1", request.method, request.target), authority_, request.headers);
  if (!begun) return fail(begun);
  std::string head = std::move(*begun);
  const bool wants_length = !request.body.empty() || request.method == "POST" || request.method == "PUT";
  if (wants_length && !request.headers.contains("Content-Length"))
    fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", request.body.size());
  head += "\r\n";
  // A kept connection may have been closed meanwhile; then nothing of the request was looked at, and one more try is
  // safe.
  for (const bool reused : {socket_ >= 0, false}) {
    if (socket_ < 0)
      if (auto connected = connect(); !connected) return fail(connected);
    auto written = write(head);
    if (written) written = write(as_text(request.body));
    // Also after a failed write: a server that refuses a large body answers before it closes.
    Result<Response> response = receive(request.method == "HEAD");
    if (response) return response;
    disconnect();
    if (!reused || response.error().code != "ConnectionClosed") return response;
  }
  return server_error("ConnectionFailed", "The request could not be sent.");
}

Result<Response> Client::receive(bool head_only) {
  ResponseReader reader(authority_, {.max_body_bytes = options_.max_body_bytes, .head_only = head_only});
  Bytes buffer(64 * 1024);
  bool any = false;
  while (!reader.done()) {
    const ssize_t count = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (count > 0) {
      any = true;
      if (auto fed = reader.feed(as_text(BytesView(buffer).first(static_cast<std::size_t>(count)))); !fed)
        return fail(fed);
    } else if (count == 0) {
      if (!any) return client_error("ConnectionClosed", fmt::format("{} closed the connection.", authority_));
      if (auto ended = reader.end(); !ended) return fail(ended);
      disconnect();
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_for(socket_, POLLIN, options_.io_timeout))
        return client_error("RequestTimeout", fmt::format("{} did not answer in time.", authority_));
    } else if (errno != EINTR) {
      return client_error("ConnectionClosed", fmt::format("{} closed the connection.", authority_));
    }
  }
  if (!reader.reusable()) disconnect();
  return reader.take();
}

}  // namespace likeness::net
