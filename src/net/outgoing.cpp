#include "net/outgoing.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "net/response_reader.hpp"

namespace likeness::net {
namespace {

constexpr std::size_t kMostLine = 8192;

bool wait_for(int socket, short events, std::chrono::milliseconds timeout) {
  pollfd entry{socket, events, 0};
  int ready = 0;
  do ready = ::poll(&entry, 1, static_cast<int>(timeout.count()));
  while (ready < 0 && errno == EINTR);
  return ready > 0;
}

bool is_public_v4(std::uint32_t a) {
  struct Network {
    std::uint32_t address;
    int bits;
  };
  // RFC 6890 and its successors.
  static constexpr Network kReserved[] = {{0x00000000, 8},  {0x0A000000, 8},  {0x64400000, 10}, {0x7F000000, 8},
                                          {0xA9FE0000, 16}, {0xAC100000, 12}, {0xC0000000, 24}, {0xC0000200, 24},
                                          {0xC0A80000, 16}, {0xC6120000, 15}, {0xC6336400, 24}, {0xCB007100, 24},
                                          {0xE0000000, 4},  {0xF0000000, 4},  {0xC0586300, 24}};
  for (const auto& [network, bits] : kReserved)
    if (((a ^ network) >> (32 - bits)) == 0) return false;
  return true;
}

bool is_public_v6(const in6_addr& address) {
  const auto* b = address.s6_addr;
  // Addresses of the fourth version in other clothes are what they stand for.
  const auto v4 = [&](int at) {
    return static_cast<std::uint32_t>(b[at]) << 24 | static_cast<std::uint32_t>(b[at + 1]) << 16 |
           static_cast<std::uint32_t>(b[at + 2]) << 8 | static_cast<std::uint32_t>(b[at + 3]);
  };
  static constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  static constexpr std::array<unsigned char, 12> kTranslated = {0x00, 0x64, 0xff, 0x9b};
  if (std::memcmp(b, kMapped.data(), 12) == 0 || std::memcmp(b, kTranslated.data(), 12) == 0)
    return is_public_v4(v4(12));
  if (b[0] == 0x20 && b[1] == 0x02) return is_public_v4(v4(2));             // 6to4
  if ((b[0] & 0xe0) != 0x20) return false;                                  // 2000::/3 is what is global
  if (b[0] == 0x20 && b[1] == 0x01 && (b[2] & 0xfe) == 0x00) return false;  // 2001::/23: Teredo and others
  return !(b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x0d && b[3] == 0xb8);   // documentation
}

bool is_public(const sockaddr* address) {
  if (address->sa_family == AF_INET)
    return is_public_v4(ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr));
  return address->sa_family == AF_INET6 && is_public_v6(reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
}

int connect_to(const addrinfo& to, std::chrono::milliseconds timeout, int& error) {
  const int socket = ::socket(to.ai_family, to.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to.ai_protocol);
  if (socket < 0) {
    error = errno;
    return -1;
  }
  error = ::connect(socket, to.ai_addr, to.ai_addrlen) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    error = ETIMEDOUT;
    socklen_t size = sizeof(error);
    if (wait_for(socket, POLLOUT, timeout)) ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (error != 0) {
    ::close(socket);
    return -1;
  }
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return socket;
}

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSession {
  void operator()(SSL* session) const { SSL_free(session); }
};

}  // namespace

bool is_public_address(std::string_view address) {
  const std::string text(address);
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return is_public_v4(ntohl(v4.s_addr));
  in6_addr v6{};
  return inet_pton(AF_INET6, text.c_str(), &v6) == 1 && is_public_v6(v6);
}

struct Outgoing::State {
  OutgoingOptions options;
  std::string peer;  // "HOST:PORT", for messages
  std::chrono::steady_clock::time_point deadline;
  int socket = -1;
  std::unique_ptr<SSL_CTX, FreeContext> context;
  std::unique_ptr<SSL, FreeSession> session;
  std::string held;  // read, not yet asked for

  ~State() {
    if (socket >= 0) ::close(socket);
  }

  /// False when nothing happened for too long, or the whole has taken too long.
  bool wait(short events) const {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    return left.count() > 0 && wait_for(socket, events, std::min(left, options.io_timeout));
  }

  /// Waits for what the session asks for after `result`. False when it cannot go on.
  Result<bool> again(int result) const {
    const int reason = SSL_get_error(session.get(), result);
    if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) return false;
    if (!wait(reason == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT))
      return client_error("RequestTimeout", fmt::format("{} did not answer in time.", peer));
    return true;
  }
};

Outgoing::Outgoing(std::unique_ptr<State> state) : state_(std::move(state)) {}
Outgoing::Outgoing(Outgoing&&) noexcept = default;
Outgoing::~Outgoing() = default;

Result<Outgoing> Outgoing::connect(const std::string& host, const std::string& port, const OutgoingOptions& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  state->peer = host + ":" + port;
  state->deadline = std::chrono::steady_clock::now() + options.whole_timeout;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failed = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); failed != 0)
    return client_error("ConnectionFailed", fmt::format("The host {} is not known: {}.", host, ::gai_strerror(failed)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  int error = 0;
  bool any = false;
  for (const addrinfo* at = found; at != nullptr && state->socket < 0; at = at->ai_next) {
    // What was looked up is what is connected to: a name cannot change its meaning in between.
    if (!options.private_addresses && !is_public(at->ai_addr)) continue;
    any = true;
    state->socket = connect_to(*at, options.connect_timeout, error);
  }
  if (!any)
    return client_error("AddressRefused",
                        fmt::format("{} has no public address, and others are not connected to.", host));
  if (state->socket < 0)
    return client_error("ConnectionFailed",
                        fmt::format("Nobody answers at {}: {}.", state->peer, std::strerror(error)));
  return Outgoing(std::move(state));
}

Outgoing Outgoing::over(int socket, const OutgoingOptions& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  state->peer = "the other side";
  state->deadline = std::chrono::steady_clock::now() + options.whole_timeout;
  state->socket = socket;
  return Outgoing(std::move(state));
}

Result<void> Outgoing::start_tls(const std::string& host) {
  State& state = *state_;
  const auto failed = [&](std::string_view why) {
    ERR_clear_error();
    return client_error("ConnectionFailed", fmt::format("No secure connection to {}: {}.", state.peer, why));
  };
  // It came in the clear, so anybody can have said it, and must not be taken for a part of the secure conversation.
  if (!state.held.empty()) return failed("the other side spoke before its turn");
  state.context.reset(SSL_CTX_new(TLS_client_method()));
  if (!state.context) return failed("out of memory");
  SSL_CTX_set_min_proto_version(state.context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(state.context.get(), SSL_VERIFY_PEER, nullptr);
  const bool trusted =
      state.options.trusted.empty()
          ? SSL_CTX_set_default_verify_paths(state.context.get()) == 1
          : SSL_CTX_load_verify_locations(state.context.get(), state.options.trusted.c_str(), nullptr) == 1;
  if (!trusted) return failed("the trusted authorities cannot be read");
  state.session.reset(SSL_new(state.context.get()));
  SSL* session = state.session.get();
  if (session == nullptr || SSL_set_fd(session, state.socket) != 1) return failed("out of memory");
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  const bool is_address =
      inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 || inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
  if (is_address) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str());
  } else {
    SSL_set_tlsext_host_name(session, host.c_str());
    SSL_set1_host(session, host.c_str());
  }
  while (true) {
    const int done = SSL_connect(session);
    if (done == 1) return {};
    auto again = state.again(done);
    if (!again) return fail(again);
    if (*again) continue;
    const long verified = SSL_get_verify_result(session);
    return failed(verified == X509_V_OK ? "the other side does not speak TLS"
                                        : X509_verify_cert_error_string(verified));
  }
}

Result<void> Outgoing::write(std::string_view data) {
  State& state = *state_;
  while (!data.empty()) {
    ssize_t count = 0;
    if (state.session) {
      count =
          SSL_write(state.session.get(), data.data(), static_cast<int>(std::min<std::size_t>(data.size(), 1 << 20)));
      if (count <= 0) {
        auto again = state.again(static_cast<int>(count));
        if (!again) return fail(again);
        if (*again) continue;
        ERR_clear_error();
        return client_error("ConnectionClosed", fmt::format("{} closed the connection.", state.peer));
      }
    } else {
      count = ::send(state.socket, data.data(), data.size(), MSG_NOSIGNAL);
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        if (!state.wait(POLLOUT)) return client_error("RequestTimeout", fmt::format("{} takes no more.", state.peer));
        continue;
      }
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return client_error("ConnectionClosed", fmt::format("{} closed the connection.", state.peer));
    }
    data.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::size_t> Outgoing::read(std::span<char> into) {
  State& state = *state_;
  if (!state.held.empty()) {
    const auto count = std::min(into.size(), state.held.size());
    std::copy_n(state.held.begin(), count, into.begin());
    state.held.erase(0, count);
    return count;
  }
  while (true) {
    if (state.session) {
      const int count = SSL_read(state.session.get(), into.data(), static_cast<int>(into.size()));
      if (count > 0) return static_cast<std::size_t>(count);
      if (SSL_get_error(state.session.get(), count) == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
      auto again = state.again(count);
      if (!again) return fail(again);
      if (*again) continue;
      ERR_clear_error();
      return std::size_t{0};
    }
    const ssize_t count = ::recv(state.socket, into.data(), into.size(), 0);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!state.wait(POLLIN))
        return client_error("RequestTimeout", fmt::format("{} did not answer in time.", state.peer));
    } else if (errno != EINTR) {
      return client_error("ConnectionClosed", fmt::format("{} closed the connection.", state.peer));
    }
  }
}

Result<std::string> Outgoing::read_line() {
  std::string& held = state_->held;
  std::string line;
  while (true) {
    if (const auto end = held.find('\n'); end != std::string::npos) {
      line = held.substr(0, end);
      held.erase(0, end + 1);
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    if (held.size() > kMostLine) return client_error("BadResponse", "A line of the answer is too long.");
    std::array<char, 2048> bytes{};
    const std::string before = std::exchange(held, {});
    auto count = read(bytes);
    held = before;
    if (!count) return fail(count);
    if (*count == 0) return client_error("ConnectionClosed", fmt::format("{} closed the connection.", state_->peer));
    held.append(bytes.data(), *count);
  }
}

Result<Url> parse_url(std::string_view text) {
  const auto bad = [&] { return client_error("InvalidAddress", fmt::format("'{}' is no URL.", text.substr(0, 256))); };
  Url url;
  if (text.starts_with("https://"))
    url.secure = true;
  else if (!text.starts_with("http://"))
    return bad();
  text.remove_prefix(url.secure ? 8 : 7);
  for (const char c : text)
    if (c <= ' ' || c >= 0x7f) return bad();
  const auto end = text.find_first_of("/?#");
  auto authority = text.substr(0, end);
  auto target = end == std::string_view::npos ? std::string_view() : text.substr(end);
  target = target.substr(0, target.find('#'));
  url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    const auto user = authority.substr(0, at);
    const auto colon = user.find(':');
    url.user = percent_decode(user.substr(0, colon)).value_or("");
    if (colon != std::string_view::npos) url.password = percent_decode(user.substr(colon + 1)).value_or("");
    authority.remove_prefix(at + 1);
  }
  url.authority = authority;
  url.port = url.secure ? "443" : "80";
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return bad();
    url.host = authority.substr(1, close - 1);
    authority.remove_prefix(close + 1);
    if (!authority.empty() && !authority.starts_with(':')) return bad();
    if (authority.size() > 1) url.port = authority.substr(1);
  } else {
    const auto colon = authority.find(':');
    url.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) url.port = authority.substr(colon + 1);
  }
  if (url.host.empty() || url.port.empty() || url.port.find_first_not_of("0123456789") != std::string::npos ||
      url.port.size() > 5)
    return bad();
  return url;
}

Result<Response> post(const Url& url, const Headers& headers, std::string_view body, const OutgoingOptions& options) {
  auto head = write_request_head(fmt::format("POST {} HTTP/1.1", url.target), url.authority, headers);
  if (!head) return fail(head);
  *head += fmt::format("Content-Length: {}\r\nConnection: close\r\n\r\n", body.size());
  auto connection = Outgoing::connect(url.host, url.port, options);
  if (!connection) return fail(connection);
  if (url.secure)
    if (auto secured = connection->start_tls(url.host); !secured) return fail(secured);
  if (auto written = connection->write(*head); !written) return fail(written);
  // Who refuses the body may have answered already.
  (void)connection->write(body);

  // The status is all that counts: however long the body is, it need not be waited for.
  ResponseReader reader(url.authority, {.max_body_bytes = std::numeric_limits<std::uint64_t>::max()});
  std::array<char, 16 * 1024> bytes{};
  while (!reader.head_done()) {
    auto count = connection->read(bytes);
    if (!count) return fail(count);
    const auto fed = *count == 0 ? reader.end() : reader.feed(std::string_view(bytes.data(), *count));
    if (!fed) return Failure(fed.error());
  }
  return reader.take();
}

}  // namespace likeness::net
