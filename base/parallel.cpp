#include "base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>

namespace posttrain {
namespace {

int allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

std::atomic<int> chosen_threads{0};

thread_local int worker_number = 0;
thread_local bool inside_loop = false;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// The caller of a loop takes tasks itself; helpers that are awake take tasks beside it. Nobody waits for a helper that
// has not begun, so a loop costs no more than running it alone when other programs hold the CPUs. Helpers look for the
// next loop for some microseconds, then sleep.
class Pool {
 public:
  // False when another thread's loop has the helpers.
  bool run(std::ptrdiff_t count, int threads, detail::RangeBody call, const void* body) {
    const std::unique_lock<std::mutex> turn(turn_, std::try_to_lock);
    if (!turn.owns_lock()) return false;
    for (; helpers_ < threads - 1; ++helpers_) std::thread(&Pool::help, this, helpers_ + 1).detach();
    call_ = call;
    body_ = body;
    count_ = count;
    threads_ = threads;
    next_.store(0, std::memory_order_relaxed);
    state_.store(kOpen, std::memory_order_release);
    signal_.fetch_add(1, std::memory_order_release);
    signal_.notify_all();
    work();
    uint32_t state = state_.fetch_and(~kOpen, std::memory_order_acquire) & ~kOpen;
    for (int spins = 0; state != 0; state = state_.load(std::memory_order_acquire)) {
      if (++spins < kSpins) {
        pause();
      } else {
        sched_yield();
      }
    }
    return true;
  }

 private:
  static constexpr uint32_t kOpen = 1u << 31;  // tasks may be taken; the low bits count the helpers at work
  static constexpr int kSpins = 2000;

  void work() {
    inside_loop = true;
    for (std::ptrdiff_t task; (task = next_.fetch_add(1, std::memory_order_relaxed)) < count_;) {
      call_(body_, task, task + 1);
    }
    inside_loop = false;
  }

  void help(int number) {
    worker_number = number;
    for (uint32_t seen = 0;;) {
      for (int spins = 0; signal_.load(std::memory_order_acquire) == seen && spins < kSpins; ++spins) pause();
      signal_.wait(seen, std::memory_order_acquire);
      seen = signal_.load(std::memory_order_acquire);
      uint32_t state = state_.load(std::memory_order_relaxed);
      bool joined = false;
      while ((state & kOpen) != 0 && !joined) {
        joined = state_.compare_exchange_weak(state, state + 1, std::memory_order_acquire, std::memory_order_relaxed);
      }
      if (!joined) continue;
      if (number < threads_) work();
      state_.fetch_sub(1, std::memory_order_release);
    }
  }

  std::mutex turn_;
  int helpers_ = 0;
  detail::RangeBody call_ = nullptr;
  const void* body_ = nullptr;
  std::ptrdiff_t count_ = 0;
  int threads_ = 1;
  alignas(64) std::atomic<std::ptrdiff_t> next_{0};
  alignas(64) std::atomic<uint32_t> state_{0};
  alignas(64) std::atomic<uint32_t> signal_{0};
};

// Made once and never destroyed: its helpers sleep until the process ends.
Pool& pool() {
  static Pool& only = *new Pool;
  return only;
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
  if (threads > 1 && !inside_loop && pool().run(count, threads, call, body)) return;
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
