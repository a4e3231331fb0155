// Says before a run starts what each stage will need in memory, and refuses what can't fit.
#pragma once

#include <optional>
#include <string>

#include "model/memory_plan.h"
#include "pipeline/recipe/planner.h"
#include "pipeline/recipe/recipe.h"
#include "pipeline/show/progress.h"
#include "rollout/engine.h"

namespace posttrain::pipeline {

// What a stage trains.
struct StageModel {
  model::Arch arch;
  DType stored;
  const Planner& planner;
};

struct MemoryNeed {
  model::TrainingSizes sizes;
};

// What the engine decodes with in a stage that draws `sequences` answers at once, and what it needs for an evaluation
// within it: blocks of the cache, and most rows of one step.
struct DecodeSizes {
  int64_t blocks = 0, rows = 0;
};
DecodeSizes decode_sizes(const StageModel& model, const rollout::EngineSettings& engine, int64_t prompts,
                         int64_t sequences, int64_t max_new_tokens);

DecodeSizes in_loop_sizes(const StageModel& model, const rollout::EngineSettings& engine, const InLoopEval& eval);

// Tokenised documents in memory: ids and weights of every token, and each one's own.
int64_t data_bytes(double documents, double tokens);

// One stage that trains and this machine.
struct MemoryVerdict {
  model::MemoryPlan plan;
  bool starts;         // it does not need more than this machine has
  std::string advice;  // "largest: optimizer 5.2 GB; what would fit: ..." of one that does not start
  std::string knob;    // the setting that makes the largest part smaller
};
std::optional<MemoryVerdict> memory_verdict(const Recipe& recipe, const StageSpec& stage, const Planner& planner);

// Shows one line a stage that trains. Throws Error, naming the setting that shrinks it, when one needs more than this
// machine has; one that needs more than is free just now is a warning.
void check_memory(const Recipe& recipe, Progress& progress);

// "will not start here: needs 163.9 GB, has 23.2 GB; largest: ...", of one that does not.
std::string refusal_text(const MemoryVerdict& verdict);

// "weights 0.5 GB, ...", and why it will not start here, if so.
std::string memory_text(const MemoryVerdict& verdict);

}  // namespace posttrain::pipeline
