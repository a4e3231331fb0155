#include "base/memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

namespace posttrain {
namespace {

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

struct Cgroup {
  int64_t limit = kNoLimit, left = kNoLimit;
};

// Takes the limits between `path` and the root of one hierarchy into account.
void follow(Cgroup& out, const std::filesystem::path& root, const std::string& path, const char* limit_file,
            const char* used_file) {
  for (auto at = std::filesystem::path(path).relative_path();; at = at.parent_path()) {
    std::ifstream max(root / at / limit_file), current(root / at / used_file);
    int64_t limit = 0, used = 0;
    if (max >> limit) {  // "max" where there is none
      out.limit = std::min(out.limit, limit);
      if (current >> used) out.left = std::min(out.left, std::max<int64_t>(0, limit - used));
    }
    if (at.empty()) return;
  }
}

// The tightest limit of this process's groups, of either version, and the least that is left of one.
Cgroup cgroup() {
  Cgroup out;
  std::ifstream self("/proc/self/cgroup");
  for (std::string line; std::getline(self, line);) {
    const auto path = line.substr(line.rfind(':') + 1);
    if (line.starts_with("0::")) follow(out, "/sys/fs/cgroup", path, "memory.max", "memory.current");
    if (line.find(":memory:") != std::string::npos)
      follow(out, "/sys/fs/cgroup/memory", path, "memory.limit_in_bytes", "memory.usage_in_bytes");
  }
  return out;
}

int64_t meminfo_bytes(const std::string& wanted) {
  const char* other = std::getenv("POSTTRAIN_MEMINFO");
  std::ifstream meminfo(other != nullptr ? other : "/proc/meminfo");
  std::string key, unit;
  for (int64_t kib = 0; meminfo >> key >> kib; std::getline(meminfo, unit)) {
    if (key == wanted) return kib * 1024;
  }
  return kNoLimit;
}

}  // namespace

int64_t available_memory_bytes() {
  return std::min(meminfo_bytes("MemAvailable:"), cgroup().left);
}

int64_t installed_memory_bytes() {
  return std::min(meminfo_bytes("MemTotal:"), cgroup().limit);
}

int64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

}  // namespace posttrain
