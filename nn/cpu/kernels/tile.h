// The register tile: R rows by NV * 16 columns of sums, each one FMA chain ascending in k. Everything that multiplies
// matrices here - linear layers, their gradients, attention, the head - is this tile over different strides.
// Included by the isa_*.cpp files only, inside the anonymous namespace, after simd.h.

struct Tile {
  int64_t k;
  const float* a;  // element (i, k) at a[i * a_row + k], or a[k * a_row + i] for columns
  int64_t a_row;
  const void* b;  // element (k, j) at b[k * b_row + j]
  int64_t b_row;
  const float* from;  // chains start here (row stride c_row), or at zero when null
  int64_t from_row;
  float* c;
  int64_t c_row;
  int columns;        // written: 1 .. 16 * NV
  bool padded;        // rows of c have room for whole vectors
  const float* bias;  // added at the end
  bool add;           // c += the sum
  const float* next;  // Ahead::panel: of the right operand, for the tiles to come
  const float* soon;  // Ahead::tile and panel: the sums that are loaded or stored next, rows c_row apart
};

#if defined(POSTTRAIN_ISA_AVX512)
constexpr int kTileRows = 14, kTileVectors = 2;
#elif defined(POSTTRAIN_ISA_AVX2)
constexpr int kTileRows = 6, kTileVectors = 1;
#else
constexpr int kTileRows = 2, kTileVectors = 1;
#endif

// Float rows, read whole, as panels have them; a bf16 panel; float rows, masked at the edge.
enum class Right : uint8_t { packed, pairs, rows };

// What is fetched beside the sums: nothing; this panel 8 KB further on, when few rows pass over it; the left operand's
// rows and `soon`, into L1; and one cache line per k from `next` on into L2, when it is the first of many tiles
// (gemm.h). Measured on Zen 4, which does not follow 14 rows by itself: the rows are worth 3 to 8% of a product, the
// sums 2 to 4%. Small tiles have no time for either.
enum class Ahead : uint8_t { nothing, here, tile, panel };

template <int R, int NV, Right B, bool Columns, Ahead Fetch>
inline void run_tile(const Tile& t) {
  Mask mask[NV];
  const auto make_masks = [&] {
    int columns = t.columns;
    asm("" : "+r"(columns));  // formed again after the loop: kept, they take two of AVX2's registers from the sums
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) mask[j] = first(columns - 16 * j);
  };
  make_masks();
  const bool whole = t.padded || t.columns >= 16 * NV;
  F16 sum[R][NV];
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      sum[i][j] = !t.from ? zero()
                  : whole ? load(t.from + i * t.from_row + 16 * j)
                          : load(t.from + i * t.from_row + 16 * j, mask[j]);
    }
  }
  const float* a = t.a;
  const float* b = static_cast<const float*>(t.b);
  const auto* pairs = static_cast<const uint32_t*>(t.b);
  const int64_t row = t.a_row, b_row = t.b_row, last_row = (R - 1) * row;
  const float* soon = t.soon;
  int64_t left_row = 0;
  for (int64_t k = 0; k < t.k; ++k) {
    F16 right[NV];
    if constexpr (B == Right::pairs) {
      const U16 word = load_pairs(pairs);
      if constexpr (Fetch == Ahead::here) __builtin_prefetch(pairs + 2048, 0, 2);
      right[0] = low_half(word);
      if constexpr (NV > 1) right[1] = high_half(word);
      pairs += b_row;
    } else {
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) {
        right[j] = B == Right::rows ? load(b + 16 * j, mask[j]) : load(b + 16 * j);
        if constexpr (Fetch == Ahead::here) __builtin_prefetch(b + 2048 + 16 * j, 0, 2);
      }
      b += b_row;
    }
    if constexpr (Fetch == Ahead::panel) __builtin_prefetch(t.next + 16 * k, 0, 2);
    if constexpr ((Fetch == Ahead::tile || Fetch == Ahead::panel) && kTileVectors > 1) {
      if constexpr (!Columns) {  // one row per k, two cache lines further on
        __builtin_prefetch(a + left_row + 32, 0, 3);
        left_row = left_row == last_row ? 0 : left_row + row;
      }
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) __builtin_prefetch(soon + 16 * j, 1, 3);
      soon += k < R - 1 ? t.c_row : 0;
    }
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) {
      const F16 left = set1(Columns ? a[i] : a[i * row]);
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) sum[i][j] = fma(left, right[j], sum[i][j]);
    }
    a += Columns ? row : 1;
  }
  make_masks();
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      F16 y = sum[i][j];
      float* c = t.c + i * t.c_row + 16 * j;
      if (t.bias) y = y + load(t.bias + 16 * j, mask[j]);
      if (t.add) y = (whole ? load(c) : load(c, mask[j])) + y;
      if (whole) {
        store(c, y);
      } else {
        store(c, y, mask[j]);
      }
    }
  }
}

template <int NV, Right B, bool Columns, Ahead Fetch, int R = kTileRows>
inline void tile_of(int rows, const Tile& t) {
  if (rows == R) return run_tile<R, NV, B, Columns, Fetch>(t);
  if constexpr (R > 1) return tile_of<NV, B, Columns, Fetch, R - 1>(rows, t);
}

// The most rows of one tile: bf16 panels give both halves of their columns at once.
template <Right B>
constexpr int tile_rows() {
  return B == Right::pairs && kTileVectors == 1 ? kTileRows / 2 : kTileRows;
}

// One tile of `rows` <= tile_rows<B>() by t.columns <= 32.
template <Right B, bool Columns, Ahead Fetch = Ahead::nothing>
inline void tile(int rows, Tile t) {
  if constexpr (B == Right::pairs) {
    tile_of<2, B, Columns, Fetch, tile_rows<B>()>(rows, t);
  } else if constexpr (kTileVectors == 2) {
    if (t.columns > 16) {
      tile_of<2, B, Columns, Fetch>(rows, t);
    } else {
      tile_of<1, B, Columns, Fetch>(rows, t);
    }
  } else if (rows <= 2 && t.columns > 16) {  // narrow, they would wait for their own sums
    tile_of<2, B, Columns, Fetch, 2>(rows, t);
  } else {
    const int columns = t.columns;
    t.columns = columns < 16 ? columns : 16;
    tile_of<1, B, Columns, Fetch>(rows, t);
    if (columns <= 16) return;
    t.columns = columns - 16;
    t.b = static_cast<const float*>(t.b) + 16;
    t.c += 16;
    if (t.from) t.from += 16;
    if (t.bias) t.bias += 16;
    if constexpr (Fetch == Ahead::panel) t.next += t.k * 16;
    tile_of<1, B, Columns, Fetch>(rows, t);
  }
}

// Calls fn(first, rows) for blocks of up to `most` tiles: none is left with fewer rows than the others by more than one
// tile.
template <class Fn>
inline void for_blocks(int64_t rows, int tile_rows, int most, const Fn& fn) {
  const int64_t tiles = (rows + tile_rows - 1) / tile_rows, blocks = (tiles + most - 1) / most;
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t begin = rows * (tiles * i / blocks) / tiles, end = rows * (tiles * (i + 1) / blocks) / tiles;
    fn(begin, end - begin);
  }
}

// Calls fn(first, height) for tiles of nearly equal height that cover `rows`.
template <class Fn>
inline void for_tiles(int64_t rows, int most, const Fn& fn) {
  const int64_t tiles = (rows + most - 1) / most;
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t begin = rows * i / tiles, end = rows * (i + 1) / tiles;
    fn(begin, static_cast<int>(end - begin));
  }
}
