// The file tree of a box: system folders read-only, a /dev of harmless devices, the private /proc, and /box/run, a
// small file system that is new for every run. /tmp, /var/tmp and /dev/shm lead there.
#pragma once

#include <string>
#include <vector>

#include "sandbox/limits.h"

namespace posttrain::sandbox {

struct TreeOptions {
  std::vector<std::string> runtime;  // further read-only folders of the host, at their own path
};

// A failed system call: what was tried. errno says why.
using Step = const char*;

// Builds the tree at /tmp/root. Null when all went well. In the box's own mount namespace, before /proc is mounted.
Step build_tree(const TreeOptions& options);
// Mounts /tmp/root/proc for the caller's pid namespace: the first process of that namespace calls it.
Step mount_proc();
// Makes /tmp/root the root and lets go of the host's tree.
Step enter_tree();

// A new, empty /box/run with the folders work, tmp, vtmp and shm.
Step mount_run_folder(int64_t disk_mib, int64_t inodes);
// Other limits for the one that is there.
Step resize_run_folder(int64_t disk_mib, int64_t inodes);
Step unmount_run_folder();

}  // namespace posttrain::sandbox
