#include "app/health.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace likeness::app {
namespace {

const char* name_of(Health::State state) {
  switch (state) {
    case Health::State::Starting: return "starting";
    case Health::State::Ready: return "ready";
    case Health::State::Failed: break;
  }
  return "failed";
}

}  // namespace

void Health::set(std::string_view part, State state, std::string detail) {
  const std::lock_guard lock(mutex_);
  parts_.insert_or_assign(std::string(part), Part{state, std::move(detail)});
}

void Health::stopping() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
}

std::string Health::status_locked() const {
  if (stopping_) return "stopping";
  bool starting = false;
  for (const auto& [name, part] : parts_) {
    if (part.state == State::Failed) return "degraded";
    starting = starting || part.state == State::Starting;
  }
  return starting ? "starting" : "ok";
}

std::string Health::status() const {
  const std::lock_guard lock(mutex_);
  return status_locked();
}

int Health::http_status() const {
  const std::string now = status();
  return now == "stopping" || now == "degraded" ? 503 : 200;
}

std::string Health::as_json() const {
  boost::json::object all;
  const std::lock_guard lock(mutex_);
  all["status"] = status_locked();
  all["version"] = version_;
  all["uptime_seconds"] =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_).count();
  boost::json::object parts;
  for (const auto& [name, part] : parts_) {
    boost::json::object one;
    one["status"] = name_of(part.state);
    if (!part.detail.empty()) one["detail"] = part.detail;
    parts[name] = std::move(one);
  }
  all["parts"] = std::move(parts);
  return boost::json::serialize(all) + "\n";
}

}  // namespace likeness::app
