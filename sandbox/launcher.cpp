// posttrain-launcher: started by the host before anything else, with an empty environment. It makes one user, process
// and network namespace for all boxes and forks a box when asked to. All its processes end when the host's line
// (descriptor 3) closes or when any process above them dies: the kernel clears a process namespace whose first process
// is gone. Arguments: interpreter ("" for none), first host uid of the boxes (0: the caller's own), folders of control
// groups to remove at the end (with colons in between), further read-only folders.
#include <dirent.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "sandbox/box.h"
#include "sandbox/launcher.h"

namespace posttrain::sandbox {
namespace {

constexpr int kHostLine = 3;
constexpr uid_t kInside = 1000;

bool write_new(const char* path, const std::string& text) {
  const Fd file(open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444));
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// One process in new namespaces; the parent writes its id maps before it goes on.
struct Started {
  pid_t pid = -1;
  Fd go;  // one byte lets the child run
};

template <class Child>
bool start(uint64_t namespaces, Started& started, const Child& child) {
  int gate[2];
  if (pipe2(gate, O_CLOEXEC) != 0) return false;
  Fd waits(gate[0]);
  started.go = Fd(gate[1]);
  clone_args how{};
  how.flags = namespaces;
  how.exit_signal = SIGCHLD;
  started.pid = static_cast<pid_t>(syscall(SYS_clone3, &how, sizeof how));
  if (started.pid != 0) return started.pid > 0;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  started.go.reset();
  char byte;
  if (read(waits.get(), &byte, 1) != 1) _exit(1);
  waits.reset();
  child();
  _exit(1);
}

bool map_ids(pid_t pid, uid_t first_uid, gid_t first_gid, unsigned count, bool privileged) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/";
  const auto line = [&](unsigned outside) {
    return std::to_string(kInside) + " " + std::to_string(outside) + " " + std::to_string(count) + "\n";
  };
  if (!privileged && !write_existing((folder + "setgroups").c_str(), "deny")) return false;
  return write_existing((folder + "gid_map").c_str(), line(first_gid)) &&
         write_existing((folder + "uid_map").c_str(), line(first_uid));
}

// Becomes the inside user without losing the namespace's capabilities (0 is not mapped, so none are dropped).
bool take_user(bool privileged) {
  if (privileged && syscall(SYS_setgroups, 0, nullptr) != 0) return false;
  return syscall(SYS_setresgid, kInside, kInside, kInside) == 0 &&
         syscall(SYS_setresuid, kInside, kInside, kInside) == 0;
}

struct Launcher {
  BoxOptions options;
  bool privileged = false;
};

bool fork_box(const Launcher& launcher, int index, Fd& host_end) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return false;
  host_end = Fd(ends[0]);
  Fd box_end(ends[1]);
  Started box;
  const auto child = [&] {
    host_end.reset();
    close(kHostLine);
    if (!take_user(false)) _exit(1);
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // a change of user clears it
    mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    serve_box(launcher.options, std::move(box_end));
  };
  if (!start(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP, box, child)) return false;
  const unsigned offset = launcher.privileged ? static_cast<unsigned>(index) % kBoxUsers : 0;
  return map_ids(box.pid, kInside + offset, kInside + offset, 1, false) && write(box.go.get(), "g", 1) == 1;
}

bool add_header(int from) {
  if (mkdir("/tmp/headers/bits", 0755) != 0 && errno != EEXIST) return false;
  // Once the precompiled one is taken, a program's own #include finds this text; guards make it empty.
  if (!write_new("/tmp/headers/bits/stdc++.h", "#include_next <bits/stdc++.h>\n")) return false;
  const Fd file(open("/tmp/headers/bits/stdc++.h.gch", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444));
  if (!file) return false;
  char buffer[1 << 16];
  for (ssize_t n; (n = read(from, buffer, sizeof buffer)) != 0;) {
    if (n < 0 || write(file.get(), buffer, static_cast<size_t>(n)) != n) return false;
  }
  return true;
}

// The first process of the launcher's namespaces.
[[noreturn]] void serve(const Launcher& launcher) {
  if (!take_user(launcher.privileged)) _exit(2);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 1);  // its own /proc files are needed to map the boxes' users
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("posttrain", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=512m") != 0 ||
      mkdir("/tmp/headers", 0755) != 0 || mkdir("/tmp/root", 0755) != 0) {
    _exit(3);
  }
  // Process numbers of this namespace, for the maps of the boxes.
  if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) _exit(4);
  for (;;) {
    LauncherRequest request;
    std::string text;
    std::vector<Fd> fds;
    if (!receive_message(kHostLine, &request, sizeof request, text, fds)) _exit(0);
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    LauncherReply reply;
    Fd box;
    const bool good = request.order == Order::new_box ? fork_box(launcher, request.index, box)
                                                      : fds.size() == 1 && add_header(fds[0].get());
    if (!good) {
      reply.error = errno != 0 ? errno : EIO;
      std::strncpy(reply.step, "launcher", sizeof reply.step - 1);
    }
    const std::vector<int> out = box && good ? std::vector<int>{box.get()} : std::vector<int>{};
    if (!send_message(kHostLine, &reply, sizeof reply, "", out)) _exit(0);
  }
}

// Numbers below 16 are taken, so that what is received later never sits where a program's streams go.
void settle_descriptors() {
  syscall(SYS_close_range, kHostLine + 1, ~0u, 0);
  fcntl(kHostLine, F_SETFD, FD_CLOEXEC);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int place = 0; place < 3; ++place) dup2(null, place);
  for (int next = null; next >= 0 && next < 15;) next = fcntl(null, F_DUPFD_CLOEXEC, 4);
}

// The folders and the runs' groups in them; all their processes are dead or dying.
void remove_groups(const std::string& folders) {
  for (size_t at = 0; at < folders.size();) {
    const size_t end = std::min(folders.find(':', at), folders.size());
    const std::string folder = folders.substr(at, end - at);
    at = end + 1;
    for (int round = 0; round < 200 && rmdir(folder.c_str()) != 0 && errno == EBUSY; ++round) {
      DIR* dir = opendir(folder.c_str());
      for (const dirent* entry; dir != nullptr && (entry = readdir(dir)) != nullptr;) {
        if (entry->d_name[0] != '.') rmdir((folder + "/" + entry->d_name).c_str());
      }
      if (dir != nullptr) closedir(dir);
      usleep(round == 0 ? 0 : 1000);
    }
  }
}

int run(int argc, char** argv) {
  settle_descriptors();
  const sched_param ordinary{};
  sched_setscheduler(0, SCHED_OTHER, &ordinary);  // programs never inherit a real-time class
  setsid();                                       // an interrupt at the terminal is the host's business
  clearenv();
  Launcher launcher;
  launcher.options.python = argc > 1 ? argv[1] : "";
  const auto first_uid = static_cast<uid_t>(argc > 2 ? std::atoi(argv[2]) : 0);
  const std::string groups = argc > 3 ? argv[3] : "";
  for (int i = 4; i < argc; ++i) launcher.options.tree.runtime.emplace_back(argv[i]);
  launcher.privileged = geteuid() == 0 && first_uid != 0;
  Started first;
  if (!start(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP,
             first, [&] { serve(launcher); })) {
    return 10;
  }
  if (!map_ids(first.pid, launcher.privileged ? first_uid : geteuid(), launcher.privileged ? first_uid : getegid(),
               launcher.privileged ? kBoxUsers : 1, launcher.privileged) ||
      write(first.go.get(), "g", 1) != 1) {
    return 11;
  }
  close(kHostLine);
  int status = 0;
  while (waitpid(first.pid, &status, 0) < 0 && errno == EINTR) {
  }
  remove_groups(groups);  // the host may have been killed
  return WIFEXITED(status) ? WEXITSTATUS(status) : 12;
}

}  // namespace
}  // namespace posttrain::sandbox

int main(int argc, char** argv) {
  return posttrain::sandbox::run(argc, argv);
}
