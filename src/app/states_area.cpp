#include "app/states_area.hpp"

#include <utility>

#include "aws/gateway.hpp"
#include "config/settings.hpp"
#include "services/stepfunctions/provider.hpp"
#include "services/stepfunctions/status_events.hpp"
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
  std::unique_ptr<stepfunctions::StatusEvents> status_events;
  eventbridge::Dispatcher* dispatcher = nullptr;
  std::string account, region;
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
  auto status_events = stepfunctions::StatusEvents::open(wiring.store, wiring.clock);
  if (!status_events) return fail(status_events);
  parts->status_events = std::move(*status_events);
  parts->dispatcher = wiring.dispatcher;
  parts->account = wiring.settings.account;
  parts->region = wiring.settings.region;
  options.status_feed = parts->status_events.get();
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

void StatesArea::start() {
  parts_->engine->start();
  if (parts_->dispatcher != nullptr)
    parts_->status_events->start(*parts_->provider, *parts_->dispatcher, parts_->account, parts_->region);
}
void StatesArea::stop() {
  if (!parts_ || !parts_->engine) return;
  parts_->engine->stop();
  parts_->status_events->stop();
}

}  // namespace likeness::app
