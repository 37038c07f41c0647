// A mail server's replies: whatever it says, the conversation ends, a mail is handed over only where each step was
// granted, and passwords are not told without TLS.

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "net/smtp.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace likeness;  // NOLINT(google-build-using-namespace)
  if (size < 1 || size > 20'000) return 0;
  const auto check = [](bool holds) {
    if (!holds) std::abort();
  };
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) std::abort();
  // All that it will ever say is there from the start.
  check(::send(ends[1], data + 1, size - 1, MSG_NOSIGNAL) == static_cast<ssize_t>(size - 1));
  ::shutdown(ends[1], SHUT_WR);

  const bool local = data[0] % 2 == 0;
  const net::SmtpServer server{.secure = false,
                               .host = local ? "127.0.0.1" : "mail.example.org",
                               .port = "25",
                               .user = "user",
                               .password = data[0] % 4 < 2 ? "secret" : ""};
  net::OutgoingOptions options;
  options.trusted = "/nowhere";  // TLS ends where it would begin
  const auto sent =
      net::hand_over(net::Outgoing::over(ends[0], options), server, {"from@x.org", "to@y.org", "Subject: s\n\n.\nend"});
  std::string heard;
  std::array<char, 4096> piece{};
  for (ssize_t count = 0; (count = ::recv(ends[1], piece.data(), piece.size(), 0)) > 0;)
    heard.append(piece.data(), static_cast<std::size_t>(count));
  ::close(ends[1]);

  const bool told = heard.find("AUTH") != std::string::npos;
  check(local || !told);
  if (sent) {
    check(local && told);
    const auto end = heard.find("\r\n.\r\n");
    check(end != std::string::npos && heard.find("DATA\r\n") < end);
    check(heard.substr(end + 5) == "QUIT\r\n");
  } else {
    check(!sent.error().code.empty() && sent.error().message.size() < 9000);
  }
  return 0;
}
