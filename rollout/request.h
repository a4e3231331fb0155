// What is asked of the rollout engine and what it gives back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/params.h"
#include "nn/backend.h"

namespace posttrain::rollout {

struct SamplingSettings {
  double temperature = 1, top_p = 1, min_p = 0;
  int64_t top_k = 0, max_new_tokens = 256;
  std::vector<std::string> stop;  // stop strings beside the end-of-sequence token

  void visit(Visitor& v);
  nn::SamplingFilter filter() const;
};

// `samples` completions of one prompt. Uniform number t of sample k is a function of (key, k, t) alone, so neither the
// batch nor a preemption changes what is drawn.
struct Request {
  std::vector<int32_t> prompt;
  int32_t samples = 1;
  int32_t first_sample = 0;  // samples are numbered from here
  uint64_t key[4] = {};      // seed, stage, step, prompt
};

enum class Finish : uint8_t { stop_token, stop_string, length };
const char* to_string(Finish finish);

// One finished answer. ids hold the stop token, if one was drawn; logp and entropy have one entry per id.
struct Completion {
  size_t request = 0;
  int32_t sample = 0;
  std::vector<int32_t> ids;
  std::vector<float> logp, entropy;
  std::vector<int32_t> kept_begin, kept_ids;  // the keep-sampling-mask, empty when nothing was filtered
  Finish finish = Finish::length;
  int64_t policy_version = 0;

  bool truncated() const { return finish == Finish::length; }
};

}  // namespace posttrain::rollout
