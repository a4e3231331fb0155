// A teacher's likeliest tokens at every answer token of a fixed set of examples, computed once and kept on disk, so
// that training needs no teacher in memory.
//
// File, little-endian: "PTTOPK01", uint64 key, int64 k, int64 examples, int64 begin[examples + 1] (answer tokens),
// int32 ids[tokens * k], float32 logp[tokens * k].
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "base/file.h"
#include "model/transformer.h"
#include "rollout/train_batch.h"

namespace posttrain::distill {

// What the entries depend on beside the teacher's weights: the examples' ids, k and the temperature.
uint64_t cache_key(std::span<const rollout::TrainSample> examples, int64_t k, double temperature);

// Scores every example with the teacher and writes the file, whole or not at all. progress(done, total examples).
void write_teacher_cache(const std::filesystem::path& file, model::Transformer& teacher,
                         std::span<const rollout::TrainSample> examples, int64_t k, double temperature,
                         int64_t micro_batch_tokens, const std::function<void(int64_t, int64_t)>& progress);

// A map of the file; entries are copied out for the examples of a batch.
class TeacherCache {
 public:
  // Throws Error when the file is damaged or was made with another key.
  TeacherCache(const std::filesystem::path& file, uint64_t key);

  // The rows of these examples' answer tokens laid end to end.
  nn::Likeliest rows(std::span<const size_t> examples) const;

 private:
  MappedFile map_;
  int64_t k_ = 0, examples_ = 0;
  const std::byte *begin_ = nullptr, *ids_ = nullptr, *logp_ = nullptr;
};

}  // namespace posttrain::distill
