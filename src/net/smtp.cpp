#include "net/smtp.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.hpp"

namespace likeness::net {
namespace {

struct Reply {
  int code = 0;
  std::vector<std::string> lines;  // without the code
};

class Session {
 public:
  Session(Outgoing connection, std::string peer) : connection_(std::move(connection)), peer_(std::move(peer)) {}

  Result<Reply> reply() {
    Reply out;
    while (true) {
      auto line = connection_.read_line();
      if (!line) return fail(line);
      const auto read = std::from_chars(line->data(), line->data() + std::min<std::size_t>(3, line->size()), out.code);
      if (read.ec != std::errc() || line->size() < 3 || out.lines.size() > 100)
        return client_error("MailDelayed", fmt::format("{} does not speak SMTP.", peer_));
      out.lines.push_back(line->size() > 4 ? line->substr(4) : std::string());
      if (line->size() == 3 || (*line)[3] != '-') return out;
    }
  }

  Result<Reply> command(std::string text) {
    text += "\r\n";
    if (auto written = connection_.write(text); !written) return fail(written);
    return reply();
  }

  /// As `command`, for those that have to be answered with that hundred.
  Result<Reply> expect(int hundred, const std::string& text) {
    auto answer = command(text);
    if (!answer) return answer;
    if (answer->code / 100 == hundred) return answer;
    return refused(*answer);
  }

  Failure refused(const Reply& reply) const {
    return client_error(reply.code / 100 == 5 ? "MailRefused" : "MailDelayed",
                        fmt::format("{} answers {} {}", peer_, reply.code, reply.lines.front()));
  }

  Outgoing& connection() { return connection_; }

 private:
  Outgoing connection_;
  const std::string peer_;
};

bool offers(const Reply& reply, std::string_view word) {
  return std::ranges::any_of(
      reply.lines, [&](std::string_view line) { return equal_ignoring_case(line.substr(0, line.find(' ')), word); });
}

/// A line that is a single dot would end the mail, and lines end with both characters.
std::string as_data(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 32 + 8);
  bool at_start = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (c == '\n' || c == '\r') {
      out += "\r\n";
      at_start = true;
      continue;
    }
    if (at_start && c == '.') out += '.';
    at_start = false;
    out += c;
  }
  if (!at_start) out += "\r\n";
  return out + ".\r\n";
}

bool is_local(const std::string& host) { return host == "localhost" || host.starts_with("127.") || host == "::1"; }

bool is_one_line(std::string_view text) {
  return std::ranges::none_of(text,
                              [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '<' || c == '>'; });
}

}  // namespace

Result<SmtpServer> SmtpServer::parse(std::string_view text) {
  SmtpServer server;
  server.secure = text.starts_with("smtps://");
  if (!server.secure && !text.starts_with("smtp://"))
    return client_error("InvalidAddress", "A mail server is smtp://HOST:PORT or smtps://HOST:PORT.");
  const auto rest = text.substr(text.find("://") + 3);
  auto url = parse_url("http://" + std::string(rest));
  if (!url) return fail(url);
  server.host = url->host;
  server.port = url->authority.ends_with(":" + url->port) ? url->port : server.secure ? "465" : "25";
  server.user = url->user;
  server.password = url->password;
  return server;
}

Result<void> send_mail(const SmtpServer& server, const Mail& mail, const OutgoingOptions& options) {
  if (!is_one_line(mail.from) || !is_one_line(mail.to))
    return client_error("MailRefused", "An address of the mail is none.");
  auto connection = Outgoing::connect(server.host, server.port, options);
  if (!connection) return fail(connection);
  if (server.secure)
    if (auto secured = connection->start_tls(server.host); !secured) return secured;
  return hand_over(std::move(*connection), server, mail);
}

Result<void> hand_over(Outgoing connection, const SmtpServer& server, const Mail& mail) {
  Session session(std::move(connection), server.host + ":" + server.port);
  auto greeting = session.reply();
  if (!greeting) return fail(greeting);
  if (greeting->code / 100 != 2) return session.refused(*greeting);
  auto hello = session.expect(2, "EHLO likeness");
  if (!hello) return fail(hello);
  bool secure = server.secure;
  if (!secure && offers(*hello, "STARTTLS") && !is_local(server.host)) {
    if (auto begun = session.expect(2, "STARTTLS"); !begun) return fail(begun);
    if (auto secured = session.connection().start_tls(server.host); !secured) return secured;
    secure = true;
    hello = session.expect(2, "EHLO likeness");
    if (!hello) return fail(hello);
  }
  if (!server.user.empty()) {
    if (!secure && !is_local(server.host))
      return client_error("MailRefused", "The mail server has no TLS, so it is not told the password.");
    const std::string plain = '\0' + server.user + '\0' + server.password;
    if (auto known = session.expect(2, "AUTH PLAIN " + to_base64(as_bytes(plain))); !known) return fail(known);
  }
  if (auto from = session.expect(2, "MAIL FROM:<" + mail.from + ">"); !from) return fail(from);
  if (auto to = session.expect(2, "RCPT TO:<" + mail.to + ">"); !to) return fail(to);
  if (auto data = session.expect(3, "DATA"); !data) return fail(data);
  if (auto written = session.connection().write(as_data(mail.data)); !written) return written;
  auto taken = session.reply();
  if (!taken) return fail(taken);
  if (taken->code / 100 != 2) return session.refused(*taken);
  (void)session.command("QUIT");
  return {};
}

}  // namespace likeness::net
