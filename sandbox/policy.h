// Which system calls a program in a box has: an allow-list; everything else does not exist (ENOSYS) or is refused.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

namespace posttrain::sandbox {

using Filter = std::vector<sock_filter>;

// For the compiler and as the first of two filters for programs: files, memory, threads, processes, time. No sockets
// but a connected pair, no shared anonymous memory (nothing without a cgroup could count it), no kernel service, no
// locks or leases on files that boxes share. Foreign architectures are killed. Empty when libseccomp fails.
Filter base_filter();

// On top, for programs: threads but no processes, no new program, no further filter. The box itself starts the program
// after the filter is in place: execveat is let through when its sixth argument, which the kernel ignores, is `pass`, a
// number that no program can guess. 0: never.
Filter program_filter(uint64_t pass);

// For a tool of the host's own (tool_walls.h), whose needs nobody knows in full: everything but sockets, namespaces,
// mounts, tracing and the kernel's doors that are of no use to a compiler.
Filter tool_filter();

// Needs no_new_privs. False with errno set when the kernel refuses.
bool install(const Filter& filter);

}  // namespace posttrain::sandbox
