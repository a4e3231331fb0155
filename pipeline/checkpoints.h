// The checkpoints of a stage on its way: the newest, and the one before for when that is damaged.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "model/learner.h"
#include "pipeline/session.h"

namespace posttrain::pipeline {

// What the store was told until now lasts over a loss of power; a step's own commit lasts over a kill only. Throws
// Failure.
void sync_store(const RunFolder& folder);

// The newest becomes the one before, and this one the newest. Throws Failure and leaves both as they were.
void save_checkpoint(const RunFolder& folder, const std::string& stage, const model::Learner& learner,
                     const std::string& cursor);

// Lets the newest whole checkpoint of the stage be its newest, and returns the step after which it was taken; 0 when
// none was. `say` hears of one that was damaged. Throws Error, with the way out, when all that were taken are.
int64_t settle_checkpoint(const RunFolder& folder, const std::string& stage,
                          const std::function<void(const std::string&)>& say);

}  // namespace posttrain::pipeline
