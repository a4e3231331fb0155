#include "pipeline/stage_table.h"

#include <algorithm>
#include <array>

#include "base/error.h"

// One line a type: pipeline/stages/<type>_stage.cpp exports <type>_stage.
#define POSTTRAIN_STAGES(X) \
  X(sft)                    \
  X(grpo)                   \
  X(reject)                 \
  X(dpo)                    \
  X(distill)                \
  X(judge)                  \
  X(reward_model)           \
  X(eval)                   \
  X(export)                 \
  X(search)

namespace posttrain::pipeline {

#define POSTTRAIN_DECLARE(type) extern const StageType type##_stage;
POSTTRAIN_STAGES(POSTTRAIN_DECLARE)
#undef POSTTRAIN_DECLARE

namespace {

#define POSTTRAIN_ADDRESS(type) &type##_stage,
constexpr auto kStages = std::to_array<const StageType*>({POSTTRAIN_STAGES(POSTTRAIN_ADDRESS)});
#undef POSTTRAIN_ADDRESS

const StageType* find_type(std::string_view type) {
  const auto found = std::ranges::find_if(kStages, [&](const StageType* s) { return type == s->settings.name; });
  return found == kStages.end() ? nullptr : *found;
}

}  // namespace

std::span<const ParamsCase> stage_cases() {
  static const auto cases = [] {
    std::array<ParamsCase, kStages.size()> out{};
    std::ranges::transform(kStages, out.begin(), [](const StageType* s) { return s->settings; });
    return out;
  }();
  return cases;
}

const StageType& stage_type(std::string_view type) {
  const StageType* found = find_type(type);
  PT_ASSERT(found != nullptr, type);
  return *found;
}

bool stage_trains(std::string_view type) {
  const StageType* found = find_type(type);
  return found != nullptr && found->leaves != Leaves::no_model;
}

bool stage_continues(std::string_view type) {
  const StageType* found = find_type(type);
  return found != nullptr && found->leaves == Leaves::policy;
}

std::vector<StageReference> references(const Tagged& settings) {
  const StageType* found = find_type(settings.type());
  return found == nullptr || found->references == nullptr ? std::vector<StageReference>{} : found->references(settings);
}

std::vector<rewards::PartName> model_reward_names(const Tagged& settings) {
  const StageType* found = find_type(settings.type());
  if (found == nullptr || found->reward_names == nullptr) return {};
  return found->reward_names(settings);
}

bool hands_on(const Tagged& settings, std::string_view what) {
  if (what == "model") return stage_trains(settings.type());
  const StageType* found = find_type(settings.type());
  return found != nullptr && found->leaves_data != nullptr && found->leaves_data(settings, what);
}

}  // namespace posttrain::pipeline
