// From a recipe to a finished run folder, stage after stage; and from an interrupted folder on.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>

#include "pipeline/recipe/recipe.h"
#include "pipeline/show/progress.h"

namespace posttrain::pipeline {

enum class RunEnd : uint8_t { done, stopped };

// Runs the recipe into `out`, which must be new or empty. `stop` may be set from a signal handler: the step in hand is
// finished and saved, and the run ends as `stopped`. Throws Error for bad input before anything is computed, Failure
// when the machine or a computation fails; what was finished by then is kept, and resume_run goes on from there.
RunEnd start_run(const Recipe& recipe, const std::filesystem::path& out, Progress& progress,
                 const std::atomic<bool>& stop);

// Goes on with the run in `out`, by the recipe that it keeps. A finished run is done at once.
RunEnd resume_run(const std::filesystem::path& out, Progress& progress, const std::atomic<bool>& stop);

// Runs the stage named `from` and all after it again, on what the stages before left in `out`. `changed` (or null: the
// run's own recipe) may say other things of these stages, never of the earlier ones or of what they stand on.
RunEnd rerun_from(const std::string& from, const Recipe* changed, const std::filesystem::path& out, Progress& progress,
                  const std::atomic<bool>& stop);

// The recipe of the run in `out`.
Recipe recipe_of_run(const std::filesystem::path& out);

}  // namespace posttrain::pipeline
