#include "app/engine.hpp"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "app/background_analyzer.hpp"
#include "app/events_area.hpp"
#include "app/functions_area.hpp"
#include "app/logs_area.hpp"
#include "app/measured_analyzer.hpp"
#include "app/messages_area.hpp"
#include "app/service_metrics.hpp"
#include "app/states_area.hpp"
#include "app/throttle.hpp"
#include "aws/credentials.hpp"
#include "aws/gateway.hpp"
#include "domain/change_feed.hpp"
#include "domain/dynamodb/change_writers.hpp"
#include "domain/dynamodb/database.hpp"
#include "domain/dynamodb/streams.hpp"
#include "domain/dynamodb/ttl.hpp"
#include "domain/dynamodb/upkeep.hpp"
#include "domain/identity/directory.hpp"
#include "domain/identity/service_roles.hpp"
#include "domain/identity/sessions.hpp"
#include "domain/identity/web_identity.hpp"
#include "domain/image_source.hpp"
#include "domain/objects/object_store.hpp"
#include "domain/recognition.hpp"
#include "index/face_index.hpp"
#include "services/dynamodb/measured.hpp"
#include "services/dynamodb/partiql.hpp"
#include "services/dynamodb/provider.hpp"
#include "services/dynamodb/ttl.hpp"
#include "services/dynamodbstreams/provider.hpp"
#include "services/iam/access.hpp"
#include "services/iam/provider.hpp"
#include "services/rekognition/measured.hpp"
#include "services/rekognition/provider.hpp"
#include "services/s3/provider.hpp"
#include "services/sts/provider.hpp"
#include "storage/embedded.hpp"
#include "vision/face_pipeline.hpp"
#include "vision/runtime/runtime.hpp"

namespace likeness::app {
namespace {

using config::Settings;

vision::RuntimeOptions runtime_options(const Settings& settings, Metrics& metrics) {
  vision::RuntimeOptions options;
  options.metrics = &metrics;
  if (!settings.models.empty()) options.folders.models = settings.models;
  if (!settings.models_d.empty()) options.folders.drop_in = settings.models_d;
  options.threads = static_cast<std::size_t>(settings.infer_threads);
  options.queue_limit = static_cast<std::size_t>(settings.infer_queue);
  return options;
}

domain::RecognitionSettings recognition_settings(const Settings& settings) {
  domain::RecognitionSettings out;
  media::DecodeLimits limits;
  limits.min_side = static_cast<int>(settings.image_min_side);
  limits.max_side = static_cast<int>(settings.image_max_side);
  limits.max_pixels = settings.image_max_pixels;
  out.images.of_bytes = limits;
  out.images.of_bytes.max_bytes = static_cast<std::size_t>(settings.image_max_bytes);
  out.images.of_objects = limits;
  out.images.of_objects.max_bytes = static_cast<std::size_t>(settings.image_max_s3_bytes);
  out.quotas.collections = static_cast<std::size_t>(settings.quota_collections);
  out.quotas.faces_per_collection = static_cast<std::size_t>(settings.quota_faces_per_collection);
  return out;
}

std::map<std::string, double> throttle_rates(const Settings& settings) {
  std::map<std::string, double> rates;
  if (settings.throttling == "aws") rates = aws_default_rates(settings.region);
  for (const auto& [operation, rate] : settings.throttle_rates) rates[operation] = rate;
  return rates;
}

std::unique_ptr<index::FaceIndex> make_index(std::size_t dimensions) {
  index::FaceIndexOptions options;
  options.dimensions = dimensions;
  return index::make_face_index(options);
}

}  // namespace

struct Engine::Parts {
  explicit Parts(const Settings& settings) : throttle(throttle_rates(settings)) {}

  // In the order of dependence, so that destruction goes backwards.
  std::unique_ptr<storage::EmbeddedStorage> storage;
  storage::Store* store = nullptr;  // its parts
  storage::Blobs* blobs = nullptr;
  storage::Log* log = nullptr;
  std::unique_ptr<vision::Runtime> runtime;
  std::unique_ptr<BackgroundAnalyzer> analyzer;
  std::unique_ptr<MeasuredAnalyzer> measured;
  std::unique_ptr<domain::ChangeFeed> object_changes;
  std::unique_ptr<objects::ObjectStore> objects;
  std::unique_ptr<s3::S3> s3;
  std::unique_ptr<dynamodb::Streams> streams;
  std::unique_ptr<dynamodb::ChangeWriters> change_writers;
  std::unique_ptr<dynamodb::Database> database;
  std::unique_ptr<dynamodb::Expiry> expiry;
  std::unique_ptr<Upkeep> upkeep;
  std::unique_ptr<aws::Service> dynamodb;
  std::unique_ptr<aws::Service> dynamodbstreams;
  std::unique_ptr<domain::Recognition> recognition;
  std::unique_ptr<aws::Service> rekognition;
  aws::StaticCredentials credentials;  // the root's
  std::unique_ptr<identity::Directory> identities;
  std::unique_ptr<identity::Sessions> sessions;
  std::unique_ptr<identity::TokenKeysInFolder> token_keys;
  std::unique_ptr<identity::WebIdentities> web_identities;
  std::unique_ptr<identity::ServiceRoles> roles;
  iam::Usage usage;
  std::unique_ptr<iam::Access> access;
  std::unique_ptr<aws::Service> iam;
  std::unique_ptr<aws::Service> sts;
  Throttle throttle;
  std::unique_ptr<aws::Gateway> gateway;
  OwnAddress address;
  std::vector<RawPage> pages;
  std::unique_ptr<Wiring> wiring;
  std::vector<std::unique_ptr<Area>> areas;  // in the order of their opening
};

/// Who may call, and what: identities, temporary credentials, IAM and STS.
Result<void> Engine::open_identities(Parts& parts, const Settings& settings, const std::filesystem::path& data) {
  auto identities = identity::Directory::open(*parts.store, Clock::system(), settings.account);
  if (!identities) return fail(identities);
  parts.identities = std::move(*identities);
  auto sessions = identity::Sessions::open(*parts.store);
  if (!sessions) return fail(sessions);
  parts.sessions = std::move(*sessions);
  parts.token_keys = std::make_unique<identity::TokenKeysInFolder>(
      settings.oidc_keys.empty() ? data / "oidc" : std::filesystem::path(settings.oidc_keys));
  parts.web_identities = std::make_unique<identity::WebIdentities>(*parts.token_keys);
  const auto enforcement = settings.policies == "off" ? iam::Enforcement::Off : iam::Enforcement::Enforce;
  parts.roles = std::make_unique<identity::ServiceRoles>(*parts.identities, *parts.sessions, Clock::system(),
                                                         settings.region, enforcement == iam::Enforcement::Enforce);
  parts.access =
      std::make_unique<iam::Access>(parts.credentials, *parts.identities, *parts.sessions, parts.usage, enforcement);
  parts.iam = iam::make_iam(*parts.identities, parts.usage);
  parts.sts = sts::make_sts(*parts.identities, *parts.sessions, *parts.web_identities);
  return {};
}

/// The services that work in the background too. An area is opened after those that it needs at once; all else it
/// reaches through LocalCalls.
Result<void> Engine::open_areas(Parts& parts, const Settings& settings, const std::filesystem::path& data,
                                Health& health, Metrics& metrics) {
  parts.wiring = std::unique_ptr<Wiring>(new Wiring{.settings = settings,
                                                    .data = data,
                                                    .clock = Clock::system(),
                                                    .metrics = metrics,
                                                    .health = health,
                                                    .address = parts.address,
                                                    .store = *parts.store,
                                                    .blobs = *parts.blobs,
                                                    .log = *parts.log,
                                                    .identities = *parts.identities,
                                                    .sessions = *parts.sessions,
                                                    .roles = *parts.roles,
                                                    .credentials = *parts.access,
                                                    .authorizer = *parts.access,
                                                    .objects = *parts.objects,
                                                    .s3 = *parts.s3,
                                                    .object_changes = *parts.object_changes,
                                                    .gateway = *parts.gateway,
                                                    .calls = parts.gateway->local_calls(),
                                                    .pages = parts.pages});
  using Open = Result<std::unique_ptr<Area>> (*)(Wiring&);
  const std::vector<Open> areas = {open_logs_area, MessagesArea::open, FunctionsArea::open, EventsArea::open,
                                   StatesArea::open};
  for (const Open open : areas) {
    auto area = open(*parts.wiring);
    if (!area) return fail(area);
    parts.areas.push_back(std::move(*area));
  }
  return {};
}

Engine::Engine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Engine::~Engine() { stop(); }

Result<std::unique_ptr<Engine>> Engine::open(const Settings& settings, const std::filesystem::path& data,
                                             Health& health, Metrics& metrics) {
  auto parts = std::make_unique<Parts>(settings);

  auto runtime = vision::Runtime::create(runtime_options(settings, metrics));
  if (!runtime) return fail(runtime);
  parts->runtime = std::move(*runtime);
  auto analyzer = BackgroundAnalyzer::start(*parts->runtime, health);
  if (!analyzer) return fail(analyzer);
  parts->analyzer = std::move(*analyzer);
  parts->measured = std::make_unique<MeasuredAnalyzer>(*parts->analyzer, metrics, static_cast<int>(settings.max_faces));

  health.set("storage", Health::State::Starting);
  storage::EmbeddedOptions storage_options;
  storage_options.blobs.cache_bytes = static_cast<std::size_t>(settings.object_cache);
  auto opened = storage::EmbeddedStorage::open(data, storage_options);
  if (!opened) return fail(opened);
  parts->storage = std::move(*opened);
  parts->store = &parts->storage->store();
  parts->blobs = &parts->storage->blobs();
  parts->log = &parts->storage->log();
  health.set("storage", Health::State::Ready);

  auto changes = domain::ChangeFeed::open(*parts->store, "s3", Clock::system());
  if (!changes) return fail(changes);
  parts->object_changes = std::move(*changes);
  auto objects = objects::ObjectStore::open(*parts->store, *parts->blobs, *parts->object_changes, Clock::system());
  if (!objects) return fail(objects);
  parts->objects = std::move(*objects);
  parts->s3 = std::make_unique<s3::S3>(*parts->objects, s3::Options{.account = settings.account,
                                                                    .region = settings.region,
                                                                    .lifecycle_interval = settings.lifecycle_interval});

  parts->streams = std::make_unique<dynamodb::Streams>(*parts->store, Clock::system());
  parts->change_writers = std::make_unique<dynamodb::ChangeWriters>(*parts->streams);
  auto database = dynamodb::Database::open(*parts->store, Clock::system(), parts->change_writers.get());
  if (!database) return fail(database);
  parts->database = std::move(*database);
  parts->streams->attach(parts->database->tables());
  parts->expiry = std::make_unique<dynamodb::Expiry>(*parts->store, parts->database->tables(), parts->database->items(),
                                                     Clock::system());
  parts->upkeep = std::make_unique<Upkeep>(dynamodb::chores(*parts->expiry, *parts->streams));
  parts->dynamodb = dynamodb::make_dynamodb(*parts->database);
  dynamodb::add_partiql(*parts->dynamodb, *parts->database);
  dynamodb::add_time_to_live(*parts->dynamodb, parts->database->tables(), *parts->expiry);
  parts->dynamodbstreams = dynamodbstreams::make_dynamodbstreams(*parts->streams);

  auto recognition = domain::Recognition::open(*parts->store, *parts->measured, make_index, parts->s3->images(),
                                               Clock::system(), recognition_settings(settings));
  if (!recognition) return fail(recognition);
  parts->recognition = std::move(*recognition);
  parts->rekognition = rekognition::make_rekognition(*parts->recognition);

  const std::filesystem::path credentials_folder =
      settings.credentials_folder.empty() ? data : std::filesystem::path(settings.credentials_folder);
  auto root = aws::load_or_create_root_key(credentials_folder, settings.account, settings.region);
  if (!root) return fail(root);
  parts->credentials.add(std::move(*root));

  if (auto opened_identities = open_identities(*parts, settings, data); !opened_identities)
    return fail(opened_identities);

  aws::GatewayOptions options;
  options.account = settings.account;
  options.region = settings.region;
  parts->gateway = std::make_unique<aws::Gateway>(options, *parts->access);
  parts->gateway->set_authorizer(*parts->access);
  parts->gateway->add(*parts->rekognition);
  parts->gateway->add(*parts->dynamodb);
  parts->gateway->add(*parts->dynamodbstreams);
  parts->s3->accept_forms(*parts->access);
  parts->gateway->add(parts->s3->service());
  parts->gateway->add(*parts->iam);
  parts->gateway->add(*parts->sts);
  if (auto areas = open_areas(*parts, settings, data, health, metrics); !areas) return fail(areas);
  if (auto* recorder = parts->wiring->recorder; recorder != nullptr) {
    rekognition::measure(*parts->rekognition, *recorder);
    dynamodb::measure(*parts->dynamodb, *recorder);
    if (auto measured = parts->s3->measure(*recorder); !measured) return fail(measured);
  }

  const Counter throttled = metrics.counter("likeness_throttled_total", "Requests over the rate of their operation.");
  parts->gateway->add_gate([&throttle = parts->throttle, throttled](const aws::CallInfo& call) -> Result<void> {
    if (throttle.admit(call.operation.name)) return {};
    throttled.add();
    return client_error("ProvisionedThroughputExceededException", "Provisioned Rate exceeded.");
  });

  vision::Workers& workers = parts->runtime->workers();
  const Gauge waiting =
      metrics.gauge("likeness_inference_requests", "Photos that wait for the models or are with them.");
  metrics.gauge("likeness_inference_threads", "Threads that run the models.")
      .set(static_cast<double>(workers.threads()));
  metrics.before_expose([&workers, waiting] { waiting.set(static_cast<double>(workers.requests())); });
  return std::unique_ptr<Engine>(new Engine(std::move(parts)));
}

const std::vector<RawPage>& Engine::pages() const { return parts_->pages; }

Result<std::string> Engine::call(std::string_view service, std::string_view operation, std::string_view json) const {
  const aws::LocalCaller root{.principal = policy::Principal::root(parts_->wiring->settings.account)};
  return parts_->wiring->calls.call_json(root, service, operation, json);
}

std::string Engine::about() const {
  const auto& settings = parts_->wiring->settings;
  return fmt::format(R"({{"Account":"{}","Region":"{}","Endpoint":"{}"}})", settings.account, settings.region,
                     parts_->address.get());
}

void Engine::start(const std::string& url) {
  parts_->address.set(url);
  for (const auto& area : parts_->areas) area->start();
}

void Engine::stop() {
  for (auto area = parts_->areas.rbegin(); area != parts_->areas.rend(); ++area) (*area)->stop();
}

storage::EmbeddedStorage& Engine::storage() { return *parts_->storage; }

const std::vector<const aws::Service*>& Engine::services() const { return parts_->gateway->services(); }

Chain Engine::chain() {
  aws::Gateway& gateway = *parts_->gateway;
  auto* recorder = parts_->wiring->recorder;
  const auto call = [&gateway, recorder](const net::Request& request) {
    const auto begin = std::chrono::steady_clock::now();
    auto answer = gateway.handle(request);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    if (recorder != nullptr) record_call(*recorder, answer.record, took.count());
    return answer;
  };
  return {call, [&gateway](const net::Request& request, const Error& error) { return gateway.refuse(request, error); },
          [&gateway](const net::Request& head) { return gateway.wants_stream(head); },
          [&gateway](const net::Request& request) { return gateway.waits(request); }, &parts_->pages};
}

}  // namespace likeness::app
