#include "sandbox/box.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <iterator>

#include "sandbox/candidate.h"
#include "sandbox/init.h"
#include "sandbox/python_server.h"
#include "sandbox/watch.h"

namespace posttrain::sandbox {
namespace {

struct Box {
  Walls walls;
  Init init;
  PythonServer python;
  RunRequest prepared;  // limits of the run folder that is mounted
  uint32_t layers = 0;
};

struct Failed {
  Step step;
};

void check(Step step) {
  if (step != nullptr) throw Failed{step};
}
void check(bool good, Step step) {
  if (!good) throw Failed{step};
}

bool write_file(const char* path, const char* text) {
  const Fd file(open(path, O_WRONLY | O_CLOEXEC));
  return file && write(file.get(), text, std::strlen(text)) == static_cast<ssize_t>(std::strlen(text));
}

Box build(const BoxOptions& options) {
  Box box;
  check(build_tree(options.tree));
  sethostname("box", 3);
  if (write_file("/proc/sys/user/max_user_namespaces", "0")) box.layers |= kNoNesting;
  check(start_init(box.init));
  check(enter_tree());
  box.layers |= kNamespaces | kNetwork | kFileTree | kPrivateProc;
  if (box.init.resets_pids) box.layers |= kFreshPids;
  box.walls.base = base_filter();
  check(getrandom(&box.walls.pass, sizeof box.walls.pass, 0) == sizeof box.walls.pass, "random numbers");
  box.walls.pass |= 1;  // never 0
  box.walls.program = program_filter(box.walls.pass);
  box.walls.python = program_filter(0);
  if (!box.walls.base.empty() && !box.walls.program.empty() && !box.walls.python.empty()) box.layers |= kSeccomp;
  box.walls.landlock = landlock_rules(box_paths());
  if (box.walls.landlock) box.layers |= kLandlock;
  check((box.layers & kSeccomp) != 0, "seccomp");
  if (!options.python.empty()) {
    check(start_python_server(box.python, options.python, box.walls, box.init));
    box.layers |= kPython;
    ++box.walls.own_processes;
  }
  // From here on, what the supervisor starts lands in the box's process namespace.
  check(setns(box.init.space.get(), CLONE_NEWPID) == 0, "enter the process namespace");
  check(mount_run_folder(box.prepared.limits.disk_mib, box.prepared.limits.inodes));
  return box;
}

// The files of a command: written before anything runs in the box, so there is nothing to be tricked by.
void place_files(const std::vector<std::string>& names, const std::vector<Fd>& fds, size_t first) {
  for (size_t i = 0; i < names.size(); ++i) {
    const Fd file(
        openat(AT_FDCWD, ("/box/run/work/" + names[i]).c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0755));
    check(static_cast<bool>(file), "write a source file");
    char buffer[65536];
    off_t at = 0;
    for (ssize_t n; (n = pread(fds[first + i].get(), buffer, sizeof buffer, at)) > 0; at += n) {
      check(write(file.get(), buffer, static_cast<size_t>(n)) == n, "write a source file");
    }
  }
}

// What a command left: a regular file, reached without following any link. Nothing runs in the box any more.
Fd collect(const std::string& name, const Limits& limits) {
  const Fd folder(open("/box/run/work", O_PATH | O_DIRECTORY | O_CLOEXEC));
  open_how how{};
  how.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  const Fd file(static_cast<int>(syscall(SYS_openat2, folder.get(), name.c_str(), &how, sizeof how)));
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  if (status.st_size > limits.disk_mib << 20) return {};
  return memory_copy(file.get(), static_cast<size_t>(status.st_size));
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\0', at);
    if (end == std::string::npos) break;
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

struct Command {
  std::vector<std::string> argv, names;
  std::string artefact;
};

// Starts program or command as a child and watches it to its end. False when the host is gone.
bool run_native(Box& box, const RunRequest& request, const Command& command, const std::vector<Fd>& fds,
                const std::vector<Fd>& doors, RunReply& reply) {
  int report[2];
  check(pipe2(report, O_CLOEXEC) == 0, "pipe");
  const Fd report_in(report[0]);
  Fd report_out(report[1]);
  int raw_process = -1;
  clone_args how{};
  how.flags = CLONE_PIDFD;
  how.pidfd = reinterpret_cast<uint64_t>(&raw_process);
  how.exit_signal = SIGCHLD;
  const long child = syscall(SYS_clone3, &how, sizeof how);
  check(child >= 0, "start a process");
  if (child == 0) {
    std::vector<int> streams;
    const bool native = request.kind == Kind::native;
    for (size_t i = 0; i < 3; ++i) streams.push_back(fds[i].get());
    for (size_t i = 4; native && i < fds.size(); ++i) streams.push_back(fds[i].get());
    become_program(request, box.walls, doors, streams, native ? fds[3].get() : -1, command.argv, report_out.get());
  }
  report_out.reset();
  const Fd process(raw_process);
  return [&](int host) {
    const bool there = watch(process.get(), host, request.limits, reply);
    int status = 0;
    rusage used{};
    check(wait4(static_cast<pid_t>(child), &status, 0, &used) == child, "wait");
    StartFailure failure;
    if (read(report_in.get(), &failure, sizeof failure) == sizeof failure) {
      errno = failure.error;
      if (failure.by_program == 0) std::strncpy(reply.step, failure.step, sizeof reply.step - 1);
      check(failure.by_program != 0, reply.step);
      reply.exec_error = failure.error;
    }
    settle(status, used, request.limits, reply);
    return there;
  }(box.init.host);
}

void prepare(Box& box, const Limits& limits) {
  const Limits& have = box.prepared.limits;
  if (have.disk_mib == limits.disk_mib && have.inodes == limits.inodes) return;
  check(resize_run_folder(limits.disk_mib, limits.inodes));
}

// One request from start to a box that is empty again. False when the host is gone.
bool serve(Box& box, const RunRequest& request, const std::string& text, std::vector<Fd> fds, RunReply& reply,
           Fd& artefact) {
  Command command;
  const std::vector<std::string> strings = split(text);
  const auto arguments = static_cast<size_t>(request.arguments), files = static_cast<size_t>(request.files),
             groups = static_cast<size_t>(request.groups);
  errno = EPROTO;
  check(fds.size() >= 4 + groups && strings.size() >= arguments + files, "request");
  std::vector<Fd> doors;
  std::move(fds.end() - static_cast<ptrdiff_t>(groups), fds.end(), std::back_inserter(doors));
  fds.resize(fds.size() - groups);
  command.argv.assign(strings.begin(), strings.begin() + static_cast<ptrdiff_t>(arguments));
  command.names.assign(strings.begin() + static_cast<ptrdiff_t>(arguments),
                       strings.begin() + static_cast<ptrdiff_t>(arguments + files));
  if (strings.size() > arguments + files) command.artefact = strings[arguments + files];
  prepare(box, request.limits);
  bool there;
  if (request.kind == Kind::python) {
    Step step = nullptr;
    there = run_python(box.python, request, box.walls, fds, doors, box.init.host, reply, step);
    check(step);
  } else {
    if (request.kind == Kind::command) {
      check(fds.size() >= 3 + files, "request");
      place_files(command.names, fds, 3);
    }
    there = run_native(box, request, command, fds, doors, reply);
  }
  fds.clear();
  doors.clear();
  check(clear_processes(box.init));
  const Usage usage = box_usage();
  reply.disk_kib = std::max(reply.disk_kib, usage.disk_kib);
  if (!command.artefact.empty() && reply.stop == Stop::none && reply.signal == 0 && reply.exit_code == 0) {
    artefact = collect(command.artefact, request.limits);
  }
  return there;
}

template <class Reply>
void describe(Reply& reply, Step step) {
  reply.error = errno != 0 ? errno : EIO;
  if (step != reply.step) std::strncpy(reply.step, step, sizeof reply.step - 1);
}

}  // namespace

void serve_box(const BoxOptions& options, Fd host) {
  Box box;
  LauncherReply hello;
  try {
    box = build(options);
    box.init.host = host.get();
    hello.layers = box.layers;
    hello.landlock_abi = landlock_abi();
  } catch (const Failed& failed) {
    describe(hello, failed.step);
  }
  if (!send_message(host.get(), &hello, sizeof hello, "", {}) || hello.error != 0) _exit(1);
  RunRequest request;
  std::string text;
  std::vector<Fd> fds;
  for (;;) {
    if (!receive_message(host.get(), &request, sizeof request, text, fds)) {
      if (errno == EBADMSG) continue;  // asked to stop a run that had just ended
      break;
    }
    RunReply reply;
    Fd artefact;
    bool there = true;
    try {
      there = serve(box, request, text, std::move(fds), reply, artefact);
    } catch (const Failed& failed) {
      describe(reply, failed.step);
    }
    const std::vector<int> out = artefact ? std::vector<int>{artefact.get()} : std::vector<int>{};
    // A box that failed is not used again.
    if (!send_message(host.get(), &reply, sizeof reply, "", out) || !there || reply.error != 0) break;
    artefact.reset();
    if (unmount_run_folder() != nullptr ||
        mount_run_folder(box.prepared.limits.disk_mib, box.prepared.limits.inodes) != nullptr) {
      break;
    }
  }
  _exit(0);
}

}  // namespace posttrain::sandbox
