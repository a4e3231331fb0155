// What a hostile program must not find. One C++ program tries everything and names what it got.
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "tests/sandbox/boxes.h"

namespace posttrain::sandbox {
namespace {

constexpr const char* kEscapes = R"(
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <initializer_list>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
static void got(const char* what, long result) { if (result >= 0) printf("%s\n", what); }
extern char** environ;
int main() {
  char z[256] = {0};
  for (int fd = 3; fd < 1024; ++fd) got("a descriptor", fcntl(fd, F_GETFD));
  for (char** e = environ; *e; ++e) if (strstr(*e, "POSTTRAIN")) got("the environment", 0);
  got("user namespace", unshare(CLONE_NEWUSER));
  got("mount namespace", unshare(CLONE_NEWNS));
  got("clone3", syscall(435, z, 64));
  got("clone with a namespace", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
  got("setns", setns(0, 0));
  got("mount", mount("none", "/tmp", "tmpfs", 0, ""));
  got("fsopen", syscall(430, "tmpfs", 0));
  got("open_tree", syscall(428, -100, "/", 1));
  got("chroot", chroot("/tmp"));
  got("pivot_root", syscall(SYS_pivot_root, ".", "."));
  got("setuid", setuid(0));
  got("setgid", setgid(0));
  got("ptrace the parent", ptrace(PTRACE_SEIZE, getppid(), 0, 0));
  got("ptrace init", ptrace(PTRACE_SEIZE, 1, 0, 0));
  got("ptrace me", ptrace(PTRACE_TRACEME, 0, 0, 0));
  iovec v{z, 8};
  got("read init's memory", process_vm_readv(1, &v, 1, &v, 1, 0));
  got("init's mem", open("/proc/1/mem", O_RDONLY));
  got("init's environ", open("/proc/1/environ", O_RDONLY));
  got("init's root", open("/proc/1/root", O_RDONLY));
  got("init's descriptors", open("/proc/1/fd", O_RDONLY));
  rlimit r{1, 1};
  got("init's limits", syscall(SYS_prlimit64, 1, RLIMIT_NOFILE, &r, 0));
  got("init's affinity", sched_setaffinity(1, 8, (cpu_set_t*)z));
  got("init's priority", setpriority(PRIO_PROCESS, 1, 19));
  getrlimit(RLIMIT_NOFILE, &r); r.rlim_cur = ++r.rlim_max;
  got("a larger hard limit", setrlimit(RLIMIT_NOFILE, &r));
  getrlimit(RLIMIT_CORE, &r); got("core dumps", r.rlim_max ? 0 : -1);
  got("no no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? -1 : 0);
  for (int c = 0; c < 41; ++c) got("a capability in the bounding set", prctl(PR_CAPBSET_READ, c) == 1 ? 0 : -1);
  FILE* status = fopen("/proc/self/status", "r");
  while (status && fgets(z, sizeof z, status)) {
    unsigned long long caps = 0;
    if (!strncmp(z, "Cap", 3) && sscanf(z + 8, "%llx", &caps) == 1 && caps) got("capabilities", 0);
    if (!strncmp(z, "Seccomp:", 8) && z[9] != '2') got("no filter", 0);
  }
  memset(z, 0, sizeof z);
  got("io_uring", syscall(425, 4, z));
  got("bpf", syscall(SYS_bpf, 0, z, 64));
  got("perf", syscall(SYS_perf_event_open, z, 0, -1, -1, 0));
  got("keys", syscall(SYS_add_key, "user", "k", "x", 1, -3));
  got("userfaultfd", syscall(SYS_userfaultfd, 1));
  got("memfd", syscall(SYS_memfd_create, "m", 0));
  got("memfd_secret", syscall(447, 0));
  got("shared anonymous memory", mmap(0, 4096, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
  got("huge pages", mmap(0, 2 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0) == MAP_FAILED ? -1 : 0);
  got("waking waiters of another box", syscall(SYS_futex, z, 1 /* FUTEX_WAKE, not private */, 1, 0, 0, 0));
  got("asking what is cached", syscall(327 /* preadv2 */, 0, &v, 1, -1, -1, 8 /* RWF_NOWAIT */));
  got("System V memory", shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
  got("System V messages", msgget(IPC_PRIVATE, IPC_CREAT | 0600));
  got("message queue", syscall(SYS_mq_open, "q", O_CREAT | O_RDWR, 0600, 0));
  got("inotify", inotify_init());
  got("fanotify", syscall(SYS_fanotify_init, 0, 0));
  got("a file handle", syscall(SYS_open_by_handle_at, -100, z, 0));
  got("personality", syscall(SYS_personality, 0x0040000));
  got("mlock", mlock(z, 1));
  char sh[] = "/bin/sh", option[] = "-c", command[] = "echo a shell";
  char* arguments[] = {sh, option, command, 0};
  execv(sh, arguments);
  fexecve(open(sh, O_RDONLY), arguments, environ);
  syscall(SYS_execveat, -100, sh, arguments, environ, 0, 0);
  for (int family : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET, 40, 38}) got("a socket", socket(family, SOCK_STREAM, 0));
  int pair[2];
  got("a datagram pair", socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  int fd = open("/usr/bin/true", O_RDONLY);
  if (fd < 0) puts("no /usr/bin/true");
  struct flock lock{}; lock.l_type = F_WRLCK;
  got("the holder of a lock", fcntl(fd, F_GETLK, &lock));
  got("a lock", flock(fd, LOCK_EX | LOCK_NB));
  got("a lease", fcntl(fd, F_SETLEASE, F_RDLCK));
  got("writing /usr", open("/usr/bin/true", O_WRONLY));
  got("writing /", open("/file", O_CREAT | O_WRONLY, 0600));
  got("writing /etc", open("/etc/file", O_CREAT | O_WRONLY, 0600));
  got("writing /headers", open("/headers/file", O_CREAT | O_WRONLY, 0600));
  got("chmod", chmod("/usr", 0777));
  got("mknod", mknod("null", S_IFCHR | 0600, 0x103));
  for (const char* path : {"/etc/shadow", "/etc/hostname", "/root", "/home", "/proc/sys", "/proc/kcore", "/sys", "/run", "/var/log",
                           "/usr/local", "/proc/self/root/../../etc/shadow", "/dev/mem", "/dev/tty", "/dev/ptmx", "/work"}) {
    got(path, open(path, O_RDONLY));
  }
  DIR* d = opendir("/proc");
  while (dirent* e = d ? readdir(d) : 0) if (atoi(e->d_name) && atoi(e->d_name) != getpid()) got("another process", 0);
  if (kill(1, SIGKILL) == 0) usleep(1000);
  kill(-1, SIGSTOP);
  puts("end");
}
)";

TEST(Walls, NothingThatAProgramTriesIsThere) {
  NEEDS_SANDBOX();
  const Compiled compiled = compile(kEscapes);
  ASSERT_TRUE(compiled.program) << compiled.error << compiled.diagnostics;
  EXPECT_EQ(run_native(compiled).out, "end\n");
  EXPECT_EQ(run_native(compiled).out, "end\n") << "also the second time in the same box";
}

TEST(Walls, ACallOfAnotherArchitectureIsFatal) {
  NEEDS_SANDBOX();
  const Compiled compiled =
      compile("#include <unistd.h>\n#include <sys/syscall.h>\nint main(){syscall(0x40000000|SYS_getpid);}");
  ASSERT_TRUE(compiled.program) << compiled.diagnostics;
  EXPECT_EQ(judge_end(run_native(compiled)), Code::sv);
}

TEST(Walls, OneRunLeavesNothingToTheNext) {
  NEEDS_SANDBOX();
  Options options;
  options.boxes = 1;
  Sandbox one(options);
  const std::string look =
      "import os, threading\n"
      "print(os.getpid(), [sorted(os.listdir(d)) for d in ('.', '/tmp', '/var/tmp', '/dev/shm', '/box/run')],"
      " oct(os.stat('.').st_mode), os.umask(0), os.getpriority(0, 0), random.random() if 'random' in dir() else '')";
  const std::string before = run_python(look, "", quick_limits(), &one).out;
  EXPECT_FALSE(before.empty());
  run_python(
      "import os, threading, random, sys, json\nos.umask(0); os.nice(5); json.dumps = None; random.seed(1)\n"
      "for d in ('.', '/tmp', '/var/tmp', '/dev/shm', '/box/run'):\n"
      "  try: open(d + '/sitecustomize.py', 'w').write('print(42)')\n  except OSError: pass\n"
      "os.chmod('.', 0o777)\n"
      "for i in range(10):\n  t = threading.Thread(target=print); t.start(); t.join()",
      "", quick_limits(), &one);
  EXPECT_EQ(run_python(look, "", quick_limits(), &one).out, before);
  EXPECT_EQ(run_python("import json; print(json.dumps(1))", "", quick_limits(), &one).out, "1\n");
}

TEST(Walls, TwoBoxesAtOnceShareNoBit) {
  NEEDS_SANDBOX();
  // One box locks, listens and writes wherever both could look; the other must see what it sees alone.
  const std::string act =
      "import fcntl, os, time\nf = open('/usr/bin/true')\n"
      "for act in (lambda: fcntl.lockf(f, fcntl.LOCK_SH), lambda: fcntl.flock(f, fcntl.LOCK_EX)):\n"
      "  try: act()\n  except OSError: pass\n"
      "open('/dev/shm/bit', 'w').write('1')\ntime.sleep(1.5)";
  const std::string look =
      "import fcntl, os, struct\nf = open('/usr/bin/true')\n"
      "try: print(struct.unpack('hhqqi4x', fcntl.fcntl(f, fcntl.F_GETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, "
      "0, 0))))\n"
      "except OSError: print('refused')\n"
      "print(os.getpid(), os.listdir('/dev/shm'), os.getloadavg() if False else '')";
  const std::string alone = run_python(look).out;
  std::thread other([&] { run_python(act); });
  usleep(400'000);
  EXPECT_EQ(run_python(look).out, alone);
  other.join();
  EXPECT_EQ(alone.substr(0, 7), "refused");
}

}  // namespace
}  // namespace posttrain::sandbox
