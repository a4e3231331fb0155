#include "sandbox/init.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/sched.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

namespace posttrain::sandbox {
namespace {

struct Answer {
  int32_t error = 0;
  int32_t resets_pids = 0;
};

// kill(-1) takes the task list lock, so no fork slips past it; dead processes are met until they are reaped.
int32_t sweep() {
  for (int round = 0; round < 20'000; ++round) {
    const bool empty = kill(-1, SIGKILL) != 0 && errno == ESRCH;
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    if (empty) return 0;
    if (round > 10) usleep(200);
  }
  return EBUSY;
}

[[noreturn]] void live(const Fd& control) {
  prctl(PR_SET_DUMPABLE, 1);  // until the supervisor holds the namespace
  const Fd last_pid(open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC));
  Answer answer;
  if (mount_proc() != nullptr) answer.error = errno;
  for (;;) {
    answer.resets_pids = last_pid && pwrite(last_pid.get(), "1", 1, 0) == 1 ? 1 : 0;
    if (send(control.get(), &answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer) _exit(0);
    char byte;
    if (recv(control.get(), &byte, 1, 0) <= 0) _exit(0);
    prctl(PR_SET_DUMPABLE, 0);
    answer.error = sweep();
  }
}

Step receive(const Init& init, Answer& answer) {
  if (recv(init.control.get(), &answer, sizeof answer, 0) != sizeof answer) {
    errno = ECONNRESET;
    return "init";
  }
  errno = answer.error;
  return answer.error == 0 ? nullptr : "processes of the box";
}

}  // namespace

Step start_init(Init& init) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return "socketpair";
  init.control = Fd(ends[0]);
  Fd other(ends[1]);
  clone_args how{};
  how.flags = CLONE_NEWPID;
  how.exit_signal = SIGCHLD;
  const long child = syscall(SYS_clone3, &how, sizeof how);
  if (child < 0) return "start the box's init";
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    init.control.reset();
    live(other);
  }
  other.reset();
  Answer answer;
  if (receive(init, answer) != nullptr) return "mount /proc";
  init.resets_pids = answer.resets_pids != 0;
  init.space = Fd(open(("/proc/" + std::to_string(child) + "/ns/pid").c_str(), O_RDONLY | O_CLOEXEC));
  return init.space ? clear_processes(init) : "hold the process namespace";
}

Step clear_processes(const Init& init) {
  Answer answer;
  if (send(init.control.get(), "", 1, MSG_NOSIGNAL) != 1) return "init";
  return receive(init, answer);
}

}  // namespace posttrain::sandbox
