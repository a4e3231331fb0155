// The second wall round the file tree: Landlock, by path inside the box, inherited by everything the program starts.
#pragma once

#include "sandbox/fd.h"

namespace posttrain::sandbox {

// The kernel's Landlock version, 0 where it has none.
int landlock_abi();

// Read and execute below the system's folders, read and write below /box and on the harmless devices, no TCP, no
// abstract sockets or signals beyond the domain. Call in the box's tree. Invalid where the kernel has no Landlock.
Fd landlock_rules();

// Restricts the calling process for good. Needs no_new_privs.
bool landlock_restrict(const Fd& rules);

}  // namespace posttrain::sandbox
