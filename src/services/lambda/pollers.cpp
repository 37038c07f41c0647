#include "services/lambda/pollers.hpp"

#include <boost/json.hpp>
#include <utility>

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "domain/lambda/errors.hpp"
#include "services/lambda/stream_progress.hpp"

namespace likeness::lambda {

namespace json = boost::json;

Result<BatchFilter> BatchFilter::make(const std::vector<std::string>& patterns) {
  BatchFilter out;
  for (const auto& text : patterns) {
    auto pattern = events::Pattern::parse(text, true);
    if (!pattern) return invalid("Invalid filter pattern definition. " + pattern.error().message);
    out.patterns_.push_back(std::move(*pattern));
  }
  return out;
}

bool BatchFilter::passes(std::string_view record) const {
  if (patterns_.empty()) return true;
  for (const auto& pattern : patterns_)
    if (pattern.matches(record)) return true;
  return false;
}

Result<BatchRun> run_batch(const PollerParts& parts, const Mapping& mapping, const std::string& event) {
  auto name = parse_function_name({mapping.account, mapping.region}, mapping.function);
  if (!name) return fail(name);
  auto target = parts.registry.resolve(*name);
  if (!target) return fail(target);
  BatchRun out{.target = std::move(*target), .request_id = uuid_v4(), .outcome = {}, .failures = {}};
  functions::Invocation invocation;
  invocation.request_id = out.request_id;
  invocation.payload = std::make_shared<const std::string>(event);
  auto outcome = parts.invoker.run(out.target, std::move(invocation));
  if (!outcome) return fail(outcome);
  out.outcome = std::move(*outcome);
  if (out.failed()) return out;
  out.failures.emplace();
  if (!mapping.partial_responses) return out;
  // null, {} and an empty list mean success; what is not understood is a failure of the whole batch, as on AWS.
  json::error_code failed;
  const auto answer = json::parse(out.outcome.payload, failed);
  if (failed || answer.is_null() || !answer.is_object()) return out;
  const auto* list = answer.as_object().if_contains("batchItemFailures");
  if (list == nullptr || list->is_null()) return out;
  if (!list->is_array()) {
    out.failures.reset();
    return out;
  }
  for (const auto& item : list->as_array()) {
    const auto* id = item.is_object() ? item.as_object().if_contains("itemIdentifier") : nullptr;
    if (id == nullptr || !id->is_string() || id->as_string().empty()) {
      out.failures.reset();
      return out;
    }
    out.failures->emplace_back(id->as_string());
  }
  return out;
}

void Pollers::start() {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void Pollers::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Pollers::changed() {
  const std::lock_guard lock(mutex_);
  changed_ = true;
  wake_.notify_all();
}

/// Ending a poller takes as long as its function runs, so that is done here and not in whoever changes a mapping.
void Pollers::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stopping_ || changed_; });
    if (stopping_) break;
    changed_ = false;
    lock.unlock();
    std::map<std::string, MappingPtr> wanted;
    for (auto& mapping : parts_.registry.mappings())
      if (mapping->enabled) wanted[mapping->uuid] = mapping;
    for (auto at = running_.begin(); at != running_.end();) {
      const auto found = wanted.find(at->first);
      if (found != wanted.end() && found->second == at->second.mapping) {
        ++at;
        continue;
      }
      at->second.poller->stop();
      const std::string uuid = at->first;
      at = running_.erase(at);
      if (!parts_.registry.find_mapping(uuid))
        if (auto gone = forget_progress(parts_.store, uuid); !gone)
          log::warn("the position of an event source mapping could not be removed: {}", gone.error().detail);
    }
    for (auto& [uuid, mapping] : wanted) {
      if (running_.contains(uuid)) continue;
      auto poller = mapping->of_queue() ? make_queue_poller(parts_, mapping) : make_stream_poller(parts_, mapping);
      running_[uuid] = {mapping, std::move(poller)};
    }
    lock.lock();
  }
  lock.unlock();
  for (auto& [uuid, running] : running_) running.poller->stop();
  running_.clear();
}

}  // namespace likeness::lambda
