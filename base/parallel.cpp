#include "base/parallel.h"

#include <omp.h>
#include <sched.h>

#include <algorithm>

namespace posttrain {
namespace {

int allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

}  // namespace

void set_compute_threads(int threads) {
  omp_set_dynamic(0);
  omp_set_num_threads(threads > 0 ? threads : allowed_cpus());
}

int compute_threads() {
  return omp_get_max_threads();
}

void parallel_for(std::ptrdiff_t count, std::ptrdiff_t grain,
                  const std::function<void(std::ptrdiff_t, std::ptrdiff_t)>& body) {
  if (count <= 0) return;
  const std::ptrdiff_t most = (count + std::max<std::ptrdiff_t>(grain, 1) - 1) / std::max<std::ptrdiff_t>(grain, 1);
  const auto parts = static_cast<int>(std::min<std::ptrdiff_t>(most, compute_threads()));
  if (parts <= 1 || omp_in_parallel()) {
    body(0, count);
    return;
  }
#pragma omp parallel num_threads(parts)
  {
    const std::ptrdiff_t part = omp_get_thread_num(), of = omp_get_num_threads();
    const std::ptrdiff_t begin = count * part / of, end = count * (part + 1) / of;
    if (begin < end) body(begin, end);
  }
}

}  // namespace posttrain
