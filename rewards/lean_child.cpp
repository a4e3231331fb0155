#include "rewards/lean_child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <optional>

#include "base/error.h"
#include "rewards/lean_reply.h"

namespace posttrain::rewards {
namespace {

// What a child is made of, put together before the fork.
struct Plan {
  std::vector<std::string> command, environment;
  std::string folder;
  ChildLimits limits;
  std::optional<sandbox::ToolWalls> walls;
  std::vector<char*> argv, envp;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment_of(const ChildLimits& limits) {
  std::vector<std::string> out;
  for (const char* name : {"PATH", "HOME", "LANG", "LC_ALL", "ELAN_HOME", "ELAN_TOOLCHAIN", "LEAN_PATH", "LEAN_SYSROOT",
                           "LEAN_SRC_PATH", "LD_LIBRARY_PATH"}) {
    const char* value = std::getenv(name);
    if (value != nullptr) out.push_back(std::string(name) + "=" + value);
  }
  if (!limits.writable.empty()) out.push_back("TMPDIR=" + limits.writable.front());
  return out;
}

void limit(int what, int64_t soft, int64_t hard) {
  const rlimit r{static_cast<rlim_t>(soft), static_cast<rlim_t>(hard)};
  setrlimit(static_cast<__rlimit_resource>(what), &r);
}

// In the child, after fork: only async-signal-safe calls.
[[noreturn]] void become(const Plan& plan, int in, int out, int line) {
  setsid();
  dup2(in, 0);
  dup2(out, 1);
  const int null = open("/dev/null", O_WRONLY);
  if (null >= 0) dup2(null, 2);
  if (plan.walls && plan.walls->enter(line) != nullptr) _exit(126);
  limit(RLIMIT_CORE, 0, 0);
  if (plan.limits.memory_mib > 0) limit(RLIMIT_AS, plan.limits.memory_mib << 20, plan.limits.memory_mib << 20);
  if (plan.limits.cpu_s > 0) limit(RLIMIT_CPU, plan.limits.cpu_s, plan.limits.cpu_s + 1);
  if (plan.limits.walls) limit(RLIMIT_FSIZE, int64_t{4} << 30, int64_t{4} << 30);
  if (!plan.folder.empty() && chdir(plan.folder.c_str()) != 0) _exit(127);
  execvpe(plan.argv[0], plan.argv.data(), plan.envp.data());
  _exit(127);
}

}  // namespace

LeanChild::LeanChild(const std::vector<std::string>& command, const std::string& folder, const ChildLimits& limits) {
  // A socket, so that writing to a child that has ended is an error and not a signal.
  int in[2], out[2], line[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0)
    throw Failure("lean", "no socket for a child process");
  sandbox::Fd host_in(in[0]), child_in(in[1]);
  if (pipe2(out, O_CLOEXEC) != 0) throw Failure("lean", "no pipe for a child process");
  sandbox::Fd host_out(out[0]), child_out(out[1]);
  if (pipe2(line, O_CLOEXEC) != 0) throw Failure("lean", "no pipe for a child process");
  const sandbox::Fd child_line(line[0]);
  line_ = sandbox::Fd(line[1]);
  Plan plan{.command = command, .environment = environment_of(limits), .folder = folder, .limits = limits};
  if (limits.walls) plan.walls.emplace(limits.writable);
  plan.argv = pointers(plan.command);
  plan.envp = pointers(plan.environment);
  pid_ = fork();
  if (pid_ == 0) become(plan, child_in.get(), child_out.get(), child_line.get());
  if (pid_ < 0) throw Failure("lean", "no process can be started");
  if (!limits.walls) line_.reset();
  in_ = host_in.release();
  out_ = host_out.release();
  fcntl(in_, F_SETFL, O_NONBLOCK);
  fcntl(out_, F_SETFL, O_NONBLOCK);
}

LeanChild::~LeanChild() {
  if (line_) {
    line_.reset();  // the guard ends the tool and then itself
  } else {
    kill(-pid_, SIGKILL);
    kill(pid_, SIGKILL);
  }
  if (in_ >= 0) close(in_);
  close(out_);
  waitpid(pid_, nullptr, 0);
}

void LeanChild::close_input() {
  if (in_ >= 0) close(in_);
  in_ = -1;
}

bool LeanChild::write(std::string_view text, Deadline deadline) {
  while (!text.empty()) {
    const ssize_t n = send(in_, text.data(), text.size(), MSG_NOSIGNAL);
    if (n > 0) {
      text.remove_prefix(static_cast<size_t>(n));
      continue;
    }
    if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
    pollfd p{in_, POLLOUT, 0};
    if (poll(&p, 1, milliseconds_until(deadline)) <= 0) return false;
  }
  return true;
}

LeanChild::Read LeanChild::read(std::string_view end, std::string& out, Deadline deadline) {
  for (;;) {
    const size_t at = end.empty() ? std::string::npos : buffer_.find(end);
    if (at != std::string::npos) {
      out = buffer_.substr(0, at);
      buffer_.erase(0, at + end.size());
      return Read::found;
    }
    if (buffer_.size() > kMostReplyBytes) return Read::too_long;
    char chunk[65536];
    const ssize_t n = ::read(out_, chunk, sizeof chunk);
    if (n > 0) {
      buffer_.append(chunk, static_cast<size_t>(n));
      continue;
    }
    if (n == 0) {
      if (!end.empty()) return Read::ended;
      out = std::move(buffer_);
      buffer_.clear();
      return Read::found;
    }
    if (errno != EAGAIN && errno != EINTR) return Read::ended;
    pollfd p{out_, POLLIN, 0};
    if (poll(&p, 1, milliseconds_until(deadline)) <= 0 && milliseconds_until(deadline) == 0) return Read::late;
  }
}

}  // namespace posttrain::rewards
