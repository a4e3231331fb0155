// The second wall round the file tree: Landlock, by path, inherited by everything the program starts.
#pragma once

#include <string>
#include <vector>

#include "sandbox/fd.h"

namespace posttrain::sandbox {

// The kernel's Landlock version, 0 where it has none.
int landlock_abi();

struct LandlockPaths {
  std::vector<std::string> listed;    // folders may be listed below here
  std::vector<std::string> readable;  // and files read and run below here
  std::vector<std::string> writable;  // and files made, changed and removed below here
};

// What a program in a box may touch: the system's folders and its own.
LandlockPaths box_paths();

// Beside these paths the harmless devices; no TCP, no abstract sockets or signals beyond the domain. Paths that do not
// exist are left out. Invalid where the kernel has no Landlock.
Fd landlock_rules(const LandlockPaths& paths);

// Restricts the calling process for good. Needs no_new_privs.
bool landlock_restrict(const Fd& rules);

}  // namespace posttrain::sandbox
