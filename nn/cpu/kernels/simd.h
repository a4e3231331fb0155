// Sixteen floats as this translation unit's instruction set holds them: one zmm, two ymm, or an array. Every operation
// has the same result, bit for bit, in all three, so a kernel written with F16 once has one order of sums everywhere.
// Included by the isa_*.cpp files only, inside the anonymous namespace, and free of std:: functions outside the generic
// part: nothing compiled for one instruction set can be picked by the linker for another.

#if defined(POSTTRAIN_ISA_AVX512)

struct F16 {
  __m512 v;
};
struct Mask {
  __mmask16 m;
};
struct U16 {
  __m512i v;
};
inline Mask first(int n) {
  return {static_cast<__mmask16>(n >= 16 ? 0xFFFFu : n <= 0 ? 0u : (1u << n) - 1u)};
}
// Lanes from <= i < to.
inline Mask lanes_between(int from, int to) {
  return {static_cast<__mmask16>(first(to).m & static_cast<__mmask16>(~first(from).m))};
}
inline F16 set1(float x) {
  return {_mm512_set1_ps(x)};
}
inline F16 load(const float* p) {
  return {_mm512_loadu_ps(p)};
}
inline F16 load(const float* p, Mask m) {
  return {_mm512_maskz_loadu_ps(m.m, p)};
}
inline void store(float* p, F16 a) {
  _mm512_storeu_ps(p, a.v);
}
inline void store(float* p, F16 a, Mask m) {
  _mm512_mask_storeu_ps(p, m.m, a.v);
}
inline F16 operator+(F16 a, F16 b) {
  return {_mm512_add_ps(a.v, b.v)};
}
inline F16 operator-(F16 a, F16 b) {
  return {_mm512_sub_ps(a.v, b.v)};
}
inline F16 operator*(F16 a, F16 b) {
  return {_mm512_mul_ps(a.v, b.v)};
}
inline F16 operator/(F16 a, F16 b) {
  return {_mm512_div_ps(a.v, b.v)};
}
inline F16 fma(F16 a, F16 b, F16 c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
inline F16 fnma(F16 a, F16 b, F16 c) {
  return {_mm512_fnmadd_ps(a.v, b.v, c.v)};
}
inline F16 max(F16 a, F16 b) {
  return {_mm512_max_ps(a.v, b.v)};
}
inline F16 sqrt(F16 a) {
  return {_mm512_sqrt_ps(a.v)};
}
inline Mask less(F16 a, F16 b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)};
}
inline Mask not_less_equal(F16 a, F16 b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_NLE_UQ)};
}
// where m: a, else b
inline F16 select(Mask m, F16 a, F16 b) {
  return {_mm512_mask_blend_ps(m.m, b.v, a.v)};
}
// The bits of p plus the bits of t shifted into the exponent.
inline F16 add_exponent(F16 p, F16 t) {
  return {
      _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p.v), _mm512_slli_epi32(_mm512_castps_si512(t.v), 23)))};
}
inline F16 copy_sign(F16 magnitude, F16 sign) {
  const __m512i s = _mm512_set1_epi32(static_cast<int>(0x80000000u));
  return {_mm512_castsi512_ps(
      _mm512_ternarylogic_epi32(s, _mm512_castps_si512(sign.v), _mm512_castps_si512(magnitude.v), 0xCA))};
}
inline F16 abs(F16 a) {
  return {_mm512_abs_ps(a.v)};
}
inline U16 load_pairs(const uint32_t* p) {
  return {_mm512_loadu_si512(p)};
}
inline F16 low_half(U16 a) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(a.v, 16))};
}
inline F16 high_half(U16 a) {
  return {_mm512_castsi512_ps(_mm512_and_si512(a.v, _mm512_set1_epi32(static_cast<int>(0xFFFF0000u))))};
}
inline __m128 fold_add(F16 a) {
  const __m256 h = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  return _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
}
inline __m128 fold_max(F16 a) {
  const __m256 h = _mm256_max_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  return _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
}

#elif defined(POSTTRAIN_ISA_AVX2)

struct F16 {
  __m256 a, b;
};
struct Mask {
  __m256 a, b;
};
struct U16 {
  __m256i a, b;
};
inline Mask first(int n) {
  const __m256i i = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(n), i)),
          _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(n - 8), i))};
}
inline Mask lanes_between(int from, int to) {
  const Mask a = first(from), b = first(to);
  return {_mm256_andnot_ps(a.a, b.a), _mm256_andnot_ps(a.b, b.b)};
}
inline F16 set1(float x) {
  return {_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
inline F16 load(const float* p) {
  return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
inline F16 load(const float* p, Mask m) {
  return {_mm256_maskload_ps(p, _mm256_castps_si256(m.a)), _mm256_maskload_ps(p + 8, _mm256_castps_si256(m.b))};
}
inline void store(float* p, F16 x) {
  _mm256_storeu_ps(p, x.a);
  _mm256_storeu_ps(p + 8, x.b);
}
inline void store(float* p, F16 x, Mask m) {
  _mm256_maskstore_ps(p, _mm256_castps_si256(m.a), x.a);
  _mm256_maskstore_ps(p + 8, _mm256_castps_si256(m.b), x.b);
}
inline F16 operator+(F16 x, F16 y) {
  return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)};
}
inline F16 operator-(F16 x, F16 y) {
  return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)};
}
inline F16 operator*(F16 x, F16 y) {
  return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)};
}
inline F16 operator/(F16 x, F16 y) {
  return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)};
}
inline F16 fma(F16 x, F16 y, F16 z) {
  return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
inline F16 fnma(F16 x, F16 y, F16 z) {
  return {_mm256_fnmadd_ps(x.a, y.a, z.a), _mm256_fnmadd_ps(x.b, y.b, z.b)};
}
inline F16 max(F16 x, F16 y) {
  return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)};
}
inline F16 sqrt(F16 x) {
  return {_mm256_sqrt_ps(x.a), _mm256_sqrt_ps(x.b)};
}
inline Mask less(F16 x, F16 y) {
  return {_mm256_cmp_ps(x.a, y.a, _CMP_LT_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_LT_OQ)};
}
inline Mask not_less_equal(F16 x, F16 y) {
  return {_mm256_cmp_ps(x.a, y.a, _CMP_NLE_UQ), _mm256_cmp_ps(x.b, y.b, _CMP_NLE_UQ)};
}
inline F16 select(Mask m, F16 x, F16 y) {
  return {_mm256_blendv_ps(y.a, x.a, m.a), _mm256_blendv_ps(y.b, x.b, m.b)};
}
inline __m256 add_exponent(__m256 p, __m256 t) {
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(_mm256_castps_si256(t), 23)));
}
inline F16 add_exponent(F16 p, F16 t) {
  return {add_exponent(p.a, t.a), add_exponent(p.b, t.b)};
}
inline F16 copy_sign(F16 magnitude, F16 sign) {
  const __m256 s = _mm256_set1_ps(-0.0f);
  return {_mm256_or_ps(_mm256_and_ps(s, sign.a), _mm256_andnot_ps(s, magnitude.a)),
          _mm256_or_ps(_mm256_and_ps(s, sign.b), _mm256_andnot_ps(s, magnitude.b))};
}
inline F16 abs(F16 x) {
  const __m256 s = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(s, x.a), _mm256_andnot_ps(s, x.b)};
}
inline U16 load_pairs(const uint32_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8))};
}
inline F16 low_half(U16 x) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(x.a, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(x.b, 16))};
}
inline F16 high_half(U16 x) {
  const __m256i m = _mm256_set1_epi32(static_cast<int>(0xFFFF0000u));
  return {_mm256_castsi256_ps(_mm256_and_si256(x.a, m)), _mm256_castsi256_ps(_mm256_and_si256(x.b, m))};
}
inline __m128 fold_add(F16 x) {
  const __m256 h = _mm256_add_ps(x.a, x.b);
  return _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
}
inline __m128 fold_max(F16 x) {
  const __m256 h = _mm256_max_ps(x.a, x.b);
  return _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
}

#else

struct F16 {
  float v[16];
};
struct Mask {
  bool v[16];
};
struct U16 {
  uint32_t v[16];
};
template <class Fn>
inline F16 lanes(const Fn& fn) {
  F16 r;
  for (int i = 0; i < 16; ++i) r.v[i] = fn(i);
  return r;
}
inline Mask first(int n) {
  Mask m;
  for (int i = 0; i < 16; ++i) m.v[i] = i < n;
  return m;
}
inline Mask lanes_between(int from, int to) {
  Mask m;
  for (int i = 0; i < 16; ++i) m.v[i] = from <= i && i < to;
  return m;
}
inline F16 set1(float x) {
  return lanes([&](int) { return x; });
}
inline F16 load(const float* p) {
  return lanes([&](int i) { return p[i]; });
}
inline F16 load(const float* p, Mask m) {
  return lanes([&](int i) { return m.v[i] ? p[i] : 0.0f; });
}
inline void store(float* p, const F16& a) {
  for (int i = 0; i < 16; ++i) p[i] = a.v[i];
}
inline void store(float* p, const F16& a, Mask m) {
  for (int i = 0; i < 16; ++i) {
    if (m.v[i]) p[i] = a.v[i];
  }
}
inline F16 operator+(const F16& a, const F16& b) {
  return lanes([&](int i) { return a.v[i] + b.v[i]; });
}
inline F16 operator-(const F16& a, const F16& b) {
  return lanes([&](int i) { return a.v[i] - b.v[i]; });
}
inline F16 operator*(const F16& a, const F16& b) {
  return lanes([&](int i) { return a.v[i] * b.v[i]; });
}
inline F16 operator/(const F16& a, const F16& b) {
  return lanes([&](int i) { return a.v[i] / b.v[i]; });
}
inline F16 fma(const F16& a, const F16& b, const F16& c) {
  return lanes([&](int i) { return std::fma(a.v[i], b.v[i], c.v[i]); });
}
inline F16 fnma(const F16& a, const F16& b, const F16& c) {
  return lanes([&](int i) { return std::fma(-a.v[i], b.v[i], c.v[i]); });
}
inline float max1(float a, float b) {
  return a > b ? a : b;
}
inline F16 max(const F16& a, const F16& b) {
  return lanes([&](int i) { return max1(a.v[i], b.v[i]); });
}
inline F16 sqrt(const F16& a) {
  return lanes([&](int i) { return std::sqrt(a.v[i]); });
}
inline Mask less(const F16& a, const F16& b) {
  Mask m;
  for (int i = 0; i < 16; ++i) m.v[i] = a.v[i] < b.v[i];
  return m;
}
inline Mask not_less_equal(const F16& a, const F16& b) {
  Mask m;
  for (int i = 0; i < 16; ++i) m.v[i] = !(a.v[i] <= b.v[i]);
  return m;
}
inline F16 select(Mask m, const F16& a, const F16& b) {
  return lanes([&](int i) { return m.v[i] ? a.v[i] : b.v[i]; });
}
inline F16 add_exponent(const F16& p, const F16& t) {
  return lanes([&](int i) {
    return std::bit_cast<float>(std::bit_cast<uint32_t>(p.v[i]) + (std::bit_cast<uint32_t>(t.v[i]) << 23));
  });
}
inline F16 copy_sign(const F16& magnitude, const F16& sign) {
  return lanes([&](int i) { return std::copysign(magnitude.v[i], sign.v[i]); });
}
inline F16 abs(const F16& a) {
  return lanes([&](int i) { return std::fabs(a.v[i]); });
}
inline U16 load_pairs(const uint32_t* p) {
  U16 r;
  for (int i = 0; i < 16; ++i) r.v[i] = p[i];
  return r;
}
inline F16 low_half(const U16& a) {
  return lanes([&](int i) { return std::bit_cast<float>(a.v[i] << 16); });
}
inline F16 high_half(const U16& a) {
  return lanes([&](int i) { return std::bit_cast<float>(a.v[i] & 0xFFFF0000u); });
}

#endif

// All lanes, known when compiled: masked stores are slow on some CPUs and can't be forwarded to loads.
struct AllLanes {};
inline F16 load(const float* p, AllLanes) {
  return load(p);
}
inline void store(float* p, F16 a, AllLanes) {
  store(p, a);
}
inline F16 select(AllLanes, F16 a, F16) {
  return a;
}

// Sums and maxima over the lanes as one fixed tree: i with i + 8, then i + 4, i + 2, i + 1.
#if defined(POSTTRAIN_ISA_AVX512) || defined(POSTTRAIN_ISA_AVX2)
inline float sum(F16 a) {
  const __m128 q = fold_add(a);
  const __m128 d = _mm_add_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_add_ss(d, _mm_shuffle_ps(d, d, 1)));
}
inline float maximum(F16 a) {
  const __m128 q = fold_max(a);
  const __m128 d = _mm_max_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_max_ss(d, _mm_shuffle_ps(d, d, 1)));
}
#else
inline float sum(F16 a) {
  for (int w = 8; w >= 1; w /= 2) {
    for (int i = 0; i < w; ++i) a.v[i] = a.v[i] + a.v[i + w];
  }
  return a.v[0];
}
inline float maximum(F16 a) {
  for (int w = 8; w >= 1; w /= 2) {
    for (int i = 0; i < w; ++i) a.v[i] = max1(a.v[i], a.v[i + w]);
  }
  return a.v[0];
}
#endif

constexpr float kInfinity = __builtin_inff();

inline F16 zero() {
  return set1(0.0f);
}

// e^x with a relative error below 2e-7; 0 below -87.3, infinity above 88.7, NaN for NaN. x = n ln 2 + r with
// |r| <= ln 2 / 2 by rounding with a large constant, whose low bits are then n; e^r by a polynomial fitted at the
// Chebyshev nodes.
inline F16 exp(F16 x) {
  const F16 magic = set1(12582912.0f);
  const F16 t = fma(x, set1(1.442695041f), magic);
  const F16 n = t - magic;
  const F16 r = fma(n, set1(2.1219444e-4f), fnma(n, set1(0.693359375f), x));
  F16 p = fma(r, set1(1.392618177e-3f), set1(8.363177579e-3f));
  p = fma(p, r, set1(4.166655463e-2f));
  p = fma(p, r, set1(1.666657700e-1f));
  p = fma(p, r, set1(0.5f));
  p = fma(p, r * r, r) + set1(1.0f);
  const F16 y = select(less(x, set1(-87.33654f)), zero(), add_exponent(p, t));
  return select(not_less_equal(x, set1(88.72283f)), x + set1(kInfinity), y);
}

// tanh with a relative error below 3e-7: an odd polynomial near 0, else through e^2|x|.
inline F16 tanh(F16 x) {
  const F16 a = abs(x), u = x * x;
  F16 p = fma(u, set1(-6.096714163e-3f), set1(2.099717900e-2f));
  p = fma(p, u, set1(-5.385090958e-2f));
  p = fma(p, u, set1(1.333276974e-1f));
  p = fma(p, u, set1(-3.333332894e-1f));
  const F16 small = fma(p * u, x, x);
  const F16 large = set1(1.0f) - set1(2.0f) / (exp(a + a) + set1(1.0f));
  return select(less(a, set1(0.625f)), small, copy_sign(large, x));
}
