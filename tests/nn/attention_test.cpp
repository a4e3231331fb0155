// Attention: against a plain double-precision loop, with equal bits however the same sequence is stored and batched.
#include "support.h"

namespace posttrain::nn {
namespace {

struct Case {
  AttentionShape shape;
  std::vector<Segment> segments;
  int64_t rows;
};

std::vector<Case> cases() {
  const auto shape = [](int q, int kv, int qk, int v, int window = 0, float softcap = 0) {
    return AttentionShape{q, kv, qk, v, 1 / std::sqrt(static_cast<float>(qk)), window, softcap};
  };
  return {
      {shape(4, 4, 12, 12), {{0, 25}, {25, 1}, {26, 0}, {26, 70}}, 96},
      {shape(9, 3, 64, 64), {{0, 40}, {40, 33}}, 73},
      {shape(4, 2, 32, 32), {{0, 21}, {21, 30, 0, 21}, {51, 9, 0, 21}, {60, 17}}, 77},
      {shape(6, 1, 24, 16), {{0, 37}, {37, 20, 0, 30}}, 57},          // MLA-like widths, part of a sequence as prefix
      {shape(2, 2, 16, 16, 8), {{0, 50}, {50, 20, 0, 33}}, 70},       // window
      {shape(2, 1, 8, 40, 0, 3.0f), {{0, 35}, {36, 11, 0, 35}}, 47},  // softcap; row 35 is in no segment
  };
}

struct Data {
  Floats q, k, v, dout;
  explicit Data(const Case& c)
      : q(random_floats(static_cast<size_t>(c.rows * c.shape.q_heads * c.shape.qk_width), 1, 1.5)),
        k(random_floats(static_cast<size_t>(c.rows * c.shape.kv_heads * c.shape.qk_width), 2, 1.5)),
        v(random_floats(static_cast<size_t>(c.rows * c.shape.kv_heads * c.shape.v_width), 3)),
        dout(random_floats(static_cast<size_t>(c.rows * c.shape.q_heads * c.shape.v_width), 4)) {}
};

struct Result {
  Floats out, stats;
};

Result forward(Backend& b, const Case& c, const Data& d) {
  const AttentionShape& s = c.shape;
  Result r{Floats(static_cast<size_t>(c.rows * s.q_heads * s.v_width)),
           Floats(static_cast<size_t>(c.rows * s.q_heads * 2))};
  b.attention(s, c.segments, heads(d.q, c.rows, s.q_heads, s.qk_width), heads(d.k, c.rows, s.kv_heads, s.qk_width),
              heads(d.v, c.rows, s.kv_heads, s.v_width), heads(r.out, c.rows, s.q_heads, s.v_width), r.stats.data());
  return r;
}

// The rows that row r of a segment reads, in order.
std::vector<int64_t> visible(const Case& c, const Segment& s, int32_t row) {
  std::vector<int64_t> all;
  for (int32_t j = 0; j < s.prefix_length; ++j) all.push_back(s.prefix_begin + j);
  for (int32_t j = 0; j <= row; ++j) all.push_back(s.begin + j);
  const auto most = static_cast<size_t>(c.shape.window);
  if (most > 0 && all.size() > most) all.erase(all.begin(), all.end() - c.shape.window);
  return all;
}

std::vector<double> reference(const Case& c, const Floats& q, const Floats& k, const Floats& v) {
  const AttentionShape& s = c.shape;
  std::vector<double> out(static_cast<size_t>(c.rows * s.q_heads * s.v_width), 0.0);
  for (const Segment& segment : c.segments) {
    for (int32_t row = 0; row < segment.length; ++row) {
      const std::vector<int64_t> seen = visible(c, segment, row);
      for (int h = 0; h < s.q_heads; ++h) {
        const int kv = h / (s.q_heads / s.kv_heads);
        std::vector<double> p;
        double top = -1e300, mass = 0;
        for (const int64_t j : seen) {
          double score = 0;
          for (int d = 0; d < s.qk_width; ++d) {
            score += static_cast<double>(q[((segment.begin + row) * s.q_heads + h) * s.qk_width + d]) *
                     static_cast<double>(k[(j * s.kv_heads + kv) * s.qk_width + d]);
          }
          score *= static_cast<double>(s.scale);
          if (s.softcap > 0) score = static_cast<double>(s.softcap) * std::tanh(score / static_cast<double>(s.softcap));
          p.push_back(score);
          top = std::max(top, score);
        }
        for (double& x : p) mass += x = std::exp(x - top);
        for (size_t i = 0; i < seen.size(); ++i) {
          for (int d = 0; d < s.v_width; ++d) {
            out[((segment.begin + row) * s.q_heads + h) * s.v_width + d] +=
                p[i] / mass * static_cast<double>(v[(seen[i] * s.kv_heads + kv) * s.v_width + d]);
          }
        }
      }
    }
  }
  return out;
}

TEST(Attention, FollowsTheDefinition) {
  for (const Case& c : cases()) {
    const Data data(c);
    const Floats out = same_on_all_machines([&](Backend& b) {
      Result r = forward(b, c, data);
      r.out.insert(r.out.end(), r.stats.begin(), r.stats.end());
      return r.out;
    });
    const std::vector<double> expected = reference(c, data.q, data.k, data.v);
    for (size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(out[i], expected[i], 3e-6) << i;
  }
}

struct Gradients {
  Floats dq, dk, dv;
};

Gradients backward(Backend& b, const Case& c, const Data& d, const Result& r) {
  const AttentionShape& s = c.shape;
  Gradients g{Floats(d.q.size()), Floats(d.k.size()), Floats(d.v.size())};
  b.attention_backward(s, c.segments, heads(d.q, c.rows, s.q_heads, s.qk_width),
                       heads(d.k, c.rows, s.kv_heads, s.qk_width), heads(d.v, c.rows, s.kv_heads, s.v_width),
                       heads(r.out, c.rows, s.q_heads, s.v_width), r.stats.data(),
                       heads(d.dout, c.rows, s.q_heads, s.v_width), heads(g.dq, c.rows, s.q_heads, s.qk_width),
                       heads(g.dk, c.rows, s.kv_heads, s.qk_width), heads(g.dv, c.rows, s.kv_heads, s.v_width));
  return g;
}

TEST(Attention, BackwardIsTheSlopeOfTheDefinition) {
  for (const Case& c : cases()) {
    const Data data(c);
    const Floats all = same_on_all_machines([&](Backend& b) {
      const Gradients g = backward(b, c, data, forward(b, c, data));
      Floats x = g.dq;
      x.insert(x.end(), g.dk.begin(), g.dk.end());
      x.insert(x.end(), g.dv.begin(), g.dv.end());
      return x;
    });
    const auto loss = [&](const Floats& q, const Floats& k, const Floats& v) {
      const std::vector<double> out = reference(c, q, k, v);
      double total = 0;
      for (size_t i = 0; i < out.size(); ++i) total += out[i] * static_cast<double>(data.dout[i]);
      return total;
    };
    const auto dk = all.begin() + static_cast<ptrdiff_t>(data.q.size());
    const auto dv = dk + static_cast<ptrdiff_t>(data.k.size());
    const auto stride = [](const Floats& x) { return x.size() / 25 * 2 + 1; };
    expect_gradient(
        data.q, Floats(all.begin(), dk), [&](const Floats& q) { return loss(q, data.k, data.v); }, 1e-3, 2e-5,
        stride(data.q));
    expect_gradient(
        data.k, Floats(dk, dv), [&](const Floats& k) { return loss(data.q, k, data.v); }, 1e-3, 2e-5, stride(data.k));
    expect_gradient(
        data.v, Floats(dv, all.end()), [&](const Floats& v) { return loss(data.q, data.k, v); }, 1e-3, 2e-5,
        stride(data.v));
  }
}

TEST(Attention, ASharedPrefixGivesTheBitsOfACopiedOne) {
  const AttentionShape shape{4, 2, 16, 16, 0.25f};
  constexpr int64_t kRows = 19 + 40;
  const Case shared{shape, {{0, 19}, {19, 40, 0, 19}}, kRows};
  const Data data(shared);
  const Case joined{shape, {{0, kRows}}, kRows};
  const auto backend = make_cpu_backend();
  const Result a = forward(*backend, shared, data), b = forward(*backend, joined, data);
  EXPECT_TRUE(same_bits(a.out, b.out));
  EXPECT_TRUE(same_bits(a.stats, b.stats));
  const Gradients ga = backward(*backend, shared, data, a), gb = backward(*backend, joined, data, b);
  EXPECT_TRUE(same_bits(ga.dq, gb.dq));
  EXPECT_TRUE(same_bits(ga.dk, gb.dk));
  EXPECT_TRUE(same_bits(ga.dv, gb.dv));
}

TEST(Attention, BackwardAddsToTheGradientsOfKeysAndValues) {
  const Case c = cases()[2];
  const Data data(c);
  const auto backend = make_cpu_backend();
  const Result r = forward(*backend, c, data);
  const Gradients once = backward(*backend, c, data, r);
  Gradients twice = once;
  const AttentionShape& s = c.shape;
  backend->attention_backward(
      s, c.segments, heads(data.q, c.rows, s.q_heads, s.qk_width), heads(data.k, c.rows, s.kv_heads, s.qk_width),
      heads(data.v, c.rows, s.kv_heads, s.v_width), heads(r.out, c.rows, s.q_heads, s.v_width), r.stats.data(),
      heads(data.dout, c.rows, s.q_heads, s.v_width), heads(twice.dq, c.rows, s.q_heads, s.qk_width),
      heads(twice.dk, c.rows, s.kv_heads, s.qk_width), heads(twice.dv, c.rows, s.kv_heads, s.v_width));
  EXPECT_TRUE(same_bits(once.dq, twice.dq));
  for (size_t i = 0; i < once.dk.size(); ++i) ASSERT_NEAR(twice.dk[i], 2 * once.dk[i], 1e-5);
  for (size_t i = 0; i < once.dv.size(); ++i) ASSERT_NEAR(twice.dv[i], 2 * once.dv[i], 1e-5);
}

TEST(PagedAttention, GivesTheBitsOfPackedAttentionInOnePassOrTokenByToken) {
  for (const Case& c : cases()) {
    const AttentionShape& s = c.shape;
    const Data data(c);
    const Floats out = same_on_all_machines([&](Backend& b) {
      const auto pool = b.make_kv_pool(2, s.kv_heads, s.qk_width, s.v_width, 40);
      const Heads k = heads(data.k, c.rows, s.kv_heads, s.qk_width), v = heads(data.v, c.rows, s.kv_heads, s.v_width);
      // Each segment gets blocks of its own, in a scrambled order; a prefix is written again for each reader.
      std::vector<int32_t> tables, begins;
      int32_t next = 0;
      for (const Segment& segment : c.segments) {
        begins.push_back(static_cast<int32_t>(tables.size()));
        const int32_t length = segment.prefix_length + segment.length;
        for (int32_t p = 0; p < length; p += KvPool::block) tables.push_back((next++ * 7) % 40);
        for (int32_t p = 0; p < length; ++p) {
          const int64_t row =
              p < segment.prefix_length ? segment.prefix_begin + p : segment.begin + (p - segment.prefix_length);
          const int32_t slot = tables[static_cast<size_t>(begins.back() + p / 32)] * 32 + p % 32;
          Heads kr = k, vr = v;
          kr.data += row * k.stride;
          vr.data += row * v.stride;
          kr.rows = vr.rows = 1;
          b.kv_write(*pool, 1, {&slot, 1}, kr, vr);
        }
      }
      Floats once(data.dout.size()), single(data.dout.size());
      for (size_t i = 0; i < c.segments.size(); ++i) {
        const Segment& segment = c.segments[i];
        const auto rows_of = [&](int32_t first, int32_t count, Floats& to) {
          std::vector<int32_t> begin(static_cast<size_t>(count), begins[i]), lengths;
          for (int32_t r = 0; r < count; ++r) lengths.push_back(segment.prefix_length + first + r + 1);
          const int64_t row = segment.begin + first;
          Heads q = heads(data.q, count, s.q_heads, s.qk_width), y = heads(to, count, s.q_heads, s.v_width);
          q.data += row * q.stride;
          y.data += row * y.stride;
          b.attention_paged(s, *pool, 1, {tables, begin, lengths}, q, y);
        };
        rows_of(0, segment.length, once);
        for (int32_t r = 0; r < segment.length; ++r) rows_of(r, 1, single);
      }
      EXPECT_TRUE(same_bits(once, single));
      EXPECT_TRUE(same_bits(once, forward(b, c, data).out));
      return once;
    });
    EXPECT_FALSE(out.empty());
  }
}

TEST(PagedAttention, AForkedBlockIsIndependentOfItsOrigin) {
  const auto b = make_cpu_backend();
  const AttentionShape s{1, 1, 4, 4, 0.5f};
  const auto pool = b->make_kv_pool(1, 1, 4, 4, 2);
  const Floats k = random_floats(8, 1), v = random_floats(8, 2), q = random_floats(4, 3);
  const std::vector<int32_t> slots = {0, 1};
  b->kv_write(*pool, 0, slots, heads(k, 2, 1, 4), heads(v, 2, 1, 4));
  b->kv_copy(*pool, 0, 1, 2);
  const auto read = [&](int32_t block) {
    Floats out(4);
    const std::vector<int32_t> table = {block}, begin = {0}, length = {2};
    b->attention_paged(s, *pool, 0, {table, begin, length}, heads(q, 1, 1, 4), heads(out, 1, 1, 4));
    return out;
  };
  const Floats before = read(0);
  EXPECT_TRUE(same_bits(before, read(1)));
  const Floats other = random_floats(8, 9);
  b->kv_write(*pool, 0, slots, heads(other, 2, 1, 4), heads(other, 2, 1, 4));
  EXPECT_TRUE(same_bits(before, read(1)));
  EXPECT_FALSE(same_bits(before, read(0)));
}

TEST(Attention, NaNStaysInItsOwnSequence) {
  Case c = cases()[0];
  Data data(c);
  data.q[0] = std::nanf("");
  const auto backend = make_cpu_backend();
  const Result r = forward(*backend, c, data);
  EXPECT_TRUE(std::isnan(r.out[0]));
  for (size_t i = static_cast<size_t>(25 * 4 * 12); i < r.out.size(); ++i) ASSERT_FALSE(std::isnan(r.out[i])) << i;
}

}  // namespace
}  // namespace posttrain::nn
