// The only way to run a compute loop on several threads (base/team.h). The end of a loop waits for the tasks that have
// been begun, not for threads that another program keeps from running.
#pragma once

#include <cstddef>

namespace posttrain {

// How many threads compute loops use; decided once at start (0 = the CPUs this process may run on).
// Results never depend on the number. When several threads run loops at once, one has the team and the others work
// alone.
void set_compute_threads(int threads);
int compute_threads();

// The number of the calling thread within its parallel loop, 0 outside of one; below compute_threads().
int compute_worker();

namespace detail {
using RangeBody = void (*)(const void* body, std::ptrdiff_t begin, std::ptrdiff_t end);
void run_ranges(std::ptrdiff_t count, std::ptrdiff_t grain, RangeBody call, const void* body);
void run_tasks(std::ptrdiff_t count, RangeBody call, const void* body);
}  // namespace detail

// Runs body(begin, end) over disjoint ranges that cover [0, count), each at least `grain` long (the last may be
// shorter). Serial when one range is enough or when called from inside another parallel loop.
// The body must not depend on where ranges are cut. When it throws, so does this, with the first that was thrown.
template <class Body>
void parallel_for(std::ptrdiff_t count, std::ptrdiff_t grain, const Body& body) {
  detail::run_ranges(
      count, grain,
      [](const void* b, std::ptrdiff_t begin, std::ptrdiff_t end) { (*static_cast<const Body*>(b))(begin, end); },
      &body);
}

// Runs body(task) for each task in [0, count), one at a time: each worker has its own run of tasks in a row and then
// helps the others. For tasks of unequal length, and so that a worker whose CPU is taken by somebody else holds nobody
// up. Throws what a body threw first; tasks that were not begun then stay undone.
template <class Body>
void parallel_tasks(std::ptrdiff_t count, const Body& body) {
  detail::run_tasks(
      count, [](const void* b, std::ptrdiff_t task, std::ptrdiff_t) { (*static_cast<const Body*>(b))(task); }, &body);
}

}  // namespace posttrain
