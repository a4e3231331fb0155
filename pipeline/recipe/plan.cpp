#include "pipeline/recipe/plan.h"

#include <map>

#include "pipeline/recipe/memory_check.h"
#include "pipeline/recipe/planner.h"
#include "pipeline/recipe/speeds.h"
#include "pipeline/session.h"

namespace posttrain::pipeline {
namespace {

// Speeds are probed for a moment on a machine that others use too.
constexpr double faster = 0.5, slower = 2;

Range time_of(const StagePlan& stage, const Speeds& speeds) {
  const double prompts = stage.prompts / speeds.score;
  Range seconds{prompts, prompts, prompts};
  seconds += stage.trained * (1 / speeds.train);
  seconds += stage.scored * (1 / speeds.score);
  seconds += stage.sampled * (1 / speeds.sample);
  return {seconds.low * faster, seconds.expected, seconds.high * slower};
}

}  // namespace

std::vector<StagePlan> plan_run(const Recipe& recipe, nn::Backend& backend) {
  Planner planner(recipe);
  std::map<const ModelSpec*, Speeds> speeds;
  std::vector<StagePlan> plan;
  for (const StageSpec& spec : recipe.stages) {
    StagePlan& stage = plan.emplace_back(StagePlan{.name = spec.name, .type = spec.type(), .from = spec.from});
    stage_type(spec.type()).plan(spec.settings, planner, stage);
    const ModelSpec& origin = recipe.origin(spec);
    const model::Arch arch = arch_of(origin, planner.vocabulary());
    if (!speeds.contains(&origin)) speeds[&origin] = measure_speeds(backend, arch);
    const Speeds& s = speeds[&origin];
    stage.seconds = time_of(stage, s);
    const auto verdict = memory_verdict(recipe, spec, planner);
    if (!verdict) continue;
    stage.memory = memory_text(*verdict);
    stage.memory_bytes = verdict->plan.total();
    stage.starts = verdict->starts;
  }
  return plan;
}

}  // namespace posttrain::pipeline
