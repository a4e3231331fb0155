// Linear layers: how products are cut into tasks. Panels are split among threads while the weights are large; rows are,
// when the weights fit into a core's cache anyway.
#include <algorithm>

#include "base/error.h"
#include "base/parallel.h"
#include "nn/cpu/backend.h"
#include "nn/cpu/blas.h"

namespace posttrain::nn::cpu {
namespace {

constexpr double kSmall = 3e5;                   // floating-point operations that are not worth a second thread
constexpr int64_t kCached = int64_t{512} << 10;  // bytes of weights that stay in L2
constexpr int64_t kRowGrain = 28;

// Into how many tasks panels are cut: up to four a thread, so that a thread which the machine held up is helped, and
// such that each thread gets as many panels as the next. (18 panels in 8 tasks of 2 or 3 made 10 for one of two
// threads.)
int64_t tasks_of(int64_t panels, int64_t threads, int64_t most_rounds) {
  int64_t best = threads, load = (panels + threads - 1) / threads;
  for (int64_t rounds = 2; rounds <= most_rounds && rounds * threads <= panels; ++rounds) {
    const int64_t tasks = rounds * threads, longest = (panels + tasks - 1) / tasks * rounds;
    if (longest <= load) {
      best = tasks;
      load = longest;
    }
  }
  return std::min(best, panels);
}

}  // namespace

void CpuBackend::multiply_here(DType stored, const GemmJob& job) const {
  (stored == DType::bf16 ? kernels_.gemm_bf16 : kernels_.gemm_f32)(job);
}

void CpuBackend::multiply(DType stored, const GemmJob& job) {
  if (job.rows <= 0 || job.columns <= 0) return;
  const int64_t panels = panels_of(job.columns);
  const int threads = compute_threads();
  const double work =
      2.0 * static_cast<double>(job.rows) * static_cast<double>(job.k) * static_cast<double>(job.columns);
  prepare_workers();
  const auto run = [&](int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    GemmJob part = job;
    part.a += row0 * job.a_row;
    part.y += row0 * job.y_row;
    part.rows = row1 - row0;
    part.panel_begin = panel0;
    part.panel_end = panel1;
    part.scratch = mine().floats(gemm_scratch(part.rows, part.k, panel1 - panel0, part.add));
    multiply_here(stored, part);
  };
  if (work < kSmall || threads == 1) {
    run(0, job.rows, 0, panels);
  } else if (job.rows >= kRowGrain * threads && panels * job.panel_bytes <= kCached) {
    parallel_for(job.rows, kRowGrain, [&](ptrdiff_t begin, ptrdiff_t end) { run(begin, end, 0, panels); });
  } else {
    // One task a thread where each would copy the left operand for itself.
    const int64_t chunks = tasks_of(panels, threads, collides(job.a_row) && job.rows > kFewRows ? 1 : 4);
    parallel_tasks(chunks, [&](ptrdiff_t i) {
      const int64_t begin = panels * i / chunks, end = panels * (i + 1) / chunks;
      run(0, job.rows, begin, end);
    });
  }
}

void CpuBackend::linear(int64_t M, const float* x, const Weight& weight, const float* bias, float* y, Into into) {
  const auto& w = static_cast<const CpuWeight&>(weight);
  if (blas_ && w.plain) {
    blas::multiply_nt(M, w.out, w.in, x, w.plain.f32(), y, into == Into::add);
    if (bias) {
      for (int64_t m = 0; m < M; ++m) kernels_.scale_add(w.out, 1.0f, bias, y + m * w.out);
    }
    return;
  }
  multiply(w.stored, {.rows = M,
                      .k = w.in,
                      .a = x,
                      .a_row = w.in,
                      .panels = w.forward.data(),
                      .panel_bytes = w.forward_stride(),
                      .panel_begin = 0,
                      .panel_end = 0,
                      .columns = w.out,
                      .y = y,
                      .y_row = w.out,
                      .bias = bias,
                      .add = into == Into::add,
                      .resume = false,
                      .scratch = nullptr});
}

void CpuBackend::linear_dx(int64_t M, const float* dy, const Weight& weight, float* dx, Into into) {
  const auto& w = static_cast<const CpuWeight&>(weight);
  if (blas_ && w.plain) return blas::multiply_nn(M, w.in, w.out, dy, w.plain.f32(), dx, into == Into::add);
  PT_ASSERT(w.backward || w.out * w.in == 0, w.out, w.in);
  multiply(w.stored, {.rows = M,
                      .k = w.out,
                      .a = dy,
                      .a_row = w.out,
                      .panels = w.backward.data(),
                      .panel_bytes = w.backward_stride(),
                      .panel_begin = 0,
                      .panel_end = 0,
                      .columns = w.in,
                      .y = dx,
                      .y_row = w.in,
                      .bias = nullptr,
                      .add = into == Into::add,
                      .resume = false,
                      .scratch = nullptr});
}

void CpuBackend::outer_product(int64_t rows, const float* a, int64_t a_row, int64_t out, const float* b, int64_t in,
                               float* c) {
  if (rows <= 0) return;
  const double work = 2.0 * static_cast<double>(rows) * static_cast<double>(out) * static_cast<double>(in);
  prepare_workers();
  const auto run = [&](int64_t a_begin, int64_t a_end, int64_t b_begin, int64_t b_end) {
    kernels_.outer({.rows = rows,
                    .a = a,
                    .a_row = a_row,
                    .a_begin = a_begin,
                    .a_end = a_end,
                    .b = b,
                    .b_row = in,
                    .b_begin = b_begin,
                    .b_end = b_end,
                    .c = c,
                    .c_row = in,
                    .scratch = mine().floats(outer_scratch(b_end - b_begin))});
  };
  // Every task copies its part of both sides, so the longer one is split.
  if (work < kSmall) {
    run(0, out, 0, in);
  } else if (out >= in) {
    parallel_for(out, 14, [&](ptrdiff_t begin, ptrdiff_t end) { run(begin, end, 0, in); });
  } else {
    parallel_for(panels_of(in), 1, [&](ptrdiff_t begin, ptrdiff_t end) {
      run(0, out, begin * kPanel, std::min<int64_t>(end * kPanel, in));
    });
  }
}

void CpuBackend::linear_dw(int64_t M, int64_t out, int64_t in, const float* dy, const float* x, float* dw, float* db) {
  if (blas_) {
    blas::multiply_tn(out, in, M, dy, x, dw);
  } else {
    outer_product(M, dy, out, out, x, in, dw);
  }
  if (db) {
    parallel_for((out + 15) / 16, 4, [&](ptrdiff_t begin, ptrdiff_t end) {
      kernels_.column_sums(M, begin * 16, std::min<int64_t>(end * 16, out), dy, out, db);
    });
  }
}

}  // namespace posttrain::nn::cpu
