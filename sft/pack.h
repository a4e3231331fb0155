// Supervised examples and how they are packed into rows without padding.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/batch.h"

namespace posttrain::sft {

// Token ids with one weight each: the loss of predicting ids[i] counts weight[i] times. weight[0] is never used.
struct Example {
  std::vector<int32_t> ids;
  std::vector<float> weight;
};

// Indices of the examples that share one row.
using Row = std::vector<size_t>;

// Fills rows of at most `row_tokens` tokens with whole examples in order; a longer example is cut at the end of its
// row.
std::vector<Row> pack_rows(std::span<const Example> examples, int64_t row_tokens);

// How many rows examples of these lengths fill.
int64_t packed_rows(std::span<const int64_t> lengths, int64_t row_tokens);

// The rows as one packed batch: every example is a sequence of its own and sees nothing of its neighbours. Head row i
// belongs to weights[i].
model::TrainBatch batch_rows(std::span<const Example> examples, std::span<const Row> rows, int64_t row_tokens,
                             std::vector<float>& weights);

}  // namespace posttrain::sft
