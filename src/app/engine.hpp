#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/area.hpp"
#include "app/front.hpp"
#include "app/health.hpp"
#include "aws/service.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "config/settings.hpp"
#include "storage/embedded.hpp"

namespace likeness::app {

/// Everything between the network and the disk, put together in the order in which it depends on one another: store,
/// models, rules, services, the request chain. Models load in the background, so that the server takes requests at
/// once; a request that needs one waits for it, and health says what is not there yet. Thread-safe once opened.
class Engine {
 public:
  /// `data` is locked by this process. `health` and `metrics` are borrowed. Errors name what to do about them.
  static Result<std::unique_ptr<Engine>> open(const config::Settings& settings, const std::filesystem::path& data,
                                              Health& health, Metrics& metrics);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Borrows the engine.
  Chain chain();
  /// Of those areas that answer requests which no model knows.
  const std::vector<RawPage>& pages() const;
  /// A call as the root of the account, for whoever owns the data folder (aws::LocalCalls::call_json).
  Result<std::string> call(std::string_view service, std::string_view operation, std::string_view json) const;
  /// {"Account", "Region", "Endpoint"}.
  std::string about() const;
  /// The server takes requests at `url`: what works in the background begins.
  void start(const std::string& url);
  /// Ends what waits and what works in the background; before the server is drained.
  void stop();
  storage::EmbeddedStorage& storage();
  /// Those that are registered.
  const std::vector<const aws::Service*>& services() const;

 private:
  struct Parts;
  static Result<void> open_areas(Parts& parts, const config::Settings& settings, const std::filesystem::path& data,
                                 Health& health, Metrics& metrics);
  static Result<void> open_identities(Parts& parts, const config::Settings& settings,
                                      const std::filesystem::path& data);
  explicit Engine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace likeness::app
