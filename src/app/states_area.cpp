#include "app/states_area.hpp"

#include <utility>

#include "aws/gateway.hpp"
#include "config/settings.hpp"
#include "services/stepfunctions/provider.hpp"
#include "services/stepfunctions/watch.hpp"
#include "states/engine.hpp"
#include "states/jsonata.hpp"
#include "states/machines.hpp"

namespace likeness::app {

struct StatesArea::Parts {
  Parts(const Wiring& wiring, domain::PageTokens page_tokens)
      : tokens(std::move(page_tokens)),
        tasks(wiring.calls, wiring.roles),
        watch(wiring.log_sink, wiring.recorder),
        machines(wiring.store, wiring.clock, {}) {
    watch.set_machines(machines);
  }

  domain::PageTokens tokens;
  states::Jsonata jsonata;
  stepfunctions::Tasks tasks;
  stepfunctions::Watch watch;
  states::Machines machines;
  std::unique_ptr<states::Engine> engine;
  std::unique_ptr<stepfunctions::Parts> provider;
  std::unique_ptr<aws::Service> service;
};

StatesArea::StatesArea(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
StatesArea::~StatesArea() { StatesArea::stop(); }

Result<std::unique_ptr<Area>> StatesArea::open(Wiring& wiring) {
  auto tokens = domain::PageTokens::open(wiring.store);
  if (!tokens) return fail(tokens);
  auto parts = std::make_unique<Parts>(wiring, std::move(*tokens));
  states::EngineOptions options;
  options.interpreter.region = wiring.settings.region;
  options.interpreter.jsonata = &parts->jsonata;
  auto& machines = parts->machines;
  options.interpreter.activity_exists = [&machines](std::string_view arn) {
    auto found = machines.find_activity(std::string(arn));
    return found.has_value() || found.error().code != "NotFound";
  };
  auto engine = states::Engine::open(
      wiring.store,
      [&machines](const std::string& arn, const std::string& revision) { return machines.definition(arn, revision); },
      parts->tasks, &parts->watch, wiring.clock, std::move(options));
  if (!engine) return fail(engine);
  parts->engine = std::move(*engine);
  parts->provider = std::make_unique<stepfunctions::Parts>(
      stepfunctions::Parts{machines, *parts->engine, parts->tasks, parts->jsonata, parts->tokens, wiring.clock});
  parts->service = stepfunctions::make_stepfunctions(*parts->provider);
  wiring.gateway.add(*parts->service);
  return std::unique_ptr<Area>(new StatesArea(std::move(parts)));
}

void StatesArea::start() { parts_->engine->start(); }
void StatesArea::stop() {
  if (parts_ && parts_->engine) parts_->engine->stop();
}

}  // namespace likeness::app
