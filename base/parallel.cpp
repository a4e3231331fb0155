#include "base/parallel.h"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <atomic>

namespace posttrain {
namespace {

int allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

// OpenMP's own setting belongs to the thread that made it; this one is the process's.
std::atomic<int> chosen_threads{0};

}  // namespace

void set_compute_threads(int threads) {
  omp_set_dynamic(0);
  chosen_threads = threads > 0 ? threads : allowed_cpus();
}

int compute_threads() {
  const int threads = chosen_threads.load(std::memory_order_relaxed);
  if (threads > 0) return threads;
  chosen_threads = allowed_cpus();
  return chosen_threads;
}

int compute_worker() {
  return omp_get_thread_num();
}

namespace detail {

void run_ranges(std::ptrdiff_t count, std::ptrdiff_t grain, RangeBody call, const void* body) {
  if (count <= 0) return;
  const std::ptrdiff_t least = std::max<std::ptrdiff_t>(grain, 1);
  const auto parts = static_cast<int>(std::min<std::ptrdiff_t>((count + least - 1) / least, compute_threads()));
  if (parts <= 1 || omp_in_parallel()) {
    call(body, 0, count);
    return;
  }
#pragma omp parallel num_threads(parts)
  {
    const std::ptrdiff_t part = omp_get_thread_num(), of = omp_get_num_threads();
    const std::ptrdiff_t begin = count * part / of, end = count * (part + 1) / of;
    if (begin < end) call(body, begin, end);
  }
}

void run_tasks(std::ptrdiff_t count, RangeBody call, const void* body) {
  const auto parts = static_cast<int>(std::min<std::ptrdiff_t>(count, compute_threads()));
  if (parts <= 1 || omp_in_parallel()) {
    for (std::ptrdiff_t task = 0; task < count; ++task) call(body, task, task + 1);
    return;
  }
  std::atomic<std::ptrdiff_t> next{0};
#pragma omp parallel num_threads(parts)
  {
    for (std::ptrdiff_t task = next++; task < count; task = next++) call(body, task, task + 1);
  }
}

}  // namespace detail
}  // namespace posttrain
