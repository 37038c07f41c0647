#include "app/control.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/log.hpp"

namespace likeness::app {
namespace {

constexpr const char* kName = "control.sock";
constexpr std::size_t kMaxLine = 8u << 20;     // the input or the answer of a call
constexpr int kPatienceMilliseconds = 10'000;  // for a client to send its line

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

/// A socket's name has 107 bytes at most and a folder's may have more: it is named by way of the open folder.
sockaddr_un address_in(int folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = fmt::format("/proc/self/fd/{}/{}", folder, kName);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

/// Up to the end of the line, without it; nullopt if it does not come in time or is too long.
std::optional<std::string> read_line(int connection, int patience) {
  std::string line;
  char buffer[16384];
  while (line.size() < kMaxLine) {
    pollfd ready{connection, POLLIN, 0};
    if (::poll(&ready, 1, patience) <= 0) return std::nullopt;
    const ssize_t count = ::read(connection, buffer, sizeof buffer);
    if (count <= 0) return std::nullopt;
    const std::size_t before = line.size();
    line.append(buffer, static_cast<std::size_t>(count));
    if (const auto end = line.find('\n', before); end != std::string::npos) return line.substr(0, end);
  }
  return std::nullopt;
}

bool write_line(int connection, std::string line) {
  for (char& c : line)
    if (c == '\n') c = ' ';
  line.push_back('\n');
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t count = ::send(connection, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool same_user(int connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == ::geteuid() || peer.uid == 0;
}

}  // namespace

Result<std::unique_ptr<ControlSocket>> ControlSocket::listen(const std::filesystem::path& folder, Handler handler) {
  const auto failed = [&](const char* doing) {
    return server_error("ControlSocket", "The control socket of the data folder cannot be made.",
                        fmt::format("{} in {}: {}", doing, folder.string(), std::strerror(errno)));
  };
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return failed("opening");
  ::unlinkat(directory.get(), kName, 0);  // of a server that was killed: we hold the folder's lock
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return failed("making");
  const sockaddr_un address = address_in(directory.get());
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return failed("binding");
  if (::fchmodat(directory.get(), kName, 0600, 0) != 0) return failed("protecting");
  if (::listen(socket.get(), 8) != 0) return failed("listening");
  return std::unique_ptr<ControlSocket>(new ControlSocket(folder / kName, socket.release(), std::move(handler)));
}

ControlSocket::ControlSocket(std::filesystem::path path, int socket, Handler handler)
    : path_(std::move(path)),
      socket_(socket),
      handler_(std::move(handler)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

ControlSocket::~ControlSocket() {
  thread_.request_stop();
  ::shutdown(socket_, SHUT_RDWR);  // wakes the thread
  thread_.join();
  ::close(socket_);
  ::unlink(path_.c_str());
}

void ControlSocket::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const Descriptor connection(::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC));
    if (connection.get() >= 0) {
      serve(connection.get());
    } else if (errno != EINTR && errno != ECONNABORTED && !stop.stop_requested()) {
      log::warn("the control socket: {}", std::strerror(errno));
      std::this_thread::sleep_for(std::chrono::seconds(1));
    }
  }
}

void ControlSocket::serve(int connection) {
  if (!same_user(connection)) return;
  const auto request = read_line(connection, kPatienceMilliseconds);
  if (!request) return;
  const auto answer = handler_(*request);
  if (!answer && !answer.error().detail.empty())
    log::error("{}: {} {}", request->substr(0, request->find(' ')), answer.error().message, answer.error().detail);
  write_line(connection, answer ? "ok " + *answer : "error " + answer.error().code + " " + answer.error().message);
}

Result<std::string> ask_server(const std::filesystem::path& folder, const std::string& request) {
  const auto nobody = [&] {
    return client_error("NoServer", fmt::format("No server answers on the data folder {}.", folder.string()));
  };
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (directory.get() < 0 || socket.get() < 0) return nobody();
  const sockaddr_un address = address_in(directory.get());
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return nobody();
  if (!write_line(socket.get(), request)) return nobody();
  const auto answer = read_line(socket.get(), -1);  // as long as it takes
  if (!answer) return server_error("NoServer", "The server ended before it answered.");
  if (answer->starts_with("ok ")) return answer->substr(3);
  const std::size_t code = answer->find(' ');
  const std::size_t message = code == std::string::npos ? code : answer->find(' ', code + 1);
  if (message == std::string::npos) return server_error("NoServer", "The server gave no answer that makes sense.");
  return client_error(answer->substr(code + 1, message - code - 1), answer->substr(message + 1));
}

}  // namespace likeness::app
