// Distillation at the head: divergences and their gradients agree with plain loops and finite differences.
#include <algorithm>
#include <numeric>

#include "support.h"

namespace posttrain::nn {
namespace {

struct DivergenceSize {
  int64_t n, D, teacher_D, V;
};
const DivergenceSize kDivergenceSizes[] = {{1, 8, 8, 5}, {7, 12, 20, 64}, {5, 8, 4, 1100}};

std::vector<double> log_softmax(const Floats& h, const Floats& w, int64_t row, int64_t D, int64_t V, float inverse,
                                float softcap) {
  std::vector<double> z;
  for (int64_t v = 0; v < V; ++v) {
    double dot = 0;
    for (int64_t d = 0; d < D; ++d) dot += double{h[row * D + d]} * double{w[v * D + d]};
    if (softcap > 0) dot = double{softcap} * std::tanh(dot / double{softcap});
    z.push_back(dot * double{inverse});
  }
  const double top = *std::max_element(z.begin(), z.end());
  double mass = 0;
  for (const double x : z) mass += std::exp(x - top);
  for (double& x : z) x -= top + std::log(mass);
  return z;
}

// The definition, outcome after outcome.
double divergence(double beta, const std::vector<double>& teacher, const std::vector<double>& student) {
  double sum = 0;
  for (size_t v = 0; v < teacher.size(); ++v) {
    const double p = std::exp(teacher[v]), q = std::exp(student[v]), m = beta * p + (1 - beta) * q;
    if (beta == 0)
      sum += p * std::log(p / q);
    else if (beta == 1)
      sum += q * std::log(q / p);
    else
      sum += beta * p * std::log(p / m) + (1 - beta) * q * std::log(q / m);
  }
  return sum;
}

// All outcomes that are not named become one, at the end.
std::vector<double> merged(const std::vector<double>& logp, std::span<const int32_t> named) {
  std::vector<double> out;
  double rest = 1;
  for (const int32_t id : named) {
    out.push_back(logp[id]);
    rest -= std::exp(logp[id]);
  }
  if (named.size() < logp.size()) out.push_back(std::log(rest));
  return out;
}

struct DivergenceCase {
  double beta;
  float inverse, softcap, teacher_softcap;
  int64_t named;  // 0 = the teacher's head
};
const DivergenceCase kCases[] = {{0, 1, 0, 0, 0}, {1, 1.25f, 0, 0, 0}, {0.5, 1, 3, 2, 0}, {0.1, 0.5f, 0, 4, 0},
                                 {0, 1, 0, 0, 3}, {1, 0.8f, 4, 0, 2},  {0.5, 1, 0, 0, 4}, {0.3, 1, 0, 0, 1 << 20}};

struct Problem {
  DivergenceSize s;
  DivergenceCase c;
  Floats h, w, teacher_h, teacher_w, weight;

  Problem(const DivergenceSize& size, const DivergenceCase& kind)
      : s(size),
        c(kind),
        h(random_floats(static_cast<size_t>(s.n * s.D), 1)),
        w(random_floats(static_cast<size_t>(s.V * s.D), 2, 0.5)),
        teacher_h(random_floats(static_cast<size_t>(s.n * s.teacher_D), 3)),
        teacher_w(random_floats(static_cast<size_t>(s.V * s.teacher_D), 4, 0.5)),
        weight(random_floats(static_cast<size_t>(s.n), 5)) {}

  // [divergences | dh | dw]; dw starts at 0.5.
  Floats run(Backend& b) const {
    const auto student = weight_of(b, s.V, s.D, w), taught = weight_of(b, s.V, s.teacher_D, teacher_w);
    TeacherRows teacher{.h = teacher_h.data(), .w = taught.get(), .softcap = c.teacher_softcap};
    Likeliest named;
    if (c.named > 0) {
      named = b.head_likeliest(s.n, teacher_h.data(), *taught, c.teacher_softcap, c.inverse, c.named);
      teacher = {.begin = named.begin, .ids = named.ids, .logp = named.logp};
    }
    Floats dh(h.size(), 9.0f), dw(w.size(), 0.5f);
    Floats all =
        b.head_divergence(s.n, h.data(), *student, teacher,
                          {.beta = static_cast<float>(c.beta), .inverse_temperature = c.inverse, .softcap = c.softcap},
                          weight, dh.data(), dw.data());
    all.insert(all.end(), dh.begin(), dh.end());
    all.insert(all.end(), dw.begin(), dw.end());
    return all;
  }

  double value(const Floats& hidden, const Floats& weights, int64_t row) const {
    auto teacher = log_softmax(teacher_h, teacher_w, row, s.teacher_D, s.V, c.inverse, c.teacher_softcap);
    auto student = log_softmax(hidden, weights, row, s.D, s.V, c.inverse, c.softcap);
    const double beta = double{static_cast<float>(c.beta)};
    if (c.named == 0) return divergence(beta, teacher, student);
    std::vector<int32_t> ids(static_cast<size_t>(s.V));
    std::iota(ids.begin(), ids.end(), 0);
    std::stable_sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) { return teacher[a] > teacher[b]; });
    ids.resize(static_cast<size_t>(std::min(c.named, s.V)));
    return divergence(beta, merged(teacher, ids), merged(student, ids));
  }
  double loss(const Floats& hidden, const Floats& weights) const {
    double sum = 0;
    for (int64_t i = 0; i < s.n; ++i) sum += double{weight[i]} * value(hidden, weights, i);
    return sum;
  }
};

TEST(Divergence, FollowsTheDefinitionAndItsSlopeOnEveryMachine) {
  for (const DivergenceSize& s : kDivergenceSizes) {
    for (const DivergenceCase& c : kCases) {
      const Problem p(s, c);
      const Floats all = same_on_all_machines([&](Backend& b) { return p.run(b); });
      for (int64_t i = 0; i < s.n; ++i) ASSERT_NEAR(double{all[i]}, p.value(p.h, p.w, i), 3e-5) << i << " " << c.beta;
      const auto dh = all.begin() + s.n, dw = dh + static_cast<ptrdiff_t>(p.h.size());
      expect_gradient(
          p.h, Floats(dh, dw), [&](const Floats& x) { return p.loss(x, p.w); }, 1e-3, 6e-5, p.h.size() / 15 + 1);
      Floats slope(dw, all.end());
      for (float& x : slope) x -= 0.5f;  // it was added
      expect_gradient(
          p.w, slope, [&](const Floats& x) { return p.loss(p.h, x); }, 1e-3, 6e-5, p.w.size() / 30 + 1);
    }
  }
}

TEST(Divergence, OfAHeadFromItselfIsZeroAndTeachesNothing) {
  for (const double beta : {0.0, 0.4, 1.0}) {
    Problem p({6, 8, 8, 200}, {beta, 1, 0, 0, 0});
    p.teacher_h = p.h;
    p.teacher_w = p.w;
    const auto b = make_cpu_backend();
    const Floats all = p.run(*b);
    for (int64_t i = 0; i < p.s.n + std::ssize(p.h); ++i) EXPECT_NEAR(all[i], 0, 1e-6f) << i;
  }
}

TEST(Divergence, GradientsAreOneChainOverRowsHoweverTheBatchIsCut) {
  const Problem p({50, 24, 16, 70}, {0.5, 1, 0, 0, 0});
  const auto b = make_cpu_backend();
  const auto student = weight_of(*b, p.s.V, p.s.D, p.w), taught = weight_of(*b, p.s.V, p.s.teacher_D, p.teacher_w);
  const auto run = [&](int64_t cut) {
    Floats dh(p.h.size()), dw(p.w.size(), 0.5f);
    for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{0, cut}, {cut, p.s.n}}) {
      const TeacherRows teacher{.h = p.teacher_h.data() + begin * p.s.teacher_D, .w = taught.get()};
      b->head_divergence(end - begin, p.h.data() + begin * p.s.D, *student, teacher, {.beta = 0.5f},
                         std::span(p.weight).subspan(begin, end - begin), dh.data() + begin * p.s.D, dw.data());
    }
    dh.insert(dh.end(), dw.begin(), dw.end());
    return dh;
  };
  EXPECT_TRUE(same_bits(run(0), run(17)));
}

TEST(Likeliest, AreTheHighestInAscendingOrderAndTiesGoToTheLowerId) {
  const auto b = make_cpu_backend();
  const Floats one = {1.0f};
  const auto w = weight_of(*b, 6, 1, {0, 2, 1, 2, -1, 1}, DType::f32, Use::inference);
  const Likeliest three = b->head_likeliest(1, one.data(), *w, 0, 1, 3);
  EXPECT_EQ(three.ids, (std::vector<int32_t>{1, 2, 3}));
  const double lse = std::log(1 + 2 * std::exp(2.0) + 2 * std::exp(1.0) + std::exp(-1.0));
  EXPECT_NEAR(three.logp[0], 2 - lse, 1e-6);
  EXPECT_NEAR(three.logp[1], 1 - lse, 1e-6);
  EXPECT_EQ(b->head_likeliest(1, one.data(), *w, 0, 1, 100).ids.size(), 6u);
}

}  // namespace
}  // namespace posttrain::nn
