// The table of kernels that one instruction set offers, and the jobs they take. All tables give the same bits; they
// differ in speed only. Jobs are plain pointers, sizes and scalars; memory is the caller's.
#pragma once

#include <cstddef>
#include <cstdint>

namespace posttrain::nn::cpu {

constexpr int kPanel = 32;           // columns in a panel of packed weights
constexpr int kHeadBlock = 128;      // vocabulary columns whose softmax sums are formed together
constexpr int kQueries = 56;         // most queries in one attention job
constexpr int kRowBlock = 84;        // rows whose part of the left operand stays in L2 while panels pass
constexpr int64_t kDepth = 768;      // most k in a block, so that a panel's part stays in L1 and L2 while rows pass
constexpr int kFewRows = 14;         // up to here k is not cut
constexpr int64_t kOuterRows = 512;  // most rows of both operands of an outer product in a block
constexpr int kOuterGroup = 126;     // columns of its left operand that stay in L2 with them
constexpr int64_t kCopyRows = 8;     // rows that a copy takes together
constexpr int64_t kCopyAhead = 12;   // rows that it fetches ahead
constexpr int64_t kLongRow = 512;    // floats of a row from which on they are copied closer together
constexpr int kStatsPerBlock = 3;    // maximum, sum of e^(z - max), sum of e^(z - max) (z - max)

constexpr int64_t panels_of(int64_t columns) {
  return (columns + kPanel - 1) / kPanel;
}

// y[rows, columns] = a[rows, k] times panels [panel][k][32], for panels [panel_begin, panel_end). Float panels hold 32
// floats per k; bf16 panels 16 words, column j in the low and j + 16 in the high half.
struct GemmJob {
  int64_t rows, k;
  const float* a;
  int64_t a_row;
  const void* panels;   // of panel 0, at the first k of the job
  int64_t panel_bytes;  // from one panel to the next
  int64_t panel_begin, panel_end, columns;
  float* y;
  int64_t y_row;
  const float* bias;  // added to the finished sum, or null
  bool add;           // y += the finished sum
  bool resume;        // the chains start from y instead of zero (then neither bias nor add)
  float* scratch;     // gemm_scratch() floats; null will do for one row
};

// c[i, j] = c[i, j] + sum over rows r ascending of a[r, i] * b[r, j], one chain.
struct OuterJob {
  int64_t rows;
  const float* a;
  int64_t a_row, a_begin, a_end;  // columns of a = rows of c
  const float* b;
  int64_t b_row, b_begin, b_end;  // columns of b = columns of c; b_begin is a multiple of kPanel
  float* c;
  int64_t c_row;
  float* scratch;  // outer_scratch() floats
};

// Consecutive positions of one sequence. kt and vt: blocks of 32 positions, [block][width][32].
struct KeyRun {
  const float* kt;
  const float* vt;  // backward only
  const float* k;   // backward only: row-major
  const float* v;   // row-major
  float* dk;        // backward only
  float* dv;
  int64_t k_row, v_row, dk_row, dv_row;
  int32_t begin, count;  // positions [begin, begin + count)
};

// Up to kQueries queries of one key head; query i sees positions [low[i], high[i]).
struct AttentionJob {
  int qk_width, v_width;
  float scale, softcap;
  int queries, runs;
  const float* q[kQueries];
  float* out[kQueries];
  float* stats[kQueries];  // maximum and 1 / sum; null entries are not written
  int32_t low[kQueries], high[kQueries];
  const KeyRun* run;
  float* scratch;  // attention_scratch floats
  // backward only
  const float* dout[kQueries];
  float* dq[kQueries];
};

struct RowsJob {       // rows x heads vectors of `width`
  int64_t begin, end;  // rows
  int heads, width;
};

struct Strided {
  float* data;
  int64_t stride;
  int width;
};

// Turns one row's logits of a column range, as the product gave them, into d loss / d logits: the part of the softmax
// over all columns and of the entropy. What the target and a kept set add is the caller's.
struct HeadGradient {
  int64_t columns;
  float inverse_temperature, softcap;
  float dlogp;  // times the inverse temperature; 0 leaves the softmax out
  float lse;
  float dentropy;  // times the inverse temperature
  float entropy;
};

struct AdamWJob {
  float lr, beta1, beta2, eps, decay, gradient_scale, correction1, correction2_root;
};

struct KernelTable {
  const char* name;
  double (*fma_peak)(int64_t iterations);  // runs independent FMA chains; returns the floating-point operations done

  void (*gemm_f32)(const GemmJob&);
  void (*gemm_bf16)(const GemmJob&);
  void (*outer)(const OuterJob&);
  void (*column_sums)(int64_t rows, int64_t begin, int64_t end, const float* x, int64_t stride, float* sums);
  // [count][32] blocks from row-major rows: to[block][d][32]
  void (*transpose_blocks)(int64_t count, int width, const float* from, int64_t stride, float* to);

  void (*attention)(const AttentionJob&);
  void (*attention_backward)(const AttentionJob&);

  void (*rmsnorm)(const RowsJob&, Strided x, const float* w, float offset, float eps, Strided y, float* inv_rms);
  void (*rmsnorm_dx)(const RowsJob&, Strided dy, Strided x, const float* w, float offset, const float* inv_rms,
                     Strided dx, bool add);
  // for vector elements [begin, end)
  void (*rmsnorm_dw)(int64_t rows, int heads, int begin, int end, Strided dy, Strided x, const float* inv_rms,
                     float* dw);
  void (*rope)(const RowsJob&, Strided x, const int32_t* positions, const float* cos, const float* sin, int pairs,
               bool interleaved, float direction);
  void (*gated)(bool gelu, int64_t begin, int64_t end, int64_t F, const float* gate_up, float* y);
  void (*gated_backward)(bool gelu, int64_t begin, int64_t end, int64_t F, const float* gate_up, const float* dy,
                         float* dgate_up);
  void (*scale_add)(int64_t count, float scale, const float* x, float* y);  // y = fma(scale, x, y)
  void (*scale)(int64_t count, float scale, const float* x, float* y);      // y = scale * x

  // z = cap(logit) * inverse_temperature in place, and the block's statistics
  void (*head_block)(int64_t columns, float inverse_temperature, float softcap, float* z, float* stats);
  void (*head_gradient)(const HeadGradient&, float* z);
  float (*exp_sum)(int64_t count, float maximum, const float* z);  // 16 lanes, then the tree
  void (*exp_shifted)(int64_t count, float maximum, const float* z, float* y);

  void (*adamw)(const AdamWJob&, int64_t count, float* param, const float* gradient, float* m, float* v);
  double (*sum_squares)(int64_t count, const float* x);
};

// Rows that lie a multiple of 2 KB apart fall into the same few sets of L1 and push each other out.
inline bool collides(int64_t row) {
  return row % 512 == 0;
}

// Floats of scratch that jobs need.
inline int64_t gemm_scratch(int64_t rows, int64_t k, int64_t panels, bool add) {
  const int64_t copied = rows <= kFewRows ? kFewRows * (k + 32) : kRowBlock * (kDepth + 32);
  return copied + (add ? kRowBlock * kPanel * panels : 0);
}
inline int64_t outer_scratch(int64_t in) {
  return (kOuterRows + 1) * (16 * (kOuterGroup + 1) + in + kPanel);
}

// Floats of scratch an attention job needs; `length` = largest high.
inline int64_t attention_scratch(int queries, int qk_width, int v_width, int64_t length, bool backward) {
  const int64_t row = (length + 31) / 32 * 32 + 48;
  const int64_t widths = (qk_width + v_width + 95) / 32 * 32;
  return queries * (row + widths) * (backward ? 2 : 1) + 1024;
}

const KernelTable& generic_kernels();
// Null when the program was not built for the instruction set; whether the CPU has it is the caller's question.
const KernelTable* avx2_kernels();
const KernelTable* avx512_kernels();

}  // namespace posttrain::nn::cpu
