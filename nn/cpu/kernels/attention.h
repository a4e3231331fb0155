// Softmax attention for a handful of queries that share a key head: the full row of scores by position, the exact
// maximum, one pass of exponentials, sums in 16 lanes by position, values in one chain ascending in position. So the
// bits depend neither on where a sequence is cut into runs or blocks nor on which queries share a job.
// Included by the isa_*.cpp files only.

struct AttentionRows {
  int32_t low, high;  // positions that any query sees
  int64_t stride;     // floats between two rows of scores
  int64_t qk, v;      // padded widths of copied queries and outputs
};

inline AttentionRows attention_rows(const AttentionJob& job) {
  AttentionRows rows{job.low[0], job.high[0], 0, 0, 0};
  for (int i = 1; i < job.queries; ++i) {
    if (job.low[i] < rows.low) rows.low = job.low[i];
    if (job.high[i] > rows.high) rows.high = job.high[i];
  }
  rows.low = rows.low / 16 * 16;
  rows.stride = (rows.high + 31) / 32 * 32 + 48;
  rows.qk = (job.qk_width + 15) / 16 * 16;
  rows.v = (job.v_width + 15) / 16 * 16;
  return rows;
}

inline void copy_rows(int count, int width, const float* const* from, float* to, int64_t stride) {
  for (int i = 0; i < count; ++i) {
    for_lanes(0, width, [&](int64_t d, auto m) { store(to + i * stride + d, load(from[i] + d, m)); });
  }
}

// The first block of a run into L2. The blocks of a paged cache lie anywhere, so the processor does not foresee them;
// asked for one run ahead they make attention over 176 cached positions 1.3 to 1.5 times as fast (Zen 4).
inline void fetch_rows(const float* from, int64_t stride, int32_t count, int width) {
  for (int32_t r = 0; r < count && r < kPanel; ++r, from += stride) {
    for (int d = 0; d < width; d += 16) __builtin_prefetch(from + d, 0, 2);
  }
}

// scores[i, p] = left[i] . (column p of the transposed blocks), one chain ascending in the width
inline void score_rows(const AttentionJob& job, const AttentionRows& rows, const float* left, int64_t left_stride,
                       int width, const float* KeyRun::*blocks, float* scores) {
  for (int n = 0; n < job.runs; ++n) {
    const KeyRun& run = job.run[n];
    const int32_t end = run.begin + run.count < rows.high ? run.begin + run.count : rows.high;
    if (n + 1 < job.runs) fetch_rows(job.run[n + 1].*blocks, width, kPanel, width);
    for (int32_t p = run.begin; p < end; p += 32) {
      if (p + 32 <= rows.low) continue;
      Tile t;
      t.k = width;
      t.b = run.*blocks + static_cast<int64_t>(p - run.begin) * width;
      t.b_row = kPanel;
      t.from = nullptr;
      t.from_row = 0;
      t.c_row = rows.stride;
      t.columns = 32;  // what is past the end lies in the row's slack, or the next run writes over it
      t.padded = true;
      t.bias = nullptr;
      t.add = false;
      t.a_row = left_stride;
      for_tiles(job.queries, kTileRows, [&](int64_t i, int height) {
        t.a = left + i * left_stride;
        t.c = scores + i * rows.stride + p;
        tile<Right::packed, false>(height, t);
      });
    }
  }
}

// out[i] += sum over positions ascending of scores[i, p] * row p, from what `out` holds
inline void sum_rows(const AttentionJob& job, const AttentionRows& rows, const float* scores, int width,
                     const float* KeyRun::*data, int64_t KeyRun::*stride, float* out, int64_t out_stride) {
  for (int n = 0; n < job.runs; ++n) {
    const KeyRun& run = job.run[n];
    if (n + 1 < job.runs) fetch_rows(job.run[n + 1].*data, job.run[n + 1].*stride, job.run[n + 1].count, width);
    const int32_t begin = run.begin > rows.low ? run.begin : rows.low;
    const int32_t end = run.begin + run.count < rows.high ? run.begin + run.count : rows.high;
    if (begin >= end) continue;
    for (int d = 0; d < width; d += 32) {
      Tile t;
      t.k = end - begin;
      t.b = run.*data + (begin - run.begin) * run.*stride + d;
      t.b_row = run.*stride;
      t.c_row = out_stride;
      t.from_row = out_stride;
      t.columns = width - d < 32 ? width - d : 32;
      t.padded = true;
      t.bias = nullptr;
      t.add = false;
      t.a_row = rows.stride;
      for_tiles(job.queries, kTileRows, [&](int64_t i, int height) {
        t.a = scores + i * rows.stride + begin;
        t.c = out + i * out_stride + d;
        t.from = t.c;
        if (t.columns % 16 == 0) {
          tile<Right::packed, false>(height, t);
        } else {
          tile<Right::rows, false>(height, t);
        }
      });
    }
  }
}

// fn(offset, mask of the seen lanes) over the seen part of a row of scores, in aligned steps of 16.
template <class Fn>
inline void for_seen(int32_t low, int32_t high, const Fn& fn) {
  for (int32_t p = low / 16 * 16; p < high; p += 16) fn(p, lanes_between(low - p, high - p));
}

// Zeros in the steps of 16 that for_seen does not visit but other queries of the job do.
inline void clear_outside(const AttentionRows& rows, int32_t low, int32_t high, float* scores) {
  for (int32_t p = rows.low; p < low / 16 * 16; p += 16) store(scores + p, zero());
  const int32_t after = high > low ? (high + 15) / 16 * 16 : rows.low;
  for (int32_t p = after > rows.low ? after : rows.low; p < rows.high; p += 16) store(scores + p, zero());
}

void attention(const AttentionJob& job) {
  const AttentionRows rows = attention_rows(job);
  float* scores = job.scratch;
  float* q = scores + job.queries * rows.stride;
  float* out = q + job.queries * rows.qk;
  copy_rows(job.queries, job.qk_width, job.q, q, rows.qk);
  score_rows(job, rows, q, rows.qk, job.qk_width, &KeyRun::kt, scores);
  if (job.runs > 0) fetch_rows(job.run[0].v, job.run[0].v_row, job.run[0].count, job.v_width);
  float inverse[kQueries];
  const F16 low_value = set1(-kInfinity);
  for (int i = 0; i < job.queries; ++i) {
    float* s = scores + i * rows.stride;
    F16 most = low_value;
    for_seen(job.low[i], job.high[i], [&](int32_t p, Mask seen) {
      const F16 z = cap(load(s + p) * set1(job.scale), job.softcap);
      store(s + p, z);
      most = max(select(seen, z, low_value), most);
    });
    const float top = maximum(most);
    F16 mass = zero();
    for_seen(job.low[i], job.high[i], [&](int32_t p, Mask seen) {
      const F16 e = select(seen, exp(load(s + p) - set1(top)), zero());
      store(s + p, e);
      mass = mass + e;
    });
    inverse[i] = job.high[i] > job.low[i] ? 1.0f / sum(mass) : 0.0f;
    clear_outside(rows, job.low[i], job.high[i], s);
    if (job.stats[i]) {
      job.stats[i][0] = top;
      job.stats[i][1] = inverse[i];
    }
    for (int64_t d = 0; d < rows.v; d += 16) store(out + i * rows.v + d, zero());
  }
  sum_rows(job, rows, scores, job.v_width, &KeyRun::v, &KeyRun::v_row, out, rows.v);
  for (int i = 0; i < job.queries; ++i) scale(job.v_width, inverse[i], out + i * rows.v, job.out[i]);
}

// rows of `grad` (positions) += sum over queries ascending of weights[i, p] * right[i]
inline void add_rows(const AttentionJob& job, const AttentionRows& rows, const float* weights, const float* right,
                     int64_t right_stride, int width, float* KeyRun::*grad, int64_t KeyRun::*stride) {
  for (int n = 0; n < job.runs; ++n) {
    const KeyRun& run = job.run[n];
    const int32_t begin = run.begin > rows.low ? run.begin : rows.low;
    const int32_t end = run.begin + run.count < rows.high ? run.begin + run.count : rows.high;
    if (begin >= end) continue;
    for (int d = 0; d < width; d += 32) {
      Tile t;
      t.k = job.queries;
      t.a_row = rows.stride;
      t.b = right + d;
      t.b_row = right_stride;
      t.c_row = run.*stride;
      t.from_row = run.*stride;
      t.columns = width - d < 32 ? width - d : 32;
      t.padded = false;
      t.bias = nullptr;
      t.add = false;
      for_tiles(end - begin, kTileRows, [&](int64_t p, int height) {
        t.a = weights + begin + p;
        t.c = run.*grad + (begin - run.begin + p) * run.*stride + d;
        t.from = t.c;
        tile<Right::packed, true>(height, t);  // their rows are padded
      });
    }
  }
}

// Dao et al., "FlashAttention", appendix B.2, without tiling over keys.
void attention_backward(const AttentionJob& job) {
  const AttentionRows rows = attention_rows(job);
  float* p = job.scratch;
  float* ds = p + job.queries * rows.stride;
  float* q = ds + job.queries * rows.stride;
  float* dout = q + job.queries * rows.qk;
  float* dq = dout + job.queries * rows.v;
  copy_rows(job.queries, job.qk_width, job.q, q, rows.qk);
  copy_rows(job.queries, job.v_width, job.dout, dout, rows.v);
  score_rows(job, rows, q, rows.qk, job.qk_width, &KeyRun::kt, p);
  score_rows(job, rows, dout, rows.v, job.v_width, &KeyRun::vt, ds);
  const F16 one = set1(1.0f);
  for (int i = 0; i < job.queries; ++i) {
    float* pi = p + i * rows.stride;
    float* di = ds + i * rows.stride;
    const float delta = dot(job.v_width, job.dout[i], job.out[i]);
    const F16 top = set1(job.stats[i][0]), inverse = set1(job.stats[i][1]);
    for_seen(job.low[i], job.high[i], [&](int32_t j, Mask seen) {
      const F16 z = cap(load(pi + j) * set1(job.scale), job.softcap);
      const F16 e = select(seen, exp(z - top) * inverse, zero());
      F16 d = e * (load(di + j) - set1(delta)) * set1(job.scale);
      if (job.softcap > 0) {
        const F16 t = z / set1(job.softcap);
        d = d * fnma(t, t, one);
      }
      store(pi + j, e);
      store(di + j, select(seen, d, zero()));
    });
    clear_outside(rows, job.low[i], job.high[i], pi);
    clear_outside(rows, job.low[i], job.high[i], di);
    for (int64_t d = 0; d < rows.qk; d += 16) store(dq + i * rows.qk + d, zero());
  }
  sum_rows(job, rows, ds, job.qk_width, &KeyRun::k, &KeyRun::k_row, dq, rows.qk);
  for (int i = 0; i < job.queries; ++i) scale(job.qk_width, 1.0f, dq + i * rows.qk, job.dq[i]);
  add_rows(job, rows, ds, q, rows.qk, job.qk_width, &KeyRun::dk, &KeyRun::dk_row);
  add_rows(job, rows, p, dout, rows.v, job.v_width, &KeyRun::dv, &KeyRun::dv_row);
}
