#include "services/lambda/invoker.hpp"

#include <chrono>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "domain/lambda/errors.hpp"

namespace likeness::lambda {
namespace {

std::string key_of(const Function& function, const Configuration& version) {
  return function.id + "/" + version.version + "/" + version.revision;
}

std::set<std::string> packages_of(const Configuration& version) {
  std::set<std::string> out;
  if (!version.code.sha256.empty()) out.insert(version.code.sha256);
  for (const auto& layer : version.layers) out.insert(layer.code.sha256);
  return out;
}

/// The Runner's errors in Lambda's terms.
Failure from_runner(Error error) {
  if (error.code == "TooManyWorkers") return throttled("ConcurrentInvocationLimitExceeded");
  if (error.code == "RuntimeUnavailable" || error.code == "NativeFunctionUnknown")
    return server_error("InvalidRuntimeException", error.message, std::move(error.detail));
  return internal(error);
}

}  // namespace

Result<std::shared_ptr<const functions::FunctionSpec>> Invoker::spec_of(const Target& target) {
  const auto& function = *target.function;
  const auto& version = *target.version;
  auto key = key_of(function, version);
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = specs_.find(key); at != specs_.end()) return at->second;
  }
  auto spec = std::make_shared<functions::FunctionSpec>();
  spec->key = key;
  spec->name = function.name;
  spec->version = version.version;
  spec->arn = function.arn();
  spec->runtime = version.runtime;
  spec->handler = version.handler;
  spec->environment = version.environment;
  spec->memory_mb = version.memory;
  spec->timeout = std::chrono::seconds(version.timeout);
  spec->ephemeral_mb = version.ephemeral;
  spec->role_arn = version.role;
  spec->log_group = version.logging.group.empty() ? "/aws/lambda/" + function.name : version.logging.group;
  spec->log_format = version.logging.format == "JSON" ? functions::LogFormat::Json : functions::LogFormat::Text;
  if (!version.logging.application_level.empty()) spec->application_log_level = version.logging.application_level;
  if (!version.logging.system_level.empty()) spec->system_log_level = version.logging.system_level;
  if (version.native()) {
    spec->native = version.native_name();
  } else {
    auto code = code_.unpacked(version.code);
    if (!code) return fail(code);
    spec->code = std::move(*code);
    for (const auto& layer : version.layers) {
      auto unpacked = code_.unpacked(layer.code);
      if (!unpacked) return fail(unpacked);
      spec->layers.push_back(std::move(*unpacked));
    }
  }
  const std::lock_guard lock(mutex_);
  return specs_.try_emplace(std::move(key), std::move(spec)).first->second;
}

Result<functions::Outcome> Invoker::run(const Target& target, functions::Invocation invocation) {
  using metrics::Unit;
  auto slot = concurrency_.enter(*target.function);
  if (!slot) {
    record(target, "Throttles", 1);
    return fail(slot);
  }
  record(target, "ConcurrentExecutions", concurrency_.running(target.function->id));
  auto spec = spec_of(target);
  if (!spec) return fail(spec);
  invocation.invoked_arn = target.arn();
  auto outcome = runner_.invoke(**spec, invocation);
  if (!outcome && outcome.error().code == "TooManyWorkers") {
    record(target, "Throttles", 1);
    return from_runner(std::move(outcome.error()));
  }
  record(target, "Invocations", 1);
  if (!outcome) {
    record(target, "Errors", 1);
    log::error("function {} could not run: {} {} {}", target.arn(), outcome.error().code, outcome.error().message,
               outcome.error().detail);
    return from_runner(std::move(outcome.error()));
  }
  record(target, "Errors", outcome->function_error.empty() ? 0 : 1);
  record(target, "Duration", static_cast<double>(outcome->duration.count()) / 1000, Unit::Milliseconds);
  return outcome;
}

void Invoker::record(const Target& target, std::string_view metric, double value, metrics::Unit unit) const {
  if (metrics_ == nullptr) return;
  const auto& name = target.function->name;
  metrics_->record("AWS/Lambda", metric, {{"FunctionName", name}}, value, unit);
  metrics_->record("AWS/Lambda", metric, {}, value, unit);
  const auto resource = target.qualifier.empty() ? name : name + ":" + target.qualifier;
  metrics_->record("AWS/Lambda", metric, {{"FunctionName", name}, {"Resource", resource}}, value, unit);
}

void Invoker::retire(const Function& function, const Configuration& version) {
  const auto key = key_of(function, version);
  {
    const std::lock_guard lock(mutex_);
    specs_.erase(key);
    retiring_[key] = packages_of(version);
  }
}

void Invoker::collect() {
  std::vector<std::string> keys;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, packages] : retiring_) keys.push_back(key);
  }
  for (const auto& key : keys)
    if (runner_.retire(key)) {
      const std::lock_guard lock(mutex_);
      retiring_.erase(key);
    }
  auto collected = code_.collect([&] {
    auto used = registry_.packages();
    const std::lock_guard lock(mutex_);
    for (const auto& [key, packages] : retiring_) used.insert(packages.begin(), packages.end());
    return used;
  });
  if (!collected) log::warn("code that nobody needs could not be removed: {}", collected.error().detail);
}

}  // namespace likeness::lambda
