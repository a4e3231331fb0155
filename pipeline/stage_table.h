// The visible table of stage types. A new type is a settings struct with visit() and a line here.
#pragma once

#include <span>

#include "base/params.h"

namespace posttrain::pipeline {

std::span<const ParamsCase> stage_cases();

}  // namespace posttrain::pipeline
