// How much memory this machine has. Nothing that computes may ask: results do not depend on it, and a run that starts
// on one machine may go on on another (tests/base/layering_test.cpp lists who may).
#pragma once

#include <cstdint>

namespace posttrain {

// Bytes that can be used without swapping just now: MemAvailable of /proc/meminfo, within what the limits of this
// process's cgroups leave. POSTTRAIN_MEMINFO names another file to read, for tests.
int64_t available_memory_bytes();

// Bytes that this machine can give at most: MemTotal, within the limits of this process's cgroups.
int64_t installed_memory_bytes();

// The largest resident size of this process so far, in bytes.
int64_t peak_memory_bytes();

}  // namespace posttrain
