#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/http.hpp"

namespace likeness::net {

/// A blocking HTTP/1.1 client for one host: the command line's and the tests'. Keeps its connection open between
/// requests and opens a new one when the server closed it. Not thread-safe: one client a thread.
class Client {
 public:
  struct Options {
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::milliseconds io_timeout{120'000};  // without any byte in either direction
    std::uint64_t max_body_bytes = 256ull * 1024 * 1024;
  };

  /// "http://127.0.0.1:4600": nothing after the port but "/". Errors: "InvalidAddress" (https is named as not yet
  /// there).
  static Result<Client> for_endpoint(std::string_view endpoint);
  static Result<Client> for_endpoint(std::string_view endpoint, Options options);

  ~Client();
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;

  /// Sends `request`; Host, Content-Length and Connection are added where missing. The body must be in `request.body`.
  /// Errors: "ConnectionFailed" (nobody answers there), "ConnectionClosed", "RequestTimeout", "BadResponse",
  /// "InvalidHeader".
  Result<Response> send(const Request& request);

  /// "127.0.0.1:4600": what belongs into Host, and into a signature.
  const std::string& authority() const { return authority_; }

 private:
  Client(std::string host, std::string port, std::string authority, Options options);
  Result<void> connect();
  Result<void> write(std::string_view data);
  Result<Response> receive(bool head_only);
  void disconnect();

  std::string host_, port_, authority_;
  Options options_;
  int socket_ = -1;
};

}  // namespace likeness::net
