// Decodes a fixed set of sequences, each with blocks of its own and no scheduler: what parity checks, tests and
// benchmarks need. Rollouts use the engine of rollout/.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/transformer.h"

namespace posttrain::model {

class DirectDecoder {
 public:
  DirectDecoder(Transformer& transformer, int sequences, int64_t most_positions);

  // Appends tokens[s] to sequence s (an empty list skips it) in one batch and samples what follows each of them.
  nn::Sampled append(const std::vector<std::vector<int32_t>>& tokens, const nn::SamplingFilter& filter,
                     std::span<const double> uniforms);
  // Forgets what stands behind the first `length` tokens of a sequence.
  void cut(int sequence, int64_t length);
  int64_t length(int sequence) const { return lengths_[static_cast<size_t>(sequence)]; }

 private:
  Transformer& transformer_;
  int64_t blocks_per_sequence_;
  std::unique_ptr<nn::KvPool> pool_;
  std::vector<int64_t> lengths_;
};

}  // namespace posttrain::model
