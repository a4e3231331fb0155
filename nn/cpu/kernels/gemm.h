// Linear layers and their gradients out of tiles. Included by the isa_*.cpp files only.

inline void copy_floats(int64_t count, const float* from, float* to) {
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) store(to + i, load(from + i));
  if (i < count) store(to + i, load(from + i, first(static_cast<int>(count - i))), first(static_cast<int>(count - i)));
}

template <Right B>
void gemm(const GemmJob& job) {
  constexpr int kRows = tile_rows<B>();
  const bool few = job.rows <= kRows;  // one tile takes them all
  const int64_t blocks = few || job.k == 0 ? 1 : (job.k + kDepth - 1) / kDepth;
  const int64_t b_row = B == Right::pairs ? 16 : kPanel;
  const int64_t panels = job.panel_end - job.panel_begin;
  const bool aside = job.add && blocks > 1, copied = job.scratch && collides(job.a_row) && job.rows > 4 && panels > 1;
  constexpr int kFetching = B == Right::pairs ? 1 : kTileVectors;  // tiles that fetch the next panel between them
  float* left = job.scratch + (aside ? kRowBlock * kPanel * panels : 0);
  for_blocks(job.rows, kRows, kRowBlock / kRows, [&](int64_t m0, int64_t m) {
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t k0 = job.k * block / blocks, k1 = job.k * (block + 1) / blocks;
      const bool last = block + 1 == blocks;
      const float* a = job.a + m0 * job.a_row + k0;
      int64_t a_row = job.a_row;
      if (copied) {
        a_row = (k1 - k0 + 15) / 16 * 16 + (collides((k1 - k0 + 15) / 16 * 16) ? 16 : 0);
        for (int64_t i = 0; i < m; ++i) copy_floats(k1 - k0, a + i * job.a_row, left + i * a_row);
        a = left;
      }
      for (int64_t panel = job.panel_begin; panel < job.panel_end; ++panel) {
        const auto* b = static_cast<const float*>(job.panels) + panel * (job.panel_bytes / 4) + k0 * b_row;
        // The panel after the last is most often this thread's next task.
        const float* next = (panel + 1) * kPanel < job.columns ? b + job.panel_bytes / 4 : b;
        const int64_t columns = job.columns - panel * kPanel;
        for_tiles(m, kRows, [&](int64_t first_row, int height) {
          float* y = job.y + (m0 + first_row) * job.y_row + panel * kPanel;
          float* partial = aside ? job.scratch + first_row * panels * kPanel + (panel - job.panel_begin) * kPanel : y;
          const int64_t partial_row = aside ? panels * kPanel : job.y_row;
          Tile t;
          t.k = k1 - k0;
          t.a = a + first_row * a_row;
          t.a_row = a_row;
          t.b = b;
          t.b_row = b_row;
          t.from = block > 0 ? partial : job.resume ? y : nullptr;
          t.from_row = block > 0 ? partial_row : job.y_row;
          t.c = last ? y : partial;
          t.c_row = last ? job.y_row : partial_row;
          t.columns = static_cast<int>(columns < kPanel ? columns : kPanel);
          t.padded = false;
          t.bias = last && job.bias ? job.bias + panel * kPanel : nullptr;
          t.add = last && job.add;
          const int64_t number = (first_row + kRows - 1) / kRows;  // of the tile
          t.next = next + number * (k1 - k0) * 16;
          t.soon = t.from ? t.c + height * t.c_row : t.c;
          if (few) {
            tile<B, false, Ahead::here>(height, t);
          } else if (number < kFetching) {
            tile<B, false, Ahead::panel>(height, t);
          } else {
            tile<B, false, Ahead::tile>(height, t);
          }
        });
      }
    }
  });
}

// Copies columns out of long rows into slivers [row][16 * Vectors] that lie `apart`: `cut` calls its argument with the
// first column and the width of each. A few rows at a time, since their columns are neighbours in memory and the rows
// of one sliver are too.
template <int Vectors, class Cut>
void copy_slivers(int64_t rows, const float* from, int64_t from_row, const Cut& cut, int64_t apart, float* to) {
  for (int64_t first_row = 0; first_row < rows; first_row += kCopyRows) {
    const int64_t end = first_row + kCopyRows < rows ? first_row + kCopyRows : rows;
    float* sliver = to + first_row * 16 * Vectors;
    cut([&](int64_t column, int width) {
      for (int64_t r = first_row; r < end; ++r) {
        const float* x = from + r * from_row + column;
        float* y = sliver + (r - first_row) * 16 * Vectors;
#pragma GCC unroll 2
        for (int j = 0; j < Vectors; ++j) {
          __builtin_prefetch(x + kCopyAhead * from_row + 16 * j);
          store(y + 16 * j, load(x + 16 * j, first(width - 16 * j)));
        }
      }
      sliver += apart;
    });
  }
}

// Both sides are copied into the order of reading when their rows are long: a tile's columns of a as [row][16], the
// panels of b as [row][32].
void outer(const OuterJob& job) {
  const int64_t out = job.a_end - job.a_begin, in = job.b_end - job.b_begin;
  const bool copy_a = job.a_row >= kLongRow && in > kPanel, copy_b = job.b_row >= kLongRow && out > 2 * kTileRows;
  constexpr int64_t a_apart = (kOuterRows + 1) * 16, b_apart = (kOuterRows + 1) * kPanel;  // in other sets of L1
  float* a_copy = job.scratch;
  float* b_copy = a_copy + a_apart * ((kOuterGroup + kTileRows - 1) / kTileRows + 1);
  const auto panels = [in](const auto& fn) {
    for (int64_t j = 0; j < in; j += kPanel) fn(j, static_cast<int>(in - j < kPanel ? in - j : kPanel));
  };
  const int64_t blocks = (job.rows + kOuterRows - 1) / kOuterRows;
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t r0 = job.rows * block / blocks, rows = job.rows * (block + 1) / blocks - r0;
    const float* b_rows = job.b + r0 * job.b_row + job.b_begin;
    if (copy_b) copy_slivers<2>(rows, b_rows, job.b_row, panels, b_apart, b_copy);
    for_tiles(out, kOuterGroup, [&](int64_t group, int group_size) {
      const auto tiles = [group_size](const auto& fn) { for_tiles(group_size, kTileRows, fn); };
      const float* a_rows = job.a + r0 * job.a_row + job.a_begin + group;
      if (copy_a) copy_slivers<1>(rows, a_rows, job.a_row, tiles, a_apart, a_copy);
      panels([&](int64_t j, int columns) {
        tiles([&](int64_t i, int height) {
          Tile t;
          t.k = rows;
          const int64_t number = (i + kTileRows - 1) / kTileRows;  // of the tile
          t.a = copy_a ? a_copy + number * a_apart : a_rows + i;
          t.a_row = copy_a ? 16 : job.a_row;
          t.b = copy_b ? b_copy + j / kPanel * b_apart : b_rows + j;
          t.b_row = copy_b ? kPanel : job.b_row;
          t.c = job.c + (job.a_begin + group + i) * job.c_row + job.b_begin + j;
          t.c_row = job.c_row;
          t.from = t.c;
          t.from_row = t.c_row;
          t.columns = columns;
          t.padded = false;
          t.bias = nullptr;
          t.add = false;
          t.soon = t.c + height * t.c_row;
          t.next = b_copy + (j + kPanel < in ? j / kPanel + 1 : 0) * b_apart + number * rows * 16;
          if (copy_b && number < kTileVectors) {
            tile<Right::packed, true, Ahead::panel>(height, t);
          } else if (copy_b) {
            tile<Right::packed, true, Ahead::tile>(height, t);
          } else {
            tile<Right::rows, true, Ahead::tile>(height, t);
          }
        });
      });
    });
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
  // Every lane has its own sum: of equal halves of an F16 the compiler would form one.
  constexpr int kSums = 16 * kTileRows * kTileVectors;
  float start[kSums];
  for (int i = 0; i < kSums; ++i) start[i] = static_cast<float>(i);
  F16 s[kTileRows][kTileVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kTileRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kTileVectors; ++j) s[i][j] = load(start + 16 * (i * kTileVectors + j));
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
  return 2.0 * kSums * static_cast<double>(iterations);
}
