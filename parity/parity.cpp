#include "parity/parity.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "formats/safetensors.h"
#include "model/direct_decoder.h"
#include "model/learner.h"
#include "model/weights.h"

namespace posttrain::parity {
namespace {

using Rows = std::vector<std::vector<int32_t>>;

// What a fixture says, and its batch packed without the padding.
struct Fixture {
  std::filesystem::path dir;
  Json expected;
  Rows ids, mask;  // of every row, padded
  std::vector<int32_t> lengths;

  explicit Fixture(const std::filesystem::path& folder) : dir(folder), expected(read_json(folder / "expected.json")) {
    try {
      ids = expected.at("input_ids").get<Rows>();
      mask = expected.at("completion_mask").get<Rows>();
      lengths = expected.at("lengths").get<std::vector<int32_t>>();
    } catch (const Json::exception& e) {
      throw Error((dir / "expected.json").string(), std::string("not a fixture: ") + e.what());
    }
  }

  // Every position predicts the next token; the last predicts token 0, so that its logits exist as well.
  model::TrainBatch batch() const {
    model::TrainBatch b;
    for (size_t r = 0; r < ids.size(); ++r) {
      b.segments.push_back({static_cast<int32_t>(b.rows()), lengths[r]});
      for (int32_t t = 0; t < lengths[r]; ++t) {
        b.target_rows.push_back(static_cast<int32_t>(b.rows()));
        b.ids.push_back(ids[r][static_cast<size_t>(t)]);
        b.positions.push_back(t);
        b.target_ids.push_back(t + 1 < lengths[r] ? ids[r][static_cast<size_t>(t) + 1] : 0);
      }
    }
    return b;
  }

  // Mean negative log-likelihood over the masked targets, as coefficients.
  model::Coefficients nll_coefficients(double* nll, const model::Scores& scores) const {
    model::Coefficients c;
    double sum = 0;
    int64_t count = 0;
    size_t i = 0;
    for (size_t r = 0; r < ids.size(); ++r) {
      for (int32_t t = 0; t < lengths[r]; ++t, ++i) {
        const bool counts = t + 1 < lengths[r] && mask[r][static_cast<size_t>(t) + 1] != 0;
        c.dlogp.push_back(counts ? -1.0f : 0.0f);
        if (!counts) continue;
        sum -= scores.logp[i];
        ++count;
      }
    }
    for (float& x : c.dlogp) x /= static_cast<float>(count);
    *nll = sum / static_cast<double>(count);
    return c;
  }
};

double largest(double a, double b) {
  return std::isnan(b) ? b : std::max(a, b);  // NaN must not pass as "no difference"
}

void compare_logits(const Fixture& f, model::Transformer& model, ParityResult& result) {
  const Safetensors expected = Safetensors::open_file(f.dir / "expected.safetensors");
  const std::vector<float> logits = expected.floats("logits"), logp = expected.floats("token_logprobs");
  const model::TrainBatch batch = f.batch();
  const std::vector<float> ours = model.logits(batch);
  const model::Scores scores = model.score(batch);
  const auto V = static_cast<size_t>(model.arch().vocab);
  const size_t T = f.ids.front().size();
  size_t i = 0;
  for (size_t r = 0; r < f.ids.size(); ++r) {
    for (size_t t = 0; t < static_cast<size_t>(f.lengths[r]); ++t, ++i) {
      for (size_t v = 0; v < V; ++v) {
        result.logits_max_abs =
            largest(result.logits_max_abs, std::fabs(ours[i * V + v] - logits[(r * T + t) * V + v]));
      }
      if (t + 1 == static_cast<size_t>(f.lengths[r])) continue;
      result.logprob_max_abs = largest(result.logprob_max_abs, std::fabs(scores.logp[i] - logp[r * (T - 1) + t]));
    }
  }
}

void compare_gradients(const Fixture& f, model::Learner& learner, ParityResult& result) {
  double nll = 0;
  learner.accumulate(f.batch(), [&](const model::Scores& s) { return f.nll_coefficients(&nll, s); });
  result.nll_abs = std::fabs(nll - f.expected.at("nll_loss").get<double>());
  const Safetensors expected = Safetensors::open_file(f.dir / "grads.safetensors");
  for (const std::string& name : expected.names()) {
    const std::vector<float> reference = expected.floats(name), ours = learner.gradient(name);
    if (ours.size() != reference.size()) {
      throw Error((f.dir / "grads.safetensors").string(), name, std::to_string(ours.size()) + " values",
                  std::to_string(reference.size()));
    }
    double difference = 0, norm = 0;
    for (size_t i = 0; i < ours.size(); ++i) {
      const double d = static_cast<double>(ours[i]) - reference[i];
      difference += d * d;
      norm += static_cast<double>(reference[i]) * reference[i];
    }
    const double relative = norm > 0 ? std::sqrt(difference / norm) : (difference > 0 ? 1 : 0);
    if (relative <= result.grad_rel_l2_worst && !result.grad_worst_name.empty()) continue;
    result.grad_rel_l2_worst = relative;
    result.grad_worst_name = name;
  }
}

void compare_greedy(const Fixture& f, model::Transformer& model, ParityResult& result) {
  const Json& greedy = f.expected.at("greedy");
  const Rows prompts = greedy.at("prompts").get<Rows>(), expected = greedy.at("tokens").get<Rows>();
  int64_t longest = 0;
  for (const auto& prompt : prompts) longest = std::max(longest, static_cast<int64_t>(prompt.size()));
  const auto count = expected.front().size();
  model::DirectDecoder decoder(model, static_cast<int>(prompts.size()), longest + static_cast<int64_t>(count));
  Rows tokens(prompts.size()), next = prompts;
  for (size_t step = 0; step < count; ++step) {
    const nn::Sampled sampled = decoder.append(next, {.temperature = 0}, {});
    for (size_t s = 0; s < prompts.size(); ++s) {
      tokens[s].push_back(sampled.ids[s]);
      next[s] = {sampled.ids[s]};
    }
  }
  result.greedy_equal = tokens == expected;
}

// Promise 1: what the sampler saw is what the trainer computes, bit for bit.
void compare_sampling_with_scoring(const Fixture& f, model::Transformer& model, ParityResult& result) {
  const Rows prompts = f.expected.at("greedy").at("prompts").get<Rows>();
  const int count = 40;
  int64_t longest = 0;
  for (const auto& prompt : prompts) longest = std::max(longest, static_cast<int64_t>(prompt.size()));
  model::DirectDecoder decoder(model, static_cast<int>(prompts.size()), longest + count);
  Rows sequences = prompts, next = prompts;
  std::vector<std::vector<float>> sampled_logp(prompts.size());
  for (int step = 0; step < count; ++step) {
    std::vector<double> uniforms;
    for (size_t s = 0; s < prompts.size(); ++s)
      uniforms.push_back((step * 7 + static_cast<int>(s) * 3) % 41 / 41.0 + 0.01);
    const nn::Sampled sampled = decoder.append(next, {.temperature = 1}, uniforms);
    for (size_t s = 0; s < prompts.size(); ++s) {
      sequences[s].push_back(sampled.ids[s]);
      next[s] = {sampled.ids[s]};
      sampled_logp[s].push_back(sampled.logp[s]);
    }
  }
  model::TrainBatch batch;
  std::vector<float> expected;
  for (size_t s = 0; s < sequences.size(); ++s) {
    batch.segments.push_back({static_cast<int32_t>(batch.rows()), static_cast<int32_t>(sequences[s].size() - 1)});
    for (size_t t = 0; t + 1 < sequences[s].size(); ++t) {
      if (t + 1 >= prompts[s].size()) {
        batch.target_rows.push_back(static_cast<int32_t>(batch.rows()));
        batch.target_ids.push_back(sequences[s][t + 1]);
        expected.push_back(sampled_logp[s][t + 1 - prompts[s].size()]);
      }
      batch.ids.push_back(sequences[s][t]);
      batch.positions.push_back(static_cast<int32_t>(t));
    }
  }
  const model::Scores scores = model.score(batch);
  for (size_t i = 0; i < expected.size(); ++i) {
    result.logp_mismatch_max = largest(result.logp_mismatch_max, std::fabs(scores.logp[i] - expected[i]));
  }
}

// Three AdamW steps on the fixture's batch; returns whether every parameter is within the limits.
bool compare_adamw(nn::Backend& backend, const Fixture& f, const ParityLimits& limits, ParityResult& result) {
  if (!f.expected.contains("adamw")) return true;
  const Json& a = f.expected.at("adamw");
  model::OptimizerSettings settings;
  settings.beta1 = a.at("betas").at(0).get<float>();
  settings.beta2 = a.at("betas").at(1).get<float>();
  settings.eps = a.at("eps").get<float>();
  settings.weight_decay = a.at("weight_decay").get<float>();
  settings.decay_vectors = true;
  settings.max_grad_norm = 1;
  const auto model = model::Transformer::load(backend, f.dir, DType::f32, nn::Use::training);
  model::Learner learner(*model, settings);
  const Safetensors gradients = Safetensors::open_file(f.dir / "grads.safetensors");
  bool good = true;
  result.adamw_max_abs = 0;
  const auto compare = [&](const char* file, double limit) {
    const Safetensors expected = Safetensors::open_file(f.dir / file);
    std::vector<float> ours;
    for (const model::Parameter& p : model->weights().parameters()) {
      ours.resize(static_cast<size_t>(p.size()));
      model->weights().read(p, ours.data());
      const std::vector<float> reference = expected.floats(p.name), gradient = gradients.floats(p.name);
      for (size_t i = 0; i < ours.size(); ++i) {
        const double d = std::fabs(ours[i] - reference[i]);
        const bool small = std::fabs(gradient[i]) < 1e-6f;
        good = good && d <= (small ? limits.adamw_small : limit);
        if (!small) result.adamw_max_abs = largest(*result.adamw_max_abs, d);
      }
    }
  };
  for (const Json& step : a.at("steps")) {
    learner.set_max_grad_norm(step.at("clip_max_norm").is_null() ? 0 : step.at("clip_max_norm").get<float>());
    double nll = 0;
    learner.accumulate(f.batch(), [&](const model::Scores& s) { return f.nll_coefficients(&nll, s); });
    learner.step(a.at("lr").get<double>());
    if (learner.steps() == 1) compare("adamw_step1.safetensors", limits.adamw_first);
    if (learner.steps() == 3) compare("adamw_step3.safetensors", limits.adamw_third);
  }
  return good;
}

}  // namespace

std::string ParityResult::to_json() const {
  Json j;
  j["fixture"] = fixture;
  j["pass"] = pass;
  j["logits_max_abs"] = logits_max_abs;
  j["logprob_max_abs"] = logprob_max_abs;
  j["nll_abs"] = nll_abs;
  j["grad_rel_l2_worst"] = grad_rel_l2_worst;
  j["grad_worst_name"] = grad_worst_name;
  j["greedy_equal"] = greedy_equal;
  j["adamw_max_abs"] = adamw_max_abs ? Json(*adamw_max_abs) : Json(nullptr);
  j["logp_mismatch_max"] = logp_mismatch_max;
  return to_line(j);
}

ParityResult check_parity(nn::Backend& backend, const std::filesystem::path& fixture, const ParityLimits& limits) {
  const Fixture f(fixture);
  ParityResult result;
  result.fixture = (fixture.has_filename() ? fixture : fixture.parent_path()).filename().string();
  const auto model = model::Transformer::load(backend, fixture, DType::f32, nn::Use::training);
  compare_logits(f, *model, result);
  compare_greedy(f, *model, result);
  compare_sampling_with_scoring(f, *model, result);
  model::Learner learner(*model, {});
  compare_gradients(f, learner, result);
  const bool adamw = compare_adamw(backend, f, limits, result);
  result.pass = result.logits_max_abs <= limits.logits && result.logprob_max_abs <= limits.logprob &&
                result.nll_abs <= limits.nll && result.grad_rel_l2_worst <= limits.gradient && result.greedy_equal &&
                adamw && (result.logp_mismatch_max == 0 || !backend.keeps_order());
  return result;
}

}  // namespace posttrain::parity
