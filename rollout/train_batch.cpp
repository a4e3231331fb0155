#include "rollout/train_batch.h"

#include "base/error.h"

namespace posttrain::rollout {
namespace {

int32_t append_rows(model::TrainBatch& batch, std::span<const int32_t> ids, int32_t first_position) {
  const auto begin = static_cast<int32_t>(batch.ids.size());
  batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
  for (size_t i = 0; i < ids.size(); ++i) batch.positions.push_back(first_position + static_cast<int32_t>(i));
  return begin;
}

// The keep-sampling-mask of one completion; an empty one keeps everything.
void append_kept(model::TrainBatch& batch, const Completion& completion, size_t heads_before) {
  if (completion.kept_begin.empty() && batch.kept_begin.empty()) return;
  if (batch.kept_begin.empty()) batch.kept_begin.assign(heads_before + 1, 0);
  for (size_t t = 0; t < completion.ids.size(); ++t) {
    if (!completion.kept_begin.empty()) {
      batch.kept_ids.insert(batch.kept_ids.end(), completion.kept_ids.begin() + completion.kept_begin[t],
                            completion.kept_ids.begin() + completion.kept_begin[t + 1]);
    }
    batch.kept_begin.push_back(static_cast<int32_t>(batch.kept_ids.size()));
  }
}

}  // namespace

model::TrainBatch pack_samples(std::span<const TrainSample> samples, double temperature) {
  model::TrainBatch batch;
  batch.temperature = static_cast<float>(temperature);
  const std::vector<int32_t>* prompt = nullptr;
  int32_t prompt_begin = 0;
  for (const TrainSample& sample : samples) {
    const auto& ids = sample.completion->ids;
    PT_ASSERT(!sample.prompt->empty());
    const auto prompt_length = static_cast<int32_t>(sample.prompt->size());
    if (sample.prompt != prompt) {
      prompt = sample.prompt;
      prompt_begin = append_rows(batch, *prompt, 0);
      batch.segments.push_back({.begin = prompt_begin, .length = prompt_length});
    }
    if (ids.empty()) continue;
    const size_t heads_before = batch.target_ids.size();
    const int32_t begin = append_rows(batch, std::span(ids).first(ids.size() - 1), prompt_length);
    if (ids.size() > 1) {
      batch.segments.push_back({.begin = begin,
                                .length = static_cast<int32_t>(ids.size()) - 1,
                                .prefix_begin = prompt_begin,
                                .prefix_length = prompt_length});
    }
    for (size_t t = 0; t < ids.size(); ++t) {
      batch.target_rows.push_back(t == 0 ? prompt_begin + prompt_length - 1 : begin + static_cast<int32_t>(t) - 1);
      batch.target_ids.push_back(ids[t]);
    }
    append_kept(batch, *sample.completion, heads_before);
  }
  return batch;
}

int64_t rows_of(const TrainSample& sample, const std::vector<int32_t>* previous) {
  const auto own = static_cast<int64_t>(sample.completion->ids.size());
  return (own > 0 ? own - 1 : 0) + (sample.prompt == previous ? 0 : static_cast<int64_t>(sample.prompt->size()));
}

std::vector<std::pair<size_t, size_t>> micro_batches(std::span<const TrainSample> samples, int64_t limit) {
  std::vector<std::pair<size_t, size_t>> runs;
  int64_t rows = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const int64_t more = rows_of(samples[i], i > 0 ? samples[i - 1].prompt : nullptr);
    if (runs.empty() || rows + more > limit) {
      runs.emplace_back(i, i);
      rows = rows_of(samples[i], nullptr);
    } else {
      rows += more;
    }
    runs.back().second = i + 1;
  }
  return runs;
}

}  // namespace posttrain::rollout
