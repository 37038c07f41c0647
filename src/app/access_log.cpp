#include "app/access_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <string_view>

#include "base/log.hpp"

namespace likeness::app {
namespace {

constexpr std::size_t kMaxQueued = 4 * 1024 * 1024;  // bytes of lines that wait
/// How long the first line waits for others: under load one write then takes many, and waking the thread costs nothing.
constexpr std::chrono::milliseconds kGather{5};

std::string time_with_milliseconds(TimePoint time) {
  std::string text = iso8601(time);
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1000;
  text.insert(text.size() - 1, fmt::format(".{:03}", ms));
  return text;
}

/// With quotes; valid as a JSON string for any bytes, foreign ones replaced.
void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte >= 0x7F) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

bool is_plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text)
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7F) return false;
  return true;
}

/// Writes fields in one of the two forms.
class Line {
 public:
  explicit Line(AccessFormat format) : json_(format == AccessFormat::Json) {
    if (json_) out_.push_back('{');
  }
  void text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    begin(name);
    if (!json_ && is_plain(value))
      out_ += value;
    else
      append_quoted(out_, value);
  }
  void number(std::string_view name, std::uint64_t value) {
    begin(name);
    out_ += std::to_string(value);
  }
  void milliseconds(std::string_view name, double value) {
    begin(name);
    fmt::format_to(std::back_inserter(out_), "{:.2f}", value);
  }
  void flag(std::string_view name) {
    begin(name);
    out_ += "true";
  }
  std::string take() {
    if (json_) out_.push_back('}');
    return std::move(out_);
  }

 private:
  void begin(std::string_view name) {
    if (!first_) out_.push_back(json_ ? ',' : ' ');
    first_ = false;
    if (json_) {
      append_quoted(out_, name);
      out_.push_back(':');
    } else {
      out_ += name;
      out_.push_back('=');
    }
  }
  const bool json_;
  bool first_ = true;
  std::string out_;
};

int open_for_append(const std::string& file) {
  return ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

}  // namespace

std::string format_access(const AccessEntry& entry, AccessFormat format) {
  Line line(format);
  line.text("time", time_with_milliseconds(entry.time));
  line.text("id", entry.request_id);
  line.text("peer", entry.peer);
  line.text("caller", entry.caller);
  line.text("service", entry.service);
  line.text("op", entry.operation);
  line.text("method", entry.operation.empty() ? std::string_view(entry.method) : std::string_view());
  line.text("path", entry.path);
  line.number("status", static_cast<std::uint64_t>(entry.status));
  line.text("error", entry.error);
  line.text("detail", entry.detail);
  line.number("in", entry.bytes_in);
  line.number("out", entry.bytes_out);
  line.milliseconds("wait_ms", entry.wait_ms);
  line.milliseconds("work_ms", entry.work_ms);
  line.milliseconds("total_ms", entry.total_ms);
  if (!entry.complete) line.flag("cut");
  return line.take();
}

Result<std::unique_ptr<AccessLog>> AccessLog::open(const std::string& target, AccessFormat format) {
  if (target == "off" || target == "stderr")
    return std::unique_ptr<AccessLog>(new AccessLog("", target == "off" ? -1 : STDERR_FILENO, format));
  const int descriptor = open_for_append(target);
  if (descriptor < 0)
    return client_error("InvalidSetting",
                        fmt::format("access_log: {} cannot be opened: {}.", target, std::strerror(errno)));
  return std::unique_ptr<AccessLog>(new AccessLog(target, descriptor, format));
}

AccessLog::AccessLog(std::string file, int descriptor, AccessFormat format)
    : file_(std::move(file)), format_(format), descriptor_(descriptor) {
  if (descriptor_ < 0) return;
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "access-log");
}

AccessLog::~AccessLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (!file_.empty() && descriptor_ >= 0) ::close(descriptor_);
}

void AccessLog::add(const AccessEntry& entry) {
  if (!thread_.joinable()) return;
  const std::string line = format_access(entry, format_);
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (queued_.size() + line.size() >= kMaxQueued) {
      ++dropped_;
      return;
    }
    wake = queued_.empty();
    queued_ += line;
    queued_.push_back('\n');
  }
  if (wake) changed_.notify_one();
}

void AccessLog::reopen() {
  {
    const std::lock_guard lock(mutex_);
    reopen_ = !file_.empty();
  }
  changed_.notify_one();
}

std::uint64_t AccessLog::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

void AccessLog::run() {
  std::string lines;
  bool failing = false;
  while (true) {
    bool reopen = false;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || reopen_ || !queued_.empty(); });
      changed_.wait_for(lock, kGather, [this] { return stopping_ || reopen_; });
      if (queued_.empty() && stopping_) return;
      lines.clear();
      lines.swap(queued_);
      reopen = std::exchange(reopen_, false);
    }
    std::string_view rest = lines;
    while (!rest.empty()) {
      const ssize_t count = ::write(descriptor_, rest.data(), rest.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        // Said once, not for each request: a full disk must not flood the log as well.
        if (!std::exchange(failing, true)) log::error("the access log cannot be written: {}", std::strerror(errno));
        break;
      }
      failing = false;
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
    // After what was queued before it, which belongs into the old file.
    if (reopen) {
      const int descriptor = open_for_append(file_);
      if (descriptor >= 0) {
        ::close(descriptor_);
        descriptor_ = descriptor;
      } else {
        log::error("the access log {} cannot be opened anew: {}", file_, std::strerror(errno));
      }
    }
  }
}

}  // namespace likeness::app
