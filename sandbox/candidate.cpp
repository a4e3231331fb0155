#include "sandbox/candidate.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>

namespace posttrain::sandbox {
namespace {

[[noreturn]] void fail(int report, const char* step, bool by_program = false) {
  StartFailure failure;
  failure.error = errno;
  failure.by_program = by_program ? 1 : 0;
  std::strncpy(failure.step, step, sizeof failure.step - 1);
  (void)!write(report, &failure, sizeof failure);
  _exit(127);
}

bool set_limit(const ResourceLimit& limit) {
  const rlimit value{limit.soft, limit.hard};
  return setrlimit(static_cast<__rlimit_resource>(limit.resource), &value) == 0;
}

bool drop_capabilities() {
  for (int capability = 0; capability < 64; ++capability) {
    if (prctl(PR_CAPBSET_DROP, capability) != 0) break;  // past the last one
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[2] = {};
  return syscall(SYS_capset, &head, none) == 0;
}

}  // namespace

std::vector<ResourceLimit> resource_limits(const Limits& limits, const Walls& walls) {
  const uint64_t mib = 1 << 20;
  const auto pids = static_cast<uint64_t>(limits.pids), stack = static_cast<uint64_t>(limits.stack_mib) * mib;
  // Address space is only a backstop: every thread may reserve a stack and an arena.
  const uint64_t space = (static_cast<uint64_t>(limits.memory_mib) + 2048 + pids * 64) * mib + pids * stack;
  const auto cpu = static_cast<uint64_t>(std::ceil(limits.cpu_s)) + 1;
  const uint64_t disk = static_cast<uint64_t>(limits.disk_mib) * mib;
  const uint64_t processes = pids + static_cast<uint64_t>(walls.own_processes);
  return {{RLIMIT_CPU, cpu, cpu + 1},
          {RLIMIT_AS, space, space},
          {RLIMIT_FSIZE, disk, disk},
          {RLIMIT_STACK, stack, stack},
          {RLIMIT_NPROC, processes, processes},
          {RLIMIT_NOFILE, 128, 128},
          {RLIMIT_CORE, 0, 0},
          {RLIMIT_MEMLOCK, 0, 0},
          {RLIMIT_MSGQUEUE, 0, 0},
          {RLIMIT_SIGPENDING, 256, 256},
          {RLIMIT_NICE, 0, 0},
          {RLIMIT_RTPRIO, 0, 0}};
}

void become_program(const RunRequest& request, const Walls& walls, std::span<const Fd> doors,
                    const std::vector<int>& streams, int program, const std::vector<std::string>& argv, int report) {
  static const char* const kEnvironment[] = {
      "PATH=/usr/bin:/bin", "HOME=/box/run/work", "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "TZ=UTC",
      "TMPDIR=/tmp",        "PYTHONHASHSEED=0",   nullptr};
  for (const Fd& door : doors) {
    if (write(door.get(), "0", 1) != 1) fail(report, "control group");
  }
  setsid();
  umask(022);
  // Streams come with numbers above their places, so none is overwritten before it is copied.
  for (size_t i = 0; i < streams.size(); ++i) {
    if (dup2(streams[i], static_cast<int>(i)) < 0) fail(report, "streams");
  }
  const bool server = request.kind == Kind::python_server;
  const std::vector<ResourceLimit> limits =
      server ? std::vector<ResourceLimit>{{RLIMIT_CORE, 0, 0}} : resource_limits(request.limits, walls);
  for (const ResourceLimit& limit : limits) {
    if (!set_limit(limit)) fail(report, "limits");
  }
  if (chdir(server ? "/" : "/box/run/work") != 0) fail(report, "chdir");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail(report, "no_new_privs");
  if (!landlock_restrict(walls.landlock)) fail(report, "landlock");
  if (!drop_capabilities()) fail(report, "capabilities");
  std::vector<char*> arguments;
  for (const std::string& text : argv) arguments.push_back(const_cast<char*>(text.c_str()));
  arguments.push_back(nullptr);
  if (request.kind != Kind::command && !server && walls.program.empty()) fail(report, "seccomp");
  if (!install(walls.base)) fail(report, "seccomp");
  if (request.kind == Kind::native && !install(walls.program)) fail(report, "seccomp");
  char* const* environment = const_cast<char* const*>(kEnvironment);
  if (program >= 0)
    syscall(SYS_execveat, program, "", arguments.data(), environment, AT_EMPTY_PATH, walls.pass);
  else
    execve(arguments[0], arguments.data(), environment);
  fail(report, "execve", true);
}

}  // namespace posttrain::sandbox
