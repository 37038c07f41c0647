#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.hpp"
#include "functions/process.hpp"

namespace likeness::functions {

/// A listening socket of this machine only, on an address of 127.0.0.0/8 and a port that nobody else has.
struct PrivateListener {
  Descriptor socket;
  std::string address{};  // "127.83.4.201:40123"
};
Result<PrivateListener> listen_privately();

/// Whose process the other end of a connection within this machine is; nothing if that cannot be found out.
std::optional<uid_t> user_of_peer(int socket);

/// The line of /proc/net/tcp that belongs to a socket bound to `local` and connected to `remote` ("0100007F:1F90").
std::optional<uid_t> user_in_table(const std::string& table, const std::string& local, const std::string& remote);

}  // namespace likeness::functions
