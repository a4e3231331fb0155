// How much memory this machine has left.
#pragma once

#include <cstdint>

namespace posttrain {

// Bytes that can be used without swapping: MemAvailable of /proc/meminfo, within a cgroup's limit when there is one.
int64_t available_memory_bytes();

// The largest resident size of this process so far, in bytes.
int64_t peak_memory_bytes();

}  // namespace posttrain
