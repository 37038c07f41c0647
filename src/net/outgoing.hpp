#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/http.hpp"

/// Connections that the server opens to others: to the endpoints of subscribers, to a mail server. Blocking.
namespace likeness::net {

struct OutgoingOptions {
  /// Without this only addresses of the public internet are connected to: a subscriber cannot make the server reach
  /// into the network that it stands in.
  bool private_addresses = false;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds io_timeout{15'000};     // without any byte in either direction
  std::chrono::milliseconds whole_timeout{60'000};  // from the first byte to the last, however they drip
  std::string trusted;                              // PEM file of authorities; empty: the system's
};

/// Whether an address ("10.0.0.1", "::1") is one that anybody may be sent to: neither loopback nor of a private,
/// link-local, shared or reserved network.
bool is_public_address(std::string_view address);

/// One connection, used by one thread at a time.
class Outgoing {
 public:
  /// Errors: "ConnectionFailed", "AddressRefused" (not public).
  static Result<Outgoing> connect(const std::string& host, const std::string& port, const OutgoingOptions& options);
  /// Over a socket that is connected already, which it owns from now on. For tests.
  static Outgoing over(int socket, const OutgoingOptions& options);
  Outgoing(Outgoing&& other) noexcept;
  Outgoing& operator=(Outgoing&&) = delete;
  ~Outgoing();

  /// The other side has to show a certificate for `host`, and must not have said more than was read. Error
  /// "ConnectionFailed".
  Result<void> start_tls(const std::string& host);
  Result<void> write(std::string_view data);
  /// 0 at the end. Errors: "ConnectionClosed", "RequestTimeout".
  Result<std::size_t> read(std::span<char> into);
  /// Without its line end; at most 8 KiB.
  Result<std::string> read_line();

 private:
  struct State;
  explicit Outgoing(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct Url {
  bool secure = false;
  std::string host;            // without brackets
  std::string port;            // "443"
  std::string authority;       // as it stands in the URL, without user and password
  std::string target;          // path and query, at least "/"
  std::string user, password;  // percent-decoded
};
/// Of http:// and https:// URLs. Error "InvalidAddress".
Result<Url> parse_url(std::string_view url);

/// POSTs and reads the answer's status, headers and what came with them of its body. Follows no redirect. Errors: those
/// of the connection, "InvalidHeader", "BadResponse".
Result<Response> post(const Url& url, const Headers& headers, std::string_view body, const OutgoingOptions& options);

}  // namespace likeness::net
