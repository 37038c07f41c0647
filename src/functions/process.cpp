#include "functions/process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string_view>
#include <system_error>

namespace likeness::functions {
namespace {

constexpr int kFirstFree = 10;  // descriptors below this one are the child's to arrange

Failure not_started(std::string_view doing, int error) {
  return server_error("WorkerStartFailed", "A worker of the function could not be started.",
                      std::string(doing) + ": " + std::system_category().message(error));
}

Descriptor moved_up(int descriptor) {
  const int moved = ::fcntl(descriptor, F_DUPFD_CLOEXEC, kFirstFree);
  ::close(descriptor);
  return Descriptor(moved);
}

/// Everything the child needs, made before it exists: between vfork and exec it may only make system calls.
struct Prepared {
  std::vector<char*> argv, environment;
  const Launch* what = nullptr;
};

bool limit(int resource, std::uint64_t value) {
  const rlimit wanted{value, value};
  return ::setrlimit(static_cast<__rlimit_resource>(resource), &wanted) == 0;
}

/// In the child. Returns the errno of what went wrong.
int become(const Prepared& prepared) {
  const Launch& what = *prepared.what;
  for (int number = 1; number < NSIG; ++number)
    if (number != SIGKILL && number != SIGSTOP) ::signal(number, SIG_DFL);
  if (::setsid() < 0) return errno;
  if (!what.cgroup.empty()) {
    const int group = ::open(what.cgroup.c_str(), O_WRONLY | O_CLOEXEC);
    if (group < 0 || ::write(group, "0", 1) != 1) return errno;
  }
  for (const auto& [ours, its] : what.descriptors)
    if (::dup2(ours, its) < 0) return errno;
  ::syscall(SYS_close_range, static_cast<unsigned>(kFirstFree), ~0U, 0U);
  ::umask(022);
  if (what.max_file_bytes != 0 && !limit(RLIMIT_FSIZE, what.max_file_bytes)) return errno;
  if (what.max_data_bytes != 0 && !limit(RLIMIT_DATA, what.max_data_bytes)) return errno;
  if (!limit(RLIMIT_NOFILE, static_cast<std::uint64_t>(what.max_files)) || !limit(RLIMIT_CORE, 0)) return errno;
  if (what.max_processes != 0 && !limit(RLIMIT_NPROC, static_cast<std::uint64_t>(what.max_processes))) return errno;
  if (what.user) {
    // The plain system calls: the C library's would change every thread of the server.
    const auto user = static_cast<long>(*what.user);
    if (::syscall(SYS_setgroups, 0L, nullptr) != 0 || ::syscall(SYS_setresgid, user, user, user) != 0 ||
        ::syscall(SYS_setresuid, user, user, user) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
      return errno;
  }
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return errno;
  if (::chdir(what.folder.empty() ? "/" : what.folder.c_str()) != 0) return errno;
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(prepared.argv[0], prepared.argv.data(), prepared.environment.data());
  return errno;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (const auto& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

}  // namespace

void Descriptor::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

Result<Process> launch(const Launch& what) {
  Prepared prepared{pointers(what.argv), pointers(what.environment), &what};
  // The child must not run a handler of ours: it shares our memory until it is another program.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  volatile int failed = 0;
  // Not fork: that would copy the page tables of a big server. Not posix_spawn: it knows no limits, users and groups.
  const pid_t pid = ::vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork,bugprone-unsafe-functions)
  if (pid == 0) {
    failed = become(prepared);
    ::_exit(127);
  }
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return not_started("fork", error);
  if (failed != 0) {
    ::waitpid(pid, nullptr, 0);
    return not_started("exec " + what.argv.front(), failed);
  }
  Process process;
  process.pid = pid;
  process.watch = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process.watch) {
    const int reason = errno;
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return not_started("pidfd_open", reason);
  }
  return process;
}

void kill_all(pid_t process, std::optional<uid_t> user) {
  if (process <= 1) return;  // -1 would mean every process of the machine
  ::kill(-process, SIGKILL);
  ::kill(process, SIGKILL);
  if (!user || *user == 0) return;
  // Only a process of that user can mean all of its processes; a new session is out of the group's reach.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t killer = ::vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork,bugprone-unsafe-functions)
  if (killer == 0) {
    const auto id = static_cast<long>(*user);
    if (::syscall(SYS_setresuid, id, id, id) == 0) ::kill(-1, SIGKILL);
    ::_exit(0);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (killer > 0) ::waitpid(killer, nullptr, 0);
}

std::string reap(pid_t process, bool shell_like) {
  int status = 0;
  if (::waitpid(process, &status, WNOHANG) != process) return "";
  int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (WIFEXITED(status)) {
    const int code = WEXITSTATUS(status);
    if (shell_like && code > 128)
      number = code - 128;
    else
      return code == 0 ? "" : "exit status " + std::to_string(code);
  }
  switch (number) {
    case SIGKILL: return "signal: killed";
    case SIGSEGV: return "signal: segmentation fault";
    case SIGABRT: return "signal: aborted";
    case SIGTERM: return "signal: terminated";
    case SIGBUS: return "signal: bus error";
    case SIGFPE: return "signal: floating point exception";
    case SIGILL: return "signal: illegal instruction";
    case SIGINT: return "signal: interrupt";
    case SIGXFSZ: return "signal: file size limit exceeded";
    default: return "signal: signal " + std::to_string(number);
  }
}

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return not_started("pipe", errno);
  Pipe made{moved_up(ends[0]), moved_up(ends[1])};
  if (!made.read || !made.write || ::fcntl(made.read.get(), F_SETFL, O_NONBLOCK) != 0)
    return not_started("pipe", errno);
  return made;
}

Result<Descriptor> memory_file(const std::string& content) {
  const int file = ::memfd_create("environment", MFD_CLOEXEC);
  if (file < 0) return not_started("memfd", errno);
  Descriptor moved = moved_up(file);
  if (!moved || ::write(moved.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()) ||
      ::lseek(moved.get(), 0, SEEK_SET) != 0 || ::fchmod(moved.get(), 0444) != 0)
    return not_started("memfd", errno);
  return moved;
}

std::optional<std::string> output_of(const std::vector<std::string>& argv) {
  auto pipe = make_pipe();
  const Descriptor nothing = moved_up(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!pipe || !nothing) return std::nullopt;
  Launch what;
  what.argv = argv;
  what.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"};
  what.descriptors = {{nothing.get(), 0}, {pipe->write.get(), 1}, {nothing.get(), 2}};
  auto process = launch(what);
  pipe->write.close();
  if (!process) return std::nullopt;
  std::string text;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd entry{pipe->read.get(), POLLIN, 0};
    std::array<char, 4096> buffer;
    if (left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) <= 0) break;
    const ssize_t count = ::read(pipe->read.get(), buffer.data(), buffer.size());
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > 65536) break;
  }
  pollfd ended{process->watch.get(), POLLIN, 0};
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  if (::poll(&ended, 1, static_cast<int>(std::max<long>(left.count(), 0))) != 1) ::kill(-process->pid, SIGKILL);
  int status = 0;
  ::waitpid(process->pid, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return text;
}

}  // namespace likeness::functions
