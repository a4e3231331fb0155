#include "pipeline/recipe/plan.h"

#include <map>

#include "pipeline/recipe/memory_check.h"
#include "pipeline/recipe/planner.h"
#include "pipeline/recipe/speeds.h"
#include "pipeline/session.h"
#include "tasks/task_table.h"

namespace posttrain::pipeline {
std::vector<StagePlan> plan_run(const Recipe& recipe, nn::Backend& backend) {
  const auto vocabulary = tasks::task_vocabulary(recipe.task.settings);
  Planner planner(recipe);
  std::map<const ModelSpec*, Speeds> speeds;
  std::vector<StagePlan> plan;
  for (const StageSpec& spec : recipe.stages) {
    StagePlan& stage = plan.emplace_back(StagePlan{.name = spec.name, .type = spec.type(), .from = spec.from});
    stage_type(spec.type()).plan(spec.settings, planner, stage);
    const ModelSpec& origin = recipe.origin(spec);
    const model::Arch arch = arch_of(origin, vocabulary ? std::ssize(vocabulary->tokens) : 64);
    if (!speeds.contains(&origin)) speeds[&origin] = measure_speeds(backend, arch);
    const Speeds& s = speeds[&origin];
    stage.seconds = stage.trained / s.train + stage.scored / s.score + stage.sampled / s.sample;
    stage.memory = memory_text(recipe, spec);
  }
  return plan;
}

}  // namespace posttrain::pipeline
