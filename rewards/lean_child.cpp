#include "rewards/lean_child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/error.h"

namespace posttrain::rewards {
namespace {

constexpr size_t max_reply = 16 << 20;

int milliseconds_until(Deadline deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<int64_t>(0, std::min<int64_t>(left.count() + 1, 3600000)));
}

// In the child, after fork: only async-signal-safe calls.
[[noreturn]] void become(char* const* argv, const char* folder, int in, int out, const ChildLimits& limits) {
  setsid();
  dup2(in, 0);
  dup2(out, 1);
  const int null = open("/dev/null", O_WRONLY);
  if (null >= 0) dup2(null, 2);
  if (limits.memory_mib > 0) {
    const rlimit r{static_cast<rlim_t>(limits.memory_mib) << 20, static_cast<rlim_t>(limits.memory_mib) << 20};
    setrlimit(RLIMIT_AS, &r);
  }
  if (limits.cpu_s > 0) {
    const rlimit r{static_cast<rlim_t>(limits.cpu_s), static_cast<rlim_t>(limits.cpu_s) + 1};
    setrlimit(RLIMIT_CPU, &r);
  }
  if (folder[0] != '\0' && chdir(folder) != 0) _exit(127);
  execvp(argv[0], argv);
  _exit(127);
}

}  // namespace

LeanChild::LeanChild(const std::vector<std::string>& command, const std::string& folder, const ChildLimits& limits) {
  // A socket, so that writing to a child that has ended is an error and not a signal.
  int in[2], out[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0)
    throw Failure("lean", "no socket for a child process");
  if (pipe2(out, O_CLOEXEC) != 0) {
    close(in[0]);
    close(in[1]);
    throw Failure("lean", "no pipe for a child process");
  }
  std::vector<char*> argv;
  for (const std::string& a : command) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) become(argv.data(), folder.c_str(), in[1], out[1], limits);
  close(in[1]);
  close(out[1]);
  in_ = in[0];
  out_ = out[0];
  if (pid_ < 0) {
    close(in_);
    close(out_);
    throw Failure("lean", "no process can be started");
  }
  fcntl(in_, F_SETFL, O_NONBLOCK);
  fcntl(out_, F_SETFL, O_NONBLOCK);
}

LeanChild::~LeanChild() {
  kill(-pid_, SIGKILL);
  kill(pid_, SIGKILL);
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
    if (buffer_.size() > max_reply) return Read::too_long;
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
    if (poll(&p, 1, milliseconds_until(deadline)) <= 0 && std::chrono::steady_clock::now() >= deadline)
      return Read::late;
  }
}

}  // namespace posttrain::rewards
