#include "pipeline/stage_table.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "pipeline/stage.h"

namespace posttrain::pipeline {
namespace {

enum class Leaves : uint8_t { no_model, policy, other_model };
using enum Leaves;

struct StageEntry {
  ParamsCase settings;
  StageFunction run;
  Leaves leaves;
};

constexpr auto kStages = std::to_array<StageEntry>({
    {{"sft", "Pre-train or fine-tune on documents", &make_params<SftStage>}, &run_sft_stage, policy},
    {{"grpo", "Reinforcement learning with group-relative advantages", &make_params<GrpoStage>},
     &run_grpo_stage,
     policy},
    {{"reject", "Rejection sampling: keep a model's right answers as training data", &make_params<RejectStage>},
     &run_reject_stage,
     no_model},
    {{"dpo", "Learn from pairs of answers, better and worse", &make_params<DpoStage>}, &run_dpo_stage, policy},
    {{"distill", "Learn a teacher's distribution, on given or on own answers", &make_params<DistillStage>},
     &run_distill_stage,
     policy},
    {{"judge", "Order pairs of answers by a model's votes", &make_params<JudgeStage>}, &run_judge_stage, no_model},
    {{"reward_model", "Learn a score for answers from pairs", &make_params<RewardModelStage>},
     &run_reward_model_stage,
     other_model},
    {{"eval", "Measure a model on unseen problems", &make_params<EvalStage>}, &run_eval_stage, no_model},
    {{"export", "Write a model for other programs", &make_params<ExportStage>}, &run_export_stage, no_model},
    {{"search", "Prove by tree search (RMaxTS) and by plain sampling, with as many attempts",
      &make_params<SearchStage>},
     &run_search_stage,
     no_model},
});

constexpr auto kStageCases = [] {
  std::array<ParamsCase, kStages.size()> out{};
  std::ranges::transform(kStages, out.begin(), &StageEntry::settings);
  return out;
}();

const StageEntry* find(std::string_view type) {
  const auto found = std::ranges::find_if(kStages, [&](const StageEntry& e) { return type == e.settings.name; });
  return found == kStages.end() ? nullptr : &*found;
}

}  // namespace

std::span<const ParamsCase> stage_cases() {
  return kStageCases;
}

StageFunction stage_function(std::string_view type) {
  const StageEntry* entry = find(type);
  PT_ASSERT(entry != nullptr, type);
  return entry->run;
}

bool stage_trains(std::string_view type) {
  const StageEntry* entry = find(type);
  return entry != nullptr && entry->leaves != no_model;
}

bool stage_continues(std::string_view type) {
  const StageEntry* entry = find(type);
  return entry != nullptr && entry->leaves == policy;
}

}  // namespace posttrain::pipeline
