#include "pipeline/recipe/memory_check.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/memory.h"
#include "pipeline/session.h"

namespace posttrain::pipeline {
namespace {

const char* knob_of(const model::MemoryPlan& plan, const model::TrainingSizes& sizes) {
  static const std::map<std::string, const char*> knobs = {{"gradients", "training.lora"},
                                                           {"optimizer", "training.optimizer_state"},
                                                           {"reference", "objective.beta"},
                                                           {"key/value cache", "engine.cache_blocks"}};
  const std::string largest = plan.largest().first;
  if (largest == "activations") {
    constexpr int64_t saved = 4;  // recompute leaves no less than this part of the activations
    const bool helps = !sizes.optimizer.recompute && plan.activations < saved * installed_memory_bytes();
    return helps ? "training.recompute" : "micro_batch_tokens";
  }
  const auto found = knobs.find(largest);
  return found == knobs.end() ? "model" : found->second;
}

}  // namespace

DecodeSizes decode_sizes(const StageModel& model, const rollout::EngineSettings& engine, int64_t prompts,
                         int64_t sequences, int64_t max_new_tokens) {
  const int64_t prompt = model.planner.longest_prompt();
  const int64_t block = nn::KvPool::block, together = std::min(engine.max_sequences, sequences);
  const int64_t one = (prompt + max_new_tokens + block - 1) / block + 1;
  const int64_t most = std::max(one, rollout::default_cache_bytes / model::cache_bytes_per_block(model.arch));
  const int64_t wanted = together * one + std::min(prompts, engine.max_sequences) * ((prompt + block - 1) / block);
  return {.blocks = engine.cache_blocks > 0 ? engine.cache_blocks : std::min(wanted, most),
          .rows = std::min(engine.prefill_tokens, prompts * prompt) + together};
}

DecodeSizes in_loop_sizes(const StageModel& model, const rollout::EngineSettings& engine, const InLoopEval& eval) {
  if (eval.every_steps == 0) return {};
  return decode_sizes(model, engine, eval.eval.problems, eval.eval.problems * eval.eval.samples,
                      eval.eval.sampling.max_new_tokens);
}

int64_t data_bytes(double documents, double tokens) {
  return static_cast<int64_t>(8 * tokens + 160 * documents);
}

std::optional<MemoryVerdict> memory_verdict(const Recipe& recipe, const StageSpec& spec, const Planner& planner) {
  const StageType& type = stage_type(spec.type());
  if (type.memory == nullptr) return std::nullopt;
  const ModelSpec& origin = recipe.origin(spec);
  const model::Arch arch = arch_of(origin, planner.vocabulary());
  const auto need = type.memory(spec.settings, {.arch = arch, .stored = stored_type(origin), .planner = planner});
  MemoryVerdict verdict{.plan = model::plan_training(arch, need.sizes), .starts = true, .advice = "", .knob = ""};
  const int64_t installed = installed_memory_bytes();
  verdict.starts = verdict.plan.total() <= installed;
  if (verdict.starts) return verdict;
  const auto [part, bytes] = verdict.plan.largest();
  const std::string fits = model::what_would_fit(arch, need.sizes, installed);
  verdict.knob = knob_of(verdict.plan, need.sizes);
  verdict.advice = std::string("largest: ") + part + " " + model::memory_amount(bytes) +
                   "; what would fit: " + (fits.empty() ? "nothing here, the model is too large" : fits);
  return verdict;
}

std::string refusal_text(const MemoryVerdict& verdict) {
  return "will not start here: needs " + model::memory_amount(verdict.plan.total()) + ", has " +
         model::memory_amount(installed_memory_bytes()) + "; " + verdict.advice;
}

std::string memory_text(const MemoryVerdict& verdict) {
  return verdict.starts ? verdict.plan.text() : verdict.plan.text() + "\n" + refusal_text(verdict);
}

void check_memory(const Recipe& recipe, Progress& progress) {
  const int64_t installed = installed_memory_bytes(), free = available_memory_bytes();
  const Planner planner(recipe, 256);
  for (const StageSpec& spec : recipe.stages) {
    const auto verdict = memory_verdict(recipe, spec, planner);
    if (!verdict) continue;
    progress.note("memory of " + spec.name + ": " + verdict->plan.text());
    if (!verdict->starts) {
      throw Error("stages." + spec.name, verdict->knob,
                  "a stage within this machine's " + model::memory_amount(installed),
                  verdict->plan.text() + " (" + verdict->advice + ")");
    }
    if (verdict->plan.total() > free) {
      progress.note("warning: " + spec.name + " needs more than the " + model::memory_amount(free) +
                    " that are free just now");
    }
  }
}

}  // namespace posttrain::pipeline
