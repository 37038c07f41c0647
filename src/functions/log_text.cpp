#include "functions/log_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace likeness::functions {
namespace {

constexpr std::size_t kTail = 4096;
constexpr std::size_t kFrameHead = 16;

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

double milliseconds(std::chrono::microseconds time) { return static_cast<double>(time.count()) / 1000; }

std::string event(std::string_view type, TimePoint now, const std::string& record) {
  return fmt::format(R"({{"time":"{}","type":"{}","record":{{{}}}}})", iso8601_milliseconds(now), type, record);
}

}  // namespace

void LineSplitter::feed(std::string_view bytes, std::vector<std::string>& lines) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, std::min({end, bytes.size(), max_line_ - line_.size()}));
    line_ += part;
    bytes.remove_prefix(part.size());
    const bool ended = !bytes.empty() && bytes.front() == '\n';
    if (!ended && line_.size() < max_line_) continue;
    if (ended) bytes.remove_prefix(1);
    flush(lines);
  }
}

void LineSplitter::flush(std::vector<std::string>& lines) {
  while (!line_.empty() && line_.back() == '\r') line_.pop_back();
  if (line_.empty()) return;
  std::ranges::replace(line_, '\r', '\n');
  lines.push_back(std::move(line_));
  line_.clear();
}

bool FrameReader::feed(std::string_view bytes, std::vector<LogLine>& lines) {
  while (!bytes.empty() && !failed_) {
    if (head_.size() < kFrameHead) {
      const std::size_t take = std::min(kFrameHead - head_.size(), bytes.size());
      head_ += bytes.substr(0, take);
      bytes.remove_prefix(take);
      if (head_.size() < kFrameHead) break;
      const std::string_view head = head_;
      failed_ = big_endian(head.substr(0, 2)) != 0xA55A;
      left_ = big_endian(head.substr(4, 4));
      const auto microseconds = static_cast<std::int64_t>(big_endian(head.substr(8, 8)));
      // A time that no clock shows would not fit where it is kept.
      time_ = TimePoint(std::chrono::microseconds(std::clamp<std::int64_t>(microseconds, 0, 4'102'444'800'000'000)));
    }
    const std::size_t take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    message_ += bytes.substr(0, std::min(take, max_message_ - message_.size()));
    bytes.remove_prefix(take);
    left_ -= take;
    if (left_ > 0) continue;
    while (!message_.empty() && (message_.back() == '\n' || message_.back() == '\r')) message_.pop_back();
    if (!message_.empty()) lines.push_back({time_, std::move(message_)});
    message_.clear();
    head_.clear();
  }
  return !failed_;
}

PlatformLines::PlatformLines(LogFormat format, std::string_view system_level)
    : json_(format == LogFormat::Json),
      level_(system_level == "DEBUG"  ? 0
             : system_level == "WARN" ? 2
                                      : 1) {}

std::string PlatformLines::init_start(const FunctionSpec& function, const std::string& version,
                                      const std::string& version_arn, TimePoint now) const {
  if (!json_) return fmt::format("INIT_START Runtime Version: {}\tRuntime Version ARN: {}", version, version_arn);
  if (level_ > 1) return "";
  return event("platform.initStart", now,
               fmt::format(R"("initializationType":"on-demand","phase":"init","runtimeVersion":{},)"
                           R"("runtimeVersionArn":{},"functionName":{},"functionVersion":{})",
                           json_string(version), json_string(version_arn), json_string(function.name),
                           json_string(function.version)));
}

std::string PlatformLines::init_report(std::chrono::microseconds init, const std::string& status,
                                       const std::string& error_type, TimePoint now) const {
  if (!json_)
    return fmt::format("INIT_REPORT Init Duration: {:.2f} ms\tPhase: init\tStatus: {}{}", milliseconds(init), status,
                       error_type.empty() ? "" : "\tError Type: " + error_type);
  return event("platform.initReport", now,
               fmt::format(R"("initializationType":"on-demand","phase":"init","status":{}{},)"
                           R"("metrics":{{"durationMs":{:.3f}}})",
                           json_string(status), error_type.empty() ? "" : R"(,"errorType":)" + json_string(error_type),
                           milliseconds(init)));
}

std::string PlatformLines::start(const std::string& request_id, const std::string& version, TimePoint now) const {
  if (!json_) return fmt::format("START RequestId: {} Version: {}", request_id, version);
  if (level_ > 1) return "";
  return event("platform.start", now,
               fmt::format(R"("requestId":{},"version":{})", json_string(request_id), json_string(version)));
}

std::string PlatformLines::end(const std::string& request_id, const std::string& status, TimePoint now) const {
  if (!json_) return fmt::format("END RequestId: {}", request_id);
  if (level_ > 0) return "";
  return event("platform.runtimeDone", now,
               fmt::format(R"("requestId":{},"status":{})", json_string(request_id),
                           json_string(status.empty() ? "success" : status)));
}

std::string PlatformLines::report(const Report& report, TimePoint now) const {
  if (!json_) {
    std::string line = fmt::format(
        "REPORT RequestId: {}\tDuration: {:.2f} ms\tBilled Duration: {} ms\tMemory Size: {} MB\t"
        "Max Memory Used: {} MB\t",
        report.request_id, milliseconds(report.duration), report.billed.count(), report.memory_mb,
        report.max_memory_mb);
    if (report.init.count() > 0) line += fmt::format("Init Duration: {:.2f} ms\t", milliseconds(report.init));
    if (!report.status.empty()) line += "Status: " + report.status;
    if (!report.error_type.empty()) line += "\tError Type: " + report.error_type;
    return line;
  }
  if (level_ > 1 && report.status.empty()) return "";
  std::string metrics =
      fmt::format(R"("durationMs":{:.3f},"billedDurationMs":{},"memorySizeMB":{},"maxMemoryUsedMB":{})",
                  milliseconds(report.duration), report.billed.count(), report.memory_mb, report.max_memory_mb);
  if (report.init.count() > 0) metrics += fmt::format(R"(,"initDurationMs":{:.3f})", milliseconds(report.init));
  return event("platform.report", now,
               fmt::format(R"("requestId":{},"metrics":{{{}}},"status":{}{})", json_string(report.request_id), metrics,
                           json_string(report.status.empty() ? "success" : report.status),
                           report.error_type.empty() ? "" : R"(,"errorType":)" + json_string(report.error_type)));
}

std::string error_json(std::string_view type, std::string_view message) {
  return fmt::format(R"({{"errorType":{},"errorMessage":{}}})", json_string(type), json_string(message));
}

std::string error_type_in(std::string_view json) {
  boost::json::error_code error;
  const auto value = boost::json::parse(boost::json::string_view(json.data(), json.size()), error);
  if (error || !value.is_object()) return "";
  const auto* type = value.get_object().if_contains("errorType");
  return type != nullptr && type->is_string() ? std::string(type->get_string()) : "";
}

std::string json_string(std::string_view text) {
  return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

std::string iso8601_milliseconds(TimePoint time) {
  const auto whole = std::chrono::floor<std::chrono::milliseconds>(time);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(whole);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (whole - seconds).count());
}

std::chrono::milliseconds billed(std::chrono::microseconds duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration);
}

std::string log_stream_name(const std::string& version, TimePoint now) {
  return fmt::format("{:%Y/%m/%d}/[{}]{}", fmt::gmtime(std::chrono::system_clock::to_time_t(now)), version,
                     to_hex(random_bytes(16)));
}

void LogTail::add(std::string_view line) {
  text_ += line;
  text_ += '\n';
  // Cut rarely, so that a long log does not move 4 KB for each line.
  if (text_.size() > 4 * kTail) text_.erase(0, text_.size() - kTail);
}

std::string LogTail::text() const { return text_.substr(text_.size() > kTail ? text_.size() - kTail : 0); }

}  // namespace likeness::functions
