#include "sandbox/policy.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/fd.h"

namespace posttrain::sandbox {
namespace {

// Calls without conditions. Names that this machine's libseccomp does not know are left out.
constexpr const char* kAllowed[] = {
    // files and directories
    "read", "write", "pread64", "pwrite64", "readv", "writev", "preadv", "pwritev", "open", "openat", "openat2",
    "creat", "close", "close_range", "stat", "fstat", "lstat", "newfstatat", "statx", "access", "faccessat",
    "faccessat2", "lseek", "ftruncate", "truncate", "fallocate", "fsync", "fdatasync", "getdents", "getdents64",
    "getcwd", "chdir", "fchdir", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir", "link", "linkat",
    "unlink", "unlinkat", "symlink", "symlinkat", "readlink", "readlinkat", "chmod", "fchmod", "fchmodat", "utime",
    "utimes", "utimensat", "futimesat", "umask", "statfs", "fstatfs", "sendfile", "copy_file_range", "dup", "dup2",
    "dup3", "pipe", "pipe2", "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl",
    "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2", "timerfd_create", "timerfd_settime",
    "timerfd_gettime",
    // memory
    "mprotect", "munmap", "brk", "mremap", "madvise", "msync", "membarrier",
    // signals, threads, time
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "rt_sigsuspend",
    "rt_sigqueueinfo", "rt_tgsigqueueinfo", "sigaltstack", "signalfd", "signalfd4", "kill", "tkill", "tgkill",
    "futex_waitv", "set_tid_address", "set_robust_list", "get_robust_list", "rseq", "exit", "exit_group", "wait4",
    "waitid", "restart_syscall", "pause", "alarm", "setitimer", "getitimer", "timer_create", "timer_settime",
    "timer_gettime", "timer_getoverrun", "timer_delete", "nanosleep", "clock_nanosleep", "clock_gettime",
    "clock_getres", "gettimeofday", "time", "times", "sched_yield", "sched_getaffinity", "sched_getparam",
    "sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min", "getcpu", "arch_prctl",
    // identity and accounting, reading only
    "getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups", "getpgrp",
    "getpgid", "getsid", "setsid", "setpgid", "getpriority", "getrlimit", "setrlimit", "getrusage", "capget", "sysinfo",
    "uname", "getrandom",
    // the connected pair of event loops
    "sendto", "recvfrom", "recvmsg", "getsockname", "getpeername", "getsockopt", "shutdown"};

// Asked for and refused the usual way, so that libraries take their fall-back. The parent is outside: its number would
// be 0, which kill(2) and others take for the caller itself.
constexpr const char* kRefused[] = {"getppid",
                                    "socket",
                                    "connect",
                                    "bind",
                                    "setuid",
                                    "setgid",
                                    "setresuid",
                                    "setresgid",
                                    "setgroups",
                                    "mlock",
                                    "mlock2",
                                    "mlockall",
                                    "chown",
                                    "fchown",
                                    "lchown",
                                    "fchownat",
                                    "mknod",
                                    "mknodat",
                                    "flock",
                                    "ptrace",
                                    "unshare",
                                    "setns",
                                    "mount",
                                    "chroot",
                                    "sched_setscheduler",
                                    "sched_setparam",
                                    "sched_setaffinity",
                                    "setpriority"};

constexpr uint64_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                    CLONE_NEWPID | CLONE_NEWNET | 0x80 /* CLONE_NEWTIME */;

class Rules {
 public:
  explicit Rules(uint32_t otherwise) : context_(seccomp_init(otherwise)) {
    if (context_ == nullptr) return;
    good_ = seccomp_attr_set(context_, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
            seccomp_attr_set(context_, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0;
  }
  ~Rules() {
    if (context_ != nullptr) seccomp_release(context_);
  }
  Rules(const Rules&) = delete;
  Rules& operator=(const Rules&) = delete;

  template <class... Conditions>
  void add(uint32_t action, const char* name, Conditions... conditions) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || !good_) return;
    const int status = seccomp_rule_add(context_, action, number, sizeof...(conditions), conditions...);
    if (status != 0 && status != -EDOM) good_ = false;
  }

  Filter compiled() {
    if (!good_) return {};
    Fd file(memfd_create("filter", MFD_CLOEXEC));
    if (!file || seccomp_export_bpf(context_, file.get()) != 0) return {};
    const off_t bytes = lseek(file.get(), 0, SEEK_END);
    Filter filter(static_cast<size_t>(bytes) / sizeof(sock_filter));
    if (pread(file.get(), filter.data(), static_cast<size_t>(bytes), 0) != bytes) return {};
    return filter;
  }

 private:
  scmp_filter_ctx context_;
  bool good_ = false;
};

scmp_arg_cmp masked(unsigned argument, uint64_t mask, uint64_t value) {
  return scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, mask, value};
}
scmp_arg_cmp equal(unsigned argument, uint64_t value) {
  return scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, 0xffffffffu, value & 0xffffffffu};
}

void allow_some(Rules& rules) {
  // Private memory, and files mapped either way; shared anonymous or huge pages could hide from the meter.
  rules.add(SCMP_ACT_ALLOW, "mmap", masked(3, MAP_ANONYMOUS, 0));
  rules.add(SCMP_ACT_ALLOW, "mmap", masked(3, MAP_ANONYMOUS | MAP_TYPE | MAP_HUGETLB, MAP_ANONYMOUS | MAP_PRIVATE));
  // Waking other processes would reach waiters in another box: both map the same pages of /usr. Waiting is needed to
  // join a thread, whose end the kernel itself announces.
  rules.add(SCMP_ACT_ALLOW, "futex", masked(1, FUTEX_PRIVATE_FLAG, FUTEX_PRIVATE_FLAG));
  for (const uint64_t operation : {FUTEX_WAIT, FUTEX_WAIT_BITSET}) {
    rules.add(SCMP_ACT_ALLOW, "futex", masked(1, static_cast<uint32_t>(FUTEX_CMD_MASK), operation));
  }
  // Granted without effect: the host's disks and its cache of files are shared as well.
  for (const char* name : {"sync", "fadvise64"}) rules.add(SCMP_ACT_ERRNO(0), name);
  // Threads and plain processes, never with a namespace.
  rules.add(SCMP_ACT_ALLOW, "clone", masked(0, kNewNamespaces, 0));
  for (const char* name : {"fork", "vfork", "execve", "execveat"}) rules.add(SCMP_ACT_ALLOW, name);
  // Own limits only: a process of the same user could otherwise change those of its init.
  rules.add(SCMP_ACT_ALLOW, "prlimit64", equal(0, 0));
  for (const int command : {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, 1032 /* F_GETPIPE_SZ */,
                            F_GETOWN, 1034 /* F_GET_SEALS */}) {
    rules.add(SCMP_ACT_ALLOW, "fcntl", equal(1, static_cast<uint64_t>(command)));
  }
  // Nobody else is in the box, so a lock is granted without one: no bit passes through inodes that boxes share.
  for (const int command : {F_SETLK, F_SETLKW, 37 /* F_OFD_SETLK */, 38 /* F_OFD_SETLKW */}) {
    rules.add(SCMP_ACT_ERRNO(0), "fcntl", equal(1, static_cast<uint64_t>(command)));
  }
  for (const unsigned long request : {FIOCLEX, FIONCLEX, FIONBIO, FIONREAD, TCGETS, TIOCGWINSZ}) {
    rules.add(SCMP_ACT_ALLOW, "ioctl", equal(1, request));
  }
  for (const int option :
       {PR_SET_NAME, PR_GET_NAME, PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE,
        PR_GET_NO_NEW_PRIVS, PR_SET_NO_NEW_PRIVS, PR_GET_SECCOMP, PR_SET_SECCOMP, PR_CAPBSET_READ, PR_GET_TIMERSLACK,
        PR_SET_TIMERSLACK, PR_GET_KEEPCAPS, PR_GET_SECUREBITS, 0x53564d41 /* PR_SET_VMA */}) {
    rules.add(SCMP_ACT_ALLOW, "prctl", equal(0, static_cast<uint64_t>(option)));
  }
  rules.add(SCMP_ACT_ALLOW, "socketpair", equal(0, AF_UNIX), masked(1, 0xf, SOCK_STREAM));
  rules.add(SCMP_ACT_ALLOW, "personality", equal(0, 0xffffffffu));
}

}  // namespace

Filter base_filter() {
  Rules rules(SCMP_ACT_ERRNO(ENOSYS));
  for (const char* name : kAllowed) rules.add(SCMP_ACT_ALLOW, name);
  for (const char* name : kRefused) rules.add(SCMP_ACT_ERRNO(EPERM), name);
  allow_some(rules);
  return rules.compiled();
}

Filter program_filter(uint64_t pass) {
  Rules rules(SCMP_ACT_ALLOW);
  rules.add(SCMP_ACT_ERRNO(EPERM), "clone", masked(0, CLONE_THREAD, 0));
  for (const char* name : {"fork", "vfork", "execve"}) rules.add(SCMP_ACT_ERRNO(EPERM), name);
  if (pass != 0)
    rules.add(SCMP_ACT_ERRNO(EPERM), "execveat", scmp_arg_cmp{5, SCMP_CMP_NE, pass, 0});
  else
    rules.add(SCMP_ACT_ERRNO(EPERM), "execveat");
  rules.add(SCMP_ACT_ERRNO(EPERM), "prctl", equal(0, PR_SET_SECCOMP));
  return rules.compiled();
}

Filter tool_filter() {
  Rules rules(SCMP_ACT_ALLOW);
  for (const char* name : {"socket",
                           "ptrace",
                           "process_vm_readv",
                           "process_vm_writev",
                           "unshare",
                           "setns",
                           "mount",
                           "umount2",
                           "move_mount",
                           "open_tree",
                           "fsopen",
                           "fsmount",
                           "mount_setattr",
                           "pivot_root",
                           "chroot",
                           "bpf",
                           "perf_event_open",
                           "userfaultfd",
                           "keyctl",
                           "add_key",
                           "request_key",
                           "init_module",
                           "finit_module",
                           "delete_module",
                           "kexec_load",
                           "kexec_file_load",
                           "reboot",
                           "swapon",
                           "swapoff",
                           "acct",
                           "quotactl",
                           "open_by_handle_at",
                           "name_to_handle_at",
                           "pidfd_getfd",
                           "kcmp",
                           "settimeofday",
                           "clock_settime",
                           "adjtimex",
                           "clock_adjtime",
                           "sethostname",
                           "setdomainname",
                           "syslog",
                           "iopl",
                           "ioperm",
                           "lookup_dcookie",
                           "personality"}) {
    rules.add(SCMP_ACT_ERRNO(EPERM), name);
  }
  for (const char* name : {"clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"})
    rules.add(SCMP_ACT_ERRNO(ENOSYS), name);
  for (const uint64_t flag :
       {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET}) {
    rules.add(SCMP_ACT_ERRNO(EPERM), "clone", masked(0, flag, flag));
  }
  rules.add(SCMP_ACT_ERRNO(EPERM), "ioctl", equal(1, TIOCSTI));
  return rules.compiled();
}

bool install(const Filter& filter) {
  sock_fprog program{static_cast<unsigned short>(filter.size()), const_cast<sock_filter*>(filter.data())};
  return !filter.empty() && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace posttrain::sandbox
