#include "sandbox/python_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>

#include "sandbox/python_source.h"
#include "sandbox/watch.h"

namespace posttrain::sandbox {
namespace {

constexpr int kAnswerMs = 20'000;  // of a loaded machine, for an interpreter start

struct Ended {
  int64_t status, user_us, kernel_us, memory_kib;
};

bool receive(const PythonServer& server, void* data, size_t bytes) {
  pollfd event{server.control.get(), POLLIN, 0};
  if (poll(&event, 1, kAnswerMs) <= 0) return false;
  return recv(server.control.get(), data, bytes, 0) == static_cast<ssize_t>(bytes);
}

}  // namespace

Step start_python_server(PythonServer& server, const std::string& interpreter, const Walls& walls, const Init& init) {
  int ends[2], report[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return "socketpair";
  server.control = Fd(ends[0]);
  const Fd other(ends[1]);
  if (pipe2(report, O_CLOEXEC) != 0) return "pipe";
  const Fd report_in(report[0]);
  Fd report_out(report[1]);
  server.pid = fork();
  if (server.pid < 0) return "start the Python server";
  if (server.pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (setns(init.space.get(), CLONE_NEWPID) != 0) _exit(1);
    RunRequest request;
    request.kind = Kind::python_server;
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    become_program(request, walls, {}, {null, null, null, other.get()}, -1,
                   {interpreter, "-s", "-S", "-B", "-c", kPythonSource}, report_out.get());
  }
  report_out.reset();
  StartFailure failure;
  if (read(report_in.get(), &failure, sizeof failure) == sizeof failure) {
    errno = failure.error;
    return "start the Python interpreter";
  }
  const std::string filter(reinterpret_cast<const char*>(walls.python.data()),
                           walls.python.size() * sizeof(sock_filter));
  int64_t ready = 0;
  if (!send_message(server.control.get(), filter.data(), filter.size(), "", {}) ||
      !receive(server, &ready, sizeof ready) || ready != 1) {
    errno = EIO;
    return "the Python server does not answer";
  }
  return nullptr;
}

bool run_python(const PythonServer& server, const RunRequest& request, const Walls& walls, const std::vector<Fd>& fds,
                const std::vector<Fd>& doors, int host, RunReply& reply, Step& step) {
  std::string order = (request.function != 0 ? "function " : "program ") + std::to_string(doors.size());
  for (const ResourceLimit& limit : resource_limits(request.limits, walls)) {
    order += ' ' + std::to_string(limit.resource) + ' ' + std::to_string(limit.soft) + ' ' + std::to_string(limit.hard);
  }
  std::vector<int> numbers;
  for (const std::vector<Fd>* some : {&fds, &doors}) {
    for (const Fd& fd : *some) numbers.push_back(fd.get());
  }
  int64_t pid = 0;
  errno = EIO;
  step = "the Python server";
  if (!send_message(server.control.get(), order.data(), order.size(), "", numbers) ||
      !receive(server, &pid, sizeof pid)) {
    return true;
  }
  if (pid <= 0) {
    errno = static_cast<int>(-pid);
    return true;
  }
  // The server does not reap the child before it is told to, so the number can't have been given to another.
  const Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return true;
  const bool there = watch(process.get(), host, request.limits, reply);
  Ended ended{};
  if (send(server.control.get(), "r", 1, MSG_NOSIGNAL) != 1 || !receive(server, &ended, sizeof ended)) return true;
  rusage used{};
  used.ru_utime = {ended.user_us / 1'000'000, ended.user_us % 1'000'000};
  used.ru_stime = {ended.kernel_us / 1'000'000, ended.kernel_us % 1'000'000};
  used.ru_maxrss = ended.memory_kib;
  settle(static_cast<int>(ended.status), used, request.limits, reply);
  step = nullptr;
  return there;
}

}  // namespace posttrain::sandbox
