#include "functions/runner.hpp"

#include <atomic>
#include <future>
#include <utility>

#include "base/log.hpp"
#include "functions/installed.hpp"
#include "functions/job.hpp"
#include "functions/loop.hpp"
#include "functions/native_run.hpp"
#include "functions/pools.hpp"
#include "functions/sandbox.hpp"

namespace likeness::functions {
namespace {

class WorkerRunner final : public Runner {
 public:
  WorkerRunner(RunnerOptions options, RunnerHost& host, const NativeRegistry& natives, const Clock& clock)
      : options_(std::move(options)), host_(host), clock_(clock), natives_(host, natives, clock) {}

  ~WorkerRunner() override { stop(); }

  Result<void> start() {
    auto sandbox = Sandbox::open(options_);
    if (!sandbox) return fail(sandbox);
    sandbox_ = std::move(*sandbox);
    const auto own = options_.folder / "runtime";
    runtimes_ = std::make_unique<Runtimes>(options_.runtimes, own);
    if (auto written = runtimes_->write_own_files(); !written) return written;
    if (auto started = loop_.start("functions"); !started) return started;
    pools_ = std::make_unique<Pools>(loop_, host_, options_, *sandbox_, *runtimes_, clock_);
    log::info("functions: workers are isolated by {}", isolation());
    return {};
  }

  Result<Outcome> invoke(const FunctionSpec& function, const Invocation& invocation) override {
    if (!function.native.empty()) {
      ++native_invocations_;
      return natives_.invoke(function, invocation);
    }
    const auto job = std::make_shared<Job>(function, invocation);
    if (!loop_.post([this, job] { pools_->accept(job); })) return server_error("Stopping", "The server is stopping.");
    return job->wait();
  }

  bool retire(const std::string& key) override {
    natives_.retire(key);
    bool idle = true;
    loop_.call([&] { idle = pools_->retire(key); });
    return idle;
  }

  Result<void> check_runtime(const std::string& runtime) const override {
    auto found = runtimes_->find(runtime);
    if (!found) return fail(found);
    return {};
  }

  RunnerStats stats() const override {
    RunnerStats stats;
    loop_.call([&] { stats = pools_->stats(); });
    stats.invocations += native_invocations_;
    return stats;
  }

  std::string isolation() const override {
    switch (sandbox_->isolation()) {
      case Isolation::Bubblewrap: return "bubblewrap";
      case Isolation::User: return "user";
      default: return "limits";
    }
  }

  void stop() override {
    if (pools_ == nullptr || std::exchange(stopped_, true)) return;
    const auto done = std::make_shared<std::promise<void>>();
    auto ended = done->get_future();
    loop_.post([this, done] {
      pools_->stop([done, told = false]() mutable {
        if (!std::exchange(told, true)) done->set_value();
      });
    });
    if (ended.wait_for(std::chrono::seconds(10)) != std::future_status::ready)
      log::warn("functions: some workers did not end");
    pools_->join();
    loop_.stop();
    pools_.reset();
  }

 private:
  const RunnerOptions options_;
  RunnerHost& host_;
  const Clock& clock_;
  NativeRunner natives_;
  std::atomic<std::uint64_t> native_invocations_ = 0;
  std::unique_ptr<Sandbox> sandbox_;
  std::unique_ptr<Runtimes> runtimes_;
  mutable Loop loop_;
  std::unique_ptr<Pools> pools_;
  bool stopped_ = false;
};

}  // namespace

Result<std::unique_ptr<Runner>> Runner::open(RunnerOptions options, RunnerHost& host, const NativeRegistry& natives,
                                             const Clock& clock) {
  auto runner = std::make_unique<WorkerRunner>(std::move(options), host, natives, clock);
  if (auto started = runner->start(); !started) return fail(started);
  return runner;
}

}  // namespace likeness::functions
