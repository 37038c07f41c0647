#include "functions/sandbox.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <system_error>
#include <utility>

#include "base/bytes.hpp"
#include "base/log.hpp"

namespace likeness::functions {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kUsersOfServer = 8192;

/// The first of the users of this server's workers: no other server on the machine has them, so that none ends the
/// others' workers.
uid_t first_user() { return 1'000'000'000U + static_cast<uid_t>(::getpid() % 65536) * kUsersOfServer; }
constexpr std::uint64_t kMegabyte = 1024 * 1024;
// Beyond a function's memory, for what the kernel counts as data but nobody uses; the watch is the real limit.
constexpr std::uint64_t kDataRoom = 1024 * kMegabyte;
constexpr const char* kBubblewrap = "/usr/bin/bwrap";

Failure not_prepared(const std::string& detail) {
  return server_error("WorkerStartFailed", "A worker of the function could not be started.", detail);
}

/// The same files under another name, by links where the file system can, else by copies.
bool link_tree(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to, error);
  if (error) return false;
  ::chmod(to.c_str(), 0755);
  for (auto entry = fs::recursive_directory_iterator(from, error); !error && entry != fs::end(entry);
       entry.increment(error)) {
    const fs::path target = to / entry->path().lexically_relative(from);
    std::error_code failed;
    if (entry->is_symlink()) {
      fs::remove(target, failed);
      fs::copy_symlink(entry->path(), target, failed);
    } else if (entry->is_directory()) {
      fs::create_directories(target, failed);
      ::chmod(target.c_str(), 0755);
    } else if (entry->is_regular_file()) {
      fs::remove(target, failed);
      fs::create_hard_link(entry->path(), target, failed);
      if (failed) {
        failed.clear();
        fs::copy_file(entry->path(), target, failed);
      }
    }
    if (failed) return false;
  }
  return !error;
}

/// Removes what servers that have ended left in /tmp.
void remove_old_places(const std::string& prefix) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/tmp", error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    const std::string rest = name.substr(prefix.size());
    const std::string owner = rest.substr(0, rest.find('-'));
    struct stat facts{};
    if (::lstat(entry.path().c_str(), &facts) != 0 || facts.st_uid != ::geteuid() || !S_ISDIR(facts.st_mode)) continue;
    if (owner.empty() || fs::exists("/proc/" + owner)) continue;
    std::error_code ignored;
    fs::remove_all(entry.path(), ignored);
  }
}

/// Whether a program can be run under bubblewrap here: in containers its system calls are often forbidden.
bool bubblewrap_works(bool root) {
  std::vector<std::string> argv = {kBubblewrap,     "--die-with-parent",
                                   "--unshare-pid", "--unshare-ipc",
                                   "--ro-bind",     "/usr",
                                   "/usr",          "--symlink",
                                   "usr/bin",       "/bin",
                                   "--symlink",     "usr/lib",
                                   "/lib",          "--symlink",
                                   "usr/lib64",     "/lib64",
                                   "--proc",        "/proc",
                                   "--dev",         "/dev",
                                   "--size",        "65536",
                                   "--tmpfs",       "/tmp"};
  if (root) {
    argv.insert(argv.end(),
                {"--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--", "/usr/bin/setpriv",
                 "--reuid", std::to_string(first_user()), "--regid", std::to_string(first_user()), "--clear-groups",
                 "--no-new-privs", "--", "/bin/echo", "works"});
  } else {
    argv.insert(argv.begin() + 1, "--unshare-user");
    argv.insert(argv.end(), {"--", "/bin/echo", "works"});
  }
  return ::access(kBubblewrap, X_OK) == 0 && output_of(argv) == "works\n";
}

/// A text for the shell's own reading.
std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'')
      quoted += "'\\''";
    else if (c != '\0')
      quoted += c;
  }
  return quoted + "'";
}

bool is_variable_name(const std::string& name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace

Sandbox::Sandbox(const RunnerOptions& options) : options_(options), root_(::geteuid() == 0) {}

Sandbox::~Sandbox() {
  if (public_.empty()) return;
  std::error_code ignored;
  fs::remove_all(public_, ignored);
}

Result<std::unique_ptr<Sandbox>> Sandbox::open(const RunnerOptions& options) {
  if (options.max_workers > kUsersOfServer)
    return client_error("InvalidSetting", fmt::format("There can be at most {} workers.", kUsersOfServer));
  std::unique_ptr<Sandbox> sandbox(new Sandbox(options));
  std::error_code error;
  fs::remove_all(options.folder, error);
  fs::create_directories(options.folder, error);
  if (error) return server_error("StorageFailure", "Functions cannot be run.", error.message());

  const Isolation wanted = options.isolation;
  const bool any = wanted == Isolation::Automatic;
  if ((any || wanted == Isolation::Bubblewrap) && bubblewrap_works(sandbox->root_))
    sandbox->isolation_ = Isolation::Bubblewrap;
  else if (wanted == Isolation::Bubblewrap)
    return client_error("IsolationUnavailable",
                        "bubblewrap does not work here (is it installed, and allowed to make "
                        "namespaces?).");
  else if ((any || wanted == Isolation::User) && sandbox->root_)
    sandbox->isolation_ = Isolation::User;
  else if (wanted == Isolation::User)
    return client_error("IsolationUnavailable",
                        "Workers can have users of their own only when the server runs as root.");

  if (sandbox->isolation_ == Isolation::User) {
    // Nobody can list it, and the names in it cannot be guessed: who is told a path has it.
    const std::string prefix = "likeness-functions-";
    remove_old_places(prefix);
    std::string name = fmt::format("/tmp/{}{}-XXXXXX", prefix, ::getpid());
    if (::mkdtemp(name.data()) == nullptr || ::chmod(name.c_str(), 0711) != 0)
      return server_error("StorageFailure", "Functions cannot be run.", "no folder in /tmp");
    sandbox->public_ = name;
  }
  if (sandbox->isolation_ == Isolation::Bubblewrap) {
    // Names for the users in the sandbox, instead of those of the machine.
    std::ofstream passwd(options.folder / "passwd");
    passwd << "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n";
    for (std::size_t slot = 0; slot < options.max_workers; ++slot)
      passwd << fmt::format("sbx_user{}:x:{}:{}::/tmp:/bin/sh\n", slot, first_user() + slot, first_user() + slot);
    std::ofstream group(options.folder / "group");
    group << "root:x:0:\nnogroup:x:65534:\n";
    if (!passwd.flush() || !group.flush()) return server_error("StorageFailure", "Functions cannot be run.", "passwd");
  }
  sandbox->cgroups_ = CgroupTree::open();
  return sandbox;
}

std::optional<uid_t> Sandbox::user(std::size_t slot) const {
  if (!root_ || isolation_ == Isolation::Limits) return std::nullopt;
  return first_user() + static_cast<uid_t>(slot);
}

Result<fs::path> Sandbox::merged_layers(const std::vector<fs::path>& layers) {
  if (layers.empty()) return fs::path();
  if (layers.size() == 1) return layers.front();
  std::string key;
  for (const auto& layer : layers) key += layer.string() + "\n";
  const std::lock_guard lock(mutex_);
  if (const auto known = merged_.find(key); known != merged_.end()) return known->second;
  fs::path folder = options_.folder / "layers" / to_hex(sha256(as_bytes(key))).substr(0, 32);
  for (const auto& layer : layers)
    if (!link_tree(layer, folder)) return not_prepared("merging the layer " + layer.string());
  merged_.emplace(key, folder);
  return folder;
}

Result<fs::path> Sandbox::published_runtime(const fs::path& folder) {
  const std::lock_guard lock(mutex_);
  if (const auto known = published_.find(folder.string()); known != published_.end()) return known->second;
  fs::path place = public_ / to_hex(random_bytes(16));
  if (!link_tree(folder, place)) return not_prepared("publishing " + folder.string());
  published_.emplace(folder.string(), place);
  return place;
}

Result<Sandbox::Place> Sandbox::prepare(const FunctionSpec& function, const InstalledRuntime& runtime,
                                        std::size_t slot) {
  Place place;
  std::error_code error;
  if (!fs::is_directory(function.code, error)) return not_prepared("no folder " + function.code.string());
  place.task = function.code;
  auto opt = merged_layers(function.layers);
  if (!opt) return fail(opt);
  place.opt = *opt;
  std::size_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = ++places_;
  }
  if (isolation_ != Isolation::Bubblewrap) {
    const bool own_user = isolation_ == Isolation::User;
    place.folder = own_user ? public_ / to_hex(random_bytes(16)) : options_.folder / fmt::format("worker-{}", number);
    const fs::path tmp = place.folder / "tmp";
    fs::create_directories(tmp, error);
    if (error) return not_prepared("making " + tmp.string());
    ::chmod(place.folder.c_str(), 0755);
    ::chmod(tmp.c_str(), 0700);
    if (own_user) {
      if (::chown(tmp.c_str(), *user(slot), *user(slot)) != 0) return not_prepared("chown of " + tmp.string());
      place.task = place.folder / "task";
      if (!link_tree(function.code, place.task)) return not_prepared("publishing the code");
      if (!place.opt.empty()) {
        if (!link_tree(place.opt, place.folder / "opt")) return not_prepared("publishing the layers");
        place.opt = place.folder / "opt";
      }
    }
    place.view.task = place.task.string();
    place.view.opt = place.opt.empty() ? "/opt" : place.opt.string();
    place.view.tmp = tmp.string();
    for (const auto& [from, to] :
         {std::pair{&runtime.folder, &place.view.runtime}, {&runtime.modules, &place.view.modules}}) {
      if (from->empty()) continue;
      auto seen = own_user ? published_runtime(*from) : Result<fs::path>(*from);
      if (!seen) return fail(seen);
      *to = seen->string();
    }
  }
  if (cgroups_ != nullptr)
    place.cgroup =
        cgroups_->make(fmt::format("worker-{}", number),
                       (static_cast<std::uint64_t>(function.memory_mb) + 32 +
                        static_cast<std::uint64_t>(isolation_ == Isolation::Bubblewrap ? function.ephemeral_mb : 0)) *
                           kMegabyte,
                       options_.max_processes, function.memory_mb);
  return place;
}

void Sandbox::remove(Place& place) const {
  place.cgroup.reset();
  std::error_code ignored;
  if (!place.folder.empty()) fs::remove_all(place.folder, ignored);
}

std::vector<std::string> Sandbox::bubblewrap(const FunctionSpec& function, const InstalledRuntime& runtime,
                                             const Place& place, std::size_t slot) const {
  std::vector<std::string> argv = {
      kBubblewrap, "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "169"};
  const auto add = [&](std::initializer_list<std::string> more) { argv.insert(argv.end(), more); };
  if (root_)
    add({"--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"});
  else
    add({"--unshare-user"});
  add({"--ro-bind", "/usr", "/usr"});
  std::error_code error;
  for (const char* name : {"bin", "lib", "lib64", "lib32", "sbin"}) {
    const fs::path path = fs::path("/") / name;
    if (fs::is_symlink(path, error))
      add({"--symlink", fs::read_symlink(path, error).string(), path.string()});
    else if (fs::is_directory(path, error))
      add({"--ro-bind", path.string(), path.string()});
  }
  // Made here because bubblewrap would make them for root alone.
  add({"--perms", "0755", "--dir", "/etc", "--perms", "0755", "--dir", "/var"});
  // What programs need to resolve names, to check certificates and to find libraries; nothing secret.
  for (const char* path : {"/etc/ssl", "/etc/ca-certificates", "/etc/pki", "/etc/resolv.conf", "/etc/hosts",
                           "/etc/nsswitch.conf", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf",
                           "/etc/ld.so.conf.d", "/etc/localtime", "/etc/mime.types", "/etc/fonts"})
    add({"--ro-bind-try", path, path});
  add({"--ro-bind",
       (options_.folder / "passwd").string(),
       "/etc/passwd",
       "--ro-bind",
       (options_.folder / "group").string(),
       "/etc/group",
       "--proc",
       "/proc",
       "--dev",
       "/dev",
       "--perms",
       "1777",
       "--size",
       std::to_string(static_cast<std::uint64_t>(function.ephemeral_mb) * kMegabyte),
       "--tmpfs",
       "/tmp",
       "--perms",
       "1777",
       "--size",
       std::to_string(64 * kMegabyte),
       "--tmpfs",
       "/dev/shm"});
  if (!runtime.prefix.empty()) {
    // Its parents may be closed to others on this machine; in here they hold nothing else.
    fs::path parent;
    for (const auto& part : runtime.prefix.parent_path()) {
      parent /= part;
      if (parent != "/") add({"--perms", "0755", "--dir", parent.string()});
    }
    add({"--ro-bind", runtime.prefix.string(), runtime.prefix.string()});
  }
  add({"--ro-bind", place.task.string(), "/var/task"});
  if (!place.opt.empty()) add({"--ro-bind", place.opt.string(), "/opt"});
  if (!runtime.folder.empty()) add({"--ro-bind", runtime.folder.string(), "/var/runtime"});
  // Where ESM looks when it goes up from /var/task; it does not know NODE_PATH.
  if (!runtime.modules.empty())
    add({"--ro-bind", runtime.modules.string(), "/var/runtime/node_modules", "--symlink", "runtime/node_modules",
         "/var/node_modules"});
  // Without root these are the worker's own: nothing but its /tmp may be written, or grow.
  add({"--remount-ro", "/dev", "--remount-ro", "/"});
  add({"--chdir", "/var/task", "--"});
  if (root_) {
    const std::string id = std::to_string(*user(slot));
    add({"/usr/bin/setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--no-new-privs", "--"});
  } else {
    add({"/usr/bin/prlimit", fmt::format("--nproc={0}:{0}", options_.max_processes), "--"});
  }
  return argv;
}

Result<Launch> Sandbox::launch_of(const FunctionSpec& function, const InstalledRuntime& runtime, const Place& place,
                                  std::size_t slot, const std::map<std::string, std::string>& environment, int log,
                                  int frames, int nothing, Descriptor& environment_file) const {
  Launch launch;
  launch.descriptors = {{nothing, 0}, {log, 1},     {log, 2},     {frames, 3},  {nothing, 4},
                        {nothing, 5}, {nothing, 6}, {nothing, 7}, {nothing, 8}, {nothing, 9}};
  launch.max_files = options_.max_files;
  launch.max_data_bytes = static_cast<std::uint64_t>(function.memory_mb) * kMegabyte + kDataRoom;
  if (place.cgroup != nullptr) launch.cgroup = place.cgroup->processes();
  const auto command = command_of(runtime, function, place.view);

  if (isolation_ != Isolation::Bubblewrap) {
    launch.argv = command;
    for (const auto& [name, value] : environment) launch.environment.push_back(fmt::format("{}={}", name, value));
    launch.folder = place.view.task;
    launch.user = user(slot);
    launch.max_file_bytes = static_cast<std::uint64_t>(function.ephemeral_mb) * kMegabyte;
    if (launch.user) launch.max_processes = options_.max_processes;
    return launch;
  }

  // The function's variables must not reach the programs that still have rights (think of LD_PRELOAD), nor a command
  // line that others can read: a shell without any rights takes them from a file in memory, then becomes the runtime.
  std::string variables;
  for (const auto& [name, value] : environment)
    if (is_variable_name(name)) variables += fmt::format("export {}={}\n", name, shell_quoted(value));
  auto file = memory_file(variables);
  if (!file) return fail(file);
  environment_file = std::move(*file);
  launch.argv = bubblewrap(function, runtime, place, slot);
  launch.argv.insert(launch.argv.end(), {"/bin/sh", "-c", R"(. /proc/self/fd/4; exec 4<&- "$@")", "sh"});
  launch.argv.insert(launch.argv.end(), command.begin(), command.end());
  launch.environment = {"PATH=/usr/local/bin:/usr/bin:/bin"};
  for (auto& [ours, its] : launch.descriptors)
    if (its == 4) ours = environment_file.get();
  if (root_) launch.max_processes = options_.max_processes;
  return launch;
}

}  // namespace likeness::functions
