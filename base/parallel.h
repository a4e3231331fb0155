// The one pool of compute threads (OpenMP) and the only way to run a loop on it.
#pragma once

#include <cstddef>
#include <functional>

namespace posttrain {

// How many threads compute loops use; decided once at start (0 = the CPUs this process may run on).
// Call from the main thread before any parallel_for; results never depend on the number.
void set_compute_threads(int threads);
int compute_threads();

// Runs body(begin, end) over disjoint ranges that cover [0, count), each at least `grain` long (the last may be
// shorter). Serial when one range is enough or when called from inside another parallel_for.
// The body must not throw and must not depend on where ranges are cut.
void parallel_for(std::ptrdiff_t count, std::ptrdiff_t grain,
                  const std::function<void(std::ptrdiff_t begin, std::ptrdiff_t end)>& body);

}  // namespace posttrain
