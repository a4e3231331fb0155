// What goes into a model: packed rows for training, and rows over a paged cache for decoding.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/backend.h"

namespace posttrain::model {

// A packed batch without padding. Row r holds token ids[r] at position positions[r]; segments say which rows form a
// sequence and which share a prompt. Head row i predicts target_ids[i] from the hidden state of row target_rows[i];
// a row may be named several times (the last prompt row predicts the first token of every completion of its group).
struct TrainBatch {
  std::vector<int32_t> ids, positions;  // [rows]
  std::vector<nn::Segment> segments;
  std::vector<int32_t> target_rows, target_ids;  // [n]
  float temperature = 1;
  std::vector<int32_t> kept_begin, kept_ids;  // keep-sampling-mask, or empty: see nn::HeadTargets
  // NEFTune (Jain et al. 2023, arXiv 2310.05914): training adds uniform noise of up to noise / sqrt(length * hidden) to
  // the embeddings; 0 = none. Row r takes the draws of row noise_row + r under noise_key.
  float noise = 0;
  uint64_t noise_key = 0;
  int64_t noise_row = 0;

  // A prompt whose answers go on in the next batch: the last open_rows rows are run here and trained there, its
  // gradients so far wait in the learner. In that batch it has the rows [carried_begin, carried_begin + carried_rows),
  // and may stay open. Answers stand before their prompt for this.
  int64_t open_rows = 0, carried_begin = 0, carried_rows = 0;

  int64_t rows() const { return static_cast<int64_t>(ids.size()); }
  int64_t targets() const { return static_cast<int64_t>(target_ids.size()); }
};

// Per head row, host: log-probability of the target and entropy of the distribution, in nats.
struct Scores {
  std::vector<float> logp, entropy;
};

// d loss / d logp and d loss / d entropy per head row; an empty dentropy means zero. This is all that a loss is.
struct Coefficients {
  std::vector<float> dlogp, dentropy;
};

// Rows to run over a paged cache: row m is token ids[m] at position positions[m], its key and value go to slots[m], and
// it reads positions 0 .. lengths[m] - 1 of its table (see nn::PagedRows). Rows of one sequence must come in order. Row
// sample_rows[i] is sampled with filters[i] and uniforms[i].
struct DecodeBatch {
  std::vector<int32_t> ids, positions, slots;
  std::vector<int32_t> tables, table_begin, lengths;
  std::vector<int32_t> sample_rows;
  std::vector<nn::SamplingFilter> filters;
  std::vector<double> uniforms;
};

}  // namespace posttrain::model
