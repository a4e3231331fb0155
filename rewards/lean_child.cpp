#include "rewards/lean_child.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "base/error.h"
#include "rewards/lean_reply.h"

namespace posttrain::rewards {
namespace {

std::vector<std::string> environment_of(const ChildLimits& limits) {
  std::vector<std::string> out;
  for (const char* name : {"PATH", "HOME", "LANG", "LC_ALL", "ELAN_HOME", "ELAN_TOOLCHAIN", "LEAN_PATH", "LEAN_SYSROOT",
                           "LEAN_SRC_PATH", "LD_LIBRARY_PATH"}) {
    const char* value = std::getenv(name);
    if (value != nullptr) out.push_back(std::string(name) + "=" + value);
  }
  if (!limits.writable.empty()) out.push_back("TMPDIR=" + limits.writable.front());
  return out;
}

void limit(int what, int64_t soft, int64_t hard) {
  const rlimit r{static_cast<rlim_t>(soft), static_cast<rlim_t>(hard)};
  setrlimit(static_cast<__rlimit_resource>(what), &r);
}

// In the child, after fork.
void set_limits(const ChildLimits& limits) {
  limit(RLIMIT_CORE, 0, 0);
  if (limits.memory_mib > 0) limit(RLIMIT_AS, limits.memory_mib << 20, limits.memory_mib << 20);
  if (limits.cpu_s > 0) limit(RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 1);
  if (limits.walls) limit(RLIMIT_FSIZE, int64_t{4} << 30, int64_t{4} << 30);
}

}  // namespace

LeanChild::LeanChild(const std::vector<std::string>& command, const std::string& folder, const ChildLimits& limits) {
  ChildCommand plan{.argv = command, .folder = folder, .environment = environment_of(limits)};
  plan.errors = ChildStream::null;
  std::optional<sandbox::ToolWalls> walls;
  sandbox::Fd guard_line;
  if (limits.walls) {
    int line[2];
    if (pipe2(line, O_CLOEXEC) != 0) throw Failure("lean", "no pipe for a child process");
    guard_line = sandbox::Fd(line[0]);
    line_ = sandbox::Fd(line[1]);
    walls.emplace(limits.writable);
  }
  plan.before_exec = [&] {
    if (walls && walls->enter(guard_line.get()) != nullptr) return false;
    set_limits(limits);
    return true;
  };
  child_ = limits.starter != nullptr ? limits.starter->start(plan) : std::make_unique<ChildProcess>(plan);
}

LeanChild::~LeanChild() {
  if (!line_) return;
  line_.reset();  // the guard ends the tool and then itself
  child_->close_input();
  child_->wait(deadline_in(10));
}

ChildIo LeanChild::write(std::string_view text, Deadline deadline) {
  return child_->write(text, deadline, kMostReplyBytes);
}

ChildIo LeanChild::read_until(std::string_view end, std::string& out, Deadline deadline) {
  return child_->read_until(end, out, deadline, kMostReplyBytes);
}

ChildIo LeanChild::read_all(std::string& out, Deadline deadline) {
  return child_->read_all(out, deadline, kMostReplyBytes);
}

}  // namespace posttrain::rewards
