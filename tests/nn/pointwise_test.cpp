// Norms, rotary embedding, gated MLP, embedding, row moves and the optimizer: definitions and slopes.
#include <algorithm>

#include "support.h"

namespace posttrain::nn {
namespace {

double d(float x) {
  return static_cast<double>(x);
}

struct NormCase {
  int64_t rows;
  int heads, width;
  float offset;
};
const NormCase kNorms[] = {{1, 1, 1, 0}, {5, 1, 48, 0}, {300, 1, 100, 1}, {9, 4, 24, 1}};

std::vector<double> norm(const NormCase& c, const Floats& x, const Floats& w) {
  std::vector<double> y;
  for (int64_t r = 0; r < c.rows * c.heads; ++r) {
    double squares = 0;
    for (int i = 0; i < c.width; ++i) squares += d(x[r * c.width + i]) * d(x[r * c.width + i]);
    for (int i = 0; i < c.width; ++i) {
      y.push_back(d(x[r * c.width + i]) / std::sqrt(squares / c.width + 1e-5) * (d(w[i]) + d(c.offset)));
    }
  }
  return y;
}

TEST(RmsNorm, FollowsTheDefinitionAndItsSlope) {
  for (const NormCase& c : kNorms) {
    const auto size = static_cast<size_t>(c.rows * c.heads * c.width);
    const Floats x = random_floats(size, 1), w = random_floats(static_cast<size_t>(c.width), 2),
                 dy = random_floats(size, 3);
    const Floats before = random_floats(size, 4);
    const Floats all = same_on_all_machines([&](Backend& b) {
      Floats y(size), inverse(static_cast<size_t>(c.rows * c.heads)), dx = before, dw(w.size());
      b.rmsnorm(heads(x, c.rows, c.heads, c.width), w.data(), c.offset, 1e-5f, heads(y, c.rows, c.heads, c.width),
                inverse.data());
      b.rmsnorm_backward(heads(dy, c.rows, c.heads, c.width), heads(x, c.rows, c.heads, c.width), w.data(), c.offset,
                         inverse.data(), heads(dx, c.rows, c.heads, c.width), Into::add, dw.data());
      for (size_t i = 0; i < size; ++i) dx[i] -= before[i];
      y.insert(y.end(), dx.begin(), dx.end());
      y.insert(y.end(), dw.begin(), dw.end());
      return y;
    });
    const std::vector<double> expected = norm(c, x, w);
    for (size_t i = 0; i < size; ++i) ASSERT_NEAR(all[i], expected[i], 1e-5) << i;
    const auto loss = [&](const Floats& in, const Floats& weight) {
      const std::vector<double> y = norm(c, in, weight);
      double total = 0;
      for (size_t i = 0; i < size; ++i) total += y[i] * d(dy[i]);
      return total;
    };
    const auto dx = all.begin() + static_cast<ptrdiff_t>(size), dw = dx + static_cast<ptrdiff_t>(size);
    expect_gradient(
        x, Floats(dx, dw), [&](const Floats& in) { return loss(in, w); }, 1e-3, 1e-4, size / 20 + 1);
    expect_gradient(
        w, Floats(dw, all.end()), [&](const Floats& weight) { return loss(x, weight); }, 1e-3, 1e-4, w.size() / 20 + 1);
  }
}

TEST(RmsNorm, WorksInPlaceAndOnPartsOfWiderRows) {
  const auto b = make_cpu_backend();
  const Floats wide = random_floats(10 * 100, 1), w = random_floats(24, 2);
  Floats narrow;
  for (int r = 0; r < 10; ++r) narrow.insert(narrow.end(), wide.begin() + r * 100 + 4, wide.begin() + r * 100 + 4 + 48);
  Floats y = wide, inverse(20), plain(480);
  Heads part = heads(y, 10, 2, 24, 100);
  part.data += 4;
  b->rmsnorm(part, w.data(), 0, 1e-6f, part, inverse.data());
  b->rmsnorm(heads(narrow, 10, 2, 24), w.data(), 0, 1e-6f, heads(plain, 10, 2, 24), inverse.data());
  for (int r = 0; r < 10; ++r) {
    for (int i = 0; i < 100; ++i) {
      ASSERT_EQ(y[r * 100 + i], i >= 4 && i < 52 ? plain[r * 48 + i - 4] : wide[r * 100 + i]) << r << ' ' << i;
    }
  }
}

TEST(Rope, RotatesPairsAndBackwardUndoesIt) {
  constexpr int kPairs = 10, kWidth = 24, kHeads = 3;
  constexpr int64_t kRows = 30;
  const Floats x = random_floats(kRows * kHeads * kWidth, 1);
  Floats cosine, sine;
  for (int p = 0; p < 50; ++p) {
    for (int i = 0; i < kPairs; ++i) {
      cosine.push_back(static_cast<float>(std::cos(p * std::pow(100.0, -i / 10.0))));
      sine.push_back(static_cast<float>(std::sin(p * std::pow(100.0, -i / 10.0))));
    }
  }
  std::vector<int32_t> positions;
  for (int64_t r = 0; r < kRows; ++r) positions.push_back(static_cast<int32_t>(r * 7 % 50));
  for (const bool interleaved : {false, true}) {
    const Floats y = same_on_all_machines([&](Backend& b) {
      Floats v = x;
      b.rope(heads(v, kRows, kHeads, kWidth), positions, cosine.data(), sine.data(), kPairs, interleaved, 1);
      Floats back = v;
      b.rope(heads(back, kRows, kHeads, kWidth), positions, cosine.data(), sine.data(), kPairs, interleaved, -1);
      EXPECT_LT(max_abs_difference(back, x), 1e-6);
      return v;
    });
    for (int64_t r = 0; r < kRows; ++r) {
      for (int h = 0; h < kHeads; ++h) {
        const int64_t at = (r * kHeads + h) * kWidth;
        for (int i = 0; i < kPairs; ++i) {
          const int64_t a = at + (interleaved ? 2 * i : i), c = at + (interleaved ? 2 * i + 1 : i + kPairs);
          const double co = d(cosine[positions[r] * kPairs + i]), si = d(sine[positions[r] * kPairs + i]);
          ASSERT_NEAR(y[a], d(x[a]) * co - d(x[c]) * si, 1e-6);
          ASSERT_NEAR(y[c], d(x[c]) * co + d(x[a]) * si, 1e-6);
        }
        for (int i = 2 * kPairs; i < kWidth; ++i) ASSERT_EQ(y[at + i], x[at + i]);
      }
    }
  }
}

double activation(Activation act, double g) {
  if (act == Activation::silu) return g / (1 + std::exp(-g));
  return 0.5 * g * (1 + std::tanh(std::sqrt(2 / 3.14159265358979) * (g + 0.044715 * g * g * g)));
}

TEST(Gated, FollowsTheDefinitionAndItsSlope) {
  constexpr int64_t kRows = 11, kF = 37;
  const Floats x = random_floats(kRows * 2 * kF, 1, 3), dy = random_floats(kRows * kF, 2);
  for (const Activation act : {Activation::silu, Activation::gelu_tanh}) {
    const Floats all = same_on_all_machines([&](Backend& b) {
      Floats y(dy.size()), dx(x.size());
      b.gated(act, kRows, kF, x.data(), y.data());
      b.gated_backward(act, kRows, kF, x.data(), dy.data(), dx.data());
      y.insert(y.end(), dx.begin(), dx.end());
      return y;
    });
    const auto apply = [&](const Floats& in, int64_t r, int64_t i) {
      return activation(act, d(in[r * 2 * kF + i])) * d(in[r * 2 * kF + kF + i]);
    };
    for (int64_t r = 0; r < kRows; ++r) {
      for (int64_t i = 0; i < kF; ++i)
        ASSERT_NEAR(all[r * kF + i], apply(x, r, i), 5e-6 * (1 + std::abs(apply(x, r, i))));
    }
    const auto loss = [&](const Floats& in) {
      double total = 0;
      for (int64_t r = 0; r < kRows; ++r) {
        for (int64_t i = 0; i < kF; ++i) total += apply(in, r, i) * d(dy[r * kF + i]);
      }
      return total;
    };
    expect_gradient(x, Floats(all.begin() + kRows * kF, all.end()), loss, 1e-3, 2e-5, 3);
  }
}

TEST(Gated, ExtremeGatesStayFinite) {
  const auto b = make_cpu_backend();
  const Floats x = {-3e38f, -100, -50, 0, 50, 100, 1e30f, 1, 1, 1, 1, 1, 1, 1}, dy(7, 1.0f);
  for (const Activation act : {Activation::silu, Activation::gelu_tanh}) {
    Floats y(7), dx(14);
    b->gated(act, 1, 7, x.data(), y.data());
    EXPECT_EQ(y[1], 0.0f);
    EXPECT_EQ(y[4], 50.0f);
    EXPECT_EQ(y[6], 1e30f);
    if (act == Activation::gelu_tanh) continue;  // its cube overflows, as everywhere
    b->gated_backward(act, 1, 7, x.data(), dy.data(), dx.data());
    for (const float v : dx) EXPECT_TRUE(std::isfinite(v));
  }
}

TEST(Embedding, ReadsRowsAndAddsGradientsRowAfterRow) {
  constexpr int64_t kV = 40, kD = 50;
  const Floats table = random_floats(kV * kD, 1), dh = random_floats(300 * kD, 2);
  std::vector<int32_t> ids;
  for (int i = 0; i < 300; ++i) ids.push_back(i * 7 % static_cast<int>(kV) / 3);
  for (const DType stored : {DType::f32, DType::bf16}) {
    for (const Use use : {Use::inference, Use::training}) {
      const Floats all = same_on_all_machines([&](Backend& b) {
        const auto w = weight_of(b, kV, kD, table, stored, use);
        Floats h(300 * kD), rows(table.size());
        b.embed(ids, *w, 3.0f, h.data());
        b.read_rows(*w, 0, kV, rows.data());
        for (size_t i = 0; i < h.size(); ++i) EXPECT_EQ(h[i], 3.0f * rows[ids[i / kD] * kD + i % kD]);
        return h;
      });
      EXPECT_EQ(all.size(), static_cast<size_t>(300 * kD));
    }
  }
  const Floats dw = same_on_all_machines([&](Backend& b) {
    Floats g(table.size(), 0.25f);
    b.embed_backward(std::span(ids).first(100), kD, 0.5f, dh.data(), g.data());
    b.embed_backward(std::span(ids).subspan(100), kD, 0.5f, dh.data() + 100 * kD, g.data());
    return g;
  });
  Floats expected(table.size(), 0.25f);
  for (size_t i = 0; i < dh.size(); ++i) {
    float& g = expected[ids[i / kD] * kD + i % kD];
    g = std::fma(0.5f, dh[i], g);
  }
  EXPECT_TRUE(same_bits(dw, expected));
}

TEST(Rows, GatherAndScatterAddAreEachOthersTranspose) {
  constexpr int64_t kD = 20;
  const std::vector<int32_t> index = {3, 0, 3, 5, 3};
  const Floats x = random_floats(6 * kD, 1), scale = random_floats(5, 2);
  const auto b = make_cpu_backend();
  Floats y(5 * kD), back(6 * kD);
  b->gather_rows(index, kD, x.data(), y.data());
  for (size_t i = 0; i < y.size(); ++i) EXPECT_EQ(y[i], x[index[i / kD] * kD + i % kD]);
  b->scatter_add_rows(index, scale, kD, y.data(), back.data());
  Floats expected(6 * kD);
  for (size_t i = 0; i < y.size(); ++i) {
    float& v = expected[index[i / kD] * kD + i % kD];
    v = std::fma(scale[i / kD], y[i], v);
  }
  EXPECT_TRUE(same_bits(back, expected));
  b->scatter_add_rows(index, {}, kD, y.data(), back.data());
  EXPECT_EQ(back[0], expected[0] + y[kD]);
}

TEST(AdamW, TakesTheStepOfThePaper) {
  constexpr size_t kCount = 40001;
  const Floats start = random_floats(kCount, 1), gradient = random_floats(kCount, 2);
  const Floats all = same_on_all_machines([&](Backend& b) {
    Floats p = start, m(kCount), v(kCount);
    for (int64_t step = 1; step <= 3; ++step) {
      b.adamw({0.01f, 0.9f, 0.95f, 1e-8f, 0.1f, step, 0.5f}, kCount, p.data(), gradient.data(), m.data(), v.data());
    }
    return p;
  });
  for (size_t i = 0; i < kCount; i += 97) {
    double p = d(start[i]), m = 0, v = 0;
    for (int step = 1; step <= 3; ++step) {
      const double g = d(gradient[i]) * 0.5;
      m = 0.9 * m + 0.1 * g;
      v = 0.95 * v + 0.05 * g * g;
      p -= 0.01 * 0.1 * p;
      p -= 0.01 * (m / (1 - std::pow(0.9, step))) / (std::sqrt(v / (1 - std::pow(0.95, step))) + 1e-8);
    }
    ASSERT_NEAR(all[i], p, 1e-6) << i;
  }
}

TEST(AdamW, PackedMomentsFollowTheFullOnesAndNeverStall) {
  constexpr size_t kCount = 1000;
  constexpr int64_t kSteps = 400;
  const auto train = [&](Backend& b, MomentType type) {
    Floats p = random_floats(kCount, 1);
    std::vector<std::byte> m(moment_bytes(type, kCount)), v(m.size());
    Floats full_m(kCount), full_v(kCount);
    for (int64_t step = 1; step <= kSteps; ++step) {
      // Gradients of very different size, whose squares move by a thousandth of themselves a step.
      Floats gradient = random_floats(kCount, static_cast<uint64_t>(step) + 7);
      for (size_t i = 0; i < kCount; ++i) gradient[i] = (gradient[i] + 1) * std::pow(10.0f, -static_cast<float>(i % 4));
      const AdamW settings{0.01f, 0.9f, 0.999f, 1e-8f, 0, step, 1};
      if (type == MomentType::f32) {
        b.adamw(settings, kCount, p.data(), gradient.data(), full_m.data(), full_v.data());
      } else {
        b.adamw_packed(settings, type, kCount, p.data(), gradient.data(), m.data(), v.data());
      }
    }
    return p;
  };
  const Floats start = random_floats(kCount, 1), full = train(*make_cpu_backend(), MomentType::f32);
  for (const MomentType type : {MomentType::bf16, MomentType::e8}) {
    const Floats packed = same_on_all_machines([&](Backend& b) { return train(b, type); });
    double off = 0, way = 0;
    for (size_t i = 0; i < kCount; ++i) {
      off += std::fabs(d(packed[i]) - d(full[i]));
      way += std::fabs(d(full[i]) - d(start[i]));
    }
    EXPECT_LT(off / way, type == MomentType::bf16 ? 0.005 : 0.05);
  }
}

TEST(AdamW, PackedMomentsTakeTheBytesTheySay) {
  EXPECT_EQ(moment_bytes(MomentType::f32, 1000), 4000u);
  EXPECT_EQ(moment_bytes(MomentType::bf16, 1000), 2000u);
  EXPECT_EQ(moment_bytes(MomentType::e8, 1000), 4u * 260);
}

TEST(SumSquares, HasOneOrder) {
  const Floats x = random_floats(123457, 1);
  double expected = 0;
  for (const float v : x) expected += d(v) * d(v);
  std::vector<double> sums;
  for (const Machine& m : machines()) {
    set_compute_threads(m.threads);
    sums.push_back(make_cpu_backend(CpuOptions{.isa = m.isa})->sum_squares(x.size(), x.data()));
    EXPECT_EQ(sums.back(), sums.front());
  }
  set_compute_threads(0);
  EXPECT_NEAR(sums.front(), expected, 1e-6 * expected);
  EXPECT_EQ(make_cpu_backend()->sum_squares(0, nullptr), 0.0);
}

TEST(Backend, SaysWhichKernelsItChoseAndThatItKeepsTheOrder) {
  const auto b = make_cpu_backend();
  EXPECT_TRUE(b->keeps_order() || available_isas().size() == 1);
  EXPECT_EQ(b->name().substr(0, 4), "cpu-");
  EXPECT_GT(probe_fma_peak(available_isas().back()), 1.0);
}

}  // namespace
}  // namespace posttrain::nn
