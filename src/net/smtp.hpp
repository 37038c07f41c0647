#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "net/outgoing.hpp"

namespace likeness::net {

struct Mail {
  std::string from;  // address alone
  std::string to;
  std::string data;  // headers, an empty line, the text; lines end with \r\n or \n
};

/// Where mails are handed over: "smtp://USER:PASSWORD@HOST:587" (STARTTLS where the server has it), "smtps://HOST" (TLS
/// from the start, port 465), "smtp://127.0.0.1:25".
struct SmtpServer {
  bool secure = false;
  std::string host;
  std::string port;
  std::string user, password;

  /// Error "InvalidAddress".
  static Result<SmtpServer> parse(std::string_view url);
};

/// Hands one mail over; returns when the server has taken it. Passwords go over TLS only, or to this machine. Errors:
/// "ConnectionFailed", "ConnectionClosed", "RequestTimeout" and "MailDelayed" (try again later), "MailRefused" (do
/// not).
Result<void> send_mail(const SmtpServer& server, const Mail& mail, const OutgoingOptions& options);

/// As send_mail(), over a connection to the server that stands.
Result<void> hand_over(Outgoing connection, const SmtpServer& server, const Mail& mail);

}  // namespace likeness::net
