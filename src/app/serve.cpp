#include "app/serve.hpp"

#include <fmt/format.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "app/access_log.hpp"
#include "app/cli/environment.hpp"
#include "app/commands.hpp"
#include "app/control.hpp"
#include "app/engine.hpp"
#include "app/folder_lock.hpp"
#include "app/front.hpp"
#include "app/health.hpp"
#include "app/tls_files.hpp"
#include "app/version.hpp"
#include "base/cpu.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/work_pool.hpp"
#include "config/settings.hpp"
#include "net/server.hpp"
#include "storage/data_folder.hpp"
#include "vision/runtime/cpu_probe.hpp"

namespace likeness::app {
namespace {

using config::Settings;
using std::chrono::steady_clock;

/// SIGTERM, SIGINT and SIGHUP wait for us instead of interrupting; threads started from here on inherit that.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return signals;
}

log::Level level_of(const std::string& name) {
  if (name == "debug") return log::Level::Debug;
  if (name == "warn") return log::Level::Warn;
  if (name == "error") return log::Level::Error;
  if (name == "off") return log::Level::Off;
  return log::Level::Info;
}

Result<Settings> settings_of(const ServeOptions& options) {
  config::Sources sources;
  sources.file = options.config_file.value_or("");
  sources.environment = [](const char* name) -> const char* { return std::getenv(name); };
  sources.set = options.set;
  if (options.data) sources.set.push_back("data=" + *options.data);
  if (options.listen) sources.set.push_back("listen=" + *options.listen);
  if (options.tls_listen) sources.set.push_back("tls_listen=" + *options.tls_listen);
  if (options.tls_certificate) sources.set.push_back("tls_certificate=" + *options.tls_certificate);
  if (options.tls_key) sources.set.push_back("tls_key=" + *options.tls_key);
  if (options.tls_self_signed) sources.set.emplace_back("tls_self_signed=true");
  return config::load(sources);
}

/// The C library gives freed memory back to the system from 128 KB on and raises that only when something large was
/// freed; until then each answer of some size faults its pages in anew. These are the values that it ends at by itself.
void keep_freed_memory() {
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

std::size_t work_threads(const Settings& settings) {
  if (settings.work_threads > 0) return static_cast<std::size_t>(settings.work_threads);
  return std::max<std::size_t>(16, std::size_t{4} * std::thread::hardware_concurrency());
}

net::ServerOptions server_options(const Settings& settings, const net::HostPort& listen) {
  net::ServerOptions options;
  options.host = listen.host;
  options.port = listen.port;
  options.io_threads = static_cast<unsigned>(settings.io_threads);
  options.max_connections = static_cast<std::size_t>(settings.max_connections);
  options.max_head_bytes = static_cast<std::size_t>(settings.max_request_head);
  options.max_body_bytes = static_cast<std::uint64_t>(settings.max_request_body);
  options.max_gathered_bytes = static_cast<std::uint64_t>(settings.max_request_memory);
  options.idle_timeout = settings.idle_timeout;
  options.head_timeout = settings.head_timeout;
  options.body_grace = settings.body_grace;
  options.min_body_rate = static_cast<std::uint64_t>(settings.min_body_rate);
  return options;
}

/// What is served on the second port, if it is wanted.
Result<std::optional<net::SecureOptions>> secure_options(const Settings& settings, const std::filesystem::path& data) {
  if (settings.tls_listen.empty()) return std::optional<net::SecureOptions>();
  auto listen = net::parse_host_port(settings.tls_listen);
  if (!listen) return fail(listen);
  auto identity = tls_identity(settings, data, std::chrono::system_clock::now());
  if (!identity) return fail(identity);
  const auto facts = net::read_certificate(identity->certificate);
  if (facts && facts->not_after < std::chrono::system_clock::now())
    log::warn("the certificate for HTTPS has ended; clients will refuse it");
  return std::optional(net::SecureOptions{std::move(listen->host), listen->port, std::move(*identity)});
}

/// On SIGHUP; what cannot be read leaves the last one in use.
void renew_certificate(const Settings& settings, const std::filesystem::path& data, net::Server& server) {
  if (settings.tls_listen.empty()) return;
  auto identity = tls_identity(settings, data, std::chrono::system_clock::now());
  const auto used = identity ? server.use_identity(*identity) : Result<void>(fail(identity));
  if (used)
    log::info("SIGHUP: the certificate is read anew");
  else
    log::error("SIGHUP: the certificate stays as it is: {}", used.error().message);
}

/// Gauges that are read off the parts when the metrics are.
void watch(Metrics& metrics, const net::Server& server, const WorkPool& pool, const AccessLog& access_log) {
  const auto gauge = [&](const char* name, const char* help) { return metrics.gauge(name, help); };
  const Gauge queued = gauge("likeness_work_queue_depth", "Requests that wait for a thread.");
  const Gauge threads = gauge("likeness_work_threads", "Threads that answer requests.");
  const Gauge connections = gauge("likeness_connections", "Open connections.");
  const Gauge idle = gauge("likeness_connections_idle", "Connections between requests.");
  const Gauge held = gauge("likeness_request_body_bytes", "Bytes of request bodies held in memory.");
  const Gauge accepted = gauge("likeness_connections_accepted", "Connections taken since the start.");
  const Gauge turned_away = gauge("likeness_connections_turned_away", "Connections refused at max_connections.");
  const Gauge timeouts =
      gauge("likeness_connection_timeouts", "Connections ended because the client was slow or idle.");
  const Gauge handshakes = gauge("likeness_tls_handshakes_failed", "Connections that did not get as far as TLS.");
  const Gauge dropped =
      gauge("likeness_access_log_dropped", "Lines of the access log that could not be written in time.");
  metrics.before_expose([=, &server, &pool, &access_log] {
    const net::ServerStats now = server.stats();
    queued.set(static_cast<double>(pool.queued()));
    threads.set(static_cast<double>(pool.threads()));
    connections.set(static_cast<double>(now.connections));
    idle.set(static_cast<double>(now.idle));
    held.set(static_cast<double>(now.gathered_bytes));
    accepted.set(static_cast<double>(now.accepted));
    turned_away.set(static_cast<double>(now.turned_away));
    timeouts.set(static_cast<double>(now.timeouts));
    handshakes.set(static_cast<double>(now.failed_handshakes));
    dropped.set(static_cast<double>(access_log.dropped()));
  });
}

/// What the owner of the data folder asks through its socket.
Result<std::string> answer_control(Engine& engine, std::string_view request) {
  constexpr std::string_view kBackup = "backup ", kCall = "call ";
  if (request.starts_with(kBackup)) {
    const std::filesystem::path destination(request.substr(kBackup.size()));
    auto done = backup_to(engine.storage(), destination);
    if (done) log::info("backup to {}: {}", destination.string(), *done);
    return done;
  }
  if (request == "about") return engine.about();
  if (request.starts_with(kCall)) {
    request.remove_prefix(kCall.size());
    const auto service = request.substr(0, request.find(' '));
    request.remove_prefix(std::min(service.size() + 1, request.size()));
    const auto operation = request.substr(0, request.find(' '));
    request.remove_prefix(std::min(operation.size() + 1, request.size()));
    return engine.call(service, operation, request);
  }
  return client_error("UnknownRequest", "The server does not know this request.");
}

int failed(const Error& error) {
  log::error("{}{}{}", error.message, error.detail.empty() ? "" : " ", error.detail);
  return 2;
}

}  // namespace

int run_serve(const ServeOptions& options) {
  const auto begin = steady_clock::now();
  const sigset_t signals = block_signals();
  vision::probe_cpu_before_inference();  // forks, so before any thread
  auto loaded = settings_of(options);
  if (!loaded) return failed(loaded.error());
  const Settings& settings = *loaded;
  log::set_level(level_of(settings.log_level));
  const auto listen = net::parse_host_port(settings.listen);
  if (!listen) return failed(listen.error());
  log::info("likeness {} on {} ({} threads)", kVersion, cpu_name(), std::thread::hardware_concurrency());

  Health health(kVersion);
  Metrics metrics;
  auto access_log = AccessLog::open(settings.access_log,
                                    settings.access_log_format == "json" ? AccessFormat::Json : AccessFormat::Logfmt);
  if (!access_log) return failed(access_log.error());

  // Absolute: workers of functions have another view of where they are.
  const std::filesystem::path data =
      std::filesystem::absolute(settings.data.empty() ? default_data_folder() : std::filesystem::path(settings.data));
  if (auto prepared = storage::prepare_data_folder(data); !prepared) return failed(prepared.error());
  const auto lock = FolderLock::take(data);
  if (!lock) return failed(lock.error());

  auto secure = secure_options(settings, data);
  if (!secure) return failed(secure.error());

  auto engine = Engine::open(settings, data, health, metrics);
  if (!engine) return failed(engine.error());
  const Chain chain = (*engine)->chain();
  Front front({settings.account, settings.region, settings.metrics}, chain, health, metrics, **access_log);

  const auto control =
      ControlSocket::listen(data, [&](std::string_view request) { return answer_control(**engine, request); });
  // Without it only `likeness backup`, `call` and `deploy` do not work while the server runs.
  if (!control) log::warn("{} {}", control.error().message, control.error().detail);

  keep_freed_memory();
  WorkPool pool("work", work_threads(settings), static_cast<std::size_t>(settings.work_queue));
  ElasticPool waiting("waiting", static_cast<std::size_t>(settings.waiting_threads));
  net::Handlers handlers;
  handlers.waits = [&](const net::Request& request) { return front.waits(request); };
  handlers.handle = [&](net::Request request) { return front.handle(std::move(request)); };
  handlers.immediate = [&](const net::Request& request) { return front.immediate(request); };
  handlers.plan = [&](const net::Request& head) {
    // The largest object is 5 GB; what aws-chunked puts around it is less than 1 GB.
    constexpr std::uint64_t kLargest = 6ull << 30;
    net::BodyPlan plan;
    plan.stream = chain.wants_stream && chain.wants_stream(head);
    if (plan.stream) plan.max_bytes = kLargest;
    return plan;
  };
  handlers.refuse = [&](const net::Request* request, int status, std::string_view message) {
    return front.refuse(request, status, message);
  };
  auto server_settings = server_options(settings, *listen);
  server_settings.secure = std::move(*secure);
  auto server = net::Server::start(std::move(server_settings), handlers, pool, &waiting);
  if (!server) return failed(server.error());
  watch(metrics, **server, pool, **access_log);

  (*engine)->start("http://" + (*server)->address());
  if (!settings.tls_listen.empty()) log::info("ready on https://{}", (*server)->secure_address());
  std::printf("ready http://%s\n", (*server)->address().c_str());
  std::fflush(stdout);
  log::info("ready on http://{} after {} ms, data in {}", (*server)->address(),
            std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begin).count(),
            std::filesystem::absolute(data).string());

  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) {
    log::info("SIGHUP: the access log is opened anew");
    (*access_log)->reopen();
    renew_certificate(settings, data, **server);
  }
  // A second signal ends the program at once.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  log::info("{}: finishing what runs, for at most {} ms", signal == SIGINT ? "SIGINT" : "SIGTERM",
            settings.drain_timeout.count());
  health.stopping();
  (*engine)->stop();
  (*server)->drain(settings.drain_timeout);
  waiting.stop();
  pool.stop();
  log::info("stopped");
  return 0;
}

}  // namespace likeness::app
