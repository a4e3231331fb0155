#include "model/learner.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "model/learner_state.h"

namespace posttrain::model {
namespace {

void require_finite(std::span<const float> values, const char* name) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    throw Failure("loss", name + ("[" + std::to_string(i) + "]"), "a finite coefficient", std::to_string(values[i]));
  }
}

}  // namespace

Learner::Learner(Transformer& transformer, const OptimizerSettings& settings)
    : state_(std::make_unique<State>(transformer, settings)) {
  PT_ASSERT(transformer.weights().use() == nn::Use::training);
}

Learner::~Learner() = default;

Scores Learner::score(const TrainBatch& batch) {
  return state_->transformer.score(batch);
}

Scores Learner::accumulate(const TrainBatch& batch, const std::function<Coefficients(const Scores&)>& loss) {
  State& s = *state_;
  const int64_t n = batch.targets(), D = s.transformer.arch().hidden;
  const Matrix& head = s.weights.head_matrix();
  const nn::Buffer noise = embedding_noise(s.backend, batch, D);
  Pass pass = packed_pass(batch);
  pass.noise = noise.f32();
  s.forward.run(pass, batch.ids, s.settings.recompute ? Keep::inputs : Keep::activations);
  const float* h = s.forward.head_input(batch.target_rows);
  const nn::HeadTargets targets = head_targets(s.transformer.arch(), batch);
  const nn::HeadScores raw = s.backend.head_logprobs(n, h, *head.weight, targets);
  Scores scores{raw.logp, raw.entropy};

  const Coefficients c = loss(scores);
  PT_ASSERT(c.dlogp.size() == scores.logp.size(), c.dlogp.size(), scores.logp.size());
  PT_ASSERT(c.dentropy.empty() || c.dentropy.size() == c.dlogp.size(), c.dentropy.size());
  require_finite(c.dlogp, "dlogp");
  require_finite(c.dentropy, "dentropy");

  s.workspace.reset();
  float* dh = s.workspace.take(n * D);
  s.backend.head_backward(n, h, *head.weight, targets, raw, c.dlogp, c.dentropy, dh, s.to().at(head));
  s.forward.backward(batch.ids, batch.target_rows, dh, s.to(), s.embedding_gradient());
  return scores;
}

std::vector<float> Learner::distill(const TrainBatch& batch, const nn::TeacherRows& teacher, double beta,
                                    std::span<const float> weight) {
  State& s = *state_;
  const int64_t n = batch.targets(), D = s.transformer.arch().hidden;
  const Matrix& head = s.weights.head_matrix();
  require_finite(weight, "weight");
  s.forward.run(packed_pass(batch), batch.ids, s.settings.recompute ? Keep::inputs : Keep::activations);
  const float* h = s.forward.head_input(batch.target_rows);
  const nn::Divergence kind{.beta = static_cast<float>(beta),
                            .inverse_temperature = 1 / batch.temperature,
                            .softcap = s.transformer.arch().final_softcap};
  s.workspace.reset();
  float* dh = s.workspace.take(n * D);
  auto values = s.backend.head_divergence(n, h, *head.weight, teacher, kind, weight, dh, s.to().at(head));
  s.forward.backward(batch.ids, batch.target_rows, dh, s.to(), s.embedding_gradient());
  return values;
}

StepResult Learner::step(double lr) {
  State& s = *state_;
  if (s.embedding_gradients) {
    std::vector<int32_t> rows(static_cast<size_t>(s.weights.embedding.out));
    std::iota(rows.begin(), rows.end(), 0);
    s.backend.scatter_add_rows(rows, {}, s.weights.embedding.in, s.embedding_gradients.f32(),
                               s.gradients.f32() + s.weights.embedding.offset);
    s.backend.fill(s.embedding_gradients.f32(), 0, s.embedding_floats());
  }
  const double squares = s.lora ? s.lora->squares() : s.backend.sum_squares(s.floats, s.gradients.f32());
  StepResult result{std::sqrt(squares), false};
  if (!std::isfinite(result.grad_norm)) {
    throw Failure("optimizer", "gradient norm", "a finite number", std::to_string(result.grad_norm));
  }
  double scale = 1;
  if (s.settings.max_grad_norm > 0) {
    // The same denominator as torch.nn.utils.clip_grad_norm_.
    scale = std::min(1.0, s.settings.max_grad_norm / (result.grad_norm + 1e-6));
    result.clipped = scale < 1;
  }
  ++s.steps;
  nn::AdamW settings{static_cast<float>(lr),  s.settings.beta1, s.settings.beta2,         s.settings.eps,
                     s.settings.weight_decay, s.steps,          static_cast<float>(scale)};
  const auto update = [&](size_t begin, size_t end) {
    float* master = s.weights.master() + begin;
    const float* gradient = s.gradients.f32() + begin;
    if (s.settings.moments == nn::MomentType::f32) {
      return s.backend.adamw(settings, end - begin, master, gradient, s.m.f32() + begin, s.v.f32() + begin);
    }
    auto* m = static_cast<std::byte*>(s.m.data()) + s.moment_offset(begin);
    auto* v = static_cast<std::byte*>(s.v.data()) + s.moment_offset(begin);
    s.backend.adamw_packed(settings, s.settings.moments, end - begin, master, gradient, m, v);
  };
  if (s.lora) {
    s.lora->step(settings);
  } else {
    update(0, s.weights.matrix_floats());
    if (!s.settings.decay_vectors) settings.weight_decay = 0;
    update(s.weights.matrix_floats(), s.floats);
    s.weights.refresh();
  }
  zero_gradients();
  return result;
}

void Learner::zero_gradients() {
  State& s = *state_;
  if (s.lora) return s.lora->zero_gradients();
  s.backend.fill(s.gradients.f32(), 0, s.floats);
  if (s.embedding_gradients) s.backend.fill(s.embedding_gradients.f32(), 0, s.embedding_floats());
}

void Learner::set_max_grad_norm(float norm) {
  state_->settings.max_grad_norm = norm;
}

int64_t Learner::steps() const {
  return state_->steps;
}

const Lora* Learner::lora() const {
  return state_->lora.get();
}

void Learner::without_adapters(const std::function<void()>& body) {
  PT_ASSERT(state_->lora != nullptr);
  struct Without {
    Lora& lora;
    explicit Without(Lora& l) : lora(l) { lora.use(false); }
    ~Without() { lora.use(true); }
  } without(*state_->lora);
  body();
}

std::vector<float> Learner::gradient(const std::string& name) const {
  const State& s = *state_;
  for (const Parameter& p : s.weights.parameters()) {
    if (p.name != name || !p.trained || s.lora) continue;
    std::vector<float> values(static_cast<size_t>(p.size()));
    s.backend.to_host(values.data(), s.gradients.f32() + p.offset, values.size() * sizeof(float));
    if (p.matrix == &s.weights.embedding && s.embedding_gradients) {
      std::vector<float> other(values.size());
      s.backend.to_host(other.data(), s.embedding_gradients.f32(), other.size() * sizeof(float));
      for (size_t i = 0; i < values.size(); ++i) values[i] += other[i];
    }
    return values;
  }
  throw Error("gradients", name, "a trained parameter", "none");
}

}  // namespace posttrain::model
