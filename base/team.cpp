#include "base/team.h"

#include <omp.h>

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>

namespace posttrain::detail {
namespace {

// Some microseconds: the time in which the next loop of a training step mostly comes. Sleeping right away takes twice
// the time of a small model's step; longer takes CPU time from the programs that rewards run.
constexpr int kLooks = 2000;

thread_local int my_number = 0;
thread_local bool in_loop = false;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

template <class T, class Done>
void wait_until(std::atomic<T>& value, const Done& done) {
  for (int looks = 0; looks < kLooks; ++looks) {
    if (done(value.load(std::memory_order_seq_cst))) return;
    relax();
  }
  for (T now; !done(now = value.load(std::memory_order_seq_cst));) value.wait(now, std::memory_order_seq_cst);
}

}  // namespace

int worker_number() {
  return my_number;
}

bool inside_loop() {
  return in_loop;
}

void Team::take_tasks(int worker) {
  my_number = worker;
  in_loop = true;
  for (int i = 0; i < count_; ++i) {
    Share& share = shares_[(worker + i) % count_];
    try {
      for (std::ptrdiff_t task; (task = share.next.fetch_add(1, std::memory_order_relaxed)) < share.end;) {
        call_(body_, task, task + 1);
      }
    } catch (...) {  // no exception may leave a thread of the team: a failed allocation would end the program
      if (!failed_.exchange(true)) error_ = std::current_exception();
    }
    if (failed_.load(std::memory_order_relaxed)) break;
  }
  in_loop = false;
  my_number = 0;
}

// Worker and caller each write one of round_ and inside_ and then read the other: either the worker sees that the loop
// has been closed, or the caller sees that somebody is inside.
void Team::serve(int worker) {
  for (uint32_t seen = 0;;) {
    wait_until(round_, [&](uint32_t round) { return round % 2 == 1 && round != seen; });
    seen = round_.load(std::memory_order_seq_cst);
    if (seen % 2 == 0) continue;
    inside_.fetch_add(1, std::memory_order_seq_cst);
    if (round_.load(std::memory_order_seq_cst) == seen && worker < threads_) take_tasks(worker);
    if (inside_.fetch_sub(1, std::memory_order_seq_cst) == 1) inside_.notify_one();
  }
}

// The threads are OpenMP's, of one parallel region that never ends; its own loops would wait for every thread to come
// by. Threads that the system refuses are not missed: the others do their part.
void Team::grow(int threads) {
  if (size_ >= threads) return;
  const int first = size_, more = threads - size_;
  size_ = threads;
  try {
#if defined(__SANITIZE_THREAD__)  // which can't see how libgomp begins its threads
    for (int i = 0; i < more; ++i) std::thread([this, worker = first + i] { serve(worker); }).detach();
#else
    std::thread([this, first, more] {
#pragma omp parallel num_threads(more)
      serve(first + omp_get_thread_num());
    }).detach();
#endif
  } catch (const std::system_error&) {
  }
}

void Team::run(int threads, std::ptrdiff_t count, Body call, const void* body) {
  grow(threads);
  count_ = std::min(threads, most_shares);
  threads_ = threads;
  call_ = call;
  body_ = body;
  for (int i = 0; i < count_; ++i) {
    shares_[i].next.store(count * i / count_, std::memory_order_relaxed);
    shares_[i].end = count * (i + 1) / count_;
  }
  round_.fetch_add(1, std::memory_order_seq_cst);
  round_.notify_all();
  take_tasks(0);
  round_.fetch_add(1, std::memory_order_seq_cst);
  wait_until(inside_, [](int32_t inside) { return inside == 0; });
  if (failed_.exchange(false)) std::rethrow_exception(std::exchange(error_, nullptr));
}

}  // namespace posttrain::detail
