// The head: log-probabilities, gradients and samples agree with plain loops and with each other, bit for bit.
#include <algorithm>
#include <numeric>

#include "support.h"

namespace posttrain::nn {
namespace {

struct HeadSize {
  int64_t n, D, V;
};
const HeadSize kHeadSizes[] = {{1, 8, 5}, {7, 48, 64}, {20, 24, 300}, {140, 16, 1100}};

std::vector<int32_t> random_ids(int64_t n, int64_t V, uint64_t seed) {
  Rng rng({seed});
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < n; ++i) ids.push_back(static_cast<int32_t>(rng.integer(0, V - 1)));
  return ids;
}

struct Kept {
  std::vector<int32_t> begin = {0}, ids;
};

// Every second row keeps about a third of the vocabulary, its target among them; the others keep all (empty).
Kept some_kept(const HeadSize& s, const std::vector<int32_t>& targets) {
  Rng rng({99});
  Kept kept;
  for (int64_t i = 0; i < s.n; ++i) {
    for (int32_t v = 0; v < s.V && i % 2 == 0; ++v) {
      if (v == targets[i] || rng.chance(0.3)) kept.ids.push_back(v);
    }
    kept.begin.push_back(static_cast<int32_t>(kept.ids.size()));
  }
  return kept;
}

// Double-precision log-probabilities and entropies.
struct Reference {
  std::vector<double> logp, entropy;
};
Reference reference(const HeadSize& s, const Floats& h, const Floats& w, const HeadTargets& t) {
  Reference r;
  for (int64_t i = 0; i < s.n; ++i) {
    std::vector<double> z;
    for (int64_t v = 0; v < s.V; ++v) {
      double dot = 0;
      for (int64_t d = 0; d < s.D; ++d)
        dot += static_cast<double>(h[i * s.D + d]) * static_cast<double>(w[v * s.D + d]);
      if (t.softcap > 0) dot = static_cast<double>(t.softcap) * std::tanh(dot / static_cast<double>(t.softcap));
      z.push_back(dot * static_cast<double>(t.inverse_temperature));
    }
    const auto lse_of = [&](const std::vector<double>& x) {
      const double top = *std::max_element(x.begin(), x.end());
      double mass = 0;
      for (const double v : x) mass += std::exp(v - top);
      return top + std::log(mass);
    };
    const double lse = lse_of(z);
    double entropy = 0;
    for (const double v : z) entropy -= std::exp(v - lse) * (v - lse);
    std::vector<double> kept;
    if (!t.kept_begin.empty()) {
      for (int32_t k = t.kept_begin[i]; k < t.kept_begin[i + 1]; ++k) kept.push_back(z[t.kept_ids[k]]);
    }
    r.logp.push_back(z[t.ids[i]] - (kept.empty() ? lse : lse_of(kept)));
    r.entropy.push_back(entropy);
  }
  return r;
}

struct Setting {
  float inverse_temperature, softcap;
  bool kept;
};
const Setting kSettings[] = {{1, 0, false}, {1.25f, 0, true}, {0.8f, 2.0f, false}, {1, 3.0f, true}};

HeadTargets targets_of(const Setting& setting, const std::vector<int32_t>& ids, const Kept& kept) {
  HeadTargets t{.ids = ids, .inverse_temperature = setting.inverse_temperature, .softcap = setting.softcap};
  if (setting.kept) {
    t.kept_begin = kept.begin;
    t.kept_ids = kept.ids;
  }
  return t;
}

TEST(Head, ScoresFollowTheDefinition) {
  for (const HeadSize& s : kHeadSizes) {
    const Floats h = random_floats(static_cast<size_t>(s.n * s.D), 1),
                 w = random_floats(static_cast<size_t>(s.V * s.D), 2);
    const auto ids = random_ids(s.n, s.V, 3);
    const Kept kept = some_kept(s, ids);
    for (const Setting& setting : kSettings) {
      const HeadTargets t = targets_of(setting, ids, kept);
      const Floats all = same_on_all_machines([&](Backend& b) {
        const HeadScores r = b.head_logprobs(s.n, h.data(), *weight_of(b, s.V, s.D, w), t);
        Floats x = r.logp;
        x.insert(x.end(), r.entropy.begin(), r.entropy.end());
        x.insert(x.end(), r.lse.begin(), r.lse.end());
        return x;
      });
      const Reference r = reference(s, h, w, t);
      for (int64_t i = 0; i < s.n; ++i) {
        ASSERT_NEAR(all[i], r.logp[i], 2e-5) << i;
        ASSERT_NEAR(all[s.n + i], r.entropy[i], 2e-5) << i;
      }
    }
  }
}

TEST(Head, ARowDoesNotDependOnItsBatch) {
  const HeadSize s{140, 48, 400};
  const Floats h = random_floats(static_cast<size_t>(s.n * s.D), 1),
               w = random_floats(static_cast<size_t>(s.V * s.D), 2);
  const auto ids = random_ids(s.n, s.V, 3);
  const auto b = make_cpu_backend();
  const auto weight = weight_of(*b, s.V, s.D, w);
  const HeadScores whole = b->head_logprobs(s.n, h.data(), *weight, {.ids = ids});
  for (const int64_t batch : {1, 7, 64}) {
    Floats logp, entropy;
    for (int64_t i = 0; i < s.n; i += batch) {
      const int64_t n = std::min(batch, s.n - i);
      const HeadScores part = b->head_logprobs(n, h.data() + i * s.D, *weight, {.ids = std::span(ids).subspan(i, n)});
      logp.insert(logp.end(), part.logp.begin(), part.logp.end());
      entropy.insert(entropy.end(), part.entropy.begin(), part.entropy.end());
    }
    EXPECT_TRUE(same_bits(whole.logp, logp)) << batch;
    EXPECT_TRUE(same_bits(whole.entropy, entropy)) << batch;
  }
}

TEST(Head, BackwardIsTheSlopeOfLogprobAndEntropy) {
  for (const HeadSize& s : {HeadSize{1, 8, 5}, HeadSize{7, 12, 64}, HeadSize{5, 8, 1100}}) {
    const Floats h = random_floats(static_cast<size_t>(s.n * s.D), 1),
                 w = random_floats(static_cast<size_t>(s.V * s.D), 2, 0.5);
    const auto ids = random_ids(s.n, s.V, 3);
    const Kept kept = some_kept(s, ids);
    const Floats dlogp = random_floats(static_cast<size_t>(s.n), 5),
                 dentropy = random_floats(static_cast<size_t>(s.n), 6);
    for (const Setting& setting : kSettings) {
      for (const bool with_entropy : {false, true}) {
        const HeadTargets t = targets_of(setting, ids, kept);
        const Floats all = same_on_all_machines([&](Backend& b) {
          const auto weight = weight_of(b, s.V, s.D, w);
          const HeadScores scores = b.head_logprobs(s.n, h.data(), *weight, t);
          Floats dh(h.size(), 9.0f), dw(w.size());
          b.head_backward(s.n, h.data(), *weight, t, scores, dlogp, with_entropy ? dentropy : std::span<const float>(),
                          dh.data(), dw.data());
          dh.insert(dh.end(), dw.begin(), dw.end());
          return dh;
        });
        const auto loss = [&](const Floats& hidden, const Floats& weights) {
          const Reference r = reference(s, hidden, weights, t);
          double total = 0;
          for (int64_t i = 0; i < s.n; ++i) {
            total += static_cast<double>(dlogp[i]) * r.logp[i];
            if (with_entropy) total += static_cast<double>(dentropy[i]) * r.entropy[i];
          }
          return total;
        };
        const auto middle = all.begin() + static_cast<ptrdiff_t>(h.size());
        expect_gradient(
            h, Floats(all.begin(), middle), [&](const Floats& x) { return loss(x, w); }, 1e-3, 3e-5, h.size() / 15 + 1);
        expect_gradient(
            w, Floats(middle, all.end()), [&](const Floats& x) { return loss(h, x); }, 1e-3, 3e-5, w.size() / 40 + 1);
      }
    }
  }
}

TEST(Head, BackwardAddsToDwInRowOrderHoweverTheBatchIsCut) {
  const HeadSize s{600, 24, 70};
  const Floats h = random_floats(static_cast<size_t>(s.n * s.D), 1),
               w = random_floats(static_cast<size_t>(s.V * s.D), 2);
  const auto ids = random_ids(s.n, s.V, 3);
  const Floats dlogp = random_floats(static_cast<size_t>(s.n), 5);
  const auto b = make_cpu_backend();
  const auto weight = weight_of(*b, s.V, s.D, w);
  const auto run = [&](int64_t cut) {
    Floats dh(h.size()), dw(w.size(), 0.5f);
    for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{0, cut}, {cut, s.n}}) {
      if (begin == end) continue;
      const auto n = static_cast<size_t>(end - begin);
      const HeadTargets t{.ids = std::span(ids).subspan(begin, n)};
      const HeadScores scores = b->head_logprobs(end - begin, h.data() + begin * s.D, *weight, t);
      b->head_backward(end - begin, h.data() + begin * s.D, *weight, t, scores, std::span(dlogp).subspan(begin, n), {},
                       dh.data() + begin * s.D, dw.data());
    }
    dh.insert(dh.end(), dw.begin(), dw.end());
    return dh;
  };
  EXPECT_TRUE(same_bits(run(0), run(123)));
}

// ---- sampling

TEST(HeadSample, LogprobsAreThoseOfTheScorerBitForBitWithAndWithoutFilters) {
  const HeadSize s{60, 24, 300};
  const Floats h = random_floats(static_cast<size_t>(s.n * s.D), 1, 0.5),
               w = random_floats(static_cast<size_t>(s.V * s.D), 2);
  std::vector<SamplingFilter> filters;
  std::vector<double> uniforms;
  Rng rng({4});
  const SamplingFilter kinds[] = {{.temperature = 0.7f},
                                  {.temperature = 0.7f, .top_k = 20},
                                  {.temperature = 0.7f, .top_p = 0.9f},
                                  {.temperature = 0.7f, .min_p = 0.05f},
                                  {.temperature = 0.7f, .top_k = 50, .top_p = 0.8f, .min_p = 0.01f}};
  for (int64_t i = 0; i < s.n; ++i) {
    filters.push_back(kinds[i % 5]);
    uniforms.push_back(rng.uniform());
  }
  const Floats all = same_on_all_machines([&](Backend& b) {
    const auto weight = weight_of(b, s.V, s.D, w);
    const Sampled sampled = b.head_sample(s.n, h.data(), *weight, 4.0f, filters, uniforms);
    const HeadScores scores = b.head_logprobs(s.n, h.data(), *weight,
                                              {.ids = sampled.ids,
                                               .inverse_temperature = 1.0f / 0.7f,
                                               .softcap = 4.0f,
                                               .kept_begin = sampled.kept_begin,
                                               .kept_ids = sampled.kept_ids});
    EXPECT_TRUE(same_bits(scores.logp, sampled.logp));
    EXPECT_TRUE(same_bits(scores.entropy, sampled.entropy));
    for (int64_t i = 0; i < s.n; ++i) EXPECT_EQ(sampled.kept_begin[i] == sampled.kept_begin[i + 1], i % 5 == 0) << i;
    Floats x = sampled.logp;
    for (const int32_t id : sampled.ids) x.push_back(static_cast<float>(id));
    for (const int32_t id : sampled.kept_ids) x.push_back(static_cast<float>(id));
    return x;
  });
  EXPECT_FALSE(all.empty());
}

// A head whose logits are given: D = 1, h = 1.
struct Given {
  std::unique_ptr<Backend> backend = make_cpu_backend();
  std::unique_ptr<Weight> weight;
  int64_t V;
  explicit Given(const Floats& logits) : V(static_cast<int64_t>(logits.size())) {
    weight = weight_of(*backend, V, 1, logits, DType::f32, Use::inference);
  }
  Sampled sample(const SamplingFilter& filter, std::vector<double> uniforms) {
    const std::vector<SamplingFilter> filters(uniforms.size(), filter);
    const Floats ones(uniforms.size(), 1.0f);
    return backend->head_sample(static_cast<int64_t>(uniforms.size()), ones.data(), *weight, 0, filters, uniforms);
  }
  std::vector<int32_t> kept(const SamplingFilter& filter) { return sample(filter, {0.5}).kept_ids; }
};

TEST(HeadSample, IsTheInverseOfTheDistributionFunctionInTokenOrder) {
  Floats logits;
  for (int i = 0; i < 500; ++i) logits.push_back(static_cast<float>(std::sin(i * 0.37)) * 3);
  Given head(logits);
  double mass = 0;
  for (const float z : logits) mass += std::exp(static_cast<double>(z));
  std::vector<double> uniforms;
  for (int i = 0; i < 1000; ++i) uniforms.push_back((i + 0.5) / 1000);
  const Sampled sampled = head.sample({}, uniforms);
  for (size_t i = 0; i < uniforms.size(); ++i) {
    double below = 0;
    for (int32_t v = 0; v < sampled.ids[i]; ++v) below += std::exp(static_cast<double>(logits[v]));
    const double own = std::exp(static_cast<double>(logits[sampled.ids[i]]));
    ASSERT_GE(uniforms[i], below / mass - 1e-6) << i;
    ASSERT_LE(uniforms[i], (below + own) / mass + 1e-6) << i;
  }
}

TEST(HeadSample, ExtremeUniformsNeverGiveAnImpossibleToken) {
  Floats logits(300, -1000.0f);
  logits[140] = 0;
  logits[141] = 0;
  Given head(logits);
  const Sampled sampled = head.sample({}, {1e-300, 0x1p-53, 0.4999, 0.5001, 1 - 0x1p-53});
  EXPECT_EQ(sampled.ids, (std::vector<int32_t>{140, 140, 140, 141, 141}));
}

TEST(HeadSample, GreedyTakesTheLowestIdOfEquals) {
  Floats logits(300, 1.0f);
  logits[133] = logits[260] = 2;
  Given head(logits);
  const Sampled sampled = head.sample({.temperature = 0, .top_k = 1}, {0.99});
  EXPECT_EQ(sampled.ids[0], 133);
  EXPECT_NEAR(sampled.logp[0], 2 - std::log(298 * std::exp(1.0) + 2 * std::exp(2.0)), 1e-5);
  EXPECT_TRUE(sampled.kept_ids.empty());
}

TEST(HeadSample, FiltersKeepWhatTheySay) {
  // Probabilities 0.4, 0.3, 0.2, 0.1.
  Floats logits;
  for (const double p : {0.4, 0.3, 0.2, 0.1}) logits.push_back(static_cast<float>(std::log(p)));
  Given head(logits);
  using Ids = std::vector<int32_t>;
  EXPECT_EQ(head.kept({.top_k = 2}), (Ids{0, 1}));
  EXPECT_EQ(head.kept({.top_p = 0.65f}), (Ids{0, 1}));
  EXPECT_EQ(head.kept({.top_p = 0.75f}), (Ids{0, 1, 2}));
  EXPECT_EQ(head.kept({.top_p = 0.0001f}), (Ids{0}));
  EXPECT_EQ(head.kept({.min_p = 0.45f}), (Ids{0, 1, 2}));
  EXPECT_EQ(head.kept({.min_p = 1.0f}), (Ids{0}));
  // top_p counts what top_k left: 0.4 / 0.7 reaches 0.55, 0.4 / 1 does not.
  EXPECT_EQ(head.kept({.top_k = 2, .top_p = 0.55f}), (Ids{0}));
  EXPECT_EQ(head.kept({.top_p = 0.55f}), (Ids{0, 1}));
  // The temperature comes first: at 0.5 the probabilities are 0.533, 0.3, 0.133, 0.033.
  EXPECT_EQ(head.kept({.temperature = 0.5f, .top_p = 0.52f}), (Ids{0}));
  EXPECT_EQ(head.kept({.top_k = 4, .min_p = 0.6f}), (Ids{0, 1}));
}

TEST(HeadSample, TiesAtTopKSurviveAndTiesAtTopPGoToTheLowerId) {
  Given head(Floats{1, 2, 1, 1, 2});
  using Ids = std::vector<int32_t>;
  EXPECT_EQ(head.kept({.top_k = 3}), (Ids{0, 1, 2, 3, 4}));
  EXPECT_EQ(head.kept({.top_p = 0.3f}), (Ids{1}));
  EXPECT_EQ(head.kept({.top_p = 0.75f}), (Ids{0, 1, 4}));
}

TEST(HeadSample, AFilteredDrawIsRenormalised) {
  Floats logits;
  for (const double p : {0.4, 0.3, 0.2, 0.1}) logits.push_back(static_cast<float>(std::log(p)));
  Given head(logits);
  const Sampled sampled = head.sample({.top_k = 2}, {0.5, 0.6});
  EXPECT_EQ(sampled.ids, (std::vector<int32_t>{0, 1}));
  EXPECT_NEAR(sampled.logp[0], std::log(4.0 / 7), 1e-6);
  EXPECT_NEAR(sampled.logp[1], std::log(3.0 / 7), 1e-6);
  EXPECT_EQ(head.sample({.top_k = 1}, {0.9}).logp[0], 0.0f);
}

TEST(HeadSample, NaNLogitsEndInANaNLogprobAndAValidId) {
  Floats logits(200, 0.5f);
  logits[3] = std::nanf("");
  Given head(logits);
  for (const SamplingFilter& f : {SamplingFilter{}, SamplingFilter{.temperature = 0}, SamplingFilter{.top_k = 5},
                                  SamplingFilter{.top_p = 0.5f}, SamplingFilter{.min_p = 0.5f}}) {
    const Sampled sampled = head.sample(f, {0.3, 0.9});
    for (const int32_t id : sampled.ids) EXPECT_TRUE(id >= 0 && id < 200) << id;
    EXPECT_TRUE(std::isnan(sampled.logp[0]));
  }
}

TEST(HeadSample, NoRowsGiveNoSamples) {
  Given head(Floats{1, 2});
  const Sampled sampled = head.sample({}, {});
  EXPECT_TRUE(sampled.ids.empty());
  EXPECT_EQ(sampled.kept_begin.size(), 1u);
  EXPECT_TRUE(head.backend->head_logprobs(0, nullptr, *head.weight, {}).logp.empty());
}

}  // namespace
}  // namespace posttrain::nn
