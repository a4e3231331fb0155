// The visible table of stage types. A new type is a settings struct with visit(), a function and a line in
// stage_table.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/params.h"

namespace posttrain::pipeline {

struct StageRun;
enum class StageEnd : uint8_t;

std::span<const ParamsCase> stage_cases();

// What runs a stage of this type, and whether it leaves a model that later stages can start from.
StageEnd (*stage_function(std::string_view type))(StageRun& run);
bool stage_trains(std::string_view type);
// Whether that model answers prompts, so that the next stage starts from it by default and the run may end with it.
bool stage_continues(std::string_view type);

}  // namespace posttrain::pipeline
