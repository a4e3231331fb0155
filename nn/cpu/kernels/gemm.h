// Linear layers and their gradients out of tiles. Included by the isa_*.cpp files only.

// A block of k is cut so that a panel's part stays in L1/L2 while the rows of a block pass over it.
constexpr int64_t kDepth = 768;

template <Right B>
void gemm(const GemmJob& job) {
  constexpr int kRows = tile_rows<B>();
  const bool few = job.rows <= kRows;
  const int64_t blocks = few || job.k == 0 ? 1 : (job.k + kDepth - 1) / kDepth;
  const int64_t b_row = B == Right::pairs ? 16 : kPanel;
  const int64_t panels = job.panel_end - job.panel_begin;
  for (int64_t m0 = 0; m0 < job.rows; m0 += kRowBlock) {
    const int64_t m = job.rows - m0 < kRowBlock ? job.rows - m0 : kRowBlock;
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t k0 = job.k * block / blocks, k1 = job.k * (block + 1) / blocks;
      const bool last = block + 1 == blocks, aside = job.add && blocks > 1;
      for (int64_t panel = job.panel_begin; panel < job.panel_end; ++panel) {
        const auto* b = static_cast<const float*>(job.panels) + panel * (job.panel_bytes / 4) + k0 * b_row;
        const int64_t left = job.columns - panel * kPanel;
        for_tiles(m, kRows, [&](int64_t first_row, int height) {
          float* y = job.y + (m0 + first_row) * job.y_row + panel * kPanel;
          float* partial = aside ? job.scratch + first_row * panels * kPanel + (panel - job.panel_begin) * kPanel : y;
          const int64_t partial_row = aside ? panels * kPanel : job.y_row;
          Tile t;
          t.k = k1 - k0;
          t.a = job.a + (m0 + first_row) * job.a_row + k0;
          t.a_row = job.a_row;
          t.b = b;
          t.b_row = b_row;
          t.from = block > 0 ? partial : job.resume ? y : nullptr;
          t.from_row = block > 0 ? partial_row : job.y_row;
          t.c = last ? y : partial;
          t.c_row = last ? job.y_row : partial_row;
          t.columns = static_cast<int>(left < kPanel ? left : kPanel);
          t.bias = last && job.bias ? job.bias + panel * kPanel : nullptr;
          t.add = last && job.add;
          if (few) {
            tile<B, false, true>(height, t);
          } else {
            tile<B, false, false>(height, t);
          }
        });
      }
    }
  }
}

void outer(const OuterJob& job) {
  constexpr int64_t kDeep = 256;
  for (int64_t r0 = 0; r0 < job.rows; r0 += kDeep) {
    const int64_t rows = job.rows - r0 < kDeep ? job.rows - r0 : kDeep;
    for (int64_t j = job.b_begin; j < job.b_end; j += kPanel) {
      const int64_t columns = job.b_end - j < kPanel ? job.b_end - j : kPanel;
      for_tiles(job.a_end - job.a_begin, kTileRows, [&](int64_t first_row, int height) {
        const int64_t i = job.a_begin + first_row;
        Tile t;
        t.k = rows;
        t.a = job.a + r0 * job.a_row + i;
        t.a_row = job.a_row;
        t.b = job.b + r0 * job.b_row + j;
        t.b_row = job.b_row;
        t.c = job.c + i * job.c_row + j;
        t.c_row = job.c_row;
        t.from = t.c;
        t.from_row = t.c_row;
        t.columns = static_cast<int>(columns);
        t.bias = nullptr;
        t.add = false;
        tile<Right::rows, true>(height, t);
      });
    }
  }
}

void column_sums(int64_t rows, int64_t begin, int64_t end, const float* x, int64_t stride, float* sums) {
  for (int64_t j = begin; j < end; j += 16) {
    const Mask m = first(static_cast<int>(end - j < 16 ? end - j : 16));
    F16 s = load(sums + j, m);
    for (int64_t r = 0; r < rows; ++r) s = s + load(x + r * stride + j, m);
    store(sums + j, s, m);
  }
}

void transpose_blocks(int64_t count, int width, const float* from, int64_t stride, float* to) {
  for (int64_t p0 = 0; p0 < count; p0 += 32, to += 32 * width) {
    const int64_t n = count - p0 < 32 ? count - p0 : 32;
    for (int64_t p = 0; p < n; ++p) {
      const float* row = from + (p0 + p) * stride;
      for (int d = 0; d < width; ++d) to[d * 32 + p] = row[d];
    }
    for (int64_t p = n; p < 32; ++p) {
      for (int d = 0; d < width; ++d) to[d * 32 + p] = 0;
    }
  }
}

double fma_peak(int64_t iterations) {
  F16 s[kTileRows][kTileVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kTileRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kTileVectors; ++j) s[i][j] = set1(static_cast<float>(i + j));
  }
  const F16 a = set1(0.999f), b = set1(0.001f);
  for (int64_t n = 0; n < iterations; ++n) {
#pragma GCC unroll 16
    for (int i = 0; i < kTileRows; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < kTileVectors; ++j) s[i][j] = fma(s[i][j], a, b);
    }
  }
  float total = 0;
#pragma GCC unroll 16
  for (int i = 0; i < kTileRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kTileVectors; ++j) total += sum(s[i][j]);
  }
  volatile float sink = total;
  (void)sink;
  return 2.0 * 16 * kTileRows * kTileVectors * static_cast<double>(iterations);
}
