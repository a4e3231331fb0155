// The visible table of stage types. A new type is a file pipeline/stages/<type>_stage.cpp and a line in
// stage_table.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/stage_type.h"

namespace posttrain::pipeline {

std::span<const ParamsCase> stage_cases();

// The type of that name, which must be one of the table.
const StageType& stage_type(std::string_view type);

// What stages of this type leave; no_model for a type that is not in the table.
bool stage_trains(std::string_view type);
bool stage_continues(std::string_view type);

// The other stages that a stage names.
std::vector<StageReference> references(const Tagged& settings);

// Where the names of the stage's rewards by models stand, and what they are called by default.
std::vector<rewards::PartName> model_reward_names(const Tagged& settings);

// Whether a stage hands on `what`: "model", "data" or "pairs".
bool hands_on(const Tagged& settings, std::string_view what);

}  // namespace posttrain::pipeline
