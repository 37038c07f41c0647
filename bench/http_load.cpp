// Sends prepared HTTP/1.1 requests over many connections from one thread, and counts: a client that costs so little
// that what is measured is the server. The requests' file has them one after the other, each behind its length (four
// bytes, little endian); every connection sends its own stretch of them over and over, one at a time.
//
//     http_load PORT CONNECTIONS SECONDS FILE
//
// Prints {"count", "errors", "seconds", "p50_ms", "p99_ms", "mean_ms", "first_error"}; errors are answers other than
// 200.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

std::vector<std::string_view> split(std::string_view all) {
  std::vector<std::string_view> out;
  while (all.size() >= 4) {
    std::uint32_t length = 0;
    std::memcpy(&length, all.data(), 4);
    out.push_back(all.substr(4, length));
    all.remove_prefix(4 + length);
  }
  return out;
}

class Connection {
 public:
  Connection(std::uint16_t port, const std::vector<std::string_view>& requests, std::size_t first)
      : requests_(requests), turn_(first), fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) give_up("connect");
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }

  int fd() const { return fd_; }

  void send_next() {
    std::string_view left = requests_[turn_++ % requests_.size()];
    begun_ = Clock::now();
    answer_.clear();
    while (!left.empty()) {
      const auto sent = send(fd_, left.data(), left.size(), MSG_NOSIGNAL);
      if (sent <= 0) give_up("send");
      left.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// True when the answer is whole.
  bool receive() {
    char buffer[65536];
    const auto got = recv(fd_, buffer, sizeof(buffer), 0);
    if (got <= 0) give_up("the server closed a connection");
    answer_.append(buffer, static_cast<std::size_t>(got));
    const auto end = answer_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    return answer_.size() >= end + 4 + content_length(std::string_view(answer_).substr(0, end));
  }

  bool good() const { return answer_.compare(9, 3, "200") == 0; }
  const std::string& answer() const { return answer_; }
  double milliseconds() const { return std::chrono::duration<double, std::milli>(Clock::now() - begun_).count(); }

 private:
  static std::size_t content_length(std::string_view head) {
    constexpr std::string_view kName = "content-length:";
    const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
    const auto found = std::search(head.begin(), head.end(), kName.begin(), kName.end(), same);
    if (found == head.end()) return 0;
    auto at = head.substr(static_cast<std::size_t>(found - head.begin()) + kName.size());
    while (at.starts_with(' ')) at.remove_prefix(1);
    std::size_t length = 0;
    std::from_chars(at.data(), at.data() + at.size(), length);
    return length;
  }

  const std::vector<std::string_view>& requests_;
  std::size_t turn_;
  const int fd_;
  Clock::time_point begun_{};
  std::string answer_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) {
    std::fprintf(stderr, "http_load PORT CONNECTIONS SECONDS FILE\n");
    return 2;
  }
  const auto port = static_cast<std::uint16_t>(std::atoi(arguments[1]));
  const auto connections = static_cast<std::size_t>(std::atoi(arguments[2]));
  const double seconds = std::atof(arguments[3]);
  std::ifstream file(arguments[4], std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto requests = split(all);
  if (requests.empty() || connections == 0) return 2;

  const int poll = epoll_create1(0);
  std::vector<Connection> everyone;
  everyone.reserve(connections);
  for (std::size_t i = 0; i < connections; ++i) {
    everyone.emplace_back(port, requests, i * requests.size() / connections);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    if (epoll_ctl(poll, EPOLL_CTL_ADD, everyone.back().fd(), &event) != 0) give_up("epoll_ctl");
  }
  std::vector<double> latencies;
  latencies.reserve(1 << 20);
  std::size_t errors = 0;
  std::string first_error;
  const auto begun = Clock::now();
  const auto until = begun + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  for (auto& one : everyone) one.send_next();
  std::size_t waiting = connections;
  std::vector<epoll_event> events(connections);
  while (waiting > 0) {
    const int ready = epoll_wait(poll, events.data(), static_cast<int>(connections), 10'000);
    if (ready <= 0) give_up("no answer in ten seconds");
    for (int i = 0; i < ready; ++i) {
      auto& one = everyone[events[static_cast<std::size_t>(i)].data.u64];
      if (!one.receive()) continue;
      latencies.push_back(one.milliseconds());
      if (!one.good()) {
        if (errors++ == 0) first_error = one.answer().substr(0, 400);
      }
      if (Clock::now() < until)
        one.send_next();
      else
        --waiting;
    }
  }
  const double taken = std::chrono::duration<double>(Clock::now() - begun).count();
  std::sort(latencies.begin(), latencies.end());
  double sum = 0;
  for (const double one : latencies) sum += one;
  const auto at = [&](double part) {
    return latencies[static_cast<std::size_t>(part * static_cast<double>(latencies.size() - 1))];
  };
  std::replace_if(first_error.begin(), first_error.end(), [](char c) { return c < ' ' || c == '"' || c == '\\'; }, ' ');
  std::printf(
      "{\"count\": %zu, \"errors\": %zu, \"seconds\": %.3f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"mean_ms\": %.3f, "
      "\"first_error\": \"%s\"}\n",
      latencies.size(), errors, taken, at(0.5), at(0.99), sum / static_cast<double>(latencies.size()),
      first_error.c_str());
  return 0;
}
