#include "net/response_head.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <iterator>

namespace likeness::net {
namespace {

bool is_servers_own(std::string_view name) {
  for (const std::string_view own : {"Content-Length", "Transfer-Encoding", "Connection", "Date"})
    if (equal_ignoring_case(name, own)) return true;
  return false;
}

void append_clean(std::string& out, std::string_view text) {
  for (const char c : text) out.push_back(static_cast<unsigned char>(c) < 0x20 && c != '\t' ? ' ' : c);
}

}  // namespace

std::string write_response_head(const Response& response, const ResponseFraming& framing, std::string_view date) {
  std::string out;
  out.reserve(512);
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status,
                 reason_phrase(response.status), date);
  for (const Header& field : response.headers) {
    if (is_servers_own(field.name) || field.name.empty()) continue;
    append_clean(out, field.name);
    out += ": ";
    append_clean(out, field.value);
    out += "\r\n";
  }
  if (framing.length) fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", *framing.length);
  if (framing.chunked) out += "Transfer-Encoding: chunked\r\n";
  out += framing.keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return out;
}

std::string http_date(TimePoint time) {
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm t{};
  gmtime_r(&seconds, &t);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[static_cast<std::size_t>(t.tm_wday)], t.tm_mday,
                     kMonths[static_cast<std::size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

}  // namespace likeness::net
