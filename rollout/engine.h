// Continuous batching: groups are admitted as there is room, finished sequences leave the batch at once.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/transformer.h"
#include "rollout/request.h"

namespace posttrain::rollout {

struct EngineSettings {
  int64_t max_sequences = 256;
  int64_t prefill_tokens = 2048;
  int64_t cache_blocks = 0;

  void visit(Visitor& v);
};

// The most that the cache takes when cache_blocks is 0: a constant, so that what is preempted is the same on every
// machine.
constexpr int64_t default_cache_bytes = int64_t{4} << 30;

struct EngineStats {
  int64_t prompt_tokens = 0, sampled_tokens = 0, steps = 0, preemptions = 0;
  double seconds = 0;
};

// The text of a completion's ids, for stop strings.
using Decode = std::function<std::string(std::span<const int32_t>)>;
// Called after each step with tokens sampled, answers finished and answers asked for; false stops early.
using Progress = std::function<bool(int64_t tokens, int64_t finished, int64_t total)>;

// Drives one transformer, which must outlive it. Not thread-safe; callbacks run on the caller's thread between two
// steps.
class Engine {
 public:
  // stop_tokens end an answer; decode may be empty when no stop strings are used.
  Engine(model::Transformer& transformer, const EngineSettings& settings, std::vector<int32_t> stop_tokens,
         Decode decode = {});
  ~Engine();

  // Generates every sample of every request and hands each over as it finishes. When progress stops it early,
  // unfinished answers are dropped. Throws Error when a request can't fit the cache or the model's positions.
  EngineStats generate(std::span<const Request> requests, const SamplingSettings& sampling,
                       const std::function<void(Completion&&)>& done, const Progress& progress = {});

  // Most tokens of a prompt and its completion together.
  int64_t max_positions() const;
  // Stamped on completions; the trainer raises it with each update.
  void set_policy_version(int64_t version);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace posttrain::rollout
