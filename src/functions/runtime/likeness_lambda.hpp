// A Lambda function in C++ for the runtimes provided.al2 and provided.al2023: this header and nothing else.
//
//     #include "likeness_lambda.hpp"
//     int main() {
//       return likeness_lambda::run([](const likeness_lambda::Event& event) {
//         if (event.payload.empty()) return likeness_lambda::failure("EmptyEvent", "nothing to do");
//         return likeness_lambda::success("{\"bytes\":" + std::to_string(event.payload.size()) + "}");
//       });
//     }
//
// Build it (statically where the function shall run elsewhere too: -static), name it `bootstrap`, zip it. What it
// prints goes to the function's log. C++17, Linux.
#pragma once

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace likeness_lambda {

struct Event {
  std::string payload{};  // JSON
  std::string request_id{};
  std::string invoked_function_arn{};
  std::string client_context{};
  std::string cognito_identity{};
  std::string trace_id{};
  std::chrono::system_clock::time_point deadline{};

  std::chrono::milliseconds remaining() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::system_clock::now());
  }
};

struct Answer {
  bool ok = true;
  std::string payload{};
  std::string content_type = "application/json";
  std::string error_type{};
};

namespace detail {

inline std::string json_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\u%04x", static_cast<unsigned>(byte));
      quoted += escaped;
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

struct Message {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

/// HTTP/1.1 to one host over one connection, as much as the Runtime API needs.
class Connection {
 public:
  explicit Connection(const std::string& authority) : authority_(authority) {
    const std::size_t colon = authority.rfind(':');
    host_ = authority.substr(0, colon);
    port_ = colon == std::string::npos ? "80" : authority.substr(colon + 1);
  }
  ~Connection() { disconnect(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Message send(const std::string& method, const std::string& path, const std::string& headers, std::string_view body) {
    std::string head = method + " /2018-06-01/runtime" + path + " HTTP/1.1\r\nHost: " + authority_ + "\r\n" + headers;
    if (method != "GET") head += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    head += "\r\n";
    // A kept connection may have been closed meanwhile; a new one has not.
    const bool kept = socket_ >= 0;
    if (!kept) connect();
    // In one piece where it is small: a second packet would wake the other side twice.
    if (body.size() <= kSmall) {
      head += body;
      body = {};
    }
    if (!(write(head) && write(body) && receive_head())) {
      if (!kept) throw std::runtime_error("the runtime API does not answer");
      disconnect();
      connect();
      if (!(write(head) && write(body) && receive_head())) throw std::runtime_error("the runtime API does not answer");
    }
    return receive_body();
  }

 private:
  void connect() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host_.c_str(), port_.c_str(), &hints, &found) != 0)
      throw std::runtime_error("no such host: " + host_);
    for (const addrinfo* at = found; at != nullptr && socket_ < 0; at = at->ai_next) {
      socket_ = ::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
      if (socket_ >= 0 && ::connect(socket_, at->ai_addr, at->ai_addrlen) != 0) disconnect();
    }
    ::freeaddrinfo(found);
    if (socket_ < 0) throw std::runtime_error("cannot connect to the runtime API");
    const int yes = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  }
  void disconnect() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
    in_.clear();
  }
  bool write(std::string_view data) {
    while (!data.empty()) {
      const ssize_t count = ::send(socket_, data.data(), data.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      data.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  bool more() {
    char buffer[65536];
    const ssize_t count = ::recv(socket_, buffer, sizeof(buffer), 0);
    if (count <= 0) return false;
    in_.append(buffer, static_cast<std::size_t>(count));
    return true;
  }
  bool receive_head() {
    while (in_.find("\r\n\r\n") == std::string::npos)
      if (!more()) return false;
    return true;
  }
  Message receive_body() {
    Message message;
    const std::size_t end = in_.find("\r\n\r\n");
    const std::string head = in_.substr(0, end + 2);
    in_.erase(0, end + 4);
    message.status = static_cast<int>(
        std::strtol(head.c_str() + std::min<std::size_t>(head.find(' '), head.size() - 1), nullptr, 10));
    for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
      const std::size_t line_end = head.find("\r\n", at);
      const std::size_t colon = head.find(':', at);
      if (colon < line_end) {
        std::string name = head.substr(at, colon - at);
        for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        std::size_t from = colon + 1;
        while (from < line_end && head[from] == ' ') ++from;
        message.headers[name] = head.substr(from, line_end - from);
      }
      at = line_end + 2;
    }
    const auto length = static_cast<std::size_t>(std::strtoull(message.headers["content-length"].c_str(), nullptr, 10));
    while (in_.size() < length)
      if (!more()) throw std::runtime_error("the runtime API broke off");
    message.body = in_.substr(0, length);
    in_.erase(0, length);
    return message;
  }

  static constexpr std::size_t kSmall = 64 * 1024;

  std::string authority_, host_, port_;
  int socket_ = -1;
  std::string in_;
};

}  // namespace detail

inline Answer success(std::string payload, std::string content_type = "application/json") {
  return {true, std::move(payload), std::move(content_type), {}};
}
inline Answer failure(std::string type, const std::string& message) {
  std::string payload = "{\"errorMessage\":" + detail::json_string(message) +
                        ",\"errorType\":" + detail::json_string(type) + ",\"stackTrace\":[]}";
  return {false, std::move(payload), "application/json", std::move(type)};
}

/// Answers events until the environment is ended. An exception of the handler is an error of the function.
inline int run(const std::function<Answer(const Event&)>& handler) {
  const char* api = std::getenv("AWS_LAMBDA_RUNTIME_API");
  if (api == nullptr) {
    std::fputs("AWS_LAMBDA_RUNTIME_API is not set: this program is a Lambda function.\n", stderr);
    return 1;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    detail::Connection connection(api);
    for (;;) {
      detail::Message next = connection.send("GET", "/invocation/next", "", "");
      if (next.status != 200) throw std::runtime_error("the runtime API answered " + std::to_string(next.status));
      Event event;
      event.payload = std::move(next.body);
      event.request_id = next.headers["lambda-runtime-aws-request-id"];
      event.invoked_function_arn = next.headers["lambda-runtime-invoked-function-arn"];
      event.client_context = next.headers["lambda-runtime-client-context"];
      event.cognito_identity = next.headers["lambda-runtime-cognito-identity"];
      event.trace_id = next.headers["lambda-runtime-trace-id"];
      event.deadline = std::chrono::system_clock::time_point(
          std::chrono::milliseconds(std::strtoll(next.headers["lambda-runtime-deadline-ms"].c_str(), nullptr, 10)));
      if (!event.trace_id.empty()) ::setenv("_X_AMZN_TRACE_ID", event.trace_id.c_str(), 1);
      Answer answer;
      try {
        answer = handler(event);
      } catch (const std::exception& thrown) {
        answer = failure("Runtime.UnhandledException", thrown.what());
      } catch (...) {
        answer = failure("Runtime.UnhandledException", "an exception of an unknown type");
      }
      std::fflush(stdout);
      std::string headers = "Content-Type: " + answer.content_type + "\r\n";
      if (!answer.ok) headers += "Lambda-Runtime-Function-Error-Type: " + answer.error_type + "\r\n";
      connection.send("POST", "/invocation/" + event.request_id + (answer.ok ? "/response" : "/error"), headers,
                      answer.payload);
    }
  } catch (const std::exception& thrown) {
    std::fprintf(stderr, "%s\n", thrown.what());
    return 1;
  }
}

}  // namespace likeness_lambda
