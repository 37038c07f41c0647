#include "net/outgoing.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "net/smtp.hpp"

namespace likeness::net {
namespace {

/// A socket that takes connections on a free port of this machine.
struct Listener {
  int socket = -1;
  std::string port;

  static Listener open() {
    Listener out;
    out.socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(out.socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(out.socket, 1), 0);
    socklen_t size = sizeof address;
    ::getsockname(out.socket, reinterpret_cast<sockaddr*>(&address), &size);
    out.port = std::to_string(ntohs(address.sin_port));
    return out;
  }
  Listener() = default;
  Listener(Listener&& other) noexcept : socket(std::exchange(other.socket, -1)), port(std::move(other.port)) {}
  Listener& operator=(Listener&&) = delete;
  ~Listener() {
    if (socket >= 0) ::close(socket);
  }
};

/// A server of one connection that says its lines and keeps what it hears. After each line of the client the next
/// answer; "" waits for the line with a single dot.
class ScriptedServer {
 public:
  ScriptedServer(std::string greeting, std::vector<std::string> answers)
      : greeting_(std::move(greeting)), answers_(std::move(answers)), listener_(Listener::open()) {
    port = listener_.port;
    thread_ = std::thread([this] { run(); });
  }
  ~ScriptedServer() { join(); }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  std::string port;
  std::string heard;

 private:
  void run() {
    const int peer = ::accept(listener_.socket, nullptr, nullptr);
    say(peer, greeting_);
    for (const auto& answer : answers_) {
      const std::string end = answer.starts_with("250 taken") ? "\r\n.\r\n" : answer.starts_with("HTTP") ? "}" : "\n";
      const auto from = heard.size();
      // An end of several characters may have begun with what was heard before.
      while (heard.find(end, end.size() > 1 && from > 4 ? from - 4 : from) == std::string::npos) {
        char bytes[1024];
        const auto count = ::recv(peer, bytes, sizeof bytes, 0);
        if (count <= 0) {
          ::close(peer);
          return;
        }
        heard.append(bytes, static_cast<std::size_t>(count));
      }
      say(peer, answer);
    }
    ::close(peer);
  }
  static void say(int peer, const std::string& text) { (void)::send(peer, text.data(), text.size(), MSG_NOSIGNAL); }

  const std::string greeting_;
  const std::vector<std::string> answers_;
  Listener listener_;
  std::thread thread_;
};

/// Says one byte of `text` after each pause, until the other side has enough of it.
class DrippingServer {
 public:
  DrippingServer(std::string text, std::chrono::milliseconds pause) : listener_(Listener::open()) {
    port = listener_.port;
    thread_ = std::thread([this, text = std::move(text), pause] {
      const int peer = ::accept(listener_.socket, nullptr, nullptr);
      for (const char c : text) {
        if (::send(peer, &c, 1, MSG_NOSIGNAL) != 1) break;
        std::this_thread::sleep_for(pause);
      }
      ::close(peer);
    });
  }
  ~DrippingServer() { thread_.join(); }

  std::string port;

 private:
  Listener listener_;
  std::thread thread_;
};

OutgoingOptions private_too() {
  OutgoingOptions options;
  options.private_addresses = true;
  options.io_timeout = std::chrono::milliseconds(5000);
  return options;
}

TEST(Outgoing, PrivateAddressesAreNone) {
  for (const auto* address : {"127.0.0.1",
                              "10.1.2.3",
                              "172.31.255.255",
                              "192.168.0.1",
                              "169.254.169.254",
                              "100.64.0.1",
                              "0.0.0.0",
                              "224.0.0.1",
                              "255.255.255.255",
                              "::1",
                              "::",
                              "fe80::1",
                              "fc00::1",
                              "fd12::1",
                              "ff02::1",
                              "::ffff:10.0.0.1",
                              "64:ff9b::7f00:1",
                              "2002:7f00:1::",
                              "2001:db8::1",
                              "nonsense"})
    EXPECT_FALSE(is_public_address(address)) << address;
  for (const auto* address : {"8.8.8.8", "172.32.0.1", "1.1.1.1", "2600::1", "::ffff:8.8.8.8"})
    EXPECT_TRUE(is_public_address(address)) << address;
  const auto url = parse_url("http://localhost:9/x");
  ASSERT_TRUE(url);
  EXPECT_EQ(post(*url, {}, "", {}).error().code, "AddressRefused");
}

TEST(Outgoing, UrlsAreTakenApart) {
  const auto url = parse_url("https://ann:a%3Ab@[::1]:8443/path?x=1#fragment");
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, "8443");
  EXPECT_EQ(url->target, "/path?x=1");
  EXPECT_EQ(url->user, "ann");
  EXPECT_EQ(url->password, "a:b");
  EXPECT_EQ(url->authority, "[::1]:8443");
  EXPECT_EQ(parse_url("http://host")->target, "/");
  EXPECT_EQ(parse_url("http://host")->port, "80");
  for (const auto* bad : {"ftp://host/", "http://", "http:///x", "http://a b/", "http://host:port/", "https://[::1/"})
    EXPECT_FALSE(parse_url(bad)) << bad;
}

TEST(Outgoing, PostsAndTellsTheStatus) {
  ScriptedServer server("", {"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"});
  const auto url = parse_url("http://127.0.0.1:" + server.port + "/hook?a=b");
  Headers headers;
  headers.set("Content-Type", "text/plain");
  const auto answer = post(*url, headers, "{\"a\":1}", private_too());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 302);  // and no step further
  server.join();
  EXPECT_THAT(server.heard, testing::StartsWith("POST /hook?a=b HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_THAT(server.heard, testing::EndsWith("Content-Length: 7\r\nConnection: close\r\n\r\n{\"a\":1}"));
}

TEST(Outgoing, PassesOverInterimAnswers) {
  ScriptedServer server("", {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
                             "HTTP/1.1 204 No Content\r\n\r\n"});
  const auto answer = post(*parse_url("http://127.0.0.1:" + server.port), {}, "{}", private_too());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 204);
  EXPECT_FALSE(answer->headers.contains("Link"));
}

TEST(Outgoing, ALongBodyIsNotWaitedFor) {
  // The second answer waits for words that never come: the connection stays open.
  ScriptedServer server("", {"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nabc", "never said"});
  const auto answer = post(*parse_url("http://127.0.0.1:" + server.port), {}, "{}", private_too());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
}

TEST(Outgoing, WhatIsNotHttpIsToldWithoutWaitingForMore) {
  // The second answer waits for words that never come: the connection stays open.
  ScriptedServer server("", {"HTTQ/1.1 200 OK\r\n}", "never said"});
  const auto answer = post(*parse_url("http://127.0.0.1:" + server.port), {}, "", private_too());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "BadResponse");
}

TEST(Outgoing, NoHeaderCanAddAnother) {
  for (const char* value : {"text/plain\r\nX-Evil: 1", "a\nb", "a\rb"}) {
    const auto answer = post(*parse_url("http://127.0.0.1:9/"), {{"Content-Type", value}}, "", private_too());
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, "InvalidHeader");
  }
  EXPECT_EQ(post(*parse_url("http://127.0.0.1:9/"), {{"A: b\r\nC", "d"}}, "", private_too()).error().code,
            "InvalidHeader");
}

TEST(Outgoing, WhoDripsBytesIsNotWaitedFor) {
  DrippingServer server("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'), std::chrono::milliseconds(2));
  auto options = private_too();
  options.whole_timeout = std::chrono::milliseconds(300);
  const auto answer = post(*parse_url("http://127.0.0.1:" + server.port), {}, "", options);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "RequestTimeout");
}

TEST(Smtp, NothingSaidBeforeTlsCountsAsSaidWithinIt) {
  // Who can add to the plain part of the conversation has no part in the secure one.
  ScriptedServer server("220 mail ready\r\n",
                        {"250-mail\r\n250 STARTTLS\r\n", "220 go on\r\n250-mail\r\n250 AUTH PLAIN\r\n", "never said"});
  const auto where = SmtpServer::parse("smtp://user:pass@0.0.0.0:" + server.port);
  ASSERT_TRUE(where);
  const auto sent = send_mail(*where, {"from@x.org", "to@y.org", "x"}, private_too());
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, "ConnectionFailed");
  EXPECT_THAT(sent.error().message, testing::HasSubstr("spoke before"));
}

TEST(Smtp, HandsAMailOver) {
  ScriptedServer server("220 mail ready\r\n", {"250-mail\r\n250 AUTH PLAIN\r\n", "235 ok\r\n", "250 ok\r\n",
                                               "250 ok\r\n", "354 go on\r\n", "250 taken\r\n", "221 bye\r\n"});
  const auto where = SmtpServer::parse("smtp://user:pass@127.0.0.1:" + server.port);
  ASSERT_TRUE(where);
  const auto sent = send_mail(*where, {"from@x.org", "to@y.org", "Subject: s\n\n.dot\nend"}, private_too());
  ASSERT_TRUE(sent) << sent.error().message;
  server.join();
  EXPECT_THAT(server.heard,
              testing::HasSubstr("AUTH PLAIN AHVzZXIAcGFzcw==\r\nMAIL FROM:<from@x.org>\r\nRCPT TO:<to@y.org>"
                                 "\r\nDATA\r\nSubject: s\r\n\r\n..dot\r\nend\r\n.\r\n"));
}

TEST(Smtp, TellsWhatIsRefusedFromWhatIsDelayed) {
  for (const auto& [reply, code] :
       {std::pair{"550 no such user\r\n", "MailRefused"}, {"451 later\r\n", "MailDelayed"}}) {
    ScriptedServer server("220 mail ready\r\n", {"250 mail\r\n", "250 ok\r\n", reply});
    const auto where = SmtpServer::parse("smtp://127.0.0.1:" + server.port);
    const auto sent = send_mail(*where, {"a@x.org", "b@y.org", "x"}, private_too());
    EXPECT_EQ(sent.error().code, code);
  }
  EXPECT_EQ(send_mail(*SmtpServer::parse("smtp://127.0.0.1:1"), {"a@x.org\r\nRCPT TO:<evil@z.org>", "b@y.org", "x"},
                      private_too())
                .error()
                .code,
            "MailRefused");
}

}  // namespace
}  // namespace likeness::net
