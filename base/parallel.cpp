#include "base/parallel.h"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#if defined(__SANITIZE_THREAD__)
#include <thread>
#include <vector>
#endif

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
thread_local int worker_number = 0;
thread_local bool inside_loop = false;

// The part of a loop's tasks that one worker begins with. Whoever has done its own helps the next, so tasks side by
// side mostly meet the same core, whose caches hold what they share, and a worker that is held up holds nobody up.
struct alignas(64) Share {
  std::ptrdiff_t next, end;  // next: through std::atomic_ref while the team is at work
};
constexpr int kMostShares = 64;

struct Work {
  Share shares[kMostShares];  // the first `count` are set: a loop should not pay for the others
  int count;
  detail::RangeBody call;
  const void* body;
  std::atomic<bool> failed{false};
  std::exception_ptr error;  // of the one who set `failed`
};

void take_tasks(int worker, Work& work) {
  worker_number = worker;
  inside_loop = true;
  for (int i = 0; i < work.count; ++i) {
    Share& share = work.shares[(worker + i) % work.count];
    const std::atomic_ref<std::ptrdiff_t> next(share.next);
    try {
      for (std::ptrdiff_t task; (task = next.fetch_add(1, std::memory_order_relaxed)) < share.end;) {
        work.call(work.body, task, task + 1);
      }
    } catch (...) {  // no exception may leave a thread of the team: a failed allocation would end the program
      if (!work.failed.exchange(true)) work.error = std::current_exception();
    }
    if (work.failed.load(std::memory_order_relaxed)) break;
  }
  inside_loop = false;
  worker_number = 0;
}

// The threads of OpenMP's team hand each other nothing but the numbers of the next tasks.
void run_team(int threads, std::ptrdiff_t count, detail::RangeBody call, const void* body) {
  Work work;
  work.count = std::min(threads, kMostShares);
  work.call = call;
  work.body = body;
  for (int i = 0; i < work.count; ++i) {
    work.shares[i] = {count * i / work.count, count * (i + 1) / work.count};
  }
#if defined(__SANITIZE_THREAD__)  // which can't see how libgomp's threads wait for each other
  std::vector<std::thread> team;
  for (int worker = 1; worker < threads; ++worker) {
    team.emplace_back([&, worker] { take_tasks(worker, work); });
  }
  take_tasks(0, work);
  for (std::thread& thread : team) thread.join();
#else
#pragma omp parallel num_threads(threads)
  take_tasks(omp_get_thread_num(), work);
#endif
  if (work.error) std::rethrow_exception(work.error);
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
  return worker_number;
}

namespace detail {

void run_tasks(std::ptrdiff_t count, RangeBody call, const void* body) {
  const auto threads = static_cast<int>(std::min<std::ptrdiff_t>(count, compute_threads()));
  if (threads > 1 && !inside_loop && !team_at_work.exchange(true, std::memory_order_acquire)) {
    struct Release {
      ~Release() { team_at_work.store(false, std::memory_order_release); }
    } release;
    run_team(threads, count, call, body);
    return;
  }
  for (std::ptrdiff_t task = 0; task < count; ++task) call(body, task, task + 1);
}

void run_ranges(std::ptrdiff_t count, std::ptrdiff_t grain, RangeBody call, const void* body) {
  if (count <= 0) return;
  const std::ptrdiff_t least = std::max<std::ptrdiff_t>(grain, 1);
  const std::ptrdiff_t parts = std::min<std::ptrdiff_t>((count + least - 1) / least, compute_threads());
  if (parts <= 1 || inside_loop) {
    call(body, 0, count);
    return;
  }
  parallel_tasks(parts, [&](std::ptrdiff_t part) { call(body, count * part / parts, count * (part + 1) / parts); });
}

}  // namespace detail
}  // namespace posttrain
