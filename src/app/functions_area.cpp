#include "app/functions_area.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "app/health.hpp"
#include "apps/native_functions.hpp"
#include "aws/gateway.hpp"
#include "aws/local_calls.hpp"
#include "base/log.hpp"
#include "config/settings.hpp"
#include "domain/identity/service_roles.hpp"
#include "domain/logs/sink.hpp"
#include "functions/native.hpp"
#include "functions/runner.hpp"
#include "services/lambda/async_queue.hpp"
#include "services/lambda/destinations.hpp"
#include "services/lambda/downloads.hpp"
#include "services/lambda/function_urls.hpp"
#include "services/lambda/pollers.hpp"
#include "services/lambda/provider.hpp"
#include "vision/runtime/model_registry.hpp"

namespace likeness::app {
namespace {

using config::Settings;

/// The Runner is made when the server listens, since workers have to know where; the service is there before. Whoever
/// comes in between waits.
class LateRunner final : public functions::Runner {
 public:
  void set(Result<std::unique_ptr<functions::Runner>> runner) {
    const std::lock_guard lock(mutex_);
    if (runner)
      runner_ = std::move(*runner);
    else
      error_ = std::move(runner.error());
    known_ = true;
    changed_.notify_all();
  }

  Result<functions::Outcome> invoke(const functions::FunctionSpec& function,
                                    const functions::Invocation& invocation) override {
    auto* runner = wait();
    if (runner == nullptr) return tl::unexpected(error_);
    return runner->invoke(function, invocation);
  }
  bool retire(const std::string& key) override {
    auto* runner = now();
    return runner == nullptr || runner->retire(key);
  }
  Result<void> check_runtime(const std::string& runtime) const override {
    auto* runner = const_cast<LateRunner*>(this)->wait();
    if (runner == nullptr) return tl::unexpected(error_);
    return runner->check_runtime(runtime);
  }
  functions::RunnerStats stats() const override {
    auto* runner = now();
    return runner == nullptr ? functions::RunnerStats{} : runner->stats();
  }
  std::string isolation() const override {
    auto* runner = now();
    return runner == nullptr ? "" : runner->isolation();
  }
  void stop() override {
    functions::Runner* runner = nullptr;
    {
      const std::lock_guard lock(mutex_);
      if (!known_) error_ = {"Stopping", "The server is stopping.", Error::Fault::Server, {}};
      known_ = true;
      if (!stopped_) runner = runner_.get();
      stopped_ = true;
      changed_.notify_all();
    }
    if (runner != nullptr) runner->stop();
  }

 private:
  functions::Runner* now() const {
    const std::lock_guard lock(mutex_);
    return stopped_ ? nullptr : runner_.get();
  }
  functions::Runner* wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return known_; });
    if (stopped_ && error_.code.empty()) error_ = {"Stopping", "The server is stopping.", Error::Fault::Server, {}};
    return stopped_ ? nullptr : runner_.get();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool known_ = false, stopped_ = false;
  std::unique_ptr<functions::Runner> runner_;
  Error error_;
};

/// Roles of functions.
class Roles final : public lambda::RoleSource {
 public:
  explicit Roles(const identity::ServiceRoles& roles) : roles_(roles) {}
  Result<Session> assume(const std::string& role, const std::string& session_name,
                         const std::string& source) const override {
    auto session = roles_.assume(role, "lambda.amazonaws.com", session_name, source, std::chrono::hours(12));
    if (!session) return fail(session);
    functions::RoleCredentials credentials;
    credentials.access_key_id = session->credentials.access_key_id;
    credentials.secret_access_key = session->credentials.secret_access_key;
    credentials.session_token = session->credentials.session_token;
    credentials.expires = session->expires;
    return Session{std::move(session->principal), std::move(credentials)};
  }

 private:
  const identity::ServiceRoles& roles_;
};

/// What workers and native functions get of the server.
class Host final : public functions::RunnerHost {
 public:
  Host(const lambda::RoleSource& roles, const aws::LocalCalls& calls, logs::Sink* sink)
      : roles_(roles), calls_(calls), sink_(sink) {}

  Result<functions::RoleCredentials> credentials(const functions::FunctionSpec& function) override {
    auto session = roles_.assume(function.role_arn, function.name, function.arn);
    if (!session) return fail(session);
    return std::move(session->credentials);
  }
  Result<std::string> call(const functions::FunctionSpec& function, std::string_view service,
                           std::string_view operation, std::string_view json) override {
    auto session = roles_.assume(function.role_arn, function.name, function.arn);
    if (!session) return fail(session);
    return calls_.call_json({.principal = std::move(session->principal)}, service, operation, json);
  }
  void log(const std::string& group, const std::string& stream, std::vector<functions::LogLine> lines) override {
    if (sink_ == nullptr) return;
    std::vector<logs::LogEvent> events;
    events.reserve(lines.size());
    for (auto& line : lines) events.push_back({line.time, std::move(line.text)});
    sink_->put(group, stream, std::move(events));
  }

 private:
  const lambda::RoleSource& roles_;
  const aws::LocalCalls& calls_;
  logs::Sink* sink_;
};

functions::Isolation isolation_of(const std::string& text) {
  if (text == "bubblewrap") return functions::Isolation::Bubblewrap;
  if (text == "user") return functions::Isolation::User;
  if (text == "limits") return functions::Isolation::Limits;
  return functions::Isolation::Automatic;
}

}  // namespace

struct FunctionsArea::Parts {
  Parts(Wiring& area_wiring, std::unique_ptr<lambda::Registry> opened_registry,
        std::unique_ptr<lambda::CodeStore> opened_code)
      : wiring(area_wiring),
        registry(std::move(opened_registry)),
        code(std::move(opened_code)),
        concurrency(static_cast<std::int32_t>(wiring.settings.function_concurrency)),
        roles(wiring.roles),
        host(roles, wiring.calls, wiring.log_sink),
        invoker(*registry, *code, concurrency, runner, wiring.recorder),
        destinations(wiring.calls, roles),
        pollers({.store = wiring.store,
                 .clock = wiring.clock,
                 .registry = *registry,
                 .invoker = invoker,
                 .roles = roles,
                 .calls = wiring.calls,
                 .destinations = destinations}),
        urls({.registry = *registry,
              .invoker = invoker,
              .credentials = wiring.credentials,
              .authorizer = wiring.authorizer,
              .clock = wiring.clock,
              .region = wiring.settings.region}),
        downloads(*code, wiring.clock) {}

  Wiring& wiring;
  std::unique_ptr<lambda::Registry> registry;
  std::unique_ptr<lambda::CodeStore> code;
  lambda::Concurrency concurrency;
  functions::NativeRegistry natives;
  Roles roles;
  Host host;
  LateRunner runner;
  lambda::Invoker invoker;
  lambda::Destinations destinations;
  lambda::Pollers pollers;
  lambda::FunctionUrls urls;
  lambda::Downloads downloads;
  std::unique_ptr<lambda::AsyncQueue> async;
  std::unique_ptr<aws::Service> service;
};

FunctionsArea::FunctionsArea(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
FunctionsArea::~FunctionsArea() { FunctionsArea::stop(); }

Result<std::unique_ptr<Area>> FunctionsArea::open(Wiring& wiring) {
  auto registry = lambda::Registry::open(wiring.store, wiring.clock);
  if (!registry) return fail(registry);
  auto code = lambda::CodeStore::open(wiring.store, wiring.blobs, wiring.data / "functions/code");
  if (!code) return fail(code);
  auto parts = std::make_unique<Parts>(wiring, std::move(*registry), std::move(*code));
  apps::add_native_functions(parts->natives);
  std::int32_t reserved = 0;
  for (const auto& function : parts->registry->all()) reserved += function->reserved.value_or(0);
  parts->concurrency.set_reserved(reserved);
  lambda::AsyncOptions async;
  async.retry_wait = wiring.settings.function_retry_wait;
  auto queue = lambda::AsyncQueue::open(wiring.store, wiring.blobs, wiring.clock, *parts->registry, parts->invoker,
                                        parts->destinations, async);
  if (!queue) return fail(queue);
  parts->async = std::move(*queue);
  lambda::Lambda service{.registry = *parts->registry,
                         .code = *parts->code,
                         .concurrency = parts->concurrency,
                         .invoker = parts->invoker,
                         .async = parts->async.get(),
                         .roles = parts->roles,
                         .natives = parts->natives,
                         .runner = parts->runner,
                         .calls = wiring.calls};
  service.options.account = wiring.settings.account;
  service.options.region = wiring.settings.region;
  service.options.endpoint = [&address = wiring.address] { return address.get(); };
  service.downloads = &parts->downloads;
  service.options.url_domain = wiring.settings.function_url_domain;
  service.mappings_changed = [&pollers = parts->pollers] { pollers.changed(); };
  parts->service = lambda::make_lambda(service);
  wiring.gateway.add(*parts->service);
  wiring.pages.push_back({.name = "function-url",
                          .matches = lambda::FunctionUrls::matches,
                          .answer = [&urls = parts->urls](const net::Request& request) { return urls.answer(request); },
                          .waits = true});
  wiring.pages.push_back(
      {.name = "package",
       .matches = lambda::Downloads::matches,
       .answer = [&downloads = parts->downloads](const net::Request& request) { return downloads.answer(request); }});
  wiring.health.set("functions", Health::State::Starting);
  return std::unique_ptr<Area>(new FunctionsArea(std::move(parts)));
}

void FunctionsArea::start() {
  const Wiring& wiring = parts_->wiring;
  const Settings& settings = wiring.settings;
  functions::RunnerOptions options;
  options.folder = wiring.data / "functions/run";
  options.runtimes = vision::default_cache_folder() / "functions";
  options.endpoint_url = wiring.address.get();
  options.account = settings.account;
  options.region = settings.region;
  options.isolation = isolation_of(settings.function_isolation);
  options.limit_cpu = settings.function_cpu == "aws";
  options.max_workers = static_cast<std::size_t>(settings.function_workers);
  options.idle_time = settings.function_idle_time;
  auto runner = functions::Runner::open(std::move(options), parts_->host, parts_->natives, wiring.clock);
  if (runner) {
    log::info("functions run with isolation: {}", (*runner)->isolation());
    wiring.health.set("functions", Health::State::Ready);
  } else {
    log::error("functions cannot run: {} {}", runner.error().message, runner.error().detail);
    wiring.health.set("functions", Health::State::Failed, runner.error().message);
  }
  parts_->runner.set(std::move(runner));
  parts_->invoker.collect();
  parts_->async->start();
  parts_->pollers.start();
}

void FunctionsArea::stop() {
  // What runs ends first, and tells whoever waits for it.
  parts_->runner.stop();
  parts_->pollers.stop();
  parts_->async->stop();
}

}  // namespace likeness::app
