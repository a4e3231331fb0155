#include "sandbox/watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace posttrain::sandbox {
namespace {

constexpr int kLookEveryMs = 5;

int64_t now_us() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000 + time.tv_nsec / 1000;
}

// The start of a small file of /proc; empty when the process is gone.
const char* slurp(const char* pid, const char* name, char* buffer, size_t size) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%.16s/%s", pid, name);
  const Fd file(open(path, O_RDONLY | O_CLOEXEC));
  const ssize_t n = file ? read(file.get(), buffer, size - 1) : 0;
  buffer[n > 0 ? n : 0] = 0;
  return buffer;
}

// proc(5), stat: after the name in brackets come state and ten numbers, then utime stime cutime cstime in ticks.
int64_t cpu_of(const char* pid) {
  char buffer[1024];
  const char* at = std::strrchr(slurp(pid, "stat", buffer, sizeof buffer), ')');
  long long user = 0, kernel = 0, child_user = 0, child_kernel = 0;
  if (at == nullptr || std::sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %lld %lld", &user,
                                   &kernel, &child_user, &child_kernel) != 4) {
    return 0;
  }
  static const long ticks = sysconf(_SC_CLK_TCK);
  return (user + kernel + child_user + child_kernel) * 1000 / ticks;
}

int64_t field_kib(const char* status, const char* name) {
  const char* at = std::strstr(status, name);
  return at == nullptr ? 0 : std::atoll(at + std::strlen(name));
}

// Shared pages can only be files of /box/run, which are counted there.
int64_t memory_of(const char* pid) {
  char buffer[4096];
  slurp(pid, "status", buffer, sizeof buffer);
  return field_kib(buffer, "RssAnon:") + field_kib(buffer, "RssFile:");
}

}  // namespace

Usage box_usage() {
  Usage usage;
  struct statvfs space {};
  if (statvfs("/box/run", &space) == 0) {
    usage.disk_kib = static_cast<int64_t>((space.f_blocks - space.f_bfree) * (space.f_frsize / 1024));
  }
  usage.memory_kib = usage.disk_kib;
  DIR* folder = opendir("/proc");
  if (folder == nullptr) return usage;
  while (const dirent* entry = readdir(folder)) {
    const char first = entry->d_name[0];
    if (first < '1' || first > '9' || std::strcmp(entry->d_name, "1") == 0) continue;  // 1 is the box's init
    usage.cpu_ms += cpu_of(entry->d_name);
    usage.memory_kib += memory_of(entry->d_name);
  }
  closedir(folder);
  return usage;
}

bool watch(int process, int host, const Limits& limits, RunReply& reply) {
  const int64_t start = now_us();
  const auto stop = [&](Stop reason) {
    if (reply.stop == Stop::none) reply.stop = reason;
    syscall(SYS_pidfd_send_signal, process, SIGKILL, nullptr, 0);
  };
  bool host_there = true;
  for (;;) {
    pollfd events[2] = {{process, POLLIN, 0}, {host_there ? host : -1, POLLIN, 0}};
    const int ready = poll(events, 2, reply.stop == Stop::none ? kLookEveryMs : 100);
    reply.wall_us = now_us() - start;
    if (ready < 0 && errno != EINTR) stop(Stop::request);
    if ((events[0].revents & POLLIN) != 0) return host_there;
    if (events[1].revents != 0) {
      char byte;
      host_there = recv(host, &byte, 1, MSG_DONTWAIT) > 0;
      stop(Stop::request);
    }
    const Usage usage = box_usage();
    reply.memory_kib = std::max(reply.memory_kib, usage.memory_kib);
    reply.disk_kib = std::max(reply.disk_kib, usage.disk_kib);
    if (usage.memory_kib > limits.memory_mib * 1024) stop(Stop::memory);
    if (static_cast<double>(usage.cpu_ms) > limits.cpu_s * 1e3) stop(Stop::cpu);
    if (static_cast<double>(reply.wall_us) > limits.wall_s * 1e6) stop(Stop::wall);
  }
}

void settle(int wait_status, const rusage& used, const Limits& limits, RunReply& reply) {
  if (WIFSIGNALED(wait_status))
    reply.signal = WTERMSIG(wait_status);
  else
    reply.exit_code = WEXITSTATUS(wait_status);
  reply.cpu_us =
      (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1'000'000 + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
  reply.memory_kib = std::max<int64_t>(reply.memory_kib, used.ru_maxrss);
  if (reply.stop != Stop::none) return;
  if (reply.signal == SIGXCPU || static_cast<double>(reply.cpu_us) > limits.cpu_s * 1e6)
    reply.stop = Stop::cpu;
  else if (reply.memory_kib > limits.memory_mib * 1024)
    reply.stop = Stop::memory;
  else if (reply.signal == SIGXFSZ)
    reply.stop = Stop::output;
}

}  // namespace posttrain::sandbox
