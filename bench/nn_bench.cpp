// Single operations of the CPU backend: bench_nn --benchmark_filter=attention. Products beside OpenBLAS and the probed
// peaks: posttrain bench gemm.
#include <benchmark/benchmark.h>

#include <cmath>

#include "base/rng.h"
#include "nn/backend.h"

namespace posttrain::nn {
namespace {

std::vector<float> random_floats(int64_t count) {
  Rng rng({1});
  std::vector<float> x(static_cast<size_t>(count));
  for (float& v : x) v = static_cast<float>(rng.uniform() - 0.5);
  return x;
}

Heads heads(std::vector<float>& x, int64_t rows, int count, int width) {
  return {x.data(), rows, int64_t{count} * width, count, width};
}

struct Shape {
  int q_heads, kv_heads, width;
  int64_t hidden, vocab;
};
const Shape kShapes[] = {{4, 4, 12, 48, 64}, {4, 2, 32, 128, 128}, {9, 3, 64, 576, 49152}};  // as in bench gemm

// Arguments: shape, sequences, length.
struct Packed {
  Shape s;
  AttentionShape attention;
  std::vector<Segment> segments;
  int64_t rows;
  std::vector<float> q, k, v, out, stats;
  explicit Packed(const benchmark::State& state)
      : s(kShapes[state.range(0)]),
        attention{s.q_heads, s.kv_heads, s.width, s.width, 1 / std::sqrt(static_cast<float>(s.width))},
        rows(state.range(1) * state.range(2)),
        q(random_floats(rows * s.q_heads * s.width)),
        k(random_floats(rows * s.kv_heads * s.width)),
        v(random_floats(rows * s.kv_heads * s.width)),
        out(q.size()),
        stats(static_cast<size_t>(rows * s.q_heads * 2)) {
    for (int64_t i = 0; i < state.range(1); ++i) {
      segments.push_back({static_cast<int32_t>(i * state.range(2)), static_cast<int32_t>(state.range(2))});
    }
  }
  void forward(Backend& b) {
    b.attention(attention, segments, heads(q, rows, s.q_heads, s.width), heads(k, rows, s.kv_heads, s.width),
                heads(v, rows, s.kv_heads, s.width), heads(out, rows, s.q_heads, s.width), stats.data());
  }
  // Products of one forward, the causal half counted.
  double work() const {
    const double length = static_cast<double>(segments[0].length);
    return 4.0 * static_cast<double>(rows) * (length + 1) / 2 * s.q_heads * s.width;
  }
};

void set_rate(benchmark::State& state, double work) {
  state.counters["FLOP/s"] =
      benchmark::Counter(work * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void attention_forward(benchmark::State& state) {
  const auto b = make_cpu_backend();
  Packed p(state);
  for (auto _ : state) p.forward(*b);
  set_rate(state, p.work());
}

void attention_backward(benchmark::State& state) {
  const auto b = make_cpu_backend();
  Packed p(state);
  p.forward(*b);
  std::vector<float> dq(p.q.size()), dk(p.k.size()), dv(p.v.size()),
      dout = random_floats(static_cast<int64_t>(p.q.size()));
  for (auto _ : state) {
    b->attention_backward(p.attention, p.segments, heads(p.q, p.rows, p.s.q_heads, p.s.width),
                          heads(p.k, p.rows, p.s.kv_heads, p.s.width), heads(p.v, p.rows, p.s.kv_heads, p.s.width),
                          heads(p.out, p.rows, p.s.q_heads, p.s.width), p.stats.data(),
                          heads(dout, p.rows, p.s.q_heads, p.s.width), heads(dq, p.rows, p.s.q_heads, p.s.width),
                          heads(dk, p.rows, p.s.kv_heads, p.s.width), heads(dv, p.rows, p.s.kv_heads, p.s.width));
  }
  set_rate(state, 2.5 * p.work());
}

// One new token for each sequence over a paged cache.
void attention_decode(benchmark::State& state) {
  const auto b = make_cpu_backend();
  const Shape s = kShapes[state.range(0)];
  const int64_t sequences = state.range(1), length = state.range(2), blocks = (length + 31) / 32;
  const AttentionShape shape{s.q_heads, s.kv_heads, s.width, s.width, 0.1f};
  const auto pool = b->make_kv_pool(1, s.kv_heads, s.width, s.width, sequences * blocks);
  std::vector<float> k = random_floats(length * s.kv_heads * s.width),
                     q = random_floats(sequences * s.q_heads * s.width);
  std::vector<float> out(q.size());
  std::vector<int32_t> tables, begin, lengths, slots(static_cast<size_t>(length));
  for (int64_t i = 0; i < sequences; ++i) {
    begin.push_back(static_cast<int32_t>(tables.size()));
    lengths.push_back(static_cast<int32_t>(length));
    for (int64_t j = 0; j < blocks; ++j) tables.push_back(static_cast<int32_t>(i * blocks + j));
    for (int64_t p = 0; p < length; ++p) slots[static_cast<size_t>(p)] = static_cast<int32_t>(i * blocks * 32 + p);
    b->kv_write(*pool, 0, slots, heads(k, length, s.kv_heads, s.width), heads(k, length, s.kv_heads, s.width));
  }
  for (auto _ : state) {
    b->attention_paged(shape, *pool, 0, {tables, begin, lengths}, heads(q, sequences, s.q_heads, s.width),
                       heads(out, sequences, s.q_heads, s.width));
  }
  set_rate(state, 4.0 * static_cast<double>(sequences * length) * s.q_heads * s.width);
}

// Arguments: shape, rows.
struct Head {
  Shape s;
  int64_t n;
  std::unique_ptr<Backend> b = make_cpu_backend();
  std::unique_ptr<Weight> w;
  std::vector<float> h;
  std::vector<int32_t> ids;
  explicit Head(const benchmark::State& state)
      : s(kShapes[state.range(0)]), n(state.range(1)), h(random_floats(n * s.hidden)), ids(static_cast<size_t>(n), 1) {
    const std::vector<float> values = random_floats(s.vocab * s.hidden);
    w = b->make_weight(s.vocab, s.hidden, DType::f32, Use::training);
    b->load_rows(*w, 0, s.vocab, values.data(), DType::f32);
  }
  double work() const { return 2.0 * static_cast<double>(n * s.vocab * s.hidden); }
};

void head_logprobs(benchmark::State& state) {
  Head head(state);
  for (auto _ : state) head.b->head_logprobs(head.n, head.h.data(), *head.w, {.ids = head.ids});
  set_rate(state, head.work());
}

void head_backward(benchmark::State& state) {
  Head head(state);
  const HeadScores scores = head.b->head_logprobs(head.n, head.h.data(), *head.w, {.ids = head.ids});
  const std::vector<float> dlogp(static_cast<size_t>(head.n), 1.0f);
  std::vector<float> dh(head.h.size()), dw(static_cast<size_t>(head.s.vocab * head.s.hidden));
  for (auto _ : state) {
    head.b->head_backward(head.n, head.h.data(), *head.w, {.ids = head.ids}, scores, dlogp, {}, dh.data(), dw.data());
  }
  set_rate(state, 3 * head.work());
}

void head_sample(benchmark::State& state) {
  Head head(state);
  const std::vector<SamplingFilter> filters(static_cast<size_t>(head.n),
                                            SamplingFilter{.top_p = state.range(2) ? 0.9f : 1});
  const std::vector<double> uniforms(static_cast<size_t>(head.n), 0.5);
  for (auto _ : state) head.b->head_sample(head.n, head.h.data(), *head.w, 0, filters, uniforms);
  set_rate(state, head.work());
}

BENCHMARK(attention_forward)
    ->Args({0, 160, 26})
    ->Args({1, 32, 96})
    ->Args({2, 4, 192})
    ->Args({2, 1, 640})
    ->UseRealTime();
BENCHMARK(attention_backward)
    ->Args({0, 160, 26})
    ->Args({1, 32, 96})
    ->Args({2, 4, 192})
    ->Args({2, 1, 640})
    ->UseRealTime();
BENCHMARK(attention_decode)
    ->Args({0, 256, 30})
    ->Args({1, 32, 96})
    ->Args({2, 32, 128})
    ->Args({2, 1, 576})
    ->UseRealTime();
BENCHMARK(head_logprobs)->Args({0, 4096})->Args({1, 2048})->Args({2, 256})->UseRealTime();
BENCHMARK(head_backward)->Args({0, 4096})->Args({1, 2048})->Args({2, 256})->UseRealTime();
BENCHMARK(head_sample)->Args({0, 256, 0})->Args({2, 1, 0})->Args({2, 32, 0})->Args({2, 32, 1})->UseRealTime();

}  // namespace
}  // namespace posttrain::nn

BENCHMARK_MAIN();
