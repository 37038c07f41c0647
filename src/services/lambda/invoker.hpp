#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/result.hpp"
#include "domain/lambda/code_store.hpp"
#include "domain/lambda/concurrency.hpp"
#include "domain/lambda/registry.hpp"
#include "domain/metrics/recorder.hpp"
#include "functions/runner.hpp"
#include "policy/principal.hpp"

namespace likeness::lambda {

/// Sessions of roles that Lambda assumes. Thread-safe.
class RoleSource {
 public:
  virtual ~RoleSource() = default;
  struct Session {
    policy::Principal principal;
    functions::RoleCredentials credentials;
  };
  /// `source` is the ARN of the function. Errors: any; that the role is not there, or does not trust Lambda.
  virtual Result<Session> assume(const std::string& role, const std::string& session_name,
                                 const std::string& source) const = 0;
};

/// From a version of a function to its run: what the Runner needs, concurrency, metrics. Thread-safe.
class Invoker {
 public:
  /// Borrows; `metrics` may be null.
  Invoker(Registry& registry, CodeStore& code, Concurrency& concurrency, functions::Runner& runner,
          metrics::Recorder* metrics)
      : registry_(registry), code_(code), concurrency_(concurrency), runner_(runner), metrics_(metrics) {}

  /// Runs it and blocks until it has answered. Errors: TooManyRequestsException, and those of the Runner in Lambda's
  /// terms. What the function did wrong is in the Outcome.
  Result<functions::Outcome> run(const Target& target, functions::Invocation invocation);

  /// That a version is not used any more: its workers end. Packages that nobody needs then are removed.
  void retire(const Function& function, const Configuration& version);
  void collect();

  metrics::Recorder* metrics() const { return metrics_; }
  void record(const Target& target, std::string_view metric, double value,
              metrics::Unit unit = metrics::Unit::Count) const;

 private:
  Result<std::shared_ptr<const functions::FunctionSpec>> spec_of(const Target& target);

  Registry& registry_;
  CodeStore& code_;
  Concurrency& concurrency_;
  functions::Runner& runner_;
  metrics::Recorder* metrics_;

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const functions::FunctionSpec>> specs_;  // by key
  std::map<std::string, std::set<std::string>> retiring_;  // keys with busy workers, and the packages these use
};

}  // namespace likeness::lambda
