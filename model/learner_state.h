// What a Learner holds; shared with the checkpoint. Internal to model/.
#pragma once

#include <algorithm>

#include "model/forward.h"
#include "model/learner.h"
#include "model/weights.h"

namespace posttrain::model {

struct Learner::State {
  State(Transformer& t, const OptimizerSettings& s)
      : transformer(t),
        settings(s),
        backend(t.backend()),
        weights(t.weights()),
        forward(backend, t.arch(), weights),
        workspace(backend),
        floats(weights.trained_floats()),
        gradients(backend.alloc(settings.lora ? 0 : floats * sizeof(float))),
        m(backend.alloc(settings.lora ? 0 : moment_offset(floats))),
        v(backend.alloc(settings.lora ? 0 : moment_offset(floats))) {
    if (settings.lora) lora = std::make_unique<Lora>(backend, weights, *settings.lora);
    if (!weights.head && !lora) embedding_gradients = backend.alloc(embedding_floats() * sizeof(float));
  }

  // Where the moments of float `at` begin, for the ends of the two parts that AdamW takes apart: matrices, vectors.
  size_t moment_offset(size_t at) const {
    const size_t matrices = std::min(at, weights.matrix_floats());
    return nn::moment_bytes(settings.moments, matrices) + nn::moment_bytes(settings.moments, at - matrices);
  }
  size_t embedding_floats() const { return static_cast<size_t>(weights.embedding.out * weights.embedding.in); }
  // A tied table has two gradients, as head and as embedding. Each is a chain over rows of its own, joined at the end,
  // so that their sum does not depend on how a batch was cut.
  float* embedding_gradient() const {
    if (lora) return nullptr;
    return embedding_gradients ? embedding_gradients.f32() : gradients.f32() + weights.embedding.offset;
  }

  Gradients to() const { return lora ? Gradients{nullptr, lora.get()} : Gradients{gradients.f32(), nullptr}; }

  Transformer& transformer;
  OptimizerSettings settings;
  nn::Backend& backend;
  Weights& weights;
  Forward forward;
  Workspace workspace;
  size_t floats;
  nn::Buffer gradients, m, v, embedding_gradients;
  std::unique_ptr<Lora> lora;
  int64_t steps = 0;
};

}  // namespace posttrain::model
