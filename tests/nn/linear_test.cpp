// Linear layers: equal to a scalar chain of fused multiply-adds, on every instruction set, thread count and batch.
#include "nn/cpu/blas.h"
#include "support.h"

namespace posttrain::nn {
namespace {

struct Shape {
  int64_t M, out, in;
};
const Shape kShapes[] = {{1, 1, 1},   {1, 33, 7},    {3, 48, 48},    {7, 31, 64},    {14, 32, 5},   {15, 96, 40},
                         {29, 65, 3}, {64, 128, 48}, {130, 70, 900}, {300, 48, 130}, {2, 576, 1600}};

Floats chain(const Shape& s, const Floats& x, const Floats& w) {
  Floats y(static_cast<size_t>(s.M * s.out));
  for (int64_t m = 0; m < s.M; ++m) {
    for (int64_t n = 0; n < s.out; ++n) {
      float sum = 0;
      for (int64_t k = 0; k < s.in; ++k) sum = std::fma(x[m * s.in + k], w[n * s.in + k], sum);
      y[m * s.out + n] = sum;
    }
  }
  return y;
}

Floats transposed(int64_t rows, int64_t columns, const Floats& x) {
  Floats y(x.size());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) y[c * rows + r] = x[r * columns + c];
  }
  return y;
}

size_t size(int64_t a, int64_t b) {
  return static_cast<size_t>(a * b);
}

TEST(Linear, EqualsTheScalarChainBitForBit) {
  for (const Shape& s : kShapes) {
    const Floats x = random_floats(size(s.M, s.in), 1), w = random_floats(size(s.out, s.in), 2);
    const Floats y = same_on_all_machines([&](Backend& b) {
      Floats out(size(s.M, s.out), 7.0f);
      b.linear(s.M, x.data(), *weight_of(b, s.out, s.in, w), nullptr, out.data(), Into::overwrite);
      return out;
    });
    EXPECT_TRUE(same_bits(y, chain(s, x, w))) << s.M << ' ' << s.out << ' ' << s.in;
  }
}

TEST(Linear, AddsTheFinishedSumAndTheBias) {
  for (const Shape& s : kShapes) {
    const Floats x = random_floats(size(s.M, s.in), 1), w = random_floats(size(s.out, s.in), 2);
    const Floats start = random_floats(size(s.M, s.out), 3), bias = random_floats(static_cast<size_t>(s.out), 4);
    const Floats y = same_on_all_machines([&](Backend& b) {
      Floats out = start;
      b.linear(s.M, x.data(), *weight_of(b, s.out, s.in, w), bias.data(), out.data(), Into::add);
      return out;
    });
    Floats expected = chain(s, x, w);
    for (int64_t i = 0; i < s.M * s.out; ++i) expected[i] = start[i] + (expected[i] + bias[i % s.out]);
    EXPECT_TRUE(same_bits(y, expected)) << s.M << ' ' << s.out << ' ' << s.in;
  }
}

TEST(Linear, Bf16WeightsGiveTheSameBitsAsTheirWidenedValues) {
  for (const Shape& s : kShapes) {
    const Floats x = random_floats(size(s.M, s.in), 1), w = random_floats(size(s.out, s.in), 2);
    const Floats dy = random_floats(size(s.M, s.out), 3);
    const Floats y = same_on_all_machines([&](Backend& b) {
      const auto weight = weight_of(b, s.out, s.in, w, DType::bf16);
      Floats out(size(s.M, s.out) + size(s.M, s.in));
      b.linear(s.M, x.data(), *weight, nullptr, out.data(), Into::overwrite);
      b.linear_dx(s.M, dy.data(), *weight, out.data() + s.M * s.out, Into::overwrite);
      return out;
    });
    Floats rounded(w.size());
    const auto backend = make_cpu_backend();
    backend->read_rows(*weight_of(*backend, s.out, s.in, w, DType::bf16), 0, s.out, rounded.data());
    EXPECT_LT(max_abs_difference(rounded, w), 0.02);
    Floats expected = chain(s, x, rounded);
    const Floats dx = chain({s.M, s.in, s.out}, dy, transposed(s.out, s.in, rounded));
    expected.insert(expected.end(), dx.begin(), dx.end());
    EXPECT_TRUE(same_bits(y, expected)) << s.M << ' ' << s.out << ' ' << s.in;
  }
}

TEST(Linear, DxEqualsTheChainOverOutputs) {
  for (const Shape& s : kShapes) {
    const Floats dy = random_floats(size(s.M, s.out), 1), w = random_floats(size(s.out, s.in), 2);
    const Floats start = random_floats(size(s.M, s.in), 3);
    for (const Into into : {Into::overwrite, Into::add}) {
      const Floats dx = same_on_all_machines([&](Backend& b) {
        Floats out = start;
        b.linear_dx(s.M, dy.data(), *weight_of(b, s.out, s.in, w), out.data(), into);
        return out;
      });
      Floats expected = chain({s.M, s.in, s.out}, dy, transposed(s.out, s.in, w));
      for (size_t i = 0; i < expected.size() && into == Into::add; ++i) expected[i] = start[i] + expected[i];
      EXPECT_TRUE(same_bits(dx, expected)) << s.M << ' ' << s.out << ' ' << s.in;
    }
  }
}

TEST(Linear, DwContinuesOneChainOverRowsHoweverTheBatchIsCut) {
  for (const Shape& s : kShapes) {
    const Floats dy = random_floats(size(s.M, s.out), 1), x = random_floats(size(s.M, s.in), 2);
    const Floats start = random_floats(size(s.out, s.in), 3), start_bias = random_floats(static_cast<size_t>(s.out), 4);
    const auto run = [&](Backend& b, int64_t cut) {
      Floats dw = start, db = start_bias;
      b.linear_dw(cut, s.out, s.in, dy.data(), x.data(), dw.data(), db.data());
      b.linear_dw(s.M - cut, s.out, s.in, dy.data() + cut * s.out, x.data() + cut * s.in, dw.data(), db.data());
      dw.insert(dw.end(), db.begin(), db.end());
      return dw;
    };
    const Floats whole = same_on_all_machines([&](Backend& b) { return run(b, 0); });
    EXPECT_TRUE(same_bits(whole, same_on_all_machines([&](Backend& b) { return run(b, s.M / 3); })));
    Floats expected = start;
    for (int64_t n = 0; n < s.out; ++n) {
      for (int64_t k = 0; k < s.in; ++k) {
        for (int64_t m = 0; m < s.M; ++m) {
          expected[n * s.in + k] = std::fma(dy[m * s.out + n], x[m * s.in + k], expected[n * s.in + k]);
        }
      }
    }
    for (int64_t n = 0; n < s.out; ++n) {
      float sum = start_bias[n];
      for (int64_t m = 0; m < s.M; ++m) sum += dy[m * s.out + n];
      expected.push_back(sum);
    }
    EXPECT_TRUE(same_bits(whole, expected)) << s.M << ' ' << s.out << ' ' << s.in;
  }
}

TEST(Linear, ARowDoesNotDependOnItsBatch) {
  constexpr int64_t kOut = 100, kIn = 1700, kRows = 256;
  const Floats x = random_floats(size(kRows, kIn), 1), w = random_floats(size(kOut, kIn), 2);
  const auto backend = make_cpu_backend();
  const auto weight = weight_of(*backend, kOut, kIn, w);
  Floats whole(size(kRows, kOut));
  backend->linear(kRows, x.data(), *weight, nullptr, whole.data(), Into::overwrite);
  for (const int64_t batch : {1, 2, 7, 13, 64, 100}) {
    Floats parts(whole.size());
    for (int64_t m = 0; m < kRows; m += batch) {
      backend->linear(std::min(batch, kRows - m), x.data() + m * kIn, *weight, nullptr, parts.data() + m * kOut,
                      Into::overwrite);
    }
    EXPECT_TRUE(same_bits(whole, parts)) << "batches of " << batch;
  }
}

TEST(Linear, NoRowsAreNoWork) {
  const auto backend = make_cpu_backend();
  const auto weight = weight_of(*backend, 4, 4, random_floats(16, 1));
  Floats dw(16, 2.0f);
  backend->linear(0, nullptr, *weight, nullptr, nullptr, Into::overwrite);
  backend->linear_dx(0, nullptr, *weight, nullptr, Into::add);
  backend->linear_dw(0, 4, 4, nullptr, nullptr, dw.data(), nullptr);
  EXPECT_TRUE(same_bits(dw, Floats(16, 2.0f)));
}

TEST(Linear, AgreesWithOpenBlas) {
  if (!blas::available()) GTEST_SKIP() << "no libopenblas.so.0 here";
  constexpr int64_t kM = 37, kOut = 90, kIn = 211;
  const Floats x = random_floats(size(kM, kIn), 1), w = random_floats(size(kOut, kIn), 2);
  const Floats dy = random_floats(size(kM, kOut), 3), bias = random_floats(kOut, 4);
  const auto run = [&](Backend& b) {
    const auto weight = weight_of(b, kOut, kIn, w);
    Floats y(size(kM, kOut)), dx(size(kM, kIn), 1.0f), dw(size(kOut, kIn), 2.0f);
    b.linear(kM, x.data(), *weight, bias.data(), y.data(), Into::overwrite);
    b.linear_dx(kM, dy.data(), *weight, dx.data(), Into::add);
    b.linear_dw(kM, kOut, kIn, dy.data(), x.data(), dw.data(), nullptr);
    y.insert(y.end(), dx.begin(), dx.end());
    y.insert(y.end(), dw.begin(), dw.end());
    return y;
  };
  const auto own = make_cpu_backend(), theirs = make_cpu_backend(CpuOptions{.isa = Isa::generic, .blas = true});
  EXPECT_TRUE(own->keeps_order());
  EXPECT_FALSE(theirs->keeps_order());
  EXPECT_LT(max_abs_difference(run(*own), run(*theirs)), 1e-4);
}

TEST(Weights, RowsComeBackAsTheyWereStored) {
  constexpr int64_t kOut = 70, kIn = 45;
  const Floats w = random_floats(size(kOut, kIn), 2);
  const auto backend = make_cpu_backend();
  for (const Use use : {Use::inference, Use::training}) {
    const auto weight = backend->make_weight(kOut, kIn, DType::f32, use);
    backend->load_rows(*weight, 0, 33, w.data(), DType::f32);
    backend->load_rows(*weight, 33, kOut - 33, w.data() + 33 * kIn, DType::f32);
    Floats back(w.size());
    backend->read_rows(*weight, 0, kOut, back.data());
    EXPECT_TRUE(same_bits(back, w));
  }
}

TEST(Weights, HalfPrecisionIsReadExactly) {
  // 1, -2, the largest, the smallest normal, the smallest denormal, zero: IEEE 754-2019 table 3.5.
  const std::vector<uint16_t> half = {0x3C00, 0xC000, 0x7BFF, 0x0400, 0x0001, 0x8000};
  const Floats expected = {1, -2, 65504, 0x1p-14f, 0x1p-24f, -0.0f};
  const auto backend = make_cpu_backend();
  const auto weight = backend->make_weight(2, 3, DType::f32, Use::inference);
  backend->load_rows(*weight, 0, 2, half.data(), DType::f16);
  Floats back(6);
  backend->read_rows(*weight, 0, 2, back.data());
  EXPECT_TRUE(same_bits(back, expected));
  const std::vector<uint16_t> brain = {0x3F80, 0xC000, 0x7F7F, 0x0080, 0x0001, 0x8000};
  backend->load_rows(*weight, 0, 2, brain.data(), DType::bf16);
  backend->read_rows(*weight, 0, 2, back.data());
  EXPECT_EQ(back[0], 1.0f);
  EXPECT_EQ(back[1], -2.0f);
}

}  // namespace
}  // namespace posttrain::nn
