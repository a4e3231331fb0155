#include "pipeline/recipe/memory_check.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/memory.h"
#include "model/memory_plan.h"
#include "pipeline/session.h"
#include "pipeline/stage_settings.h"

namespace posttrain::pipeline {
namespace {

struct Need {
  model::MemoryPlan plan;
  const char* knob;  // what makes the largest part smaller
};

// What makes the larger of activations and optimizer smaller and is not in use yet.
const char* knob(const model::MemoryPlan& plan, const model::TrainingSettings& training) {
  if (plan.optimizer > plan.activations && training.optimizer_state != "8bit") return "training.optimizer_state";
  constexpr int64_t saved = 4;  // recompute leaves no less than this part of the activations
  const bool helps = !training.recompute && plan.activations < saved * available_memory_bytes();
  return helps ? "training.recompute" : "micro_batch_tokens";
}

Need need_of(const model::Arch& arch, DType stored, const SftStage& stage) {
  const auto& s = stage.sft;
  const int64_t rows = std::min(s.rows_per_step * s.row_tokens, std::max(s.micro_batch_tokens, s.row_tokens));
  const auto plan = model::plan_training(arch, {.rows = rows, .stored = stored, .optimizer = s.training.optimizer()});
  return {plan, knob(plan, s.training)};
}

Need need_of(const model::Arch& arch, DType stored, const GrpoStage& stage) {
  const auto& s = stage.grpo;
  // Left to itself the trainer takes what fits; one answer is the least it can take.
  const int64_t rows = s.micro_batch_tokens > 0 ? s.micro_batch_tokens : s.sampling.max_new_tokens;
  const int64_t per_sequence = s.sampling.max_new_tokens / nn::KvPool::block + 2;
  const int64_t sequences = std::min(s.engine.max_sequences, s.prompts_per_step * s.samples_per_prompt);
  const int64_t third = available_memory_bytes() / 3 / model::cache_bytes_per_block(arch);
  const int64_t blocks = s.engine.cache_blocks > 0 ? s.engine.cache_blocks
                                                   : std::clamp<int64_t>(sequences * per_sequence, per_sequence,
                                                                         std::max(third, per_sequence));
  const auto plan = model::plan_training(arch, {.rows = rows,
                                                .cache_blocks = blocks,
                                                .reference = s.objective.beta != 0,
                                                .stored = stored,
                                                .optimizer = s.training.optimizer()});
  return {plan, plan.cache > plan.activations ? "engine.cache_blocks" : knob(plan, s.training)};
}

Need need_of(const model::Arch& arch, DType stored, const DpoStage& stage) {
  const auto& s = stage.dpo;
  const auto plan = model::plan_training(arch, {.rows = s.micro_batch_tokens,
                                                .reference = s.loss.needs_reference(),
                                                .stored = stored,
                                                .optimizer = s.training.optimizer()});
  return {plan, knob(plan, s.training)};
}

Need need_of(const model::Arch& arch, DType stored, const RewardModelStage& stage) {
  const auto& s = stage.reward_model;
  const auto plan =
      model::plan_training(arch, {.rows = s.micro_batch_tokens, .stored = stored, .optimizer = s.training.optimizer()});
  return {plan, knob(plan, s.training)};
}

// The teacher is another model; its share is told as if it were of the student's size.
Need need_of(const model::Arch& arch, DType stored, const DistillStage& stage) {
  const auto& d = stage.distill;
  const int64_t per_sequence = d.sampling.max_new_tokens / nn::KvPool::block + 2;
  const int64_t blocks =
      d.on_policy_share > 0 ? std::min(d.engine.max_sequences, d.prompts_per_step) * per_sequence : 0;
  const auto plan = model::plan_training(arch, {.rows = d.micro_batch_tokens,
                                                .cache_blocks = blocks,
                                                .reference = true,
                                                .stored = stored,
                                                .optimizer = d.training.optimizer()});
  return {plan, knob(plan, d.training)};
}

std::optional<Need> need_of(const Recipe& recipe, const StageSpec& spec) {
  const ModelSpec& origin = recipe.origin(spec);
  const model::Arch arch = arch_of(origin, 64);
  const DType stored = stored_type(origin);
  if (const auto* sft = spec.settings.get<SftStage>()) return need_of(arch, stored, *sft);
  if (const auto* grpo = spec.settings.get<GrpoStage>()) return need_of(arch, stored, *grpo);
  if (const auto* dpo = spec.settings.get<DpoStage>()) return need_of(arch, stored, *dpo);
  if (const auto* model = spec.settings.get<RewardModelStage>()) return need_of(arch, stored, *model);
  if (const auto* distill = spec.settings.get<DistillStage>()) return need_of(arch, stored, *distill);
  return std::nullopt;
}

}  // namespace

std::string memory_text(const Recipe& recipe, const StageSpec& stage) {
  const auto need = need_of(recipe, stage);
  return need ? need->plan.text() : "";
}

void check_memory(const Recipe& recipe, Progress& progress) {
  const int64_t free = available_memory_bytes();
  for (const StageSpec& spec : recipe.stages) {
    const auto need = need_of(recipe, spec);
    if (!need) continue;
    progress.note("memory of " + spec.name + ": " + need->plan.text());
    if (need->plan.total() <= free) continue;
    throw Error("stages." + spec.name, need->knob,
                "a stage within the " + std::to_string(free / 1000000) + " MB that are free", need->plan.text());
  }
}

}  // namespace posttrain::pipeline
