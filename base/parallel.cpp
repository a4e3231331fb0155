#include "base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>

#include "base/team.h"

namespace posttrain {
namespace {

int allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

std::atomic<int> chosen_threads{0};

std::atomic<bool> team_at_work{false};

// Lives as long as the process: its threads do.
detail::Team& team() {
  static auto* const threads = new detail::Team;
  return *threads;
}

}  // namespace

void set_compute_threads(int threads) {
  chosen_threads = threads > 0 ? threads : allowed_cpus();
}

int compute_threads() {
  const int threads = chosen_threads.load(std::memory_order_relaxed);
  if (threads > 0) return threads;
  set_compute_threads(0);
  return chosen_threads;
}

int compute_worker() {
  return detail::worker_number();
}

namespace detail {

void run_tasks(std::ptrdiff_t count, RangeBody call, const void* body) {
  const auto threads = static_cast<int>(std::min<std::ptrdiff_t>(count, compute_threads()));
  if (threads > 1 && !inside_loop() && !team_at_work.exchange(true, std::memory_order_acquire)) {
    struct Release {
      ~Release() { team_at_work.store(false, std::memory_order_release); }
    } release;
    team().run(threads, count, call, body);
    return;
  }
  for (std::ptrdiff_t task = 0; task < count; ++task) call(body, task, task + 1);
}

void run_ranges(std::ptrdiff_t count, std::ptrdiff_t grain, RangeBody call, const void* body) {
  if (count <= 0) return;
  const std::ptrdiff_t least = std::max<std::ptrdiff_t>(grain, 1);
  const std::ptrdiff_t parts = std::min<std::ptrdiff_t>((count + least - 1) / least, compute_threads());
  if (parts <= 1 || inside_loop()) {
    call(body, 0, count);
    return;
  }
  parallel_tasks(parts, [&](std::ptrdiff_t part) { call(body, count * part / parts, count * (part + 1) / parts); });
}

}  // namespace detail
}  // namespace posttrain
