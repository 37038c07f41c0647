#include <fmt/format.h>

#include <charconv>

#include "net/server.hpp"

namespace likeness::net {

Result<HostPort> parse_host_port(std::string_view text) {
  const auto invalid = [&] {
    return client_error("InvalidAddress",
                        fmt::format("'{}' is not HOST:PORT, such as 127.0.0.1:4600 or [::1]:4600.", text));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return invalid();
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  HostPort result;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), result.port);
  if (error != std::errc() || end != port.data() + port.size()) return invalid();
  if (host.starts_with('[') && host.ends_with(']') && host.size() > 2) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find_first_of(":[]/ ") != std::string_view::npos) {
    return invalid();
  }
  result.host = host.empty() ? "0.0.0.0" : std::string(host);
  return result;
}

}  // namespace likeness::net
