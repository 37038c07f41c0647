#include "functions/peer.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>

#include "base/bytes.hpp"

namespace likeness::functions {
namespace {

std::string table_form(const sockaddr_in& address) {
  return fmt::format("{:08X}:{:04X}", address.sin_addr.s_addr, ntohs(address.sin_port));
}

}  // namespace

Result<PrivateListener> listen_privately() {
  int error = 0;
  for (int attempt = 0; attempt < 8; ++attempt) {
    const Descriptor made(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const Bytes random = random_bytes(3);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(0x7F000000U + (static_cast<std::uint32_t>(random[0]) << 16) +
                                    (static_cast<std::uint32_t>(random[1]) << 8) + 2 + random[2] % 250U);
    socklen_t size = sizeof(address);
    if (!made || ::bind(made.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(made.get(), 16) != 0 || ::getsockname(made.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      error = errno;
      continue;
    }
    PrivateListener listener;
    listener.socket = Descriptor(::fcntl(made.get(), F_DUPFD_CLOEXEC, 10));
    const std::uint32_t ip = ntohl(address.sin_addr.s_addr);
    listener.address =
        fmt::format("{}.{}.{}.{}:{}", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255, ntohs(address.sin_port));
    if (listener.socket) return listener;
  }
  return server_error("WorkerStartFailed", "A worker of the function could not be started.",
                      "listening: " + std::system_category().message(error));
}

std::optional<uid_t> user_in_table(const std::string& table, const std::string& local, const std::string& remote) {
  const std::string wanted = local + " " + remote + " ";
  const std::size_t at = table.find(wanted);
  if (at == std::string::npos) return std::nullopt;
  // sl local remote st tx:rx tr:when retransmits uid
  std::istringstream rest(table.substr(at + wanted.size(), 160));
  std::string state, queues, timer, retransmits;
  uid_t user = 0;
  if (!(rest >> state >> queues >> timer >> retransmits >> user)) return std::nullopt;
  return user;
}

std::optional<uid_t> user_of_peer(int socket) {
  sockaddr_in ours{};
  sockaddr_in its{};
  socklen_t ours_size = sizeof(ours);
  socklen_t its_size = sizeof(its);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&ours), &ours_size) != 0 ||
      ::getpeername(socket, reinterpret_cast<sockaddr*>(&its), &its_size) != 0 || ours.sin_family != AF_INET)
    return std::nullopt;
  std::ifstream file("/proc/net/tcp");
  const std::string table{std::istreambuf_iterator<char>(file), {}};
  return user_in_table(table, table_form(its), table_form(ours));
}

}  // namespace likeness::functions
