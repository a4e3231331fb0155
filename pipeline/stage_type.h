// What the pipeline knows of a type of stage. A type is one file, pipeline/stages/<type>_stage.cpp: a settings struct
// with visit(), the stages that it refers to, its plan, its need of memory and what runs it; at the end the one
// exported StageType. A line in stage_table.cpp makes it known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/params.h"
#include "rewards/part_names.h"

namespace posttrain::pipeline {

struct MemoryNeed;
struct PromptUse;
struct StageModel;
struct StagePlan;
struct StageRun;
class Inspection;
class Planner;

enum class StageEnd : uint8_t { done, stopped };

// policy: a model that answers prompts, so that the next stage starts from it by default and the run may end with it.
enum class Leaves : uint8_t { no_model, policy, other_model };

// Another stage that a stage names beside `from`, and what that one must leave: "model", "data" or "pairs".
struct StageReference {
  std::string field, stage, need;
};

// One line of the table; every function gets the stage's settings first. Those that say null may be left out.
struct StageType {
  ParamsCase settings;
  Leaves leaves;
  // Runs a whole stage: leaves a model in RunFolder::model_of(name) when it trains one. Throws Error or Failure.
  StageEnd (*run)(const Tagged&, StageRun&);
  // Adds what the stage will do, and tells the planner what later stages find of it.
  void (*plan)(const Tagged&, Planner&, StagePlan&);
  // Tells what is wrong, or looks wrong, before the first step.
  void (*inspect)(const Tagged&, Inspection&);
  // Steps as far as the settings say them; null: it has none. 0: they follow from the data.
  int64_t (*steps)(const Tagged&) = nullptr;
  // What it needs in memory while it trains; null: it does not train.
  MemoryNeed (*memory)(const Tagged&, const StageModel&) = nullptr;
  // What it asks of the recipe's task, by the rewards or not; null: nothing.
  std::vector<PromptUse> (*prompts)(const Tagged&) = nullptr;
  std::vector<StageReference> (*references)(const Tagged&) = nullptr;       // null: it names no other stage
  std::vector<rewards::PartName> (*reward_names)(const Tagged&) = nullptr;  // of its model_rewards; null: it has none
  bool (*leaves_data)(const Tagged&, std::string_view what) = nullptr;      // "data" or "pairs"; null: neither
};

namespace detail {

template <auto function>
struct OfSettings;

template <class T, class Result, class... Args, Result (T::*member)(Args...) const>
struct OfSettings<member> {
  static Result call(const Tagged& settings, Args... args) {
    return (settings.get<T>()->*member)(std::forward<Args>(args)...);
  }
};

template <class T, class Result, class... Args, Result (*function)(const T&, Args...)>
struct OfSettings<function> {
  static Result call(const Tagged& settings, Args... args) {
    return function(*settings.get<T>(), std::forward<Args>(args)...);
  }
};

}  // namespace detail

// A member of a settings struct, or a function that gets the struct first, as a function of the Tagged that holds it:
// of<&SftStage::plan>, of<&run_sft>.
template <auto function>
inline constexpr auto of = &detail::OfSettings<function>::call;

}  // namespace posttrain::pipeline
