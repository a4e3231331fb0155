#include "nn/cpu/weight.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/half.h"
#include "base/parallel.h"
#include "nn/cpu/kernels/table.h"

namespace posttrain::nn::cpu {
namespace {

float element(const void* from, DType type, int64_t i) {
  switch (type) {
    case DType::f32:
      return static_cast<const float*>(from)[i];
    case DType::bf16:
      return bf16_to_f32(static_cast<const uint16_t*>(from)[i]);
    case DType::f16:
      break;
  }
  return f16_to_f32(static_cast<const uint16_t*>(from)[i]);
}

// One element of [panel][k][32]; a bf16 word holds columns j and j + 16.
void put(const Buffer& panels, DType stored, int64_t depth, int64_t column, int64_t k, float value) {
  const int64_t at = column / kPanel * depth + k, j = column % kPanel;
  if (stored == DType::bf16) {
    static_cast<uint16_t*>(panels.data())[at * 32 + (j % 16) * 2 + j / 16] = f32_to_bf16(value);
  } else {
    panels.f32()[at * 32 + j] = value;
  }
}

float get(const Buffer& panels, DType stored, int64_t depth, int64_t column, int64_t k) {
  const int64_t at = column / kPanel * depth + k, j = column % kPanel;
  if (stored == DType::bf16)
    return bf16_to_f32(static_cast<const uint16_t*>(panels.data())[at * 32 + (j % 16) * 2 + j / 16]);
  return panels.f32()[at * 32 + j];
}

// How a value is kept in a run of 32, and where.
struct F32Word {
  using Type = float;
  static float of(float x) { return x; }
  static int64_t place(int64_t j) { return j; }
};
struct Bf16Word {
  using Type = uint16_t;
  static uint16_t of(float x) { return f32_to_bf16(x); }
  static int64_t place(int64_t j) { return j % 16 * 2 + j / 16; }
};

// Rows [r0, r1) of one panel from float32: the common case, without a decision per element.
template <class Word>
void load_panel(const CpuWeight& w, int64_t r0, int64_t r1, const float* from) {
  using Type = typename Word::Type;
  const int64_t in = w.in, rows = r1 - r0;
  Type* to = static_cast<Type*>(w.forward.data()) + r0 / kPanel * in * kPanel;
  for (int64_t k = 0; k < in; ++k) {
    for (int64_t r = 0; r < rows; ++r) to[k * kPanel + Word::place(r0 % kPanel + r)] = Word::of(from[r * in + k]);
  }
  for (int64_t r = 0; r < rows && w.backward; ++r) {
    for (int64_t k = 0; k < in; k += kPanel) {
      Type* run = static_cast<Type*>(w.backward.data()) + (k / kPanel * w.out + r0 + r) * kPanel;
      for (int64_t j = 0; j < std::min<int64_t>(kPanel, in - k); ++j)
        run[Word::place(j)] = Word::of(from[r * in + k + j]);
    }
  }
  for (int64_t i = 0; i < rows * in && w.plain; ++i) {
    w.plain.f32()[r0 * in + i] = w.stored == DType::bf16 ? bf16_to_f32(f32_to_bf16(from[i])) : from[i];
  }
}

size_t panel_bytes(int64_t columns, int64_t depth, int64_t row_bytes) {
  return static_cast<size_t>((columns + kPanel - 1) / kPanel * depth * row_bytes);
}

}  // namespace

CpuWeight::CpuWeight(HugePages& pages, int64_t rows, int64_t columns, DType type, Use use, bool keep_plain) {
  out = rows;
  in = columns;
  stored = type == DType::bf16 ? DType::bf16 : DType::f32;  // f16 values are float32 values: a type to load from only
  forward = pages.take(panel_bytes(out, in, row_bytes()));
  if (use == Use::training) backward = pages.take(panel_bytes(in, out, row_bytes()));
  if (keep_plain) plain = pages.take(static_cast<size_t>(out * in) * sizeof(float));
}

void load_rows(CpuWeight& w, int64_t first_row, int64_t rows, const void* from, DType type) {
  PT_ASSERT(first_row >= 0 && rows >= 0 && first_row + rows <= w.out, first_row, rows, w.out);
  constexpr int64_t kChunk = 32;
  // Whole panels per range, so that no two threads write into one.
  const int64_t first_panel = first_row / kPanel, last_panel = (first_row + rows + kPanel - 1) / kPanel;
  parallel_for(last_panel - first_panel, 1 + (int64_t{1} << 14) / (kPanel * std::max<int64_t>(w.in, 1)),
               [&](ptrdiff_t begin, ptrdiff_t end) {
                 const int64_t r0 = std::max(first_row, (first_panel + begin) * kPanel);
                 const int64_t r1 = std::min(first_row + rows, (first_panel + end) * kPanel);
                 if (type == DType::f32) {
                   const auto load = w.stored == DType::bf16 ? load_panel<Bf16Word> : load_panel<F32Word>;
                   for (int64_t r = r0; r < r1;) {
                     const int64_t next = std::min(r1, (r / kPanel + 1) * kPanel);
                     load(w, r, next, static_cast<const float*>(from) + (r - first_row) * w.in);
                     r = next;
                   }
                   return;
                 }
                 for (int64_t k0 = 0; k0 < w.in; k0 += kChunk) {
                   const int64_t k1 = std::min(w.in, k0 + kChunk);
                   for (int64_t r = r0; r < r1; ++r) {
                     for (int64_t k = k0; k < k1; ++k) {
                       const float value = element(from, type, (r - first_row) * w.in + k);
                       put(w.forward, w.stored, w.in, r, k, value);
                       if (w.backward) put(w.backward, w.stored, w.out, k, r, value);
                       if (w.plain)
                         w.plain.f32()[r * w.in + k] =
                             w.stored == DType::bf16 ? bf16_to_f32(f32_to_bf16(value)) : value;
                     }
                   }
                 }
               });
}

void read_row(const CpuWeight& w, int64_t row, float* to) {
  if (w.backward && w.stored == DType::f32) {  // here a row lies in runs of 32
    for (int64_t k = 0; k < w.in; k += kPanel) {
      const float* run = w.backward.f32() + (k / kPanel * w.out + row) * kPanel;
      std::memcpy(to + k, run, static_cast<size_t>(std::min<int64_t>(kPanel, w.in - k)) * sizeof(float));
    }
    return;
  }
  for (int64_t k = 0; k < w.in; ++k) to[k] = get(w.forward, w.stored, w.in, row, k);
}

}  // namespace posttrain::nn::cpu
