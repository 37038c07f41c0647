#include "app/cli/declare.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <memory>

#include "app/cli/commands.hpp"
#include "app/cli/completion.hpp"
#include "app/cli/doctor.hpp"
#include "app/cli/environment.hpp"
#include "app/cli/local_service.hpp"
#include "app/cli/remote_service.hpp"
#include "base/log.hpp"
#include "domain/checks/rules.hpp"
#include "index/face_index.hpp"
#include "vision/face_pipeline.hpp"
#include "vision/runtime/cpu_probe.hpp"
#include "vision/runtime/runtime.hpp"

namespace likeness::app {
namespace {

constexpr const char* kExitCodes =
    "\nExit codes: 0 done; 1 done, and the answer is no (a photo failed, no face, no match); 2 wrong usage;\n"
    "3 some photos could not be used; 4 nothing could be done.";

/// Options that the commands over photos share.
struct Common {
  bool json = false;
  std::string endpoint;
  std::string region;
  std::string data = default_data_folder().string();
};

std::string first_variable(std::initializer_list<const char*> names, std::string otherwise) {
  for (const char* name : names)
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  return otherwise;
}

Console make_console(bool json) {
  return {std::cout, std::cerr, Terminal::of_stdout(), json, Progress::terminal_is_there()};
}

/// The analyzer with the runtime that it borrows.
class OwningAnalyzer final : public vision::FaceAnalyzer {
 public:
  OwningAnalyzer(std::unique_ptr<vision::Runtime> runtime, std::unique_ptr<vision::FaceAnalyzer> analyzer)
      : runtime_(std::move(runtime)), analyzer_(std::move(analyzer)) {}
  Result<std::vector<vision::Face>> analyze(const media::Image& image, const vision::AnalyzeOptions& options) override {
    return analyzer_->analyze(image, options);
  }
  std::string face_model_version() const override { return analyzer_->face_model_version(); }
  float similarity(float cosine) const override { return analyzer_->similarity(cosine); }
  float cosine_for(float similarity) const override { return analyzer_->cosine_for(similarity); }
  double false_match_rate(float similarity) const override { return analyzer_->false_match_rate(similarity); }

 private:
  std::unique_ptr<vision::Runtime> runtime_;
  std::unique_ptr<vision::FaceAnalyzer> analyzer_;
};

Result<std::unique_ptr<vision::FaceAnalyzer>> make_analyzer() {
  auto runtime = vision::Runtime::create({});
  if (!runtime) return fail(runtime);
  auto analyzer = vision::make_face_analyzer(**runtime);
  if (!analyzer) return fail(analyzer);
  return std::make_unique<OwningAnalyzer>(std::move(*runtime), std::move(*analyzer));
}

Result<std::unique_ptr<FaceService>> open_service(const Common& common) {
  const std::string region =
      common.region.empty() ? first_variable({"AWS_REGION", "AWS_DEFAULT_REGION"}, "us-east-1") : common.region;
  if (common.endpoint.empty()) {
    vision::probe_cpu_before_inference();
    LocalParts parts;
    parts.make_analyzer = make_analyzer;
    parts.make_index = [](std::size_t dimensions) {
      index::FaceIndexOptions options;
      options.dimensions = dimensions;
      return index::make_face_index(options);
    };
    parts.data = common.data;
    parts.region = region;
    return make_local_service(std::move(parts));
  }
  auto key = find_client_key(common.data);
  if (!key) return fail(key);
  auto call = connect_to({common.endpoint, region, std::move(*key)});
  if (!call) return fail(call);
  return make_remote_service(std::move(*call));
}

/// Runs a command against the service that the options ask for.
template <class Options>
int run_with_service(int (*run)(const Options&, FaceService&, Console&), const Options& options, const Common& common) {
  log::set_level(log::Level::Warn);
  Console console = make_console(common.json);
  auto service = open_service(common);
  if (!service) return give_up(console, service.error());
  return run(options, **service, console);
}

void add_common(CLI::App* command, const std::shared_ptr<Common>& common, bool photos = true) {
  command->add_flag("--json", common->json,
                    photos ? "one JSON document a line and photo, members named as in the AWS API" : "JSON");
  command->add_option("--endpoint", common->endpoint, "ask this server instead of working here (env LIKENESS_ENDPOINT)")
      ->envname("LIKENESS_ENDPOINT")
      ->type_name("URL");
  command->add_option("--data", common->data, "data folder: collections; with --endpoint the server's, for its key")
      ->capture_default_str()
      ->type_name("DIR");
  command->add_option("--region", common->region, "region of the collections (else AWS_REGION, else us-east-1)")
      ->type_name("NAME");
  command->footer(kExitCodes);
}

void add_photos(CLI::App* command, std::vector<std::string>& photos, const char* name = "PHOTOS") {
  command->add_option(name, photos, "files, folders (all photos below), patterns, or - for standard input")
      ->required()
      ->type_name("");
}

void add_draw(CLI::App* command, std::optional<std::string>& draw) {
  command->add_option("--draw", draw, "draw what was found: a .png or .jpg for one photo, a folder for any number")
      ->type_name("FILE|DIR");
}

void add_jobs(CLI::App* command, std::size_t& jobs) {
  command->add_option("-j,--jobs", jobs, "photos at once")
      ->check(CLI::Range(1, 256))
      ->capture_default_str()
      ->type_name("N");
}

void add_threshold(CLI::App* command, float& threshold) {
  command->add_option("--threshold", threshold, "least similarity in percent")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str()
      ->type_name("PERCENT");
}

void add_check(CLI::App& root, int& exit_code) {
  auto options = std::make_shared<CheckOptions>();
  auto common = std::make_shared<Common>();
  CLI::App* command = root.add_subcommand("check", "Hold photos against rules: PASS or FAIL, and by how much");
  add_photos(command, options->photos);
  command
      ->add_option("--rules", options->rules,
                   fmt::format("rules in YAML, or one of {}", fmt::join(checks::built_in_rule_names(), ", ")))
      ->capture_default_str()
      ->type_name("FILE|NAME");
  command->add_flag("--brief", options->brief, "show only the rules that failed");
  add_draw(command, options->draw);
  add_jobs(command, options->jobs);
  add_common(command, common);
  command->callback([=, &exit_code] { exit_code = run_with_service(run_check, *options, *common); });
}

void add_detect(CLI::App& root, int& exit_code) {
  auto options = std::make_shared<DetectOptions>();
  auto common = std::make_shared<Common>();
  CLI::App* command = root.add_subcommand("detect", "Find faces and say what is on them");
  add_photos(command, options->photos);
  add_draw(command, options->draw);
  command->add_option("--crops", options->crops, "a folder that gets each face as a photo of its own")
      ->type_name("DIR");
  add_jobs(command, options->jobs);
  add_common(command, common);
  command->callback([=, &exit_code] { exit_code = run_with_service(run_detect, *options, *common); });
}

void add_compare(CLI::App& root, int& exit_code) {
  auto options = std::make_shared<CompareOptions>();
  auto common = std::make_shared<Common>();
  CLI::App* command = root.add_subcommand("compare", "Is the largest face of SOURCE in the other photos?");
  command->add_option("SOURCE", options->source, "photo of the person")->required()->type_name("");
  add_photos(command, options->targets, "TARGETS");
  add_threshold(command, options->threshold);
  add_draw(command, options->draw);
  add_jobs(command, options->jobs);
  add_common(command, common);
  command->callback([=, &exit_code] { exit_code = run_with_service(run_compare, *options, *common); });
}

void add_index(CLI::App& root, int& exit_code) {
  auto options = std::make_shared<IndexOptions>();
  auto common = std::make_shared<Common>();
  CLI::App* command =
      root.add_subcommand("index", "Put the faces of photos into a collection (made if it is not there)");
  command->add_option("COLLECTION", options->collection)->required()->type_name("");
  add_photos(command, options->photos);
  command->add_option("--name", options->name, "what the faces are indexed as; without it, the name of their file")
      ->type_name("NAME");
  command->add_option("--max-faces", options->max_faces, "of a photo, the largest first")
      ->check(CLI::Range(1, 100))
      ->type_name("N");
  command->add_option("--quality", options->quality_filter, "which faces are good enough")
      ->check(CLI::IsMember({"NONE", "AUTO", "LOW", "MEDIUM", "HIGH"}))
      ->capture_default_str()
      ->type_name("FILTER");
  add_draw(command, options->draw);
  add_jobs(command, options->jobs);
  add_common(command, common);
  command->callback([=, &exit_code] { exit_code = run_with_service(run_index, *options, *common); });
}

void add_search(CLI::App& root, int& exit_code) {
  auto options = std::make_shared<SearchOptions>();
  auto common = std::make_shared<Common>();
  CLI::App* command = root.add_subcommand("search", "Who of a collection is on these photos?");
  command->add_option("COLLECTION", options->collection)->required()->type_name("");
  add_photos(command, options->photos);
  add_threshold(command, options->threshold);
  command->add_option("--max-faces", options->max_faces, "matches of a face")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str()
      ->type_name("N");
  command->add_flag("--all", options->all_faces, "search for every face of a photo, not only the largest");
  add_draw(command, options->draw);
  add_jobs(command, options->jobs);
  add_common(command, common);
  command->callback([=, &exit_code] { exit_code = run_with_service(run_search, *options, *common); });
}

void add_people(CLI::App& root, int& exit_code) {
  using Action = PeopleOptions::Action;
  CLI::App* people = root.add_subcommand("people", "Persons of a collection, each known by several faces");
  people->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, Action action) {
    auto options = std::make_shared<PeopleOptions>();
    auto common = std::make_shared<Common>();
    options->action = action;
    CLI::App* command = people->add_subcommand(name, help);
    options->collection.emplace();
    command->add_option("COLLECTION", *options->collection)->required()->type_name("");
    if (action != Action::List) command->add_option("PERSON", options->person)->required()->type_name("");
    if (action == Action::Create) add_photos(command, options->photos);
    if (action == Action::Delete)
      command->add_flag("--faces", options->with_faces, "delete the person's faces as well");
    add_common(command, common, false);
    command->callback([=, &exit_code] { exit_code = run_with_service(run_people, *options, *common); });
  };
  add("list", "Who is in a collection", Action::List);
  add("create", "Make a person, or give one more faces, from photos that show nobody larger", Action::Create);
  add("show", "The faces of a person", Action::Show);
  add("delete", "Forget a person; the faces stay in the collection unless --faces is given", Action::Delete);
}

void add_collections(CLI::App& root, int& exit_code) {
  CLI::App* collections = root.add_subcommand("collections", "The collections and what is in them");
  collections->require_subcommand(1);
  auto listed = std::make_shared<PeopleOptions>();
  auto common = std::make_shared<Common>();
  CLI::App* list = collections->add_subcommand("list", "All collections with the number of faces and persons");
  add_common(list, common, false);
  list->callback([=, &exit_code] { exit_code = run_with_service(run_people, *listed, *common); });

  auto doomed = std::make_shared<PeopleOptions>();
  auto doomed_common = std::make_shared<Common>();
  doomed->action = PeopleOptions::Action::Delete;
  doomed->collection.emplace();
  CLI::App* remove = collections->add_subcommand("delete", "Erase a collection with all its faces and persons");
  remove->add_option("COLLECTION", *doomed->collection)->required()->type_name("");
  add_common(remove, doomed_common, false);
  remove->callback([=, &exit_code] { exit_code = run_with_service(run_people, *doomed, *doomed_common); });
}

void add_models(CLI::App& root, int& exit_code) {
  auto options = std::make_shared<ModelsOptions>();
  auto json = std::make_shared<bool>(false);
  CLI::App* command =
      root.add_subcommand("models", "The models with their licences, and whether their files are there");
  command->add_flag("--verify", options->verify, "read every file and compare its SHA-256");
  command->add_flag("--json", *json, "JSON");
  command->callback([=, &exit_code] {
    Console console = make_console(*json);
    exit_code = run_models(*options, console);
  });
}

void add_doctor(CLI::App& root, int& exit_code) {
  auto options = std::make_shared<DoctorOptions>();
  auto data = std::make_shared<std::string>(default_data_folder().string());
  auto json = std::make_shared<bool>(false);
  CLI::App* command = root.add_subcommand("doctor", "Look at everything Likeness needs, and say what to do");
  command->add_option("--data", *data, "data folder")->capture_default_str()->type_name("DIR");
  command->add_option("--listen", options->listen, "address that the server shall use")
      ->capture_default_str()
      ->type_name("HOST:PORT");
  command->add_flag("--quick", options->quick, "do not read every model file");
  command->add_flag("--json", *json, "JSON");
  command->footer("\nExit codes: 0 no problem (there may be warnings); 1 a problem; 2 wrong usage.");
  command->callback([=, &exit_code] {
    log::set_level(log::Level::Warn);
    const vision::CpuProbe probe = vision::probe_cpu_before_inference();
    DoctorOptions asked = *options;
    asked.data = *data;
    asked.cpu_summary = probe.summary;
    asked.amx_faults = probe.amx == vision::CpuProbe::Amx::Faults;
    Console console = make_console(*json);
    exit_code = run_doctor(asked, console);
  });
}

/// What may stand after an option, for completion; CLI11 does not tell.
std::vector<std::string> values_of(const std::string& command, const std::string& name) {
  if (command == "check" && name == "--rules") return checks::built_in_rule_names();
  if (command == "index" && name == "--quality") return {"NONE", "AUTO", "LOW", "MEDIUM", "HIGH"};
  return {};
}

CommandTree tree_of(const CLI::App& app) {
  CommandTree tree;
  tree.name = app.get_name();
  tree.help = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    CommandTree::Option entry;
    for (const std::string& name : option->get_snames()) entry.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) entry.names.push_back("--" + name);
    if (entry.names.empty()) continue;
    entry.help = option->get_description();
    entry.takes_value = option->get_expected_max() > 0 && option->get_type_size_max() > 0;
    entry.values = values_of(tree.name, entry.names.back());
    tree.options.push_back(std::move(entry));
  }
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; }))
    tree.commands.push_back(tree_of(*child));
  return tree;
}

void add_completion(CLI::App& root, int& exit_code) {
  CLI::App* completion = root.add_subcommand("completion", "Print a completion script: bash, zsh or fish");
  completion->require_subcommand(1);
  for (const char* shell : {"bash", "zsh", "fish"}) {
    CLI::App* command = completion->add_subcommand(shell, std::string("for ") + shell);
    command->callback([&root, shell, &exit_code] {
      std::cout << completion_script(tree_of(root), shell).value_or("");
      exit_code = kDone;
    });
  }
}

}  // namespace

void add_photo_commands(CLI::App& root, int& exit_code) {
  add_check(root, exit_code);
  add_detect(root, exit_code);
  add_compare(root, exit_code);
  add_index(root, exit_code);
  add_search(root, exit_code);
  add_people(root, exit_code);
  add_collections(root, exit_code);
  add_models(root, exit_code);
  add_doctor(root, exit_code);
  add_completion(root, exit_code);
}

}  // namespace likeness::app
