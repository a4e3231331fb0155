#include "pipeline/stage_table.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "pipeline/stage.h"

namespace posttrain::pipeline {
namespace {

struct StageEntry {
  ParamsCase settings;
  StageFunction run;
  bool trains;
};

constexpr auto table = std::to_array<StageEntry>({
    {{"sft", "Pre-train or fine-tune on documents", &make_params<SftStage>}, &run_sft_stage, true},
    {{"grpo", "Reinforcement learning with group-relative advantages", &make_params<GrpoStage>}, &run_grpo_stage, true},
    {{"reject", "Rejection sampling: keep a model's right answers as training data", &make_params<RejectStage>},
     &run_reject_stage,
     false},
    {{"eval", "Measure a model on unseen problems", &make_params<EvalStage>}, &run_eval_stage, false},
    {{"search", "Prove by tree search (RMaxTS) and by plain sampling, with as many attempts",
      &make_params<SearchStage>},
     &run_search_stage,
     false},
});

constexpr auto cases = [] {
  std::array<ParamsCase, table.size()> out{};
  std::ranges::transform(table, out.begin(), &StageEntry::settings);
  return out;
}();

const StageEntry* find(std::string_view type) {
  const auto found = std::ranges::find_if(table, [&](const StageEntry& e) { return type == e.settings.name; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace

std::span<const ParamsCase> stage_cases() {
  return cases;
}

StageFunction stage_function(std::string_view type) {
  const StageEntry* entry = find(type);
  PT_ASSERT(entry != nullptr, type);
  return entry->run;
}

bool stage_trains(std::string_view type) {
  const StageEntry* entry = find(type);
  return entry != nullptr && entry->trains;
}

}  // namespace posttrain::pipeline
