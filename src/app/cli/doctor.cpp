#include "app/cli/doctor.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <thread>

#include "base/cpu.hpp"
#include "media/draw.hpp"
#include "net/client.hpp"
#include "vision/runtime/model_registry.hpp"
#include "vision/runtime/runtime.hpp"

namespace likeness::app {
namespace {

namespace fs = std::filesystem;
using State = Diagnosis::State;

constexpr double kGigabyte = 1e9;
constexpr double kWantedMemory = 2 * kGigabyte;  // models, work of every core, and room for large photos
constexpr double kWantedDisk = 1 * kGigabyte;
constexpr rlim_t kWantedFiles = 4096;

Diagnosis processor() {
  const CpuFeatures& cpu = cpu_features();
  std::string found = fmt::format("{}, {} cores, ", cpu_name(), std::thread::hardware_concurrency());
  found += cpu.avx512 ? "AVX-512" : cpu.avx2 ? "AVX2" : "no AVX2";
  if (cpu.avx512_vnni) found += ", VNNI";
  if (cpu.avx512_bf16) found += ", BF16";
  if (!cpu.avx2)
    return {State::Warning, "processor", found, "It works, but several times slower than on a processor with AVX2."};
  return {State::Good, "processor", found, ""};
}

Diagnosis matrix_unit(const DoctorOptions& options) {
  if (options.amx_faults)
    return {State::Warning, "AMX", options.cpu_summary,
            "Nothing to do: it is kept from being used. The host of this virtual machine could turn it on."};
  return {State::Good, "AMX", options.cpu_summary, ""};
}

std::vector<Diagnosis> models(bool quick) {
  const auto registry = vision::ModelRegistry::load();
  if (!registry)
    return {{State::Bad, "models", registry.error().message + " " + registry.error().detail,
             "Correct or remove the manifest in the folder of your own models."}};
  std::size_t good = 0;
  std::vector<Diagnosis> out;
  for (const vision::ModelSpec& spec : registry->specs()) {
    bool whole = true;
    std::string problem;
    if (quick) {
      for (const vision::ModelFile& file : spec.files)
        if (!fs::exists(spec.folder / file.file)) problem = fmt::format("{} is missing", file.file), whole = false;
    } else if (auto verified = vision::verify_files(spec); !verified) {
      problem = verified.error().message;
      whole = false;
    }
    if (whole)
      ++good;
    else
      out.push_back({State::Bad, "model " + spec.role, problem, "Run scripts/setup.sh: it fetches the pinned files."});
  }
  out.insert(out.begin(), {good == registry->specs().size() ? State::Good : State::Bad, "models",
                           fmt::format("{} of {} are there{}", good, registry->specs().size(),
                                       quick ? "" : " and have the right SHA-256"),
                           ""});
  return out;
}

Diagnosis inference() { return {State::Good, "inference", "OpenVINO " + vision::inference_version(), ""}; }

std::string mode_text(const struct stat& status) { return fmt::format("{:04o}", status.st_mode & 07777u); }

std::vector<Diagnosis> data_folder(const fs::path& folder) {
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) {
    fs::path parent = folder;
    while (!parent.empty() && !fs::exists(parent) && parent.has_parent_path() && parent != parent.parent_path())
      parent = parent.parent_path();
    if (::access(parent.empty() ? "." : parent.c_str(), W_OK) != 0)
      return {{State::Bad, "data folder", fmt::format("{} is not there and cannot be made", folder.string()),
               fmt::format("Give this user the right to write in {}, or name another with --data.", parent.string())}};
    return {{State::Good, "data folder", fmt::format("{} will be made at first use", folder.string()), ""}};
  }
  std::vector<Diagnosis> out;
  if (!S_ISDIR(status.st_mode) || ::access(folder.c_str(), R_OK | W_OK | X_OK) != 0)
    return {{State::Bad, "data folder", fmt::format("{} is not a folder that this user may write", folder.string()),
             fmt::format("chown or chmod it, or name another with --data.")}};
  const bool open_to_others = (status.st_mode & 07u) != 0;
  out.push_back({open_to_others ? State::Warning : State::Good, "data folder",
                 fmt::format("{}, mode {}", folder.string(), mode_text(status)),
                 open_to_others ? fmt::format("Faces lie in it: chmod 700 {}", folder.string()) : ""});
  const fs::path credentials = folder / "credentials";
  struct stat key{};
  if (::stat(credentials.c_str(), &key) == 0 && (key.st_mode & 077u) != 0)
    out.push_back({State::Bad, "credentials", fmt::format("{} has mode {}", credentials.string(), mode_text(key)),
                   fmt::format("Others can read the root key: chmod 600 {}", credentials.string())});
  return out;
}

Diagnosis disk(const fs::path& folder) {
  fs::path there = folder;
  std::error_code error;
  while (!fs::exists(there, error) && there.has_parent_path() && there != there.parent_path())
    there = there.parent_path();
  const fs::space_info space = fs::space(there.empty() ? "." : there, error);
  if (error) return {State::Warning, "disk", "its free space could not be read: " + error.message(), ""};
  const double free = static_cast<double>(space.available);
  const bool enough = free >= kWantedDisk;
  return {enough ? State::Good : State::Warning, "disk", fmt::format("{:.1f} GB free", free / kGigabyte),
          enough ? "" : "Make room: with less than 64 MB nothing can be added any more."};
}

struct Descriptor {
  int number = -1;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

Diagnosis port(const std::string& listen) {
  const std::string subject = "port " + listen;
  const auto colon = listen.rfind(':');
  if (colon == std::string::npos)
    return {State::Bad, subject, "not an address", "Write HOST:PORT, as in 127.0.0.1:4600."};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string host = listen.substr(0, colon), service = listen.substr(colon + 1);
  if (const int code = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &found); code != 0)
    return {State::Bad, subject, ::gai_strerror(code), "Name an address of this machine with --listen."};
  const Descriptor socket{::socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0)};
  const int yes = 1;
  ::setsockopt(socket.number, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const int bound = ::bind(socket.number, found->ai_addr, found->ai_addrlen);
  const int why = errno;
  ::freeaddrinfo(found);
  if (bound == 0) return {State::Good, subject, "free", ""};
  if (why != EADDRINUSE) return {State::Bad, subject, std::strerror(why), "Choose another with `serve --listen`."};
  auto client = net::Client::for_endpoint("http://" + listen, {.connect_timeout = std::chrono::milliseconds(1000),
                                                               .io_timeout = std::chrono::milliseconds(2000),
                                                               .max_body_bytes = 1 << 20});
  if (client) {
    net::Request request;
    request.method = "GET";
    request.target = "/_likeness/health";
    const auto answer = client->send(request);
    if (answer && answer->status == 200) return {State::Good, subject, "a Likeness server answers there", ""};
  }
  return {State::Warning, subject, "taken by another program",
          "Stop that program (ss -ltnp shows it) or choose another port with `serve --listen`."};
}

/// What this process may use: the machine's free memory, or less inside a container.
Diagnosis memory() {
  double free = 0;
  std::ifstream information("/proc/meminfo");
  for (std::string name, unit; information >> name;) {
    double kilobytes = 0;
    information >> kilobytes;
    std::getline(information, unit);
    if (name == "MemAvailable:") free = kilobytes * 1024;
  }
  std::ifstream limit_file("/sys/fs/cgroup/memory.max"), used_file("/sys/fs/cgroup/memory.current");
  double limit = 0, used = 0;
  if (limit_file >> limit && used_file >> used) free = std::min(free, limit - used);
  const bool enough = free >= kWantedMemory;
  return {enough ? State::Good : State::Warning, "memory", fmt::format("{:.1f} GB free", free / kGigabyte),
          enough ? "" : "Two GB should be free; with less, large photos and many clients at once are refused or slow."};
}

Diagnosis open_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const bool enough = limit.rlim_cur >= kWantedFiles;
  return {
      enough ? State::Good : State::Warning, "open files", fmt::format("at most {}", limit.rlim_cur),
      enough ? "" : fmt::format("For many clients: ulimit -n {} (or LimitNOFILE= in the service file).", kWantedFiles)};
}

Diagnosis fonts() {
  const auto font = media::drawing_font();
  if (!font) return {State::Bad, "fonts", "none was found", "--draw needs one: apt-get install fonts-dejavu-core"};
  return {State::Good, "fonts", *font, ""};
}

std::string_view state_name(State state) {
  return state == State::Good ? "ok" : state == State::Warning ? "warning" : "problem";
}

bool files_are_there(const vision::ModelSpec& spec) {
  for (const vision::ModelFile& file : spec.files)
    if (!fs::exists(spec.folder / file.file)) return false;
  return true;
}

}  // namespace

std::vector<Diagnosis> examine(const DoctorOptions& options) {
  std::vector<Diagnosis> all = {processor(), matrix_unit(options), inference()};
  for (Diagnosis& each : models(options.quick)) all.push_back(std::move(each));
  for (Diagnosis& each : data_folder(options.data)) all.push_back(std::move(each));
  all.push_back(disk(options.data));
  all.push_back(port(options.listen));
  all.push_back(memory());
  all.push_back(open_files());
  all.push_back(fonts());
  return all;
}

int run_doctor(const DoctorOptions& options, Console& console) {
  const std::vector<Diagnosis> all = examine(options);
  const auto count = [&](State state) {
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const auto& d) { return d.state == state; }));
  };
  const std::size_t bad = count(State::Bad), warnings = count(State::Warning);
  if (console.json) {
    boost::json::array checks;
    for (const Diagnosis& each : all)
      checks.push_back(
          {{"Check", each.subject}, {"State", state_name(each.state)}, {"Found", each.found}, {"Advice", each.advice}});
    console.out << boost::json::serialize(
                       boost::json::object{{"Checks", std::move(checks)}, {"Problems", bad}, {"Warnings", warnings}})
                << '\n';
    return bad > 0 ? kNo : kDone;
  }
  const Terminal& terminal = console.terminal;
  Table table;
  for (const Diagnosis& each : all) {
    const Style style = each.state == State::Good      ? Style::Good
                        : each.state == State::Warning ? Style::Warn
                                                       : Style::Bad;
    const std::string sign = each.state == State::Good      ? std::string(terminal.tick())
                             : each.state == State::Warning ? "!"
                                                            : std::string(terminal.cross());
    table.row({{sign, style}, {each.subject, Style::Bold}, {printable(each.found)}});
    if (!each.advice.empty()) table.row({{""}, {""}, {printable(each.advice), style}});
  }
  console.out << table.text(terminal);
  if (bad + warnings == 0)
    console.out << "everything is as it should be\n";
  else
    console.out << fmt::format("{}, {}\n", counted(bad, "problem", "problems"),
                               counted(warnings, "warning", "warnings"));
  return bad > 0 ? kNo : kDone;
}

int run_models(const ModelsOptions& options, Console& console) {
  const auto registry = vision::ModelRegistry::load();
  if (!registry) return give_up(console, registry.error());
  bool whole = true;
  boost::json::array out;
  Table table;
  table.header({"role", "model", "version", "licence", "from", "state"});
  for (const vision::ModelSpec& spec : registry->specs()) {
    std::string state = files_are_there(spec) ? "there" : "missing";
    if (options.verify && state == "there") {
      const auto verified = vision::verify_files(spec);
      state = verified ? "verified" : verified.error().code == "ModelDamaged" ? "damaged" : "missing";
    }
    const bool good = state == "there" || state == "verified";
    whole = whole && good;
    const std::string from = spec.drop_in ? spec.folder.string() : spec.registry + " " + spec.package;
    table.row({{spec.role, Style::Bold},
               {spec.name},
               {spec.version, Style::Faint},
               {spec.licence},
               {printable(from), Style::Faint},
               {state, good ? Style::Good : Style::Bad}});
    out.push_back({{"Role", spec.role},
                   {"Name", spec.name},
                   {"Version", spec.version},
                   {"Licence", spec.licence},
                   {"TrainingData", spec.training_data},
                   {"From", from},
                   {"Sha256", to_hex(spec.content_sha256())},
                   {"State", state}});
  }
  if (console.json)
    console.out << boost::json::serialize(boost::json::object{{"Models", std::move(out)}}) << '\n';
  else
    console.out << table.text(console.terminal);
  if (!whole) complain(console, "some model files are missing or damaged: run scripts/setup.sh");
  return whole ? kDone : kNo;
}

}  // namespace likeness::app
