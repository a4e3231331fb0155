#include "pipeline/stage_table.h"

namespace posttrain::pipeline {

std::span<const ParamsCase> stage_cases() {
  return {};
}

}  // namespace posttrain::pipeline
