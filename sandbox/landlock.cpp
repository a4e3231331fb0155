#include "sandbox/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace posttrain::sandbox {
namespace {

// The kernel headers of Debian 12 stop at version 3; sizes tell the kernel how much of this is meant.
struct Attributes {
  uint64_t files, network, scopes;
};
constexpr uint64_t kRead = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kFileOnly = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
                               LANDLOCK_ACCESS_FS_WRITE_FILE | (1ull << 14) /* truncate */;

uint64_t handled(int abi) {
  uint64_t all = (1ull << 13) - 1;
  if (abi >= 2) all |= 1ull << 13;  // refer
  if (abi >= 3) all |= 1ull << 14;  // truncate
  if (abi >= 5) all |= 1ull << 15;  // ioctl on devices
  return all;
}

void allow(int rules, const std::string& path, uint64_t access) {
  const Fd fd(open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status {};
  if (!fd || fstat(fd.get(), &status) != 0) return;
  if (!S_ISDIR(status.st_mode)) access &= kFileOnly;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = access;
  rule.parent_fd = fd.get();
  syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

}  // namespace

int landlock_abi() {
  const long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return abi < 0 ? 0 : static_cast<int>(abi);
}

LandlockPaths box_paths() {
  return {.listed = {"/"},
          .readable = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/proc", "/headers",
                       "/runtime"},
          .writable = {"/box"}};
}

Fd landlock_rules(const LandlockPaths& paths) {
  const int abi = landlock_abi();
  if (abi < 1) return {};
  Attributes attributes{handled(abi), abi >= 4 ? 3u : 0u, abi >= 6 ? 3u : 0u};
  const size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  Fd rules(static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!rules) return {};
  for (const std::string& path : paths.listed) allow(rules.get(), path, LANDLOCK_ACCESS_FS_READ_DIR);
  for (const std::string& path : paths.readable) allow(rules.get(), path, kRead);
  for (const std::string& path : paths.writable) {
    allow(rules.get(), path,
          handled(abi) & ~((1ull << 15) | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_CHAR));
  }
  for (const char* path : {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}) {
    allow(rules.get(), path, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | (1ull << 14));
  }
  return rules;
}

bool landlock_restrict(const Fd& rules) {
  return !rules || syscall(SYS_landlock_restrict_self, rules.get(), 0) == 0;
}

}  // namespace posttrain::sandbox
