#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace likeness::net::testing {

/// A client that sends exactly the bytes it is told to, right or wrong. For tests.
class RawSocket {
 public:
  explicit RawSocket(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~RawSocket() { close(); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  bool connected() const { return connected_; }
  int descriptor() const { return socket_; }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  void half_close() { ::shutdown(socket_, SHUT_WR); }

  /// False if the server had closed the connection.
  bool send(std::string_view data) {
    while (!data.empty()) {
      const ssize_t count = ::send(socket_, data.data(), data.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      data.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  /// What arrives until `until` has been seen, the connection ends or time is up.
  std::string read_until(std::string_view until, std::chrono::milliseconds timeout = std::chrono::seconds(10)) {
    const auto end = std::chrono::steady_clock::now() + timeout;
    while (received_.find(until) == std::string::npos && !closed_) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      pollfd entry{socket_, POLLIN, 0};
      if (left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) <= 0) break;
      char buffer[16384];
      const ssize_t count = ::recv(socket_, buffer, sizeof(buffer), 0);
      if (count <= 0)
        closed_ = true;
      else
        received_.append(buffer, static_cast<std::size_t>(count));
    }
    const std::size_t found = received_.find(until);
    const std::size_t length = found == std::string::npos ? received_.size() : found + until.size();
    const std::string taken = received_.substr(0, length);
    received_.erase(0, length);
    return taken;
  }
  /// Everything until the server closes; sets closed().
  std::string read_all(std::chrono::milliseconds timeout = std::chrono::seconds(10)) {
    return read_until(std::string_view("\0\xFF no such text", 15), timeout);
  }
  /// A head and a body of the announced length.
  std::string read_response() {
    std::string head = read_until("\r\n\r\n");
    const std::size_t at = head.find("Content-Length: ");
    std::size_t length = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    while (received_.size() < length && !closed_) {
      char buffer[16384];
      const ssize_t count = ::recv(socket_, buffer, sizeof(buffer), 0);
      if (count <= 0)
        closed_ = true;
      else
        received_.append(buffer, static_cast<std::size_t>(count));
    }
    head += received_.substr(0, length);
    received_.erase(0, length);
    return head;
  }
  bool closed() const { return closed_; }

 private:
  int socket_;
  bool connected_ = false;
  bool closed_ = false;
  std::string received_;
};

}  // namespace likeness::net::testing
