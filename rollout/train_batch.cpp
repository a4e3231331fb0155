#include "rollout/train_batch.h"

#include <algorithm>

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

int64_t own_rows(const TrainSample& sample) {
  return std::max<int64_t>(0, std::ssize(sample.completion->ids) - 1);
}

// Answers to one prompt, and behind them the prompt.
void append_group(model::TrainBatch& batch, std::span<const TrainSample> group) {
  const std::vector<int32_t>& prompt = *group.front().prompt;
  PT_ASSERT(!prompt.empty());
  const auto length = static_cast<int32_t>(prompt.size());
  int64_t prompt_begin = batch.rows();
  for (const TrainSample& sample : group) prompt_begin += own_rows(sample);
  for (const TrainSample& sample : group) {
    const auto& ids = sample.completion->ids;
    const auto own = static_cast<int32_t>(own_rows(sample));
    const size_t heads_before = batch.target_ids.size();
    const int32_t begin = append_rows(batch, std::span(ids).first(static_cast<size_t>(own)), length);
    if (own > 0) {
      batch.segments.push_back(
          {.begin = begin, .length = own, .prefix_begin = static_cast<int32_t>(prompt_begin), .prefix_length = length});
    }
    for (size_t t = 0; t < ids.size(); ++t) {
      const int32_t row =
          t == 0 ? static_cast<int32_t>(prompt_begin) + length - 1 : begin + static_cast<int32_t>(t) - 1;
      batch.target_rows.push_back(row);
      batch.target_ids.push_back(ids[t]);
    }
    append_kept(batch, *sample.completion, heads_before);
  }
  append_rows(batch, prompt, 0);
  batch.segments.push_back({.begin = static_cast<int32_t>(prompt_begin), .length = length});
}

}  // namespace

model::TrainBatch pack_samples(std::span<const TrainSample> samples, double temperature) {
  return pack_samples(samples, 0, samples.size(), temperature);
}

model::TrainBatch pack_samples(std::span<const TrainSample> samples, size_t first, size_t last, double temperature) {
  model::TrainBatch batch;
  batch.temperature = static_cast<float>(temperature);
  const auto same = [&](size_t i, size_t j) { return samples[i].prompt == samples[j].prompt; };
  for (size_t begin = first, end = first; begin < last; begin = end) {
    while (end < last && same(begin, end)) ++end;
    append_group(batch, samples.subspan(begin, end - begin));
    const auto prompt_rows = std::ssize(*samples[begin].prompt);
    if (begin == first && first > 0 && same(first - 1, first)) {
      batch.carried_begin = batch.rows() - prompt_rows;
      batch.carried_rows = prompt_rows;
    }
    if (end == last && last < samples.size() && same(last - 1, last)) batch.open_rows = prompt_rows;
  }
  return batch;
}

int64_t rows_of(const TrainSample& sample, const std::vector<int32_t>* previous) {
  return own_rows(sample) + (sample.prompt == previous ? 0 : static_cast<int64_t>(sample.prompt->size()));
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
