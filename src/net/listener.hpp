#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/result.hpp"

namespace likeness::net {

/// A port, and a thread of its own that takes connections on it.
class Listener {
 public:
  /// `taken` gets each connection as a non-blocking socket that it owns from then on; it must not block. Errors:
  /// "AddressInUse", "AddressNotAvailable", "NetworkFailure"; the message names `setting`, which may be changed.
  static Result<std::unique_ptr<Listener>> open(const std::string& host, std::uint16_t port,
                                                const std::string& setting);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void start(const std::string& thread_name, std::function<void(int)> taken);
  /// Closes the port. No connection is handed on after it returned.
  void stop();

  std::uint16_t port() const { return port_; }
  /// "127.0.0.1:4600", "[::1]:4600".
  const std::string& address() const { return address_; }

 private:
  Listener() = default;
  void accept_all(const std::function<void(int)>& taken) const;

  int socket_ = -1;
  int wake_ = -1;  // an eventfd that ends the thread's wait
  std::uint16_t port_ = 0;
  std::string address_;
  std::thread thread_;
};

}  // namespace likeness::net
