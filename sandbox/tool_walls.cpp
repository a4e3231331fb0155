#include "sandbox/tool_walls.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string_view>

#include "sandbox/landlock.h"

namespace posttrain::sandbox {
namespace {

constexpr int kToolNamespaces = CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID;

// The same user inside as outside, and nobody else.
std::string only(unsigned id) {
  return std::to_string(id) + " " + std::to_string(id) + " 1";
}

// Waits for the tool, or ends it when the host is gone.
[[noreturn]] void guard(pid_t tool, int line) {
  const int watched = static_cast<int>(syscall(SYS_pidfd_open, tool, 0));
  const int high_line = fcntl(line, F_DUPFD, 100), high_watched = fcntl(watched, F_DUPFD, 100);
  dup2(high_line, 0);
  dup2(high_watched, 1);
  syscall(SYS_close_range, 2u, ~0u, 0u);
  pollfd ends[2] = {{0, 0, 0}, {1, POLLIN, 0}};
  if (watched >= 0) poll(ends, 2, -1);
  if (ends[1].revents == 0) kill(tool, SIGKILL);
  int status = 0;
  waitpid(tool, &status, 0);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

}  // namespace

ToolWalls::ToolWalls(const std::vector<std::string>& writable)
    : rules_(landlock_rules({.listed = {}, .readable = {"/"}, .writable = writable})),
      filter_(tool_filter()),
      uid_map_(only(geteuid())),
      gid_map_(only(getegid())) {}

const char* ToolWalls::enter(int line) const {
  if (!rules_) return "Landlock";
  if (filter_.empty()) return "a system-call filter";
  if (unshare(kToolNamespaces) == 0) {
    if (!write_existing("/proc/self/setgroups", "deny") || !write_existing("/proc/self/gid_map", gid_map_) ||
        !write_existing("/proc/self/uid_map", uid_map_)) {
      return "a user namespace's identities";
    }
  } else if (unshare(kToolNamespaces & ~CLONE_NEWUSER) != 0) {  // root in a chroot has the others without that one
    return "user, network and process namespaces";
  }
  // The first process of the new process namespace: nothing outlives it.
  const auto tool = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0ul));
  if (tool < 0) return "a process namespace";
  if (tool > 0) guard(tool, line);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int capability = 0; capability < 64; ++capability) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "no_new_privs";
  if (!landlock_restrict(rules_)) return "Landlock";
  constexpr unsigned close_on_exec = 4;  // CLOSE_RANGE_CLOEXEC
  if (syscall(SYS_close_range, 3u, ~0u, close_on_exec) != 0) return "closed descriptors";
  if (!install(filter_)) return "a system-call filter";
  return nullptr;
}

std::string ToolWalls::missing() {
  int answer[2], line[2];
  if (pipe2(answer, O_CLOEXEC) != 0) return "pipes";
  Fd read_answer(answer[0]), write_answer(answer[1]);
  if (pipe2(line, O_CLOEXEC) != 0) return "pipes";
  const Fd read_line(line[0]), write_line(line[1]);
  const ToolWalls walls({});
  const pid_t child = fork();
  if (child < 0) return "processes";
  if (child == 0) {
    const char* wall = walls.enter(read_line.get());
    const std::string_view said = wall == nullptr ? "." : wall;
    _exit(write(write_answer.get(), said.data(), said.size()) < 0);
  }
  write_answer.reset();
  char text[128];
  const ssize_t n = read(read_answer.get(), text, sizeof text);
  waitpid(child, nullptr, 0);
  const std::string said(text, n > 0 ? static_cast<size_t>(n) : 0);
  if (said.empty()) return "a process behind the walls";
  return said == "." ? "" : said;
}

}  // namespace posttrain::sandbox
