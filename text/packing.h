// Several short examples in one row, with the places where each begins, so that attention can stay inside an example.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "text/loss_mask.h"

namespace posttrain {

struct PackedRow {
  std::vector<int32_t> ids;
  std::vector<uint8_t> loss;     // one per id; 0 on the first token of each example, which nothing predicts
  std::vector<int32_t> starts;   // starts[k]: where example k begins; one more at the end: ids.size() (cu_seqlens)
  std::vector<size_t> examples;  // which examples, by their place in the input
};

// Rows of at most `row_tokens` ids: each example goes into the fullest row of the last 64 where it fits (best fit), so
// the result depends on the order of the input alone. A longer example is cut at row_tokens. Empty ones are left out.
std::vector<PackedRow> pack(std::span<const TokenizedExample> examples, size_t row_tokens);

}  // namespace posttrain
