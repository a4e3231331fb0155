#include "sandbox/tree.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/fd.h"

namespace posttrain::sandbox {
namespace {

const std::string kRoot = "/tmp/root";

bool make_folder(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    if (mkdir(path.substr(0, slash).c_str(), 0755) != 0 && errno != EEXIST) return false;
  }
  return mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

bool make_file(const std::string& path, const std::string& text = "") {
  const Fd file(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// Binds a host path to the same path below the root, with everything mounted under it, for reading.
bool bind(const std::string& from, const std::string& to, bool device) {
  if (mount(from.c_str(), to.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) return false;
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID;
  if (device)
    attributes.attr_set |= MOUNT_ATTR_NOEXEC;
  else
    attributes.attr_set |= MOUNT_ATTR_NODEV;
  return syscall(SYS_mount_setattr, AT_FDCWD, to.c_str(), AT_RECURSIVE, &attributes, sizeof attributes) == 0;
}

bool bind_folder(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return true;  // this machine has none
  if (S_ISLNK(status.st_mode)) {
    char target[256];
    const ssize_t length = readlink(path.c_str(), target, sizeof target - 1);
    if (length < 0) return false;
    target[length] = 0;
    return symlink(target, (kRoot + path).c_str()) == 0;
  }
  return S_ISDIR(status.st_mode) && make_folder(kRoot + path) && bind(path, kRoot + path, false);
}

std::string run_options(int64_t disk_mib, int64_t inodes) {
  // The file system's own five folders and its root are not the program's.
  return "mode=0755,size=" + std::to_string(disk_mib) + "m,nr_inodes=" + std::to_string(inodes + 5);
}

}  // namespace

Step build_tree(const TreeOptions& options) {
  if (mount("box", kRoot.c_str(), "tmpfs", MS_NOSUID | MS_NOATIME, "mode=0755,size=1m,nr_inodes=512") != 0) {
    return "mount root tmpfs";
  }
  for (const char* path :
       {"/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/libexec", "/usr/include",
        "/usr/share/zoneinfo", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/alternatives"}) {
    if (!bind_folder(path)) return path;
  }
  for (const std::string& path : options.runtime) {
    if (!bind_folder(path)) return "bind a runtime folder";
  }
  for (const char* path : {"/etc", "/proc", "/dev", "/box/run", "/var", "/headers"}) {
    if (!make_folder(kRoot + path)) return path;
  }
  if (access("/etc/ld.so.cache", R_OK) == 0) {
    if (!make_file(kRoot + "/etc/ld.so.cache") || !bind("/etc/ld.so.cache", kRoot + "/etc/ld.so.cache", false)) {
      return "/etc/ld.so.cache";
    }
  }
  if (!make_file(kRoot + "/etc/passwd", "box:x:1000:1000::/box/run/work:/usr/sbin/nologin\n") ||
      !make_file(kRoot + "/etc/group", "box:x:1000:\n")) {
    return "/etc/passwd";
  }
  for (const char* name : {"null", "zero", "full", "random", "urandom"}) {
    const std::string device = std::string("/dev/") + name;
    if (!make_file(kRoot + device) || !bind(device, kRoot + device, true)) return "/dev";
  }
  const char* links[][2] = {{"/box/run/shm", "/dev/shm"},       {"/proc/self/fd", "/dev/fd"},
                            {"/proc/self/fd/0", "/dev/stdin"},  {"/proc/self/fd/1", "/dev/stdout"},
                            {"/proc/self/fd/2", "/dev/stderr"}, {"/box/run/tmp", "/tmp"},
                            {"/box/run/vtmp", "/var/tmp"}};
  for (const auto& link : links) {
    if (symlink(link[0], (kRoot + link[1]).c_str()) != 0) return link[1];
  }
  if (access("/tmp/headers", F_OK) == 0 && !bind("/tmp/headers", kRoot + "/headers", false)) return "/headers";
  return nullptr;
}

Step mount_proc() {
  const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY;
  const std::string at = kRoot + "/proc";
  if (mount("proc", at.c_str(), "proc", flags, "hidepid=2,subset=pid") == 0) return nullptr;
  return "mount /proc";
}

Step enter_tree() {
  if (chdir(kRoot.c_str()) != 0) return "chdir root";
  if (syscall(SYS_pivot_root, ".", ".") != 0) return "pivot_root";
  if (umount2(".", MNT_DETACH) != 0) return "leave the host's tree";
  if (chdir("/") != 0) return "chdir /";
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &attributes, sizeof attributes) != 0) return "read-only root";
  return nullptr;
}

Step mount_run_folder(int64_t disk_mib, int64_t inodes) {
  if (mount("run", "/box/run", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOATIME, run_options(disk_mib, inodes).c_str()) !=
      0) {
    return "mount /box/run";
  }
  for (const char* path : {"/box/run/work", "/box/run/tmp", "/box/run/vtmp", "/box/run/shm"}) {
    if (mkdir(path, 0700) != 0) return path;
  }
  return nullptr;
}

Step resize_run_folder(int64_t disk_mib, int64_t inodes) {
  const std::string options = run_options(disk_mib, inodes);
  if (mount("run", "/box/run", nullptr, MS_REMOUNT | MS_NOSUID | MS_NODEV | MS_NOATIME, options.c_str()) != 0) {
    return "resize /box/run";
  }
  return nullptr;
}

Step unmount_run_folder() {
  return umount2("/box/run", MNT_DETACH) == 0 ? nullptr : "unmount /box/run";
}

}  // namespace posttrain::sandbox
