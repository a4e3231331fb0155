#include "pipeline/recipe/memory_check.h"

#include <optional>

#include "base/error.h"
#include "base/memory.h"
#include "pipeline/session.h"

namespace posttrain::pipeline {
namespace {

std::optional<MemoryNeed> need_of(const Recipe& recipe, const StageSpec& spec) {
  const StageType& type = stage_type(spec.type());
  if (type.memory == nullptr) return std::nullopt;
  const ModelSpec& origin = recipe.origin(spec);
  return type.memory(spec.settings, {.arch = arch_of(origin, 64), .stored = stored_type(origin)});
}

}  // namespace

const char* memory_knob(const model::MemoryPlan& plan, const model::TrainingSettings& training) {
  if (plan.optimizer > plan.activations && training.optimizer_state != model::OptimizerState::e8)
    return "training.optimizer_state";
  constexpr int64_t saved = 4;  // recompute leaves no less than this part of the activations
  const bool helps = !training.recompute && plan.activations < saved * installed_memory_bytes();
  return helps ? "training.recompute" : "micro_batch_tokens";
}

std::string memory_text(const Recipe& recipe, const StageSpec& stage) {
  const auto need = need_of(recipe, stage);
  return need ? need->plan.text() : "";
}

void check_memory(const Recipe& recipe, Progress& progress) {
  const int64_t installed = installed_memory_bytes(), free = available_memory_bytes();
  for (const StageSpec& spec : recipe.stages) {
    const auto need = need_of(recipe, spec);
    if (!need) continue;
    progress.note("memory of " + spec.name + ": " + need->plan.text());
    const int64_t total = need->plan.total();
    if (total > installed) {
      throw Error("stages." + spec.name, need->knob,
                  "a stage within this machine's " + std::to_string(installed / 1000000) + " MB", need->plan.text());
    }
    if (total > free) {
      progress.note("warning: " + spec.name + " needs more than the " + std::to_string(free / 1000000) +
                    " MB that are free just now");
    }
  }
}

}  // namespace posttrain::pipeline
