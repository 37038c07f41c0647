#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/result.hpp"

namespace likeness::app {

/// How a command reaches the server that runs on a data folder: the socket control.sock in that folder. Whoever may
/// write to the folder may ask, nobody else and nobody over the network: the folder is the server's user's alone, and
/// the other side must be that user or root. One request per connection: a line in, a line out.
class ControlSocket {
 public:
  /// Answers a request; the first word is what to do. Called on the socket's own thread, one request at a time.
  using Handler = std::function<Result<std::string>(std::string_view request)>;

  static Result<std::unique_ptr<ControlSocket>> listen(const std::filesystem::path& folder, Handler handler);
  /// Waits for a request that runs.
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

 private:
  ControlSocket(std::filesystem::path path, int socket, Handler handler);
  void run(const std::stop_token& stop);
  void serve(int connection);

  std::filesystem::path path_;
  int socket_;
  Handler handler_;
  std::jthread thread_;
};

/// Asks the server that runs on `folder`. Errors: "NoServer" (none listens there), or what the server answers.
Result<std::string> ask_server(const std::filesystem::path& folder, const std::string& request);

}  // namespace likeness::app
