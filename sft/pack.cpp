#include "sft/pack.h"

#include <algorithm>

#include "base/error.h"

namespace posttrain::sft {

std::vector<Row> pack_rows(std::span<const Example> examples, int64_t row_tokens) {
  std::vector<Row> rows;
  int64_t used = row_tokens;
  for (size_t i = 0; i < examples.size(); ++i) {
    const auto length = std::min(row_tokens, std::ssize(examples[i].ids));
    if (used + length > row_tokens) {
      rows.emplace_back();
      used = 0;
    }
    rows.back().push_back(i);
    used += length;
  }
  return rows;
}

int64_t packed_rows(std::span<const int64_t> lengths, int64_t row_tokens) {
  int64_t rows = 0, used = row_tokens;
  for (const int64_t whole : lengths) {
    const int64_t length = std::min(row_tokens, whole);
    if (used + length > row_tokens) {
      ++rows;
      used = 0;
    }
    used += length;
  }
  return rows;
}

model::TrainBatch batch_rows(std::span<const Example> examples, std::span<const Row> rows, int64_t row_tokens,
                             std::vector<float>& weights) {
  model::TrainBatch batch;
  weights.clear();
  for (const Row& row : rows) {
    for (const size_t i : row) {
      const Example& example = examples[i];
      PT_ASSERT(example.ids.size() == example.weight.size(), example.ids.size(), example.weight.size());
      const auto length = static_cast<int32_t>(std::min(row_tokens, std::ssize(example.ids)));
      if (length < 2) continue;
      const auto begin = static_cast<int32_t>(batch.ids.size());
      batch.segments.push_back({.begin = begin, .length = length - 1});  // the last token predicts nothing
      for (int32_t t = 0; t + 1 < length; ++t) {
        batch.ids.push_back(example.ids[t]);
        batch.positions.push_back(t);
        if (example.weight[t + 1] == 0) continue;
        batch.target_rows.push_back(begin + t);
        batch.target_ids.push_back(example.ids[t + 1]);
        weights.push_back(example.weight[t + 1]);
      }
    }
  }
  return batch;
}

}  // namespace posttrain::sft
